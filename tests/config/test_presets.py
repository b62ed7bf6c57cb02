"""Presets as editors write them: with a byte order mark, in another encoding, with a truth value for a name."""

import pytest

from hmexp.cli import main
from hmexp.config.compose import compose_words
from hmexp.config.errors import UserError
from hmexp.config.schemas import to_config
from hmexp.config.verbs import RunConfig

HEAD = "# @package _global_\n"


@pytest.fixture
def preset(tmp_path, monkeypatch):
    (tmp_path / "experiments").mkdir()
    monkeypatch.chdir(tmp_path)

    def write(content: bytes) -> RunConfig:
        (tmp_path / "experiments" / "mine.yaml").write_bytes(content)
        return to_config(compose_words(["experiment=mine"]).tree, RunConfig)

    return write


def test_a_byte_order_mark_before_the_package_is_no_matter(preset):
    text = HEAD + "trainer:\n  epochs: 3\n"
    assert preset(b"\xef\xbb\xbf" + text.encode()).trainer.epochs == 3
    assert preset(text.replace("\n", "\r\n").encode()).trainer.epochs == 3


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "latin-1"])
def test_another_encoding_is_said_with_the_files_name(preset, encoding):
    text = HEAD + "tracking:\n  name: Caf\u00e9\n"
    with pytest.raises(UserError, match=r"mine\.yaml: expected YAML in UTF-8") as caught:
        preset(text.encode(encoding))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("word", ["no", "Off", "true", "YES"])
def test_a_truth_value_is_no_name(preset, word):
    text = HEAD + f"defaults:\n  - override /data/merge: rare\ndata:\n  merge:\n    into: {word}\n"
    with pytest.raises(UserError, match=r"data\.merge\.into: expected a name \(in quotes"):
        preset(text.encode())
    assert preset(text.replace(word, f"'{word}'").encode()).data.merge.into == word


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# @package _global_ x\nseed: 1\n", "Too many components"),
        ("# @package\nseed: 1\n", "Expected header format"),
        (HEAD + "seed: !!int x\n", "invalid literal"),
        (HEAD + f"seed: {'9' * 5000}\n", "4300 digits"),
        (HEAD + f"seed: {'[' * 800}\n", "too deep to be read"),
    ],
)
def test_what_yaml_or_hydra_cannot_read_is_said_with_the_files_name(preset, text, said):
    with pytest.raises(UserError, match=rf"mine\.yaml: expected YAML.*{said}") as caught:
        preset(text.encode())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "item", ["1", "null", "[a]", "{a: b, c: d}", "{a: {b: c}}", "experiment: mine", "model: 1", "x" * 400]
)
def test_a_defaults_list_that_cannot_be_composed_is_one_line(preset, item):
    with pytest.raises(UserError) as caught:
        preset((HEAD + f"defaults:\n  - {item}\n").encode())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("encoding", "code"), [("utf-8", 0), ("utf-8-sig", 0), ("utf-16", 2), ("cp1252", 2)])
def test_files_of_a_config_dir_are_read_as_presets_are(tmp_path, monkeypatch, capfd, encoding, code):
    folder = tmp_path / "mine" / "optimizer"
    folder.mkdir(parents=True)
    text = "# @package optimizer\ndefaults:\n  - adam\n  - _self_\n# caf\u00e9\nlearning_rate: 0.5\n"
    (folder / "quick.yaml").write_bytes(text.encode(encoding))
    monkeypatch.chdir(tmp_path)
    assert main(["optimizer=quick", "--cfg", "job", "--config-dir", "mine", "-p", "optimizer"]) == code
    said = capfd.readouterr()
    assert ("learning_rate: 0.5" in said.out) is (code == 0)
    assert ("quick.yaml: expected YAML in UTF-8" in said.err) is (code == 2)
