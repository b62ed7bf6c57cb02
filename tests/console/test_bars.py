"""The one progress bar: a line that fits, gone when the work is done, silent in a pipe."""

import io
import logging
import re
import threading
import time

import pytest
from rich.cells import cell_len
from rich.console import Console

from hmexp.console import Bar, bar_line, bars, log, output, progress, said, until_said
from hmexp.console.bar_line import MIN_BAR, fitted

CODE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
TEXTS = {
    "what": "epoch 12/100",
    "share": " 45%",
    "count": "12,800 of 45,678",
    "rate": "1,234 images/s",
    "left": "0:00:12",
    "note": "loss 0.512",
}


@pytest.fixture
def terminal(monkeypatch):
    """Gives what makes a terminal of so many columns of the console, and what was written to it."""

    def make(columns, **variables):
        drawing = io.StringIO()
        environ = {"TERM": "xterm-256color"} | variables
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        made = Console(file=drawing, force_terminal=True, width=columns, height=40, _environ=environ)
        for module in (bar_line, bars, output):
            monkeypatch.setattr(module, "console", made)
        return drawing

    return make


@pytest.mark.parametrize("changed", [{}, {"what": "a description too long for most terminals", "note": "n" * 80}])
def test_a_line_fits_every_width(changed):
    for width in range(20, 140):
        kept, bar = fitted(TEXTS | changed, width)
        assert sum(cell_len(text) + 1 for text in kept.values()) + bar < width
        assert bar >= MIN_BAR


def test_what_matters_less_goes_first():
    assert list(fitted(TEXTS, 100)[0]) == ["what", "share", "left", "note", "rate", "count"]
    assert list(fitted(TEXTS, 60)[0]) == ["what", "share", "left", "note", "rate"]
    assert list(fitted(TEXTS, 40)[0]) == ["what", "share", "left"]
    assert fitted(TEXTS, 40)[0]["what"] == TEXTS["what"]


@pytest.mark.parametrize("columns", [60, 80])
def test_a_bar_is_drawn_in_lines_that_fit_and_cleared(terminal, columns):
    drawing = terminal(columns)
    with progress("staging", 2000) as bar:
        bar.advance(1000, "3 bad")
        bars._display.progress.refresh()
    lines = [CODE.sub("", line) for line in re.split(r"[\r\n]", drawing.getvalue())]
    assert any(line.startswith("staging ━") and line.endswith("50% 1,000 of 2,000 3 bad") for line in lines)
    assert max(map(cell_len, lines)) < columns
    assert drawing.getvalue().endswith("\x1b[1A\x1b[2K"), "its line is cleared"


def test_bars_of_two_threads_share_the_terminal(terminal):
    terminal(80)

    def work(seconds):
        with Bar("one of two", 10) as bar:
            time.sleep(seconds)
            bar.advance(10)

    threads = [threading.Thread(target=work, args=(seconds,)) for seconds in (0.05, 0.1)]
    with progress("both") as bar:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert bar.is_shown
        assert len(bars._display.progress.task_ids) == 1
    assert bars._display.progress is None


def test_a_bar_goes_with_an_error(terminal):
    terminal(80)
    with pytest.raises(KeyboardInterrupt), progress("staging", 10):
        raise KeyboardInterrupt
    assert bars._display.progress is None


@pytest.mark.parametrize("variables", [{"TERM": "dumb"}, {"TERM": "unknown"}])
def test_where_no_bar_can_be_drawn_a_line_says_what_is_done(terminal, caplog, variables):
    drawing = terminal(80, **variables)
    caplog.set_level(logging.DEBUG, "hmexp")
    with progress("staging", 2000) as bar:
        bar.advance(1000)
    assert not bar.is_shown
    assert drawing.getvalue() == ""
    assert caplog.record_tuples == [("hmexp", logging.INFO, "staging: 2,000 images")]


def test_a_line_of_a_bar_that_is_shown_is_for_the_log_file(terminal, caplog):
    terminal(80)
    caplog.set_level(logging.DEBUG, "hmexp")
    with progress("staging", 2000, sentence="staging 2,000 pictures to a folder"):
        pass
    assert caplog.record_tuples == [("hmexp", logging.DEBUG, "staging 2,000 pictures to a folder")]


def test_the_bar_of_a_start_gives_way_and_goes_with_the_first_words(terminal):
    terminal(80)

    def visible():
        return [task.description for task in bars._display.progress.tasks if task.visible]

    with until_said():
        assert visible() == ["starting"]
        with progress("reading"):
            assert visible() == ["reading"]
        assert visible() == ["starting"]
        log.debug("a detail")
        assert visible() == ["starting"]
        log.info("the first words")
        assert bars._display.progress is None
    with until_said():
        said()
        assert bars._display.progress is None
    assert not any(isinstance(handler, bars._Said) for handler in log.handlers)


def test_no_colour_leaves_no_codes_of_style(terminal, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    made = output.new_console()
    assert made.color_system is None
    monkeypatch.delenv("NO_COLOR")
