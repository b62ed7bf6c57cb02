"""Which runs go, and which never do."""

import multiprocessing
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from cut_off import cut_off_before
from filelock import FileLock
from made_folders import EVERYTHING, cleaned, made_run, made_sweep, paths_in, tree, with_checkpoint

from hmexp.cleaning import removal
from hmexp.config.errors import RunError, UserError
from hmexp.jobs.folder import JobFolder, read_record
from hmexp.runner.resume import Origin


@pytest.fixture
def jobs(tmp_path) -> Path:
    return tmp_path / "mlruns" / "jobs"


def names(items) -> set[str]:
    return {item.name for item in items}


def test_failed_and_pruned_runs_go_and_others_stay(jobs, tmp_path):
    for name in ("failed", "bad"):
        made_run(jobs / name)
    made_run(jobs / "pruned", "FINISHED", pruned="median")
    made_run(jobs / "fresh", days=6.9)
    made_run(jobs / "of tomorrow", days=-1)
    made_run(jobs / "killed", "KILLED")
    made_run(jobs / "died", "RUNNING")
    with_checkpoint(made_run(jobs / "finished", "FINISHED"))
    before = tree(tmp_path)
    listed = cleaned(tmp_path, yes=False)
    assert names(listed.goes) == {"jobs/failed", "jobs/bad", "jobs/pruned"}
    assert tree(tmp_path) == before
    done = cleaned(tmp_path)
    assert names(done.removed) == names(listed.goes)
    assert done.freed == sum(item.size for item in listed.goes) > 3000
    gone = ("mlruns/jobs/failed", "mlruns/jobs/bad", "mlruns/jobs/pruned")
    assert tree(tmp_path) == {path: content for path, content in before.items() if not path.startswith(gone)}
    assert cleaned(tmp_path).removed == []


def test_killed_runs_and_checkpoints_go_when_they_are_named(jobs, tmp_path):
    made_run(jobs / "killed", "KILLED")
    made_run(jobs / "died", "RUNNING")
    run = with_checkpoint(made_run(jobs / "finished", "FINISHED"))
    stays = {item.name: item.stays for item in cleaned(tmp_path).stays}
    assert "states=[killed]" in stays["jobs/died"]
    assert "kinds=[checkpoints]" in stays["jobs/finished/checkpoints"]
    assert names(cleaned(tmp_path, states=["killed"]).removed) == {"jobs/killed", "jobs/died"}
    assert names(cleaned(tmp_path, kinds=["checkpoints"]).removed) == {"jobs/finished/checkpoints"}
    assert {path.name for path in run.iterdir()} == {"config.yaml", "log", "run.json", "run.lock"}


def test_a_run_that_changed_lately_in_any_file_is_not_old(jobs, tmp_path):
    run = with_checkpoint(made_run(jobs / "failed"))
    (run / "checkpoints" / "epoch-0001-step-000000" / "state.json").write_text("{}")
    assert cleaned(tmp_path).removed == []
    assert names(cleaned(tmp_path, older_than=0.0).removed) == {"jobs/failed"}


def test_whoever_looks_whether_a_run_lives_does_not_make_it_young(jobs, tmp_path):
    run = made_run(jobs / "failed")
    with FileLock(run / "run.lock"):
        (run / "run.lock").touch()
    assert names(cleaned(tmp_path).removed) == {"jobs/failed"}


def test_a_run_that_lives_stays(jobs, tmp_path):
    run = made_run(jobs / "died", "RUNNING")
    with FileLock(run / "run.lock"):
        done = cleaned(tmp_path, **EVERYTHING)
        assert (done.removed, done.goes) == ([], [])
    assert names(cleaned(tmp_path, **EVERYTHING).removed) == {"jobs/died"}


def found(tmp_path, **config):
    """What may go, before anything is removed, and the record that was asked."""
    from hmexp.cleaning.items import Age
    from hmexp.cleaning.record import NoRecord
    from hmexp.cleaning.verbs import find
    from hmexp.config.record import NoTracking
    from hmexp.config.verbs import CleanConfig

    cfg = CleanConfig(tracking=NoTracking(), paths=paths_in(tmp_path), **EVERYTHING | config)
    return NoRecord(), [item for item in find(cfg, NoRecord(), Age(cfg.older_than)) if not item.stays]


def test_a_run_that_is_resumed_meanwhile_stays(jobs, tmp_path):
    run = made_run(jobs / "killed", "KILLED")
    record, items = found(tmp_path)
    with JobFolder.reopen(run):
        assert removal.remove(record, items).removed == []
    assert read_record(run).status == "KILLED"
    replace(read_record(run), status="FINISHED").save(run)
    assert removal.remove(record, items).removed == []
    assert (run / "log").stat().st_size >= 1000


def test_a_run_that_is_removed_meanwhile_is_not_resumed(jobs, tmp_path, monkeypatch):
    run = made_run(jobs / "failed")
    refused = []

    def resumed(path):
        with pytest.raises(UserError, match=r"expected the folder of a run, received one without run\.json"):
            JobFolder.reopen(run).__enter__()
        refused.append(path)
        assert not run.exists()
        return []

    monkeypatch.setattr(removal, "delete", resumed)
    cleaned(tmp_path)
    assert refused
    assert not run.exists()


def test_a_fork_of_a_checkpoint_that_has_gone_does_not_start_from_nothing(jobs):
    run = made_run(jobs / "finished", "FINISHED")
    with pytest.raises(UserError, match="fork: expected a run with a checkpoint, received finished"):
        Origin("fork", run).hand_over(jobs / "new")


@pytest.mark.parametrize(
    ("status", "states", "gone"),
    [
        ("KILLED", ("pending", "failed", "pruned"), set()),
        ("RUNNING", ("running", "failed"), set()),
        ("KILLED", ("failed", "failed"), set()),  # a search may have asked for more
        ("FAILED", ("failed", "finished"), {"0"}),
        ("FINISHED", ("failed", "failed"), {"0", "1"}),
        ("", ("failed",), {"0"}),  # ended before it began: it cannot be resumed
    ],
)
def test_a_sweep_keeps_what_it_may_need(tmp_path, status, states, gone):
    sweep = made_sweep(tmp_path / "mlruns" / "sweeps" / "grid", status, *states)
    if "finished" in states:
        replace(read_record(sweep / "1"), status="FINISHED").save(sweep / "1")
    done = cleaned(tmp_path, **EVERYTHING)
    assert names(done.removed) == {f"sweeps/grid/{number}" for number in gone}
    assert (sweep / "sweep.db").is_file()


def test_a_failed_job_that_its_sweep_can_go_on_with_stays(tmp_path):
    sweep = made_sweep(tmp_path / "mlruns" / "sweeps" / "grid", "FAILED", "failed")
    with_checkpoint(sweep / "0")
    [item] = cleaned(tmp_path, **EVERYTHING).stays
    assert "-m resume=grid" in item.stays
    assert (sweep / "0" / "checkpoints").is_dir()


def test_a_sweep_that_lives_and_one_whose_table_is_damaged_keep_everything(tmp_path):
    lives = made_sweep(tmp_path / "mlruns" / "sweeps" / "lives", "FINISHED", "failed")
    damaged = made_sweep(tmp_path / "mlruns" / "sweeps" / "damaged", "FINISHED", "failed")
    (damaged / "sweep.db").write_bytes(b"no database, " * 500)
    with FileLock(lives / "run.lock"):
        assert cleaned(tmp_path, **EVERYTHING).removed == []
    assert names(cleaned(tmp_path, **EVERYTHING).removed) == {"sweeps/lives/0"}


def test_a_sweep_that_goes_on_meanwhile_keeps_its_jobs(tmp_path):
    sweep = made_sweep(tmp_path / "mlruns" / "sweeps" / "grid", "FINISHED", "failed")
    record, items = found(tmp_path)
    with FileLock(sweep / "run.lock"):
        assert removal.remove(record, items).removed == []
    assert len(removal.remove(record, items).removed) == 1


def test_folders_with_the_same_id_stay(jobs, tmp_path):
    made_run(jobs / "original", "FINISHED", run_id="a" * 32)
    made_run(jobs / "copy", run_id="a" * 32)
    [item] = cleaned(tmp_path).stays
    assert item.stays == "another folder has its id"
    assert (jobs / "copy").is_dir()


def test_links_are_not_followed(jobs, tmp_path):
    outside = made_run(tmp_path / "elsewhere" / "run")
    jobs.mkdir(parents=True)
    (jobs / "linked").symlink_to(outside)
    inside = made_run(jobs / "failed")
    (inside / "data").symlink_to(outside)
    (inside / "file").symlink_to(outside / "log")
    before = tree(tmp_path / "elsewhere")
    done = cleaned(tmp_path, **EVERYTHING)
    assert names(done.removed) == {"jobs/failed"}
    assert done.freed < 2000
    assert tree(tmp_path / "elsewhere") == before
    assert (jobs / "linked").is_symlink()


@pytest.mark.parametrize("name", ["jobs", "sweeps"])
def test_a_folder_of_runs_that_is_a_link_stays(tmp_path, name):
    run = made_run(tmp_path / "elsewhere" / "failed")
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "mlruns" / name).symlink_to(run.parent if name == "jobs" else run.parent.parent)
    assert cleaned(tmp_path, **EVERYTHING).removed == []
    assert run.is_dir()


def test_mlruns_itself_may_be_a_link(tmp_path):
    run = made_run(tmp_path / "disk" / "jobs" / "failed")
    (tmp_path / "mlruns").symlink_to(tmp_path / "disk")
    assert names(cleaned(tmp_path).removed) == {"jobs/failed"}
    assert not run.exists()


def test_a_trash_that_leads_elsewhere_is_refused(jobs, tmp_path):
    made_run(jobs / "failed")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "mine").touch()
    (tmp_path / "mlruns" / ".hmexp-trash").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match=r"\.hmexp-trash: expected a folder of hmexp's own"):
        cleaned(tmp_path)
    assert (tmp_path / "elsewhere" / "mine").is_file()
    assert (jobs / "failed").is_dir()


def test_a_record_that_names_other_places_moves_nothing(jobs, tmp_path):
    made_run(jobs / "failed", run_id="../jobs/finished", name="..")
    made_run(jobs / "finished", "FINISHED")
    made_run(jobs / "broken").joinpath("run.json").write_text("{")
    assert names(cleaned(tmp_path, **EVERYTHING).removed) == {"jobs/failed"}
    assert (jobs / "finished").is_dir()
    assert (jobs / "broken").is_dir()


def test_what_cannot_be_moved_is_named_and_the_rest_goes(jobs, tmp_path, monkeypatch):
    for name in ("one", "two"):
        made_run(jobs / name)
    rename = Path.rename

    def renamed(path, target):
        if path.name == "one":
            raise OSError(18, "Invalid cross-device link")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", renamed)
    with pytest.raises(RunError, match="1 could not be removed; the first: jobs/one: Invalid cross-device link"):
        cleaned(tmp_path)
    assert [path.name for path in jobs.iterdir()] == ["one"]


@pytest.mark.parametrize("calls", range(7))
def test_cut_off_anywhere_the_next_call_goes_on(jobs, tmp_path, monkeypatch, calls):
    """A run is in its place, whole, or not at all; and what was begun is finished."""
    for name in ("one", "two"):
        with_checkpoint(made_run(jobs / name))
    stays = made_run(jobs / "finished", "FINISHED")
    whole = {name: tree(jobs / name) for name in ("one", "two")}

    with monkeypatch.context() as patch:
        places = [(Path, "rename"), (Path, "mkdir"), (shutil, "rmtree"), (Path, "rmdir")]
        done = cut_off_before(patch, calls, places)
        try:
            cleaned(tmp_path)
        except KeyboardInterrupt:
            assert len(done) == calls
    for name in ("one", "two"):
        assert tree(jobs / name) in (whole[name], {})
    left = cleaned(tmp_path, yes=False, kinds=["runs"]).goes
    assert names(cleaned(tmp_path, kinds=["runs"]).removed) == names(left)
    assert [path.name for path in jobs.iterdir()] == [stays.name]
    assert not (tmp_path / "mlruns" / ".hmexp-trash").exists()


def test_a_deletion_that_was_killed_half_way_goes_on(tmp_path, jobs):
    jobs.mkdir(parents=True)
    made_run(tmp_path / "mlruns" / ".hmexp-trash" / "0123", days=0)
    done = cleaned(tmp_path, kinds=["stores"])
    assert [item.reason for item in done.removed] == ["what a clean that was cut off was deleting"]
    assert not (tmp_path / "mlruns" / ".hmexp-trash").exists()


def test_a_trash_that_another_clean_has_emptied_and_removed_is_made_again(jobs, tmp_path, monkeypatch):
    made_run(jobs / "failed")
    mkdir, removed = Path.mkdir, []

    def made(path, *arguments, **keywords):
        mkdir(path, *arguments, **keywords)
        if path.name == ".hmexp-trash" and not removed:
            removed.append(path.rmdir())

    monkeypatch.setattr(Path, "mkdir", made)
    assert names(cleaned(tmp_path).removed) == {"jobs/failed"}
    assert removed


def _clean(root, barrier, answers):
    barrier.wait()
    answers.put([item.name for item in cleaned(Path(root)).removed])


@pytest.mark.slow
def test_of_two_at_once_each_removes_what_the_other_does_not(jobs, tmp_path):
    for number in range(40):
        made_run(jobs / f"failed-{number}")
    made_run(jobs / "finished", "FINISHED")
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(2), context.Queue()
    workers = [context.Process(target=_clean, args=(str(tmp_path), barrier, answers)) for _ in range(2)]
    for worker in workers:
        worker.start()
    removed = [name for _ in workers for name in answers.get(timeout=120)]
    for worker in workers:
        worker.join()
    runs = [name for name in removed if name.startswith("jobs/")]
    assert sorted(runs) == sorted(f"jobs/failed-{number}" for number in range(40)), "each of them once"
    assert [path.name for path in jobs.iterdir()] == ["finished"]
    assert not (tmp_path / "mlruns" / ".hmexp-trash").exists()
