"""The run of a model that is, or was, registered never goes; and where nobody can say what is, nothing does."""

import json
import shutil
from pathlib import Path

import made_runs
import pytest
from cut_off import cut_off_before
from made_folders import EVERYTHING, age, cleaned, made_run, paths_in, tree

from hmexp.cleaning.items import Age
from hmexp.cleaning.record import open_record
from hmexp.cleaning.removal import remove
from hmexp.cleaning.verbs import find
from hmexp.cli import main
from hmexp.config.errors import RunError, UserError
from hmexp.config.record import MlflowTracking
from hmexp.config.verbs import CleanConfig
from hmexp.tracking.ledger import PROMOTED, REFUSED, Entry, Ledger, promotion_lock
from hmexp.tracking.registry import Registry
from hmexp.tracking.store import create_store

CFG = MlflowTracking()


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("store")
    create_store(CFG, paths_in(root))
    return root / "mlruns"


@pytest.fixture
def client(empty_store, tmp_path):
    shutil.copytree(empty_store, tmp_path / "mlruns")
    return create_store(CFG, paths_in(tmp_path))


@pytest.fixture
def recorded(client, tmp_path):
    """Makes a failed run with artifacts; gives its id."""

    def make(name: str, **record) -> str:
        folder = tmp_path / "mlruns" / "jobs" / name
        experiment = client.get_experiment_by_name("hmexp").experiment_id
        run_id = client.create_run(experiment, tags={"hmexp.job_dir": str(folder)}, run_name=name).info.run_id
        client.set_terminated(run_id, "FAILED")
        artifacts = tmp_path / "mlruns" / "artifacts" / run_id / "artifacts"
        artifacts.mkdir(parents=True)
        (artifacts / "traceback.txt").write_text("x" * 3000)
        made_run(folder, tracked=True, **{"run_id": run_id} | record)
        return run_id

    return make


def stage_of(client, run_id: str) -> str:
    return client.get_run(run_id).info.lifecycle_stage


def register(client, run_id: str, source: str = "/nowhere", name: str = "shop") -> str:
    if name not in [model.name for model in client.search_registered_models()]:
        client.create_registered_model(name)
    return str(client.create_model_version(name, source, run_id=run_id, await_creation_for=0).version)


def test_a_run_goes_with_its_artifacts_and_is_deleted_in_mlflow(client, recorded, tmp_path):
    run_id, other = recorded("failed"), recorded("other", status="KILLED")
    model = client.create_logged_model("1", "model", source_run_id=run_id)
    folder = tmp_path / "mlruns" / "artifacts" / "models" / model.model_id
    folder.mkdir(parents=True)
    (folder / "model.keras").write_bytes(b"0" * 4000)
    before = tree(tmp_path / "mlruns" / "artifacts" / other)
    [item] = cleaned(tmp_path, tracked=True).removed
    assert item.size > 8000
    assert stage_of(client, run_id) == "deleted"
    assert client.search_logged_models(["1"]) == []
    assert not folder.exists()
    assert not (tmp_path / "mlruns" / "artifacts" / run_id).exists()
    assert stage_of(client, other) == "active"
    assert tree(tmp_path / "mlruns" / "artifacts" / other) == before


def test_a_run_that_died_before_it_knew_its_id_is_found_by_its_folder(client, recorded, tmp_path):
    run_id = recorded("died", run_id="died")
    assert len(cleaned(tmp_path, tracked=True).removed) == 1
    assert stage_of(client, run_id) == "deleted"


@pytest.mark.parametrize("known", ["by its id", "by its folder"])
def test_the_run_of_any_version_stays(client, recorded, tmp_path, known):
    ids = [recorded(name, **({} if known == "by its id" else {"run_id": name})) for name in ("a", "b", "c")]
    for run_id in ids:
        version = register(client, run_id, name="a model's" if run_id == ids[0] else "shop")
    client.set_registered_model_alias("shop", "champion", version)
    before = tree(tmp_path / "mlruns" / "jobs")
    done = cleaned(tmp_path, tracked=True, **EVERYTHING)
    assert done.removed == []
    assert tree(tmp_path / "mlruns" / "jobs") == before
    assert [stage_of(client, run_id) for run_id in ids] == ["active"] * 3
    if known == "by its id":
        stays = {item.path.name: item.stays for item in done.stays}
        assert stays == {
            "a": "registered as a model's version 1",
            "b": "registered as shop version 1",
            "c": "registered as shop version 2, champion",
        }


def test_a_version_that_lies_in_the_folder_of_a_run_keeps_the_run(client, recorded, tmp_path):
    recorded("failed")
    run = made_run(tmp_path / "mlruns" / "jobs" / "untracked")
    client.create_registered_model("shop")
    for place in ("failed", "untracked"):
        client.create_model_version("shop", (run.with_name(place) / "model").as_uri(), await_creation_for=0)
    assert cleaned(tmp_path, tracked=True, **EVERYTHING).removed == []


@pytest.mark.parametrize("source", ["{0.artifact_location}", "models:/{0.model_id}"])
def test_the_run_of_a_logged_model_that_is_registered_stays(client, recorded, tmp_path, monkeypatch, source):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", client.tracking_uri)  # MLflow looks for the model there
    run_id, other = recorded("failed"), recorded("other")
    model = client.create_logged_model("1", "model", source_run_id=run_id)
    client.create_registered_model("shop")
    client.create_model_version("shop", source.format(model), run_id=other, await_creation_for=0)
    assert cleaned(tmp_path, tracked=True, **EVERYTHING).removed == []
    assert stage_of(client, run_id) == "active"


def test_an_earlier_champion_stays_even_where_its_version_is_gone(client, recorded, tmp_path):
    once, refused = recorded("once"), recorded("refused")
    version = register(client, once)
    ledger = Ledger(CFG, paths_in(tmp_path), Registry(client, "shop"))
    ledger.decide(Entry(PROMOTED, version, "", once, "the first"))
    ledger.decide(Entry(REFUSED, "", version, refused, "worse"))
    client.delete_model_version("shop", version)
    done = cleaned(tmp_path, tracked=True, **EVERYTHING)
    assert [item.path.name for item in done.removed] == ["refused"]
    assert [item.stays for item in done.stays] == ["a champion of the ledger"]


def found(tmp_path):
    cfg = CleanConfig(tracking=CFG, paths=paths_in(tmp_path), yes=True)
    record = open_record(CFG, cfg.paths)
    return record, [item for item in find(cfg, record, Age(cfg.older_than)) if not item.stays]


def test_a_run_that_is_registered_meanwhile_stays(client, recorded, tmp_path):
    run_id = recorded("failed")
    record, items = found(tmp_path)
    assert len(items) == 1
    register(client, run_id)
    assert remove(record, items).removed == []
    assert stage_of(client, run_id) == "active"
    assert (tmp_path / "mlruns" / "artifacts" / run_id).is_dir()


def test_while_a_promotion_is_at_work_nothing_goes(client, recorded, tmp_path, monkeypatch):
    run_id = recorded("failed")
    monkeypatch.setattr("hmexp.cleaning.record.PATIENCE", 0.1)
    with promotion_lock(CFG, paths_in(tmp_path)), pytest.raises(UserError, match="yes: expected no promotion"):
        cleaned(tmp_path, tracked=True)
    assert stage_of(client, run_id) == "active"
    assert len(cleaned(tmp_path, tracked=True).removed) == 1


def test_runs_that_are_recorded_elsewhere_or_nobody_knows_where_stay(client, recorded, tmp_path):
    recorded("elsewhere")
    recorded("damaged")
    jobs = tmp_path / "mlruns" / "jobs"
    (jobs / "elsewhere" / "config.yaml").write_text("tracking: {uri: 'http://server', experiment: hmexp}")
    (jobs / "damaged" / "config.yaml").write_text("tracking: [")
    age(jobs, 30)
    stays = {item.path.name: item.stays for item in cleaned(tmp_path, tracked=True, **EVERYTHING).stays}
    assert stays["elsewhere"] == "recorded in http://server; tracking.uri= says where"
    assert stays["damaged"] == "its configuration cannot be read"


@pytest.mark.parametrize("tracked", [True, False])
def test_without_the_database_only_untracked_runs_go(recorded, tmp_path, tracked):
    recorded("failed")
    made_run(tmp_path / "mlruns" / "jobs" / "untracked")
    if tracked:
        (tmp_path / "mlruns" / "mlflow.db").unlink()
    done = cleaned(tmp_path, tracked=tracked)
    assert [item.path.name for item in done.removed] == ["untracked"]
    assert "which is not asked or not here" in done.stays[0].stays


def test_a_damaged_database_removes_nothing(recorded, tmp_path):
    recorded("failed")
    (tmp_path / "mlruns" / "mlflow.db").write_bytes(b"no database, " * 1000)
    with pytest.raises(UserError, match="received a damaged one"):
        cleaned(tmp_path, tracked=True, **EVERYTHING)
    assert (tmp_path / "mlruns" / "jobs" / "failed" / "log").is_file()


@pytest.mark.parametrize("yes", ["true", "false"])
def test_a_server_that_does_not_answer_removes_nothing(recorded, tmp_path, monkeypatch, capfd, yes):
    recorded("failed")
    made_run(tmp_path / "mlruns" / "jobs" / "untracked")
    before = tree(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HMEXP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert main(["clean", f"yes={yes}", "older_than=0", "tracking.uri=http://127.0.0.1:9"]) == 2
    said = capfd.readouterr().err
    assert said.startswith("hmexp: error: tracking.uri: expected an MLflow store that answers, received")
    assert said.count("\n") == 1
    assert tree(tmp_path) == before


def test_an_mlflow_that_goes_away_ends_it_and_the_next_call_goes_on(client, recorded, tmp_path, monkeypatch):
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    ids = [recorded(name) for name in ("a", "b", "c")]
    delete_run, calls = MlflowClient.delete_run, []

    def delete(client, run_id):
        calls.append(run_id)
        if len(calls) == 2:
            raise MlflowException("API request failed")
        delete_run(client, run_id)

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "delete_run", delete)
        with pytest.raises(RunError, match=r"1 could not be removed; the first: .*API request failed"):
            cleaned(tmp_path, tracked=True)
    assert len(calls) == 2
    assert sorted(stage_of(client, run_id) for run_id in ids) == ["active", "active", "deleted"]
    assert len(list((tmp_path / "mlruns" / "jobs").iterdir())) == 2
    assert len(cleaned(tmp_path, tracked=True).removed) == 2
    assert [stage_of(client, run_id) for run_id in ids] == ["deleted"] * 3


def test_a_run_that_cannot_be_moved_keeps_its_record(client, recorded, tmp_path, monkeypatch):
    run_id = recorded("failed")
    before, rename = tree(tmp_path / "mlruns" / "artifacts"), Path.rename

    def renamed(path, target):
        if path.name == "failed":
            raise PermissionError(1, "Operation not permitted")
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", renamed)
        with pytest.raises(RunError, match="jobs/failed: Operation not permitted"):
            cleaned(tmp_path, tracked=True)
    assert stage_of(client, run_id) == "active"
    assert tree(tmp_path / "mlruns" / "artifacts") == before
    assert len(cleaned(tmp_path, tracked=True).removed) == 1


@pytest.mark.parametrize("calls", range(7))
def test_cut_off_between_mlflow_and_the_disk_the_next_call_goes_on(client, recorded, tmp_path, monkeypatch, calls):
    """A run whose folder is gone is deleted in MLflow; its artifacts go before the folder does."""
    from mlflow import MlflowClient

    run_id = recorded("failed")
    model = client.create_logged_model("1", "model", source_run_id=run_id)
    places = [tmp_path / "mlruns" / "artifacts" / name for name in (run_id, f"models/{model.model_id}")]
    places[1].mkdir(parents=True)

    with monkeypatch.context() as patch:
        told = [(MlflowClient, "delete_run"), (MlflowClient, "delete_logged_model")]
        done = cut_off_before(patch, calls, [*told, (Path, "rename"), (shutil, "rmtree")])
        with pytest.raises(KeyboardInterrupt):
            cleaned(tmp_path, tracked=True)
    assert len(done) == calls
    if not (tmp_path / "mlruns" / "jobs" / "failed").exists():
        assert stage_of(client, run_id) == "deleted"
        assert not any(place.exists() for place in places)
    cleaned(tmp_path, tracked=True)
    assert not (tmp_path / "mlruns" / "jobs" / "failed").exists()
    assert not (tmp_path / "mlruns" / ".hmexp-trash").exists()
    assert not any(place.exists() for place in places)
    assert stage_of(client, run_id) == "deleted"
    assert client.search_logged_models(["1"]) == []


@pytest.mark.parametrize("run_id", ["", ".", "../jobs", "models"])
def test_an_id_of_the_servers_that_is_none_has_no_artifacts(client, recorded, tmp_path, monkeypatch, run_id):
    recorded("failed")
    kept = recorded("finished", status="FINISHED")
    odd = made_runs.run(run_id, status="FAILED")
    own = tmp_path / "mlruns" / "jobs" / "failed"
    monkeypatch.setattr("hmexp.cleaning.record.find_run_of", lambda *about: odd if about[-1] == str(own) else None)
    monkeypatch.setattr("mlflow.MlflowClient.delete_run", lambda *about: None)
    [item] = cleaned(tmp_path, tracked=True).removed
    assert item.beside == ()
    assert (tmp_path / "mlruns" / "artifacts" / kept).is_dir()


def test_a_record_whose_id_is_a_path_has_no_artifacts(client, recorded, tmp_path):
    recorded("failed", run_id="../jobs")
    run_id = recorded("finished", status="FINISHED")
    assert json.loads((tmp_path / "mlruns" / "jobs" / "failed" / "run.json").read_text())["run_id"] == "../jobs"
    assert [item.path.name for item in cleaned(tmp_path, tracked=True).removed] == ["failed"]
    assert (tmp_path / "mlruns" / "jobs" / "finished").is_dir()
    assert (tmp_path / "mlruns" / "artifacts" / run_id).is_dir()
