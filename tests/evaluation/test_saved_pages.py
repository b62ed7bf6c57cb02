"""Pages are drawn from what was saved: of a run, of an evaluation, of two models."""

import json
import re
import shutil
import subprocess
import sys

import pandas as pd
import pytest
from made_pages import make_pictures, make_run

from hmexp.catalogue.sample import SAMPLE_VERSION
from hmexp.config.errors import UserError
from hmexp.evaluation.evaluation_page import save_evaluation_page
from hmexp.evaluation.page import save_page
from hmexp.evaluation.saved import SavedFolder, read_predictions, saved_pictures


def page_of(folder, pictures=True):
    images = pd.read_parquet(folder / "predictions.parquet")["image"].tolist()
    return save_page(folder, saved_pictures(folder, folder, images) if pictures else None).read_text()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("root") / "run")


@pytest.fixture(scope="module")
def page(run):
    return page_of(run)


def text_of(page):
    """The page's words, without its data, look and doing."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", bare))


def test_the_answer_comes_first(page):
    answer = text_of(page.split('<details class="section"')[0])
    assert "Macro F1 on test" in answer and "0.500 to 0.700, 95 % interval" in answer
    assert "always c0: 0.167" in answer and "the same on val" in answer
    assert re.search(r"Of 60 pictures of test the model has [\d.]+% right \(95 % interval 60.0% to 80.0%\)", answer)
    for words in ("on train and", "Taken most often: c", "Weakest by colour: red", "Val is small: macro F1 on its 60"):
        assert words in answer


def test_sections_are_reached_from_the_contents(page):
    links = re.findall(r'<a href="#(\w+)">', page.split("</nav>")[0])
    ids = re.findall(r'(?:section|details)[^>]* id="(\w+)"', page)
    assert [link for link in links if link != "content"] == ["answer", *(name for name in ids if name != "answer")]
    assert {"mistakes", "classes", "training_and_figures", "confidence", "parts_of_the_catalogue", "data"} <= set(links)


def test_mistakes_have_ids_paths_and_pictures_of_the_original_files(page, run):
    table = pd.read_parquet(run / "predictions.parquet").query("split == 'test' and target != predicted")
    data = json.loads(re.search(r'class="mistakes">(.*?)</script>', page, re.DOTALL)[1])
    assert len(data["rows"]) == len(table) > 5
    assert "slice/colour" in data["columns"]
    cards = re.findall(r'<li data-row="\d+">(.*?)</li>', page, re.DOTALL)
    assert len(cards) == len(table)
    for card in cards:
        unreadable = "images/03.png" in card
        assert ("no picture" in card) == unreadable
        assert unreadable or 'src="data:image/webp;base64,' in card
        assert re.search(r"<span class=\"first\">0\d{9}<", card)


def test_what_the_command_chose_and_how_to_have_it_again(page):
    words = text_of(page)
    assert "python -m hmexp seed=0" in words
    assert f"python -m hmexp report run={'a' * 32}" in words
    assert "name &lt;b&gt;" in words
    assert "Few of c0." in words


def test_nothing_in_the_folder_but_the_page_changes(run, page):
    before = {path.name: path.stat().st_mtime_ns for path in run.iterdir()}
    assert page_of(run) == page
    after = {path.name: path.stat().st_mtime_ns for path in run.iterdir()}
    assert {name for name in after if after[name] != before.get(name)} == {"report.html"}


def test_a_run_of_before_has_its_page_from_fewer_files(run, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(run, old)
    for name in ("slice_values.parquet", "intervals_test.csv", "intervals_val.csv", "slices_colour_test.csv"):
        (old / name).unlink()
    shutil.rmtree(old / ".hydra")
    page = page_of(old, pictures=False)
    assert "95 % interval</span>" not in page
    assert "no picture" in page and "pictures=FOLDER" in page
    assert "seed: 0" in page


@pytest.mark.parametrize(
    "name", ["predictions.parquet", "slice_values.parquet", "history.csv", "metrics.json", "strategy.json", "run.json"]
)
def test_a_damaged_file_is_one_line(run, name, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(run, broken)
    (broken / name).write_bytes(b"\xff\xfe{,\x00")
    with pytest.raises(UserError, match=re.escape(name)):
        save_page(broken, None)


def test_pictures_of_the_sample_are_in_the_cache(tmp_path):
    (tmp_path / "config.yaml").write_text("data: {root: ''}\n")
    make_pictures(tmp_path / "sample" / SAMPLE_VERSION)
    source = saved_pictures(tmp_path, tmp_path, ["images/00.png"])
    assert source.open("images/00.png").read(4) == b"\x89PNG"


def test_without_predictions_there_is_no_page(tmp_path):
    with pytest.raises(UserError, match="expected the predictions of a run that finished, received none"):
        read_predictions(tmp_path / "predictions.parquet")


def test_the_figures_are_those_of_the_predictions(run):
    split = SavedFolder(run, run).splits["test"]
    rows = split.predictions
    assert split.evaluation.metrics["accuracy"] == (rows["target"] == rows["predicted"]).mean()
    assert split.evaluation.probabilities.sum(axis=1) == pytest.approx(1.0)


def test_two_models_side_by_side(run, tmp_path):
    job = tmp_path / "job"
    shutil.copytree(run, job)
    folder = job / "evaluations" / "now_test"
    folder.mkdir(parents=True)
    table = pd.read_parquet(run / "predictions.parquet").query("split == 'test'")
    table.to_parquet(folder / "predictions.parquet")
    table.assign(predicted=table["target"]).to_parquet(folder / "predictions_against.parquet")
    rows = [("accuracy", 0.7, 1.0, -0.3, -0.4, -0.2), ("loss", 0.9, 0.1, 0.8, 0.7, 0.9)]
    columns = ["metric", "a", "b", "difference", "low", "high"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "comparison.csv", index=False)
    facts = {
        "command": "python -m hmexp evaluate",
        "runs": ["one", "two"],
        "warnings": [],
        "verdict": "two wins.",
    }
    (folder / "evaluation.json").write_text(json.dumps(facts))
    words = text_of(save_evaluation_page(folder, None).read_text())
    wrong = int((table["target"] != table["predicted"]).sum())
    assert "one against two on test" in words
    assert "two wins." in words
    assert "-30.0 (-40.0 to -20.0)" in words and "-0.800 (-0.900 to -0.700)" in words
    assert "Only one has these right: 0" in words and f"Only two has these right: {wrong}" in words
    (folder / "evaluation.json").unlink()
    (folder / "predictions_against.parquet").unlink()
    assert "-30.0" in save_evaluation_page(folder, None).read_text(), "an evaluation of before"
    with pytest.raises(UserError, match="expected the folder of an evaluation"):
        save_evaluation_page(run, None)


def test_a_page_of_20_classes_and_10_000_pictures_is_below_5_mb(tmp_path):
    """Half of the pictures are mistakes, and the pictures are noise, which is the largest to hold."""
    folder = make_run(tmp_path / "run", num=10_000, num_classes=20, wrong=0.5, noise=True)
    page = page_of(folder)
    assert 1_000_000 < len(page.encode()) < 5_000_000
    assert page.count("<img") > 100


@pytest.mark.slow
def test_a_page_needs_no_tensorflow():
    code = "import sys, hmexp.sweeps.report; print([m for m in ('tensorflow', 'keras', 'mlflow') if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
