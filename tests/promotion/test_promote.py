"""Promotion and rollback on the command line and in the registry: checked, whole, whatever the names are."""

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
QUICK = ("model=cnn", "model.widths=[4]", "data.image_size=16", "trainer.epochs=1", "tracking.system_metrics=false")


@pytest.fixture(scope="module")
def trained(hmexp_in, tmp_path_factory) -> Path:
    """A folder with two runs."""
    root = tmp_path_factory.mktemp("promoted")
    for seed in (0, 1):
        hmexp_in(*QUICK, f"seed={seed}", cwd=root)
    return root


def records(root: Path) -> list[dict]:
    return [json.loads(path.read_text()) for path in sorted(root.glob("mlruns/jobs/*/run.json"))]


def registry(root: Path, name: str):
    from hmexp.config.record import MlflowTracking, PathsConfig
    from hmexp.tracking.registry import Registry
    from hmexp.tracking.store import open_store

    return Registry(open_store(MlflowTracking(), PathsConfig(root=str(root))), name)


@pytest.mark.parametrize("name", ["women's", "a b", 'say "hi"', "50%", "x=1,y", "größe"])
def test_a_model_of_any_name_is_promoted_and_rolled_back(trained, hmexp_in, name):
    second = records(trained)[1]["run_id"]
    words = f"tracking.model_name={name}"
    folder = min(trained.glob("mlruns/jobs/*")).name
    assert "is the champion now" in hmexp_in("promote", f"run={folder}", words, cwd=trained).stdout
    assert "version 2 is the champion now" in hmexp_in("promote", f"run={second[:8]}", words, cwd=trained).stdout
    assert registry(trained, name).aliases() == {"champion": "2", "previous": "1"}
    assert "version 1 is the champion again" in hmexp_in("rollback", words, cwd=trained).stdout
    assert registry(trained, name).aliases() == {"champion": "1"}
    assert "expected a model with an earlier champion" in hmexp_in("rollback", words, cwd=trained, code=2).stderr


@pytest.mark.parametrize("damage", ["bit", "card", "gone", "all gone"])
def test_a_model_that_is_not_as_it_was_logged_is_not_promoted(hmexp_in, tmp_path, damage):
    hmexp_in(*QUICK, cwd=tmp_path)
    [model] = tmp_path.rglob("artifacts/**/data/model.keras")
    if damage == "bit":
        content = bytearray(model.read_bytes())
        content[len(content) // 2] ^= 1
        model.write_bytes(content)
    elif damage == "card":
        (model.parent / "card.json").write_text("[]")
    elif damage == "gone":
        model.unlink()
    else:
        for path in sorted(model.parents[1].rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        model.parents[1].rmdir()
    refused = hmexp_in("promote", cwd=tmp_path, code=2)
    assert refused.stderr.count("\n") == 1
    assert "expected" in refused.stderr
    assert registry(tmp_path, "hmexp-sample").aliases() == {}


@pytest.mark.parametrize("moves", range(4))
def test_a_promotion_that_is_cut_off_is_done_by_the_next_call(trained, monkeypatch, moves):
    """Whatever call to MLflow it is cut before, the aliases that are read then are those before or those after."""
    from mlflow import MlflowClient

    from hmexp.promotion.promote import back, move

    own = registry(trained, f"cut{moves}")
    first, second = (own.client.get_run(record["run_id"]) for record in records(trained))
    move(own, first)
    calls = ("set_registered_model_tag", "set_registered_model_alias", "delete_registered_model_tag")
    done = []

    def counted(call):
        def called(*arguments, **keywords):
            if len(done) == moves:
                raise KeyboardInterrupt
            done.append(call)
            return call(*arguments, **keywords)

        return called

    with monkeypatch.context() as patch:
        for name in calls:
            patch.setattr(MlflowClient, name, counted(getattr(MlflowClient, name)))
        with pytest.raises(KeyboardInterrupt):
            move(own, second)
    after = {"champion": "2", "previous": "1"}
    assert own.aliases() == (after if moves else {"champion": "1"})
    move(own, second)
    assert own.aliases() == after
    assert back(own).version == "1"
    assert own.aliases() == {"champion": "1"}
