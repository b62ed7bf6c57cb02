"""The record in a real MLflow store: created once, every event in it, the dead noticed, the champion moved."""

import json
import signal
import socket
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from hmexp.config.errors import UserError
from hmexp.config.model import CnnConfig
from hmexp.config.record import MlflowTracking, PathsConfig
from hmexp.config.strategies import MapMerge
from hmexp.config.training import TrainerConfig
from hmexp.tracking.recorder import MlflowRecorder, RunDescription, flat_params
from hmexp.tracking.runs import DIGEST_TAG, HOST_TAG, JOB_TAG, close_dead_runs, find_run, leaderboard
from hmexp.tracking.store import open_store
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


def record(paths: PathsConfig, bundle: Path | None, score: float, digest: str = "d" * 32, config: object = None) -> str:
    """A finished run with one epoch, a dataset, a result and a model."""
    tags = {JOB_TAG: str(paths.mlruns / "jobs" / f"job{score}"), HOST_TAG: socket.gethostname()}
    recorder = MlflowRecorder(CFG, paths, RunDescription(f"job{score}", config or TrainerConfig(), tags))
    recorder.epoch(1, {"train/loss": 1.0, "val/macro_f1": score})
    recorder.dataset("sample", digest, {"train": 10, "val": 2})
    recorder.result({"best/val/macro_f1": score, "test/accuracy": 0.5})
    if bundle is not None:
        recorder.model(bundle)
    recorder.finish("FINISHED")
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

    recorder = MlflowRecorder(CFG, paths, RunDescription("one", TrainerConfig(), {}))
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
    run = recorder.client.get_run(recorder.run_id)
    assert run.info.status == "KILLED"
    assert run.data.metrics == {"test/accuracy": 0.5}


SAME_DATA = """
import sys
from dataclasses import dataclass
from hmexp.config.record import MlflowTracking, PathsConfig
from hmexp.config.training import TrainerConfig
from hmexp.tracking.recorder import MlflowRecorder, RunDescription

cfg = MlflowTracking(system_metrics=False)
recorder = MlflowRecorder(cfg, PathsConfig(root=sys.argv[1]), RunDescription("job", TrainerConfig(), {}))
print("ready", flush=True)
sys.stdin.readline()
recorder.dataset("sample", "d" * 32, {str(number): 1 for number in range(20)})
recorder.finish("FINISHED")
"""


def test_four_processes_at_once_on_an_empty_folder(paths):
    """MLflow creates its store, and finds or inserts a dataset, without a lock of its own."""
    command = [sys.executable, "-c", SAME_DATA, paths.root]
    jobs = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [job.stdout.readline() for job in jobs] == ["ready\n"] * 4
    for job in jobs:
        job.stdin.write("go\n")
        job.stdin.flush()
    assert [(job.communicate()[0], job.returncode) for job in jobs] == [("", 0)] * 4
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


def test_the_logged_model_is_the_bundle_and_loads_with_mlflow(paths, bundle):
    import mlflow

    run_id = record(paths, bundle, 0.8)
    client = open_store(CFG, paths)
    model_id = client.get_run(run_id).outputs.model_outputs[0].model_id
    folder = Path(mlflow.artifacts.download_artifacts(f"models:/{model_id}"))
    assert (folder / "data" / "model.keras").read_bytes() == (bundle / "model.keras").read_bytes()
    assert json.loads((folder / "data" / "card.json").read_text())["classes"] == ["a", "b", "c"]
    loaded = mlflow.pyfunc.load_model(f"models:/{model_id}")
    assert loaded.metadata.signature.inputs.inputs[0].type == np.dtype("uint8")
    assert np.asarray(loaded.predict(np.zeros((2, 16, 16, 3), np.uint8))).shape == (2, 3)
    assert not list(folder.rglob("*.pkl"))


def test_runs_are_found_by_id_prefix_latest_and_folder(paths):
    first, second = record(paths, None, 0.1), record(paths, None, 0.2)
    client = open_store(CFG, paths)
    for name, expected in [
        (first, first),
        (first[:8], first),
        ("latest", second),
        (str(paths.mlruns / "jobs" / "job0.1"), first),
    ]:
        assert find_run(client, CFG, name).info.run_id == expected
    with pytest.raises(UserError, match="at least 6"):
        find_run(client, CFG, first[:3])
    with pytest.raises(UserError, match="fits 0 runs"):
        find_run(client, CFG, "ffffffffff")


def test_leaderboard_puts_the_best_first(paths):
    record(paths, None, 0.1), record(paths, None, 0.3), record(paths, None, 0.2)
    table = leaderboard(open_store(CFG, paths), CFG, "best/val/macro_f1", higher_is_better=True)
    assert table["best/val/macro_f1"].tolist() == [0.3, 0.2, 0.1]


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
    assert close_dead_runs(client, CFG) == []
    process.kill()
    process.wait()
    assert close_dead_runs(client, CFG) == [dead]
    assert client.get_run(dead).info.status == "KILLED"
    assert client.get_run(elsewhere).info.status == "RUNNING"


def test_promote_and_roll_back(paths, bundle):
    from hmexp.promotion.promote import back, best_run, move
    from hmexp.tracking.registry import Registry
    from hmexp.tracking.runs import all_runs

    debug = DebugRun(data=Limited(limit=300))
    old_data = record(paths, bundle, 0.9, digest="e" * 32)
    good, worse = record(paths, bundle, 0.8), record(paths, bundle, 0.7)
    record(paths, bundle, 0.95, digest="f" * 32, config=debug)
    client = open_store(CFG, paths)
    registry = Registry(client, "hmexp")
    best = best_run(all_runs(client, CFG), "best/val/macro_f1", higher_is_better=True)
    assert best.info.run_id == good, "0.9 was reached on older data, 0.95 on a part"
    first = move(registry, client.get_run(worse))
    second = move(registry, best)
    assert registry.aliases() == {"champion": second.version, "previous": first.version}
    tags = client.get_model_version("hmexp", second.version).tags
    assert tags["best/val/macro_f1"] == "0.8"
    assert (tags["run_id"], tags["data_digest"]) == (good, "d" * 32)
    assert move(registry, best).version == second.version, "promoting the champion again changes nothing"
    assert back(registry).version == first.version
    assert registry.aliases() == {"champion": first.version}
    with pytest.raises(UserError, match="earlier champion"):
        back(registry)
    assert old_data


def test_nothing_recorded_yet(paths):
    with pytest.raises(UserError, match="recorded runs"):
        open_store(CFG, paths)
    assert not paths.mlruns.exists()


def test_a_run_without_model_cannot_be_promoted(paths):
    from hmexp.promotion.promote import move
    from hmexp.tracking.registry import Registry

    run_id = record(paths, None, 0.5)
    client = open_store(CFG, paths)
    with pytest.raises(UserError, match="a run with a model"):
        move(Registry(client, "hmexp"), client.get_run(run_id))


def test_a_server_that_does_not_answer_is_said_in_one_line(paths):
    from hmexp.tracking.store import create_store

    cfg = MlflowTracking(uri="http://127.0.0.1:9")
    for opened in (create_store, open_store):
        with pytest.raises(UserError, match=r"tracking\.uri: expected an MLflow store that answers"):
            opened(cfg, paths)
    with pytest.raises(UserError, match=r"tracking\.uri: expected an MLflow store that answers"):
        open_store(MlflowTracking(uri="foo://x"), paths)
