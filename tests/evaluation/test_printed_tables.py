"""Tables of the terminal: bounded, and without characters that control it."""

import numpy as np
import pytest
from rich.console import Console

from hmexp.evaluation.tables import class_table
from hmexp.metrics.evaluation import evaluate_logits
from hmexp.process import printable


def drawn(table):
    console = Console(width=120, color_system=None)
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
