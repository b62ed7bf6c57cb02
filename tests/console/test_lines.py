"""Lines that fit a terminal: broken between figures and words, never inside what is copied."""

import pytest
from rich.cells import cell_len

from hmexp.console.lines import wrapped

PATH = "/tmp/a/long/way/mlruns/jobs/2026-11-27_17-52-14_cnn_widths-4-_image_size-16/report.html"
COMMAND = "python -m hmexp model=cnn 'model.widths=[4]' data.image_size=16 trainer.epochs=2 seed=3"


@pytest.mark.parametrize("width", [60, 80])
def test_prose_is_broken_at_words_and_loses_none(width):
    text = "Accuracy is 0.485 on train and 0.495 on val (chance 0.392): a gap of -1.1 points, so the model underfits."
    lines = wrapped(text, width).split("\n")
    assert len(lines) > 1
    assert all(cell_len(line) <= width for line in lines)
    assert " ".join(line.strip() for line in lines) == text


def test_a_figure_stays_with_its_name():
    line = "epoch 1/2  0.8 s  train/loss 1.6859  train/accuracy 0.3886  val/loss 1.5740  val/accuracy 0.4118"
    assert wrapped(line, 60).split("\n") == [
        "epoch 1/2  0.8 s  train/loss 1.6859  train/accuracy 0.3886",
        "  val/loss 1.5740  val/accuracy 0.4118",
    ]


@pytest.mark.parametrize("value", [PATH, COMMAND, f"'{PATH} and/a space'", f"`{COMMAND}`"])
@pytest.mark.parametrize("before", ["interrupted; this goes on: ", "folder  ", "the trace is here, after many words: "])
def test_what_is_copied_stays_whole(before, value):
    assert value in wrapped(before + value, 60)


def test_what_fits_is_left_alone():
    for text in ("", "two  gaps", "   indented", "a\nb", COMMAND):
        assert wrapped(text, 120) == text


def test_what_follows_a_break_is_indented():
    lines = wrapped("data      sample: 1,585 in train, 204 in val, 202 in test; 9 classes", 40, hang=10).split("\n")
    assert [line[:10] for line in lines] == ["data      ", *[" " * 10] * (len(lines) - 1)]
    assert len(lines) > 1
    lines = wrapped(f"{'':<19}-> a remedy of many words, more than a line of a terminal holds", 60, hang=19).split("\n")
    assert all(line.startswith(" " * 19) for line in lines)
    assert len(lines) > 1


def test_wide_letters_count_as_wide():
    assert all(cell_len(line) <= 60 for line in wrapped("標準 " * 40, 60).split("\n"))
