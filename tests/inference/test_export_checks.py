"""What an exported file is held to, and what becomes of a folder whose export fails. Without TensorFlow."""

import importlib.util
import json
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from hmexp.config.errors import RunError, UserError
from hmexp.config.verbs import EXPORT_FORMATS, ExportConfig
from hmexp.inference import export
from hmexp.inference.export_check import Check, checks_frame, checks_table
from hmexp.inference.export_pictures import plan_pictures
from hmexp.inference.formats import FORMATS, Format, require_packages
from hmexp.models.bundle import Card
from hmexp.tracking.bundles import FoundBundle

GOOD = Check(0.0, 1.0, 0.1, 1.0, latency_ms=1.0, keras_latency_ms=2.0, size_bytes=10)
CARD = Card(["a", "b"], 16, "stretch", 1.0, {}, "d", {}, "0" * 64)


def test_every_format_of_the_configuration_is_there():
    assert tuple(FORMATS) == EXPORT_FORMATS


@pytest.mark.parametrize(
    ("name", "change", "fault"),
    [
        ("savedmodel", {"difference": 1.1e-5}, "largest difference 1.1e-05, more than 1e-05"),
        ("onnx", {"difference": 2e-5}, "largest difference 2e-05"),
        ("litert", {"difference": math.nan}, "largest difference nan"),
        ("litert_fp16", {"difference": 1.1e-3}, "more than 0.001"),
        ("litert_int8", {"agreement": 0.979}, "agreement 0.9790, less than 0.98"),
        ("onnx", {"own_size_agreement": 0.5}, "agreement at their own size 0.5000"),
        ("litert", {"random": ("RandomUniform",)}, "draw random numbers: RandomUniform"),
    ],
)
def test_what_is_below_a_bar_is_named_with_by_how_much(name, change, fault):
    assert GOOD.faults(FORMATS[name]) == []
    [found] = replace(GOOD, **change).faults(FORMATS[name])
    assert fault in found


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("litert_fp16", {"difference": 9e-4}),
        ("litert_int8", {"difference": 0.2, "agreement": 0.98}),
        ("onnx", {"own_size_difference": 0.05}),
    ],
)
def test_what_is_within_the_bars_passes(name, change):
    assert replace(GOOD, **change).faults(FORMATS[name]) == []


def test_the_table_has_a_row_a_format():
    checks = {"onnx": GOOD, "litert": replace(GOOD, size_bytes=2_000_000)}
    assert list(checks_frame(checks)["format"]) == ["onnx", "litert"]
    assert "2.00" in str(checks_table(checks, 100))


@pytest.mark.parametrize("absent", ["onnx", "tf2onnx", "onnxruntime", "ai_edge_litert"])
def test_a_missing_package_is_one_line_with_the_pip_command(monkeypatch, absent):
    monkeypatch.setattr(
        "hmexp.inference.formats.table.find_spec",
        lambda name: None if name == absent else importlib.util.find_spec("json"),
    )
    with pytest.raises(UserError, match=absent.replace("_", "-")) as caught:
        require_packages(EXPORT_FORMATS)
    assert "pip install" in str(caught.value)
    assert "\n" not in str(caught.value)
    require_packages(["savedmodel"])


@pytest.mark.parametrize("formats", [[], ["tflite"], ["onnx", "ONNX"]])
def test_formats_that_are_none_are_refused(formats):
    with pytest.raises(UserError, match="formats: expected"):
        ExportConfig(formats=formats)


def written(text: str, fails: Exception | None = None) -> Format:
    """A format whose one file holds a text."""

    def write(graph, folder, pictures):
        (folder / "file").write_text(text)
        if fails:
            raise fails

    return Format("onnx", write, lambda folder: None, lambda graph, folder: [], "file", {}, difference=1e-5)


def exported(folder, each: Format, check: Check = GOOD):
    """Export as the verb does one format."""
    graph = SimpleNamespace(card=CARD)
    reference = SimpleNamespace(
        graph=graph,
        pictures=SimpleNamespace(calibration=np.zeros(0), origin="val"),
        probabilities=np.zeros((3, 2)),
        check=lambda each, folder: check,
        bars=lambda each: each,
    )
    return export._export_one(reference, FoundBundle(folder, "a run"), each, folder)


@pytest.mark.parametrize(
    ("each", "check", "said"),
    [
        (written("new"), replace(GOOD, difference=1.0), "largest difference 1, more than 1e-05"),
        (written("new", ValueError("no such op\nand more")), GOOD, "received no such op"),
        (written("new", MemoryError()), GOOD, "received MemoryError"),
    ],
)
def test_a_file_that_is_not_right_never_has_its_name(tmp_path, each, check, said):
    folder = tmp_path / "onnx"
    with pytest.raises(RunError, match=said):
        exported(folder, each, check)
    assert list(tmp_path.iterdir()) == []
    exported(folder, written("old"))
    with pytest.raises(RunError, match=said):
        exported(folder, each, check)
    assert [path.name for path in tmp_path.iterdir()] == ["onnx"]
    assert (folder / "file").read_text() == "old"


def test_an_interruption_leaves_the_export_before_it(tmp_path):
    exported(tmp_path / "onnx", written("old"))
    with pytest.raises(KeyboardInterrupt):
        exported(tmp_path / "onnx", written("new", KeyboardInterrupt()))
    assert [path.name for path in tmp_path.iterdir()] == ["onnx"]
    assert (tmp_path / "onnx" / "file").read_text() == "old"


def test_a_second_export_replaces_the_first_and_what_a_killed_one_left(tmp_path):
    folder = tmp_path / "onnx"
    exported(folder, written("old"))
    for left in export._beside(folder):
        left.mkdir()
        (left / "half").touch()
    exported(folder, written("new"))
    assert sorted(path.name for path in folder.iterdir()) == ["export.json", "file"]
    assert (folder / "file").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["onnx"]
    assert json.loads((folder / "export.json").read_text())["source"]["sha256"] == CARD.sha256


def test_two_exports_do_not_write_into_one_folder(tmp_path):
    with (
        export._locked(tmp_path / "out"),
        pytest.raises(UserError, match="no other export"),
        export._locked(tmp_path / "out"),
    ):
        pass


@pytest.mark.parametrize("kind", ["file", "format is a file", "format of another"])
def test_what_is_no_export_is_not_replaced(tmp_path, kind):
    out = tmp_path / "out"
    if kind == "file":
        out.touch()
    elif kind == "format is a file":
        out.mkdir()
        (out / "onnx").touch()
    else:
        (out / "onnx").mkdir(parents=True)
        (out / "onnx" / "mine").touch()
    with pytest.raises(UserError, match="out: expected a folder"):
        export._check_place(out, ("onnx",))
    if kind != "file":
        export._check_place(out, ("litert",))


@pytest.mark.parametrize(
    ("kinds", "fits"),
    [("g", True), ("gb", True), ("bg", True), ("ggggbb", True), ("b", False), ("bb", False), ("", False)],
)
def test_pictures_of_a_folder_are_read_where_one_can_be(tmp_path, sample, kinds, fits):
    good = sorted(sample.glob("images/*/*.jpg"))
    for number, kind in enumerate(kinds):
        content = good[number].read_bytes() if kind == "g" else b"garbage"
        (tmp_path / f"{number}.jpg").write_bytes(content)
    config = ExportConfig(pictures=str(tmp_path))
    if not fits:
        with pytest.raises(UserError, match="pictures: expected"):
            plan_pictures(config, FoundBundle(tmp_path, "a bundle")).read(CARD)
        return
    pictures = plan_pictures(config, FoundBundle(tmp_path, "a bundle")).read(CARD)
    assert pictures.check.shape[1:] == pictures.calibration.shape[1:] == (16, 16, 3)
    assert len(list(pictures.open_whole())) == len(pictures.check)
    if kinds.count("g") > 2:
        shared = {picture.tobytes() for picture in pictures.check} & {
            picture.tobytes() for picture in pictures.calibration
        }
        assert not shared
