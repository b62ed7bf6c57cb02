"""Promotion and rollback on the command line and in the registry: checked, whole, whatever the names are."""

import json
import shutil
from pathlib import Path

import pytest
from repeated import repeats

pytestmark = pytest.mark.slow
QUICK = ("model=cnn", "model.widths=[4]", "data.image_size=16", "trainer.epochs=1", "tracking.system_metrics=false")


@pytest.fixture(scope="module")
def trained(hmexp_in, tmp_path_factory) -> Path:
    """A folder with two runs of one setup, the second of which has learned more, and one on a part of the data."""
    root = tmp_path_factory.mktemp("promoted")
    for seed, epochs in ((0, 1), (1, 6)):
        hmexp_in(*QUICK, "trainer.epochs=6", f"trainer.stop_after={epochs}", f"seed={seed}", cwd=root)
    hmexp_in(*QUICK, "data.limit=300", "name=toy", cwd=root)
    return root


def ids(root: Path) -> list[str]:
    return [json.loads(path.read_text())["run_id"] for path in sorted(root.glob("mlruns/jobs/*/run.json"))]


def registry(root: Path, name: str):
    from hmexp.config.record import MlflowTracking, PathsConfig
    from hmexp.tracking.registry import Registry
    from hmexp.tracking.store import open_store

    return Registry(open_store(MlflowTracking(), PathsConfig(root=str(root))), name)


def test_the_better_replaces_the_worse_which_does_not_come_back(trained, hmexp_in):
    worse, better, _ = ids(trained)
    words = "tracking.model_name=mine"
    first = hmexp_in("promote", f"run={worse[:8]}", words, cwd=trained).stdout
    assert "mine version 1 is the champion now" in first
    assert "the first champion" in first
    refused = hmexp_in("promote", words, cwd=trained, code=1)
    assert "at least 1,000 (guard.min_articles); guard=small" in refused.stderr
    assert "left out: 1 saw a part of the data only" in refused.stdout
    second = hmexp_in("promote", words, "guard=small", cwd=trained).stdout
    assert "mine version 2 is the champion now" in second
    assert "version 1 is previous" in second
    assert registry(trained, "mine").aliases() == {"champion": "2", "previous": "1"}
    again = hmexp_in("promote", f"run={worse}", words, "guard=small", cwd=trained, code=1)
    assert again.stderr.count("\n") == 1
    assert f"refused: run {worse[:8]} does not replace version 2 of mine: macro_f1: gain -0." in again.stderr
    assert "is the champion already" in hmexp_in("promote", f"run={better}", words, cwd=trained).stdout
    forced = hmexp_in("promote", f"run={worse}", words, "force=true", "reason=it's a trial, no more", cwd=trained)
    assert "it's a trial, no more (forced; articles" in forced.stdout
    assert "version 2 is the champion again" in hmexp_in("rollback", words, cwd=trained).stdout
    assert "version 1 is the champion again" in hmexp_in("rollback", "version=1", words, cwd=trained).stdout
    assert "expected a model with an earlier champion" in hmexp_in("rollback", words, cwd=trained, code=2).stderr
    assert "version: expected a version that was the champion once (2)" in (
        hmexp_in("rollback", "version=7", words, cwd=trained, code=2).stderr
    )
    history = hmexp_in("promote", "history=true", words, cwd=trained).stdout
    said = [line for line in history.splitlines() if line.startswith(" 20")]
    decisions = ["rolled back", "rolled back", "promoted", "refused", "promoted", "refused", "promoted"]
    assert [next(word for word in decisions if word in line) for line in said] == decisions


@pytest.mark.parametrize("name", repeats("""women's "größe" x=1,y 50%""", "women's", 'say "hi"', "x=1,y", "größe 50%"))
def test_a_model_of_any_name_is_promoted_and_rolled_back(trained, hmexp_in, name):
    words = f"tracking.model_name={name}", "force=true", "reason=a name"
    for run in ids(trained)[:2]:
        hmexp_in("promote", f"run={run}", *words, cwd=trained)
    assert registry(trained, name).aliases() == {"champion": "2", "previous": "1"}
    assert "version 1 is the champion again" in hmexp_in("rollback", words[0], cwd=trained).stdout
    assert registry(trained, name).aliases() == {"champion": "1"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run=toy",), "run: expected a run that may challenge, received"),
        (("force=true",), "reason: expected a reason=... beside force=true"),
        (("guard.metric=f1",), "guard.metric: expected one of loss"),
        (("metric=test/macro_f1",), "metric: expected one of best/val/loss"),
        (("run=nosuchrun",), "run: expected a run id"),
        (("guard.min_articles=0",), "guard.min_articles: expected"),
    ],
)
def test_what_cannot_be_is_one_line_and_moves_nothing(trained, hmexp_in, words, said):
    refused = hmexp_in("promote", *words, "tracking.model_name=none", cwd=trained, code=2)
    assert refused.stderr.startswith(f"hmexp: error: {said}")
    assert refused.stderr.count("\n") == 1
    assert registry(trained, "none").aliases() == {}


def test_a_model_of_other_classes_is_refused(trained, hmexp_in, tmp_path):
    words = "tracking.model_name=classes"
    hmexp_in("promote", f"run={ids(trained)[0]}", words, cwd=trained)
    hmexp_in(*QUICK, "data/merge=none", "data.label=index_group_name", "name=other", cwd=trained)
    assert "-index_group_name version 1 is the champion now" in hmexp_in("promote", "run=other", cwd=trained).stdout
    refused = hmexp_in("promote", "run=other", words, cwd=trained, code=2)
    assert "expected a model of the champion's classes, received one of others" in refused.stderr
    assert registry(trained, "classes").aliases() == {"champion": "1"}


def test_a_model_that_is_not_as_it_was_logged_is_not_promoted(trained, hmexp_in):
    run = ids(trained)[1]
    model = next(path for path in trained.rglob("artifacts/**/data/model.keras") if run in _meta(path))
    kept = shutil.copytree(model.parents[1], trained / "kept")
    for damage in (_flip_a_bit, _empty_the_card, _remove_the_model, _remove_all):
        damage(model)
        refused = hmexp_in("promote", f"run={run}", "tracking.model_name=damaged", cwd=trained, code=2)
        assert refused.stderr.count("\n") == 1, damage
        assert "expected" in refused.stderr
        assert registry(trained, "damaged").aliases() == {}
        shutil.rmtree(model.parents[1], ignore_errors=True)
        shutil.copytree(kept, model.parents[1])
    hmexp_in("promote", f"run={run}", "tracking.model_name=damaged", cwd=trained)


def _meta(model: Path) -> str:
    return (model.parents[1] / "MLmodel").read_text()


def _flip_a_bit(model: Path) -> None:
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)


def _empty_the_card(model: Path) -> None:
    (model.parent / "card.json").write_text("[]")


def _remove_the_model(model: Path) -> None:
    model.unlink()


def _remove_all(model: Path) -> None:
    shutil.rmtree(model.parents[1])
