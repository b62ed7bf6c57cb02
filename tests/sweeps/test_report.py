"""The verb `report`: which page it draws, and the page of a sweep."""

import re

import pytest
from made_pages import make_run, make_sweep

from hmexp.cli import main
from hmexp.jobs.table import JobTable


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder with a run and a sweep, which is the current one."""
    make_run(tmp_path / "mlruns" / "jobs" / "first")
    make_sweep(tmp_path / "mlruns" / "sweeps" / "grid")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HMEXP_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.parametrize("run", ["latest", "first", "aaaaaa", "mlruns/jobs/first"])
def test_a_run_is_named_in_every_way(run, root, capfd):
    assert main(["report", f"run={run}"]) == 0
    page = root / "mlruns" / "jobs" / "first" / "report.html"
    assert str(page) in capfd.readouterr().out
    assert "data:image/webp" in page.read_text()
    assert not list(root.glob("mlruns/mlflow.db"))


def test_pictures_that_have_moved_are_found_where_they_are(root, capfd):
    (root / "mlruns" / "jobs" / "catalogue").rename(root / "elsewhere")
    page = root / "mlruns" / "jobs" / "first" / "report.html"
    assert main(["report", "run=latest"]) == 0
    assert "pictures=FOLDER" in capfd.readouterr().out
    assert "<img" not in page.read_text()
    assert main(["report", "run=latest", f"pictures={root / 'elsewhere'}"]) == 0
    assert "<img" in page.read_text()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "run: expected run=RUN or sweep=SWEEP, received neither"),
        (["run=latest", "sweep=grid"], "run: expected run=RUN or sweep=SWEEP, received both"),
        (["run=nowhere"], "received nowhere"),
        (["sweep=nowhere"], "sweep: expected the name of a sweep"),
        (["run=latest", "pictures=/nowhere"], "pictures: expected a folder or an archive of pictures that is there"),
        (["run=mlruns/sweeps/grid/0"], "mlruns/sweeps/grid/0"),
    ],
)
def test_what_has_no_page_is_one_line(words, says, root, capfd):
    assert main(["report", *words]) == 2
    error = capfd.readouterr().err
    assert error.count("\n") == 1 and says in error
    assert not list(root.rglob("mlruns/jobs/first/report.html"))


def test_a_run_that_did_not_finish_is_named(root, capfd):
    (root / "mlruns" / "jobs" / "first" / "predictions.parquet").unlink()
    assert main(["report", "run=first"]) == 2
    assert "expected a run that finished, or the folder of an evaluation, received first" in capfd.readouterr().err


def test_the_page_of_a_sweep_links_its_jobs_and_is_careful(root):
    assert main(["report", "sweep=latest"]) == 0
    folder = root / "mlruns" / "sweeps" / "grid"
    page = (folder / "report.html").read_text()
    assert "The best of 6 points: learning_rate=0.01 norm=none, best/val/macro_f1 0.5400." in page
    links = re.findall(r'<a href="(\d/report.html)">', page)
    assert links == [f"{number}/report.html" for number in range(6)]
    assert all((folder / link).is_file() for link in links)
    assert "Val is small: on val, macro F1 is known to ±0.050; 4 of the other 4 points are within that" in page
    assert "repeat the best ones with seeds=3" in page
    assert page.count('class="line quiet"') == 3 and "3 other jobs" in page, (
        "curves over each other, the best in colour"
    )
    assert "(logarithmic scale)" in page
    assert "job 5 failed (learning_rate=0.001 norm=batch): &lt;i&gt;no luck&lt;/i&gt;" in page


def test_a_sweep_in_which_nothing_finished_has_a_page(root):
    folder = root / "mlruns" / "sweeps" / "grid"
    table = JobTable(folder)
    jobs = table.jobs()
    for job in jobs:
        job.status, job.objective, job.metrics = "failed", None, {}
    table.write(jobs)
    assert main(["report", f"sweep={folder}"]) == 0
    assert "No job finished, so there is no best point." in (folder / "report.html").read_text()
