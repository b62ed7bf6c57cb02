"""The terminal and the log: what a user reads goes through one logger, long work through one progress bar."""

import io
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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
from rich.text import Text

log = logging.getLogger("hmexp")
NATIVE_LINE = re.compile(rb"WARNING: All log messages before absl|[IWE]\d{4} .*\d\] ")
console = Console(highlight=False, markup=False, emoji=False)


def printable(text: str, keep: str = "") -> str:
    """Text in which characters that control a terminal or the direction of writing are written as escapes.

    Args:
        text: Such as the name of a class.
        keep: Characters that stay as they are.
    """
    return "".join(
        character
        if character.isprintable() or character in keep
        else character.encode("unicode_escape", "backslashreplace").decode("ascii")
        for character in text
    )


class ConsoleHandler(logging.Handler):
    """Prints records on the console; a message may be anything that rich can draw, such as a table."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record, unless it is meant for the log file alone."""
        if getattr(record, "file_only", False):
            return
        style = "yellow" if record.levelno >= logging.WARNING else None
        text = isinstance(record.msg, str)
        console.print(record.getMessage() if text else record.msg, style=style, markup=False, soft_wrap=text)


class PlainFormatter(logging.Formatter):
    """Text lines with their time; a table is drawn as text."""

    def format(self, record: logging.LogRecord) -> str:
        """Render one record."""
        if not isinstance(record.msg, str):
            drawing = io.StringIO()
            Console(file=drawing, width=120, markup=False, emoji=False).print(record.msg)
            record = logging.makeLogRecord(record.__dict__ | {"msg": drawing.getvalue().rstrip(), "args": ()})
        return super().format(record)


def set_up_console() -> None:
    """Let the logger speak to the console; doing it again changes nothing."""
    log.setLevel(logging.INFO)
    log.propagate = False
    if not any(isinstance(handler, ConsoleHandler) for handler in log.handlers):
        log.addHandler(ConsoleHandler())


@contextmanager
def log_file(path: Path) -> Iterator[None]:
    """Keep everything that is said in a file as well."""
    handler = logging.FileHandler(path, encoding="utf-8")
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
    """Images per second since the task began."""

    def render(self, task: Task) -> Text:
        """Draw the task's `images_per_second` field, or else its own speed."""
        rate: Any = task.fields.get("images_per_second") or task.speed or 0.0
        return Text(f"{rate:,.0f} images/s", style="cyan")


def progress_bar() -> Progress:
    """A bar with images/s and time left; it draws nothing when the output is no terminal."""
    return Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
