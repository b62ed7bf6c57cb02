"""Each figure says what it should, and becomes a PNG of a sane size."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from PIL import Image

from hmexp.metrics.evaluation import evaluate_logits
from hmexp.reports import figures, sheets
from hmexp.reports.diagram import LayerBox, model_diagram
from hmexp.reports.style import png_bytes, save, shorten

NINE = (
    "Accessories", "Garment Full body", "Garment Lower body", "Garment Upper body", "Nightwear", "Shoes",
    "Socks & Tights", "Swimwear", "Underwear",
)  # fmt: skip


def evaluation(classes, absent=0):
    rng = np.random.default_rng(1)
    targets = rng.integers(0, len(classes) - absent, 400)
    logits = rng.normal(size=(400, len(classes))).astype(np.float32)
    logits[np.arange(400), targets] += 3.0
    return evaluate_logits("val", logits, targets, classes)


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text)]


def size(figure, folder):
    save(figure, folder / "new" / "figure.png")
    with Image.open(folder / "new" / "figure.png") as picture:
        assert picture.format == "PNG"
        return picture.size


def history(epochs):
    values = {f"{split}/{name}": np.linspace(0.4, 0.9, epochs) for split in ("train", "val") for name in NAMES}
    return pd.DataFrame({"epoch": range(1, epochs + 1)} | values)


NAMES = ("accuracy", "loss")


def test_curves_say_at_what_size_val_was_measured():
    figure = figures.curves(history(4).assign(val_image_size=[48, 48, 64, 64]), best_epoch=3)
    drawn = texts(figure)
    assert (drawn.count(" 48 px"), drawn.count(" 64 px")) == (2, 2)
    figure.draw_without_rendering()
    for axes in figure.axes:
        name = axes.get_title(loc="left")
        (title,) = axes.findobj(lambda artist: isinstance(artist, Text) and artist.get_text() == name)  # noqa: B023
        assert not any(title.get_window_extent().overlaps(text.get_window_extent()) for text in axes.texts)


@pytest.mark.parametrize("epochs", [1, 5])
def test_curves_mark_the_best_epoch_and_show_points(epochs, tmp_path):
    figure = figures.curves(history(epochs), best_epoch=1)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Accuracy", "Loss"]
    assert {"train", "validation", "best epoch (1)"} <= set(texts(figure))
    for axes in figure.axes:
        assert all(line.get_marker() == "o" and len(line.get_xdata()) == epochs for line in axes.lines[:2])
        assert list(axes.lines[2].get_xdata()) == [1, 1]
    assert 1000 <= size(figure, tmp_path)[0] <= 1660


@pytest.mark.parametrize("classes", [("Bags", "Shoes"), NINE, tuple(f"Garment part {i:02d}" for i in range(40))])
def test_confusion_fits_from_2_to_40_classes(classes, tmp_path):
    figure = figures.confusion(evaluation(classes))
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(classes)
    width, height = size(figure, tmp_path)
    assert 600 <= width <= 1660
    assert height <= 1660


def test_confusion_shows_counts_coloured_by_share_of_the_row():
    found = evaluation(NINE, absent=1)
    figure = figures.confusion(found)
    assert f"{found.confusion[0, 0]}" in texts(figure)
    assert "Underwear (none)" in texts(figure)
    shares = figure.axes[0].images[0].get_array()
    assert np.allclose(shares[:8].sum(axis=1), 1)
    assert not shares[8].any()


def test_class_distribution_is_logarithmic_only_for_a_long_tail(tmp_path):
    flat = pd.DataFrame({"before": [10, 12], "train": [8, 9], "val": [2, 3]}, index=["Bags", "Shoes"])
    tail = flat.assign(before=[42741, 2])
    assert figures.class_distribution(flat).axes[0].get_xscale() == "linear"
    figure = figures.class_distribution(tail)
    assert figure.axes[0].get_xscale() == "log"
    assert {"42,741", "before", "train", "val", "Bags", "Shoes"} <= set(texts(figure))
    assert 1000 <= size(figure, tmp_path)[0] <= 1660


def test_class_distribution_of_nothing_is_still_a_figure(tmp_path):
    assert size(figures.class_distribution(pd.DataFrame({"before": [0], "train": [0]}, index=["Fun"])), tmp_path)


def test_class_distribution_has_no_bar_for_zero_on_the_log_scale(tmp_path):
    figure = figures.class_distribution(pd.DataFrame({"before": [9000, 3], "val": [900, 0]}, index=["a", "b"]))
    assert size(figure, tmp_path)


@pytest.mark.parametrize("count", [0, 1, 9, 32])
def test_a_sheet_keeps_every_caption_and_the_title_inside(count):
    pictures = np.zeros((count, 20, 30, 3), np.uint8)
    captions = [f"Garment Upper body\ntaken for Shoes\n{number}%" for number in range(count)]
    figure = sheets.sample_sheet(pictures, captions, "Worst mistakes on the validation split")
    png_bytes(figure)
    assert set(captions) <= set(texts(figure))
    (axes,) = figure.axes
    assert len(axes.images) == count
    for text in axes.texts:
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.width and box.y1 <= figure.bbox.height


def test_pictures_without_captions_are_an_error():
    with pytest.raises(ValueError):
        sheets.sample_sheet(np.zeros((2, 4, 4, 3), np.uint8), ["one"], "title")


def box(name, *inputs, kind="Conv2D", params=10):
    return LayerBox(name, kind, (None, 8, 8, 4), params, inputs)


def test_a_diagram_draws_an_arrow_only_from_a_layer_that_is_an_input():
    boxes = [box("image", kind="InputLayer"), box("left", "image"), box("right", "image"), box("sum", "left", "right")]
    figure = model_diagram(boxes)
    arrows = [text for text in figure.axes[0].texts if getattr(text, "arrow_patch", None)]
    assert len(arrows) == 2
    assert {"from image", "and left", "4 layers, 40 parameters", "left  (Conv2D)"} <= set(texts(figure))


@pytest.mark.parametrize("count", [1, 16, 17, 70, 180])
def test_a_diagram_of_any_length_has_a_sane_width(count, tmp_path):
    boxes = [box(f"conv4_block{i}_preact_batch_normalization", f"conv4_block{i}") for i in range(count)]
    assert 450 <= size(model_diagram(boxes), tmp_path)[0] <= 1660


def test_short_names_of_long_classes_keep_their_last_word():
    assert shorten("Shoes") == "Shoes"
    first, second = (shorten(f"Product group with a long name {number:02d}") for number in (1, 2))
    assert len(first) == 28
    assert first != second


@pytest.mark.slow
def test_figures_import_neither_pyplot_nor_tensorflow():
    code = "import sys, hmexp.reports.figures, hmexp.reports.diagram, hmexp.reports.page as p; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"matplotlib.pyplot", "tensorflow", "keras", "sklearn"} & set(done.stdout.split())


@pytest.mark.slow
def test_layers_of_a_residual_model_name_their_inputs_in_this_model_only():
    import keras

    from hmexp.reports.diagram import layer_boxes

    image, other = keras.Input((8, 8, 3), name="image"), keras.Input((8, 8, 3), name="other")
    shared = keras.layers.Conv2D(4, 1, name="shared")
    total = keras.layers.Add(name="sum")([shared(image), keras.layers.Conv2D(4, 1, name="shortcut")(image)])
    model = keras.Model(image, total)
    shared(other)
    boxes = {layer.name: layer for layer in layer_boxes(model)}
    assert boxes["shared"].inputs == ("image",)
    assert boxes["sum"].inputs == ("shared", "shortcut")
    assert boxes["shared"].output_shape == (None, 8, 8, 4)
    assert boxes["shared"].num_params == 16
    assert model_diagram(list(boxes.values()))


def test_of_many_classes_the_figures_show_forty():
    found = evaluation(tuple(f"class {number:03d}" for number in range(300)))
    figure = figures.confusion(found)
    assert len(figure.axes[0].get_yticklabels()) == 40
    assert any("the 40 classes of 300 with the most mistakes" in text for text in texts(figure))
    counts = pd.DataFrame({"catalogue": range(300)}, index=[f"class {number}" for number in range(300)])
    assert len(figures.class_distribution(counts).axes[0].get_yticklabels()) == 40


@pytest.mark.parametrize(
    "name", ["\u4e2d\u6587", "\u0939\u093f\u0928\u094d", "\U0001f45f shoes", "a\x1b[31mred", "x\u202ey"]
)
def test_a_name_that_no_font_has_is_drawn_without_a_warning(name, recwarn):
    figure = sheets.sample_sheet(np.zeros((1, 8, 8, 3), np.uint8), [shorten(name)], "title")
    png_bytes(figure)
    assert not [warning for warning in recwarn if "lyph" in str(warning.message)]
    assert "\x1b" not in shorten(name)
