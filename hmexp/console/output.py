"""The console: what is logged becomes lines that fit the terminal, or lines of a pipe that nobody has broken."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from hmexp.config.secrets import masked
from hmexp.console.lines import wrapped
from hmexp.console.tables import PLAIN_WIDTH
from hmexp.process import drop_stdout, printable

log = logging.getLogger("hmexp")
log.setLevel(logging.INFO)


def new_console() -> Console:
    """A console; with `NO_COLOR` it has no styles at all, as bold is a colour on some terminals."""
    plain = bool(os.environ.get("NO_COLOR"))
    return Console(highlight=False, markup=False, emoji=False, color_system=None if plain else "auto")


console = new_console()


def shown_width() -> int:
    """Cells of a line: of the terminal, or as many as a pipe is given."""
    return console.width if console.is_terminal else max(console.width, PLAIN_WIDTH)


class ConsoleHandler(logging.Handler):
    """Prints records on the console; a message may be anything that rich can draw, such as a table.

    A record's `whole` keeps its line from being broken, its `hang` indents what follows a break, and `file_only` is
    for the log file.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record, unless it is meant for the log file alone."""
        if getattr(record, "file_only", False):
            return
        # Asked anew: a process that was forked writes to a file, whatever the one before it wrote to.
        terminal = console.is_terminal
        shown = record.msg if terminal and not isinstance(record.msg, str) else _text(record, terminal)
        style = "yellow" if terminal and record.levelno >= logging.WARNING else None
        try:
            console.print(shown, style=style, markup=False, soft_wrap=isinstance(shown, str))
        except BrokenPipeError:  # nobody reads any more; the work, and its log file, go on
            console.quiet = True
            drop_stdout()


def _text(record: logging.LogRecord, terminal: bool) -> str:
    """What is printed of a record, in lines of the terminal."""
    if not isinstance(record.msg, str):
        return f"{record.msg}\n"
    text = printable(masked(record.getMessage()), keep="\n\t")
    whole = not terminal or getattr(record, "whole", False)
    return text if whole else wrapped(text, console.width, getattr(record, "hang", 2))


@contextmanager
def on_stderr() -> Iterator[None]:
    """Let the console speak on stderr inside the block: stdout is for what another program reads."""
    before, console.stderr = console.stderr, True
    try:
        yield
    finally:
        console.stderr = before


def set_up_console() -> None:
    """Let the logger speak to the console, and libraries to the log file alone; doing it again changes nothing."""
    from hmexp.console.libraries import take_over
    from hmexp.console.logfile import earlier

    log.propagate = False
    log.setLevel(logging.DEBUG)
    log.addHandler(earlier)
    if not any(isinstance(handler, ConsoleHandler) for handler in log.handlers):
        log.addHandler(ConsoleHandler(logging.INFO))
    take_over(sys.warnoptions)
