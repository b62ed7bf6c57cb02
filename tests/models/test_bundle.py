"""Bundles that were changed: one line each, whatever is wrong with them."""

import hashlib
import json
import os
import subprocess
import sys
import time

import pytest

from hmexp.config.errors import UserError
from hmexp.models.bundle import CARD_FILE, MODEL_FILE, Card, load_bundle, read_card, sha256

GOOD = {
    "classes": ["a", "b"],
    "image_size": 16,
    "resize": "stretch",
    "temperature": 1,
    "metrics": {"best/val/loss": 0.5},
    "data_digest": "d",
    "versions": {"keras": "3"},
}


def bundle(folder, card=None, model=b"model"):
    """A bundle with these bytes as its model, and a card (a mapping, or text) that fits them."""
    folder.mkdir(exist_ok=True)
    (folder / MODEL_FILE).write_bytes(model)
    card = GOOD if card is None else card
    if isinstance(card, dict):
        card = json.dumps(card | {"sha256": sha256(folder / MODEL_FILE)})
    (folder / CARD_FILE).write_bytes(card if isinstance(card, bytes) else card.encode())
    return folder


def test_a_card_is_read_with_fields_of_a_later_version(tmp_path):
    card = read_card(bundle(tmp_path / "model", GOOD | {"added_later": [1, 2]}))
    assert card == Card(**GOOD, sha256=card.sha256)


@pytest.mark.parametrize("field", GOOD)
@pytest.mark.parametrize("value", [None, True, [1], "missing", {"a": []}, -1, float("nan")])
def test_a_field_that_is_missing_or_of_another_type_is_one_line(tmp_path, field, value):
    if value == "missing":
        card = {name: content for name, content in GOOD.items() if name != field}
    else:
        card = GOOD | {field: value}
    with pytest.raises(UserError, match=field) as caught:
        read_card(bundle(tmp_path / "model", card))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "1", '"x"', b"\xff\xfe{}", "[" * 100_000, "{}"])
def test_a_card_that_is_no_mapping_is_one_line(tmp_path, text):
    with pytest.raises(UserError, match=CARD_FILE) as caught:
        read_card(bundle(tmp_path / "model", text))
    assert "\n" not in str(caught.value)


def test_a_changed_model_and_no_bundle_are_one_line(tmp_path):
    folder = bundle(tmp_path / "model")
    (folder / MODEL_FILE).write_bytes(b"another")
    with pytest.raises(UserError, match="the file was changed"):
        read_card(folder)
    with pytest.raises(UserError, match="expected a model bundle"):
        read_card(tmp_path)


def test_a_hash_is_computed_once_until_the_file_is_changed(tmp_path, monkeypatch):
    folder = bundle(tmp_path / "model")
    computed, file_digest = [], hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda *words: (computed.append(words), file_digest(*words))[1])
    for _ in range(2):
        read_card(folder)
    assert len(computed) == 2, "just written"
    monkeypatch.setattr("hmexp.models.bundle.SETTLED_NS", 0)
    for _ in range(3):
        read_card(folder)
    assert len(computed) == 3
    time.sleep(0.05)
    before = (folder / MODEL_FILE).stat()
    (folder / MODEL_FILE).write_bytes(b"ledom")
    os.utime(folder / MODEL_FILE, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(UserError, match="the file was changed"):
        read_card(folder)


@pytest.mark.slow
def test_a_card_is_read_without_keras(tmp_path):
    folder = bundle(tmp_path / "model")
    code = (
        "import sys, pathlib; from hmexp.models.bundle import read_card; "
        f"read_card(pathlib.Path({str(folder)!r})); assert 'keras' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_a_model_that_keras_refuses_is_one_line(tmp_path):
    import keras

    path = tmp_path / "unsafe.keras"
    keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x + 1)]).save(path)
    for model in (b"no model", path.read_bytes()):
        with pytest.raises(UserError, match="safe mode") as caught:
            load_bundle(bundle(tmp_path / "model", model=model))
        assert "\n" not in str(caught.value)
