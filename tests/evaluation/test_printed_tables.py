"""Tables of the terminal: bounded, and without characters that control it."""

import numpy as np
import pandas as pd
import pytest
from rich.cells import cell_len
from rich.console import Console

from hmexp.evaluation.tables import class_table, frame_table, say_quarantined
from hmexp.metrics.evaluation import evaluate_logits
from hmexp.process import printable

RUNS = pd.DataFrame(
    {
        "run": ["31203615", "125652ad"],
        "name": ["cnn widths=[4] image_size=16 epochs=2", "cnn"],
        "val/macro_f1": [0.2101, np.nan],
        "runs": [4, 1],
        "test f1": [0.205, 0.5],
        "started": ["11-27 18:05", "11-27 18:09"],
    }
)


def drawn(table, width=120):
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def evaluation(classes):
    targets = np.arange(len(classes))
    return evaluate_logits("test", np.eye(len(classes), dtype=np.float32), targets, classes)


@pytest.mark.parametrize("name", ["a\x1b[31m", "two\nlines", "tab\t", "bell\a", "turned\u202e"])
def test_names_cannot_control_the_terminal(name):
    text = drawn(class_table(evaluation((name, "other"))))
    assert printable(name) in text
    assert not set(text) & set("\x1b\a\t\u202e")


def test_many_classes_are_cut_with_the_file_that_has_all():
    text = drawn(class_table(evaluation(tuple(f"class {number}" for number in range(200)))))
    assert len(text.splitlines()) < 60
    assert "160 more (per_class_test.csv)" in text


def test_a_table_that_does_not_fit_is_records_and_nothing_is_cut():
    text = drawn(frame_table(RUNS, "Two runs", wrapped="name"), width=60)
    assert text.splitlines() == [
        "Two runs",
        "",
        "31203615  cnn widths=[4] image_size=16 epochs=2",
        "  val/macro_f1 0.2101  runs 4  test f1 0.2050",
        "  started 11-27 18:05",
        "125652ad  cnn",
        "  runs 1  test f1 0.5000  started 11-27 18:09",
        "",
    ]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_no_width_cuts_a_cell(width):
    text = drawn(frame_table(RUNS, "Two runs", wrapped="name"), width)
    assert "…" not in text
    assert all(cell_len(line) <= width for line in text.splitlines())
    for value in ("31203615", "image_size=16", "0.2101", "11-27 18:05", "125652ad"):
        assert value in text


def test_a_table_in_a_file_is_as_wide_as_it_must_be_and_ends_no_line_in_blanks():
    wide = pd.DataFrame({f"a column of a long name {number}": ["a value"] for number in range(9)})
    lines = str(frame_table(wide, "Wide")).splitlines()
    assert len(lines) == 5
    assert all(name in lines[2] for name in wide)
    assert not any(line.endswith(" ") for line in lines)


def test_a_title_is_as_long_as_the_terminal_is_wide():
    names = "a = 2026-11-27_17-52-14_cnn, b = 2026-11-27_18-20-24_resnet_with_a_long_name"
    table = frame_table(pd.DataFrame({"metric": ["loss"], "a": [1.0]}), names)
    assert drawn(table, width=80).splitlines()[0] == names
    assert str(table).splitlines()[0] == names
    broken = ["a = 2026-11-27_17-52-14_cnn, b =", "  2026-11-27_18-20-24_resnet_with_a_long_name"]
    assert drawn(table, width=60).splitlines()[:2] == broken


def test_of_many_unreadable_pictures_some_are_named(caplog):
    caplog.set_level("INFO", "hmexp")
    quarantine = pd.DataFrame({"image": [f"{number}.jpg" for number in range(200)], "reason": "truncated"})
    say_quarantined(quarantine)
    assert len(caplog.messages) == 11
    assert caplog.messages[-1] == "in quarantine: 190 more (quarantine.csv)"
