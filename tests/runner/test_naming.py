"""What runs are called."""

from types import SimpleNamespace

import pytest

from hmexp.config.errors import UserError
from hmexp.config.invocation import Invocation
from hmexp.config.verbs import RunConfig
from hmexp.runner.naming import in_folder, run_name


def name_of(*words, name=None, model="cnn"):
    return run_name(SimpleNamespace(name=name), Invocation("", words, (("model", model),)))


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ((), "cnn"),
        (("model=cnn", "model.norm=batch", "optimizer.learning_rate=3e-3"), "cnn norm=batch lr=3e-3"),
        (("data=hm", "data.root='/data/H&M'", "paths.root=x", "tracking.uri=http://a", "seed=3"), "cnn"),
        (("data/balance=none", "optimizer=adamw", "trainer.epochs=5"), "cnn balance=none optimizer=adamw epochs=5"),
        (("model.dropout=0.1", "model.dropout=0.2"), "cnn dropout=0.2"),
        (("data.split.seed=1", "data.balance.seed=2"), "cnn data.split.seed=1 data.balance.seed=2"),
        (("~callbacks", "+debug=fast"), "cnn debug=fast"),
        (("experiment=fast", "resume=4e71"), "cnn experiment=fast"),
    ],
)
def test_a_run_is_named_after_what_its_command_changed(words, name):
    assert name_of(*words) == name


def test_a_given_name_wins_and_a_long_one_is_cut():
    assert name_of("model.norm=batch", name="the one with norm") == "the one with norm"
    assert len(name_of(*(f"model.key{number}=1" for number in range(100)))) == 100


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("cnn norm=batch lr=3e-3", "cnn_norm-batch_lr-3e-3"),
        ("../../etc", "etc"),
        ("größe [4,8]", "größe_-4-8"),
        ("&", "run"),
    ],
)
def test_a_name_in_a_folder(name, folder):
    assert in_folder(name) == folder


@pytest.mark.parametrize("name", ["latest", "champion", "12", "a/b", " a", "", "a\nb", "x" * 251])
def test_names_that_could_not_be_told_from_others_are_refused(name):
    with pytest.raises(UserError, match="name"):
        RunConfig(name=name)
