"""Words that Hydra, or Python below it, would answer with a traceback are refused before they get there."""

import pytest

from hmexp.cli import main
from hmexp.config.errors import UserError
from hmexp.config.words import check_words, without_empty_folders


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("=1", "=1: expected KEY=VALUE"),
        ("trainer.epochs=" + "9" * 5000, r"trainer\.epochs: expected a number of at most 4,300 digits, .* 5,000"),
        ("trainer.image_sizes=[-" + "9" * 5000 + "]", "at most 4,300 digits"),
        ("+" + "a." * 300 + "b=1", "expected a key of the configuration, received one of 602 bytes"),
        ("model=" + "x" * 300, "model: expected the name of an option"),
        ("hydra/launcher=" + "é" * 200, "hydra/launcher: expected the name of an option"),
        ("optimizer=1_000", "optimizer: expected the name of an option, which --help lists, received 1_000"),
        ("loss=-NaN", "loss: expected the name of an option"),
        ("model=.5", "model: expected the name of an option"),
        ("model=", "model: expected the name of an option"),
    ],
)
def test_what_could_not_be_composed_is_one_line(word, said):
    with pytest.raises(UserError, match=said) as caught:
        check_words(["seed=1", word])
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "word", ["model=cnn", "seed=" + "9" * 4000, "data.root=" + "x/" * 2000, "~debug", "+trainer.x=1"]
)
def test_what_can_be_composed_or_is_said_better_later_passes(word):
    check_words([word])


@pytest.mark.parametrize(
    "words",
    [
        ["hydra.verbose={a:true}", "runs"],
        ["runs", "~hydra.run"],
        ["data.root=" + "${x:" * 400],
        ["trainer.image_sizes=" + "[" * 500],
        ["+a=" + "{b:" * 300 + "1" + "}" * 300],
        ["mine@:=1"],
        ["model@a..b=cnn"],
        ["-sc", "str(1)"],
        ["-sc", "query=bash", "install=bash"],
        ["-sc", "query=no_shell"],
        ["-sc", "query=bash"],
    ],
)
def test_what_hydra_itself_cannot_do_with_the_words_is_one_line(tmp_path, monkeypatch, capfd, words):
    monkeypatch.chdir(tmp_path)
    assert main(sorted(words, key=lambda word: word != "runs")) == 2
    said = capfd.readouterr().err
    assert said.startswith("hmexp: error: ")
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_package_that_is_none_is_wrong_input(capfd):
    assert main(["--cfg", "job", "--package", "x"]) == 2
    assert "hmexp: error: --package: expected a part of the configuration" in capfd.readouterr().err


@pytest.mark.parametrize("kept", [True, False])
def test_a_folder_that_stays_empty_goes_unless_it_was_there(tmp_path, kept):
    place = tmp_path / "a" / "b"
    if kept:
        place.mkdir(parents=True)
    with without_empty_folders([f"hydra.run.dir={place}"]):
        place.mkdir(parents=True, exist_ok=True)
    assert place.exists() is kept
    with without_empty_folders([f"hydra.run.dir='{place}'"]):
        place.mkdir(parents=True, exist_ok=True)
        (place / "log").touch()
    assert (place / "log").exists()
