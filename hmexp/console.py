"""The terminal and the log: what a user reads goes through one logger, long work through one progress bar."""

import importlib.util
import io
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from hmexp.config.secrets import masked
from hmexp.process import drop_stdout, printable

log = logging.getLogger("hmexp")
log.setLevel(logging.INFO)
NATIVE_LINE = re.compile(
    rb"WARNING: All log messages before absl|[IWE]\d{4} .*\d\] |INFO: Created TensorFlow Lite|fully_quantize: "
)
console = Console(highlight=False, markup=False, emoji=False)


class ConsoleHandler(logging.Handler):
    """Prints records on the console; a message may be anything that rich can draw, such as a table."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record, unless it is meant for the log file alone."""
        if getattr(record, "file_only", False):
            return
        style = "yellow" if record.levelno >= logging.WARNING else None
        text = isinstance(record.msg, str)
        shown = printable(masked(record.getMessage()), keep="\n\t") if text else record.msg
        try:
            console.print(shown, style=style, markup=False, soft_wrap=text)
        except BrokenPipeError:  # nobody reads any more; the work, and its log file, go on
            console.quiet = True
            drop_stdout()


@contextmanager
def on_stderr() -> Iterator[None]:
    """Let the console speak on stderr inside the block: stdout is for what another program reads."""
    before, console.stderr = console.stderr, True
    try:
        yield
    finally:
        console.stderr = before


class LoggedTable(Table):
    """A table that is drawn on a console, and is text wherever else a log goes; names in it move no cursor."""

    def add_row(self, *cells: Any, **settings: Any) -> None:  # noqa: ANN401
        """Add a row, its control characters shown by their escapes."""
        super().add_row(*(printable(cell) if isinstance(cell, str) else cell for cell in cells), **settings)

    def __str__(self) -> str:
        drawing = io.StringIO()
        # A notebook's console would show it at once, beside the one that the log shows.
        plain = Console(file=drawing, width=120, markup=False, emoji=False, force_jupyter=False)
        plain.print(self)
        return drawing.getvalue().rstrip()


class PlainFormatter(logging.Formatter):
    """Text lines with their time, without passwords."""

    def format(self, record: logging.LogRecord) -> str:
        """Render one record."""
        if not isinstance(record.msg, str):
            record = logging.makeLogRecord(record.__dict__ | {"msg": str(record.msg), "args": ()})
        return masked(super().format(record))


def set_up_console() -> None:
    """Let the logger speak to the console; doing it again changes nothing."""
    log.propagate = False
    if not any(isinstance(handler, ConsoleHandler) for handler in log.handlers):
        log.addHandler(ConsoleHandler())


class LogFile(logging.FileHandler):
    """A file of what is said. On a full disk it lacks lines, which the console has; nothing else comes of it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        """Leave out what cannot be written; anything else is a bug, and shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)

    def close(self) -> None:
        """Close the file, with or without its last lines."""
        with suppress(OSError):
            super().close()


@contextmanager
def log_file(path: Path) -> Iterator[None]:
    """Keep everything that is said in a file as well."""
    handler = LogFile(path, encoding="utf-8")
    handler.setFormatter(PlainFormatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()


@contextmanager
def quiet_natives() -> Iterator[None]:
    """Drop what TensorFlow's native code logs to the process's stderr; the rest of it follows the block.

    It prints a dozen lines on CPU features and missing GPUs before any of its log levels counts. Where the block
    fails, everything is shown.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        kept = os.dup(2)
        os.dup2(held.fileno(), 2)
        failed = True
        try:
            yield
            failed = False
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            os.write(2, b"".join(line for line in held if failed or not NATIVE_LINE.match(line)))


class RateColumn(ProgressColumn):
    """Images, or what else a task counts, per second since it began."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self.unit = unit

    def render(self, task: Task) -> Text:
        """Draw the task's `images_per_second` field, or else its own speed."""
        rate: Any = task.fields.get("images_per_second") or task.speed or 0.0
        return Text(f"{rate:,.0f} {self.unit}/s", style="cyan")


def progress_bar(unit: str = "images") -> Progress:
    """A bar with images/s, or whatever it counts, and time left; drawn on a terminal, or in a notebook with widgets."""
    widgets = console.is_jupyter and importlib.util.find_spec("ipywidgets") is not None
    return Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        RateColumn(unit),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
        disable=not (console.is_terminal or widgets),
        transient=True,
    )
