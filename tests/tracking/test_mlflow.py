"""The record in a real MLflow store: created once, every event in it, the dead noticed, the champion moved."""

import json
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from repeated import repeats

from hmexp.config.errors import UserError
from hmexp.config.model import CnnConfig
from hmexp.config.record import MlflowTracking, PathsConfig
from hmexp.config.strategies import MapMerge
from hmexp.config.training import TrainerConfig
from hmexp.jobs.folder import JobFolder, JobRecord, read_record
from hmexp.tracking.complete import close_dead_runs, complete_records
from hmexp.tracking.recorder import MlflowRecorder, RunDescription, flat_params
from hmexp.tracking.runs import DIGEST_TAG, HOST_TAG, JOB_TAG, find_run, find_runs
from hmexp.tracking.store import create_store, open_store
from hmexp.training.interruption import Interruption

pytestmark = pytest.mark.slow
CFG = MlflowTracking(system_metrics=False)


@dataclass
class Limited:
    """As the section `data` is in a run on a part of it."""

    limit: int | None = None


@dataclass
class DebugRun:
    """As the configuration of such a run is."""

    data: Limited


@pytest.fixture
def paths(tmp_path) -> PathsConfig:
    return PathsConfig(root=str(tmp_path))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    from hmexp.models.build import build_model
    from hmexp.models.bundle import Card, save_bundle

    folder = tmp_path_factory.mktemp("bundle") / "model"
    model = build_model(CnnConfig(widths=[4]), 16, 3)
    save_bundle(model, Card(["a", "b", "c"], 16, "stretch", 1.0, {}, "d" * 32, {}), folder)
    return folder


def open_recorder(paths: PathsConfig, name: str, config: object = None, cfg: MlflowTracking = CFG) -> MlflowRecorder:
    """The recorder of a run that has just begun, with its folder."""
    job_dir = paths.mlruns / "jobs" / name
    job_dir.mkdir(parents=True)
    (job_dir / "config.yaml").write_text(f"tracking:\n  uri: {cfg.uri or 'null'}\n  experiment: {cfg.experiment}\n")
    folder = JobFolder(job_dir, JobRecord(name, paths.root, recorded=False))
    folder.save()
    tags = {JOB_TAG: str(job_dir), HOST_TAG: socket.gethostname()}
    description = RunDescription(name, flat_params(config or TrainerConfig()), tags)
    recorder = MlflowRecorder(cfg, paths, folder, description, fresh=True)
    recorder.start()
    return recorder


def end(recorder: MlflowRecorder, status: str = "FINISHED") -> None:
    """End a run as training does: its folder first."""
    recorder.folder.record.status = status
    recorder.folder.save()
    recorder.finish(status)


def record(paths: PathsConfig, bundle: Path | None, score: float, digest: str = "d" * 32, config: object = None) -> str:
    """A finished run with one epoch, a dataset, a result and a model."""
    recorder = open_recorder(paths, f"job{score}", config)
    recorder.epoch(1, {"train/loss": 1.0, "val/macro_f1": score})
    recorder.dataset("sample", digest, {"train": 10, "val": 2})
    recorder.result({"best/val/macro_f1": score, "test/accuracy": 0.5})
    if bundle is not None:
        recorder.model(bundle)
    end(recorder)
    assert not recorder.behind
    return recorder.run_id


def test_params_are_flat_and_whole():
    params = flat_params(TrainerConfig())
    assert params["epochs"] == "5"
    assert params["monitor"] == "val/macro_f1"
    assert flat_params(CnnConfig(widths=[1, 2]))["widths"] == "[1, 2]"
    merge = flat_params(MapMerge(mapping={"Socks & Tights": "Legwear"}))
    assert json.loads(merge["mapping"]) == {"Socks & Tights": "Legwear"}, "MLflow takes no such name of a parameter"


def test_a_signal_inside_a_call_leaves_no_lock(paths):
    """KeyboardInterrupt inside a statement would keep its cursor, and the lock with it, for as long as it lives."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    recorder = open_recorder(paths, "one")
    interrupted = []

    def interrupt(connection, cursor, statement, *_):
        if statement.startswith("SELECT") and not interrupted:
            interrupted.append(statement)
            signal.raise_signal(signal.SIGTERM)

    with Interruption().listening():
        event.listen(Engine, "after_cursor_execute", interrupt)
        try:
            recorder.result({"test/accuracy": 0.5})
        except KeyboardInterrupt:
            event.remove(Engine, "after_cursor_execute", interrupt)
            with sqlite3.connect(paths.mlruns / "mlflow.db", timeout=0) as others:
                others.execute("BEGIN EXCLUSIVE")
            others.close()
            recorder.finish("KILLED")
    assert interrupted
    run = open_store(CFG, paths).get_run(recorder.run_id)
    assert run.info.status == "KILLED"
    assert run.data.metrics == {"test/accuracy": 0.5}


def record_the_same_data(words: list[str]) -> None:
    """Record a run with twenty datasets in the store of a folder, as soon as all four have begun theirs."""
    root, job = words
    recorder = MlflowRecorder(
        CFG, PathsConfig(root=root), JobFolder(Path(job), JobRecord("job", root)), RunDescription("job"), fresh=True
    )
    recorder.start()
    (Path(job) / "ready").touch()
    deadline = time.monotonic() + 60
    while len(list(Path(job).parent.glob("*/ready"))) < 4:
        assert time.monotonic() < deadline, "the others have not begun"
        time.sleep(0.005)
    recorder.dataset("sample", "d" * 32, {str(number): 1 for number in range(20)})
    recorder.finish("FINISHED")
    assert not recorder.behind, recorder.behind


def test_four_processes_at_once_on_an_empty_folder(paths, start_in, tmp_path_factory, tmp_path):
    """MLflow creates its store, and finds or inserts a dataset, without a lock of its own."""
    together = tmp_path_factory.mktemp("jobs")
    folders = [together / str(number) for number in range(4)]
    for folder in folders:
        folder.mkdir()
    jobs = [start_in(paths.root, str(folder), cwd=tmp_path, main=record_the_same_data) for folder in folders]
    for done in [job.ended(120) for job in jobs]:
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
    runs = open_store(CFG, paths).search_runs(["1"])
    assert [len(run.inputs.dataset_inputs) for run in runs] == [20] * 4


def test_a_run_is_recorded_whole(paths, bundle):
    run_id = record(paths, bundle, 0.8)
    client = open_store(CFG, paths)
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["epochs"] == "5"
    assert [(m.step, m.value) for m in client.get_metric_history(run_id, "val/macro_f1")] == [(1, 0.8)]
    assert {(i.dataset.name, i.dataset.digest, i.tags[0].value) for i in run.inputs.dataset_inputs} == {
        ("sample-train", "d" * 32, "train"),
        ("sample-val", "d" * 32, "val"),
    }
    assert run.data.tags[DIGEST_TAG] == "d" * 32


def test_the_logged_model_is_the_bundle_and_loads_with_mlflow(paths, bundle, monkeypatch):
    import mlflow

    run_id = record(paths, bundle, 0.8)
    client = open_store(CFG, paths)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", client.tracking_uri)  # as somebody else's process does
    model_id = client.get_run(run_id).outputs.model_outputs[0].model_id
    folder = Path(mlflow.artifacts.download_artifacts(f"models:/{model_id}"))
    assert (folder / "data" / "model.keras").read_bytes() == (bundle / "model.keras").read_bytes()
    assert json.loads((folder / "data" / "card.json").read_text())["classes"] == ["a", "b", "c"]
    network = mlflow.keras.load_model(f"models:/{model_id}")
    assert network.predict(np.zeros((2, 16, 16, 3), np.uint8), verbose=0).shape == (2, 3)
    loaded = mlflow.pyfunc.load_model(f"models:/{model_id}")
    assert loaded.loader_module == "hmexp.pyfunc"
    assert loaded.metadata.metadata["classes"] == ["a", "b", "c"]
    assert not list(folder.rglob("*.pkl"))


def test_several_runs_are_found_in_one_reading(paths, monkeypatch):
    first, second = record(paths, None, 0.1), record(paths, None, 0.2)
    client = open_store(CFG, paths)
    read, search = [], client.search_runs
    monkeypatch.setattr(client, "search_runs", lambda *words, **keys: (read.append(words), search(*words, **keys))[1])
    found = find_runs(client, CFG, paths, ["latest", first[:8], "job0.2"])
    assert [run.info.run_id for run in found] == [second, first, second]
    assert len(read) == 1


def test_runs_are_found_by_id_prefix_latest_and_folder(paths):
    first, second = record(paths, None, 0.1), record(paths, None, 0.2)
    (paths.mlruns / "jobs" / "foreign").mkdir()
    (paths.mlruns / "jobs" / "foreign" / "run.json").write_text("[1]")
    client = open_store(CFG, paths)
    for name, expected in [
        (first, first),
        (first[:8], first),
        ("latest", second),
        (str(paths.mlruns / "jobs" / "job0.1"), first),
        ("job0.1", first),
    ]:
        assert find_run(client, CFG, paths, name).info.run_id == expected
    with pytest.raises(UserError, match="at least 6"):
        find_run(client, CFG, paths, first[:3])
    with pytest.raises(UserError, match="fits 0 runs"):
        find_run(client, CFG, paths, "ffffffffff")
    with pytest.raises(UserError, match=r"run\.json: expected the record of a run"):
        find_run(client, CFG, paths, str(paths.mlruns / "jobs" / "foreign"))


def test_a_run_whose_process_died_is_marked_killed_and_a_living_one_is_not(paths):
    record(paths, None, 0.5)
    client = open_store(CFG, paths)
    experiment = client.get_experiment_by_name("hmexp").experiment_id
    job = paths.mlruns / "jobs" / "dead"
    job.mkdir(parents=True)
    tags = {JOB_TAG: str(job), HOST_TAG: socket.gethostname()}
    dead = client.create_run(experiment, tags=tags).info.run_id
    elsewhere = client.create_run(experiment, tags=tags | {HOST_TAG: "another-host"}).info.run_id
    holder = (
        f"import time; from filelock import FileLock; lock = FileLock({str(job / 'run.lock')!r}); lock.acquire(); "
        "print(1, flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    close_dead_runs(CFG, paths)
    assert client.get_run(dead).info.status == "RUNNING"
    process.kill()
    process.wait()
    close_dead_runs(CFG, paths)
    assert client.get_run(dead).info.status == "KILLED"
    assert client.get_run(elsewhere).info.status == "RUNNING"


def test_nothing_recorded_yet(paths):
    with pytest.raises(UserError, match="recorded runs"):
        open_store(CFG, paths)
    assert not paths.mlruns.exists()


def test_a_run_without_model_cannot_be_registered(paths):
    from hmexp.tracking.registry import Registry

    run_id = record(paths, None, 0.5)
    client = open_store(CFG, paths)
    with pytest.raises(UserError, match="a run with a model"):
        Registry(client, "hmexp").register(client.get_run(run_id), {})


def test_a_server_that_does_not_answer_is_said_in_one_line(paths):
    cfg = MlflowTracking(uri="http://127.0.0.1:9")
    for opened in (create_store, open_store):
        with pytest.raises(UserError, match=r"tracking\.uri: expected an MLflow store that answers"):
            opened(cfg, paths)
    with pytest.raises(UserError, match=r"tracking\.uri: expected an MLflow store that answers"):
        open_store(MlflowTracking(uri="foo://x"), paths)


@pytest.mark.parametrize("from_event", ["start", "epoch", "dataset", "model", "finish"])
def test_a_record_that_fails_is_completed_later_and_nothing_is_there_twice(paths, bundle, monkeypatch, from_event):
    """Whatever MLflow is told of when it goes away, the run goes on and the next command tells it the rest."""
    from mlflow import MlflowClient

    away = []

    def answer(call):
        def answered(*arguments, **keywords):
            if away:
                raise ConnectionError("no answer")
            return call(*arguments, **keywords)

        return answered

    for name in ("log_batch", "log_inputs", "create_run", "get_run", "create_logged_model", "set_terminated"):
        monkeypatch.setattr(MlflowClient, name, answer(getattr(MlflowClient, name)))
    create_store(CFG, paths)
    events = {
        "start": lambda: open_recorder(paths, "job"),
        "epoch": lambda: recorder.epoch(1, {"train/loss": 1.0, "val/loss": 2.0}),
        "dataset": lambda: recorder.dataset("sample", "d" * 32, {"train": 10, "val": 2}),
        "result": lambda: recorder.result({"best/val/loss": 2.0}),
        "model": lambda: recorder.model(bundle),
        "finish": lambda: end(recorder),
    }
    for name, event in events.items():
        away += [name] if name == from_event else []
        if name == "start":
            recorder = event()
            job_dir = recorder.folder.path
            (job_dir / "history.csv").write_text("epoch,seconds,train/loss,val/loss\n1,0.1,1.0,2.0\n")
            (job_dir / "metrics.json").write_text('{"best/val/loss": 2.0}')
            shutil.copytree(bundle, job_dir / "model")
        else:
            event()
    assert recorder.behind == "no answer"
    assert not read_record(job_dir).recorded
    assert complete_records(CFG, paths) == [], "MLflow is still away"
    away.clear()
    assert complete_records(CFG, paths) == ["job"]
    assert complete_records(CFG, paths) == []
    client = open_store(CFG, paths)
    [run] = client.search_runs([client.get_experiment_by_name("hmexp").experiment_id])
    assert run.info.status == "FINISHED"
    assert read_record(job_dir).run_id == run.info.run_id
    assert run.data.metrics == {"train/loss": 1.0, "val/loss": 2.0, "best/val/loss": 2.0}
    assert run.data.params["epochs"] == "5"
    assert len(client.get_metric_history(run.info.run_id, "val/loss")) == 1
    assert len(run.inputs.dataset_inputs) == 2
    assert len(run.outputs.model_outputs) == 1
    assert {item.path for item in client.list_artifacts(run.info.run_id)} >= {"history.csv", "metrics.json", "run.json"}


@pytest.mark.parametrize(
    "cut", ["log_model_artifacts", "set_logged_model_tags", "finalize_logged_model", "log_outputs"]
)
def test_a_model_whose_logging_was_killed_is_logged_once(paths, bundle, monkeypatch, cut):
    from mlflow import MlflowClient

    recorder = open_recorder(paths, "job")
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, cut, _killed)
        with pytest.raises(KeyboardInterrupt):
            recorder.model(bundle)
    for _ in range(2):
        recorder.model(bundle)
    end(recorder)
    client = open_store(CFG, paths)
    run = client.get_run(recorder.run_id)
    [model] = client.search_logged_models([run.info.experiment_id])
    assert [output.model_id for output in run.outputs.model_outputs] == [model.model_id]
    assert str(model.status) == "READY"


def _killed(*arguments, **keywords):
    raise KeyboardInterrupt


def test_another_model_of_the_same_run_replaces_the_first(paths, bundle, tmp_path):
    from hmexp.models.build import build_model
    from hmexp.models.bundle import Card, save_bundle

    other = tmp_path / "other"
    card = Card(["a", "b", "c"], 16, "stretch", 1.0, {}, "d" * 32, {})
    save_bundle(build_model(CnnConfig(widths=[5]), 16, 3), card, other)
    recorder = open_recorder(paths, "job")
    recorder.model(bundle)
    recorder.model(other)
    client = open_store(CFG, paths)
    [model] = client.search_logged_models(["1"])
    folder = Path(model.artifact_location.removeprefix("file://"))
    assert (folder / "data" / "model.keras").read_bytes() == (other / "model.keras").read_bytes()


@pytest.mark.parametrize("tables", [0, 1, 5, 40])
def test_a_half_made_database_without_runs_is_made_anew(paths, tables, database):
    """As a kill inside MLflow's own creation leaves it; with 0 tables, a file that is empty."""
    with sqlite3.connect(database) as whole:
        made = [sql for (sql,) in whole.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND sql != ''")]
    whole.close()
    paths.mlruns.mkdir()
    half = sqlite3.connect(paths.mlruns / "mlflow.db")
    for statement in [sql for sql in made if "sqlite_sequence" not in sql][:tables]:
        half.execute(statement)
    half.commit()
    half.close()
    run_id = record(paths, None, 0.5)
    assert open_store(CFG, paths).get_run(run_id).info.status == "FINISHED"
    assert not list(paths.mlruns.glob("mlflow.db.new*"))


@pytest.mark.parametrize("damage", [b"no database", b"SQLite format 3\0" + bytes(1000)])
def test_a_damaged_database_is_named_and_left_alone(paths, damage):
    paths.mlruns.mkdir()
    path = paths.mlruns / "mlflow.db"
    path.write_bytes(damage)
    for opened in (create_store, open_store):
        with pytest.raises(UserError, match=r"mlflow\.db, received a damaged one .*; move it away"):
            opened(CFG, paths)
    assert path.read_bytes() == damage


KILLED_WRITER = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN")
connection.execute("UPDATE runs SET status = NULL")
connection.execute("CREATE TABLE filler (x)")
connection.executemany("INSERT INTO filler VALUES (?)", [("x" * 900,)] * 500)
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("opened", [create_store, open_store])
def test_what_a_killed_writer_left_half_written_is_undone(paths, opened):
    run_id = record(paths, None, 0.5)
    path = paths.mlruns / "mlflow.db"
    subprocess.run([sys.executable, "-c", KILLED_WRITER, path], check=False)
    assert path.with_name("mlflow.db-journal").stat().st_size > 0
    assert opened(CFG, paths).get_run(run_id).info.status == "FINISHED"


@pytest.mark.parametrize(
    "variable", ["MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"]
)
def test_variables_of_mlflow_do_not_steer_a_run(paths, monkeypatch, variable):
    finished = record(paths, None, 0.1)
    values = {"MLFLOW_RUN_ID": finished, "MLFLOW_EXPERIMENT_ID": "0", "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
    monkeypatch.setenv(variable, values.get(variable, "elsewhere"))
    run_id = record(paths, None, 0.2)
    assert run_id != finished
    client = open_store(CFG, paths)
    assert client.get_run(finished).data.metrics["best/val/macro_f1"] == 0.1
    assert client.get_run(run_id).info.experiment_id == client.get_experiment_by_name("hmexp").experiment_id


@pytest.mark.parametrize(
    "name", ["ä#", "50%", "what?", *repeats("anna's [z] x=1&y", "anna's folder", "a b", "x=1&y", "[z]")]
)
def test_folders_of_any_name_hold_a_store_or_are_refused_in_a_line(tmp_path, name):
    paths = PathsConfig(root=str(tmp_path / name))
    if set("?#%") & set(name):
        with pytest.raises(UserError, match=r"paths\.root: expected a folder without"):
            create_store(CFG, paths)
        assert not paths.mlruns.exists()
        return
    run_id = record(paths, None, 0.5)
    assert open_store(CFG, paths).get_run(run_id).info.status == "FINISHED"
    assert (paths.mlruns / "mlflow.db").is_file()
