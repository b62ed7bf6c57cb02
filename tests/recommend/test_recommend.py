"""The command `recommend` on the sample: tables, files, one customer, a kill, a missing library, wrong input."""

import json
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from hmexp.catalogue.sample.purchases import CUSTOMERS_FILE, TRANSACTIONS_FILE, generate_purchases
from hmexp.cli import main
from hmexp.recommend.recommendations import Recommendations
from hmexp.recommend.validation import METHODS

SMALL = ("windows.train=2", "ranker.trees=20", "candidates.popular=20", "ranker.customers=1000")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A catalogue in H&M's layout without pictures: the sample's articles and its purchases, with neighbours."""
    from hmexp.catalogue.sample import sample_articles

    root = tmp_path_factory.mktemp("shop")
    generate_purchases(root / "made")
    for name in (CUSTOMERS_FILE, TRANSACTIONS_FILE):
        (root / "made" / name).rename(root / name)
    articles = sample_articles()
    articles.to_csv(root / "articles.csv", index=False)
    ids = articles["article_id"]
    near = pd.DataFrame(
        {"article_id": ids, "neighbours": [list(ids.iloc[max(0, i - 3) : i + 4]) for i in range(len(ids))]}
    )
    near.to_parquet(root / "neighbours.parquet")
    return root


@pytest.fixture(scope="module")
def words(shop):
    return ["recommend", "data=hm", f"data.root={shop}", f"neighbours={shop / 'neighbours.parquet'}", *SMALL]


@pytest.fixture(scope="module")
def done(words, shop, tmp_path_factory):
    out = shop / "out"
    assert main([*words, f"out={out}"]) == 0
    return out


@pytest.mark.slow
def test_every_customer_gets_twelve_articles(done, shop):
    customers = pd.read_csv(shop / CUSTOMERS_FILE)["customer_id"]
    submission = pd.read_csv(done / "submission.csv", dtype=str)
    assert sorted(submission["customer_id"]) == sorted(customers)
    ids = submission["prediction"].str.split(" ")
    assert (ids.map(len) == 12).all()
    assert (ids.map(set).map(len) == 12).all()
    table = Recommendations(done)
    assert len(table) == len(customers)
    for customer, expected in zip(submission["customer_id"][:20], ids[:20], strict=True):
        found = table.of(customer)
        assert [each.article_id for each in found] == expected
        scores = [each.score for each in found]
        assert scores == sorted(scores, reverse=True)
    assert not list(done.glob("*.parts")), "stages are gone when all is done"


@pytest.mark.slow
def test_the_ranker_is_measured_beside_baselines(done):
    methods = pd.read_csv(done / "methods.csv").set_index("method")
    assert list(methods.index) == list(METHODS)
    assert methods.loc["ranker", "low"] > methods.loc["repurchase", "high"]
    assert methods.loc["repurchase", "map_at_12"] > methods.loc["popular last week", "map_at_12"]
    figures = json.loads((done / "evaluation.json").read_text())
    assert figures["synthetic"] is False, "a catalogue of the user's is not called generated"
    assert figures["customers"] > 1_000
    page = (done / "report.html").read_text()
    assert "ranker without pictures" in page
    assert "http" not in page.split("<body", 1)[1].replace("http-equiv", ""), "nothing from elsewhere"


@pytest.mark.slow
def test_one_customer_is_shown_with_reasons(done, words, capfd):
    customer = Recommendations(done).some(1)[0]
    before = sorted((path.name, path.stat().st_mtime_ns) for path in done.iterdir())
    assert main([*words, f"out={done}", f"customer={customer}"]) == 0
    said = capfd.readouterr().out
    assert all(each.article_id in said for each in Recommendations(done).of(customer))
    assert "popular now" in said
    assert sorted((path.name, path.stat().st_mtime_ns) for path in done.iterdir()) == before
    assert main([*words, f"out={done}", "customer=nobody"]) == 2
    assert f"such as {customer}, received nobody" in capfd.readouterr().err


@pytest.mark.slow
def test_killed_anywhere_it_goes_on_to_the_same_bytes(done, words, tmp_path):
    out = tmp_path / "out"
    stages = out / "recommendations.parquet.parts"
    command = [sys.executable, "-m", "hmexp", *words, f"out={out}"]
    for reached in ("examples-*", "validation-*"):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path)
        deadline = time.monotonic() + 120
        while not list(stages.glob(reached)) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert stages.is_dir()
        assert not (out / "submission.csv").exists()
    kept = {path.name: path.stat().st_mtime_ns for path in stages.glob("[!.]*") if path.name.startswith("examples-")}
    assert kept
    assert main([*words, f"out={out}"]) == 0
    for name in ("recommendations.parquet", "submission.csv", "methods.csv"):
        assert (out / name).read_bytes() == (done / name).read_bytes(), name


@pytest.mark.slow
def test_the_sample_needs_no_preparation_and_is_called_synthetic(hmexp, tmp_path):
    said = hmexp("recommend", *SMALL, "submit=false").stdout
    assert "synthetic: generated purchases" in " ".join(said.split())
    assert "standardised grey pixels (no champion)" in said
    out = tmp_path / "recommendations"
    assert json.loads((out / "evaluation.json").read_text())["synthetic"] is True
    assert "synthetic" in (out / "report.html").read_text()
    assert not (out / "submission.csv").exists()
    assert not (out / "recommendations.parquet.parts").exists()


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["transactions=nowhere.csv"], "transactions: expected a file that ends in .csv or .parquet, received "),
        (["customers=nowhere.csv"], "customers: expected a file that ends in .csv or .parquet, received "),
        (["neighbours=nowhere.csv"], "neighbours: expected a file that ends in .csv or .parquet, received "),
        (["run=latest"], "neighbours: expected run=... or neighbours=..., received both"),
        (["customer=x", "out=nowhere"], "customer: expected a table in "),
        (["windows.days=0"], "windows.days: expected a whole number from 1 to 365, received 0"),
        (["candidates.popular=3"], "candidates.popular: expected a whole number from 12 to 1000, received 3"),
        (["windows.train=20", "out=out"], "windows: expected at least 148 days of purchases"),
        (["validate=false", "submit=false"], "submit: expected validate=true or submit=true, received neither"),
    ],
)
def test_wrong_input_is_one_line(words, more, expected, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert main([*words, *more]) == 2
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"hmexp: error: {expected}")
    assert list(tmp_path.iterdir()) == [], "nothing is written"


def test_a_kind_of_catalogue_without_customers_is_refused(tmp_path, capfd):
    assert main(["recommend", "data=folder", f"data.root={tmp_path}"]) == 2
    assert "data: expected sample or hm, which have customers, received folder" in capfd.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("absent", ["polars", "lightgbm"])
def test_a_missing_library_is_named_with_what_installs_it(absent, tmp_path):
    script = (
        "import importlib.util, sys; find = importlib.util.find_spec; "
        f"importlib.util.find_spec = lambda name, *more: None if name == {absent!r} else find(name, *more); "
        "from hmexp.cli import main; sys.exit(main(['recommend']))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 2
    assert run.stderr == (
        f"hmexp: error: recommend: expected an installed {absent}, received none (pip install 'hmexp[recommend]')\n"
    )
    assert list(tmp_path.iterdir()) == []
