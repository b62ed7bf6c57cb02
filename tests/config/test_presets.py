"""Presets as editors write them: with a byte order mark, in another encoding, with a truth value for a name."""

import pytest

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
