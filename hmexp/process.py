"""The process of a command: its signals, its output, its garbage, and what a full disk means to it."""

import errno
import gc
import getpass
import importlib
import os
import re
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from hmexp.config.errors import causes

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
"""Of the system: no room, no more room for this user or this process, a disk that may only be read."""
FULL_DATABASE = "disk is full|disk I/O error|readonly database"
NEW_OBJECTS = 10_000
"""Containers made and not freed in a command's process before the garbage collector looks at them."""


def answered() -> list[signal.Signals]:
    """The signals that this thread may answer: none outside the main thread, and none that is to be ignored (nohup)."""
    if threading.current_thread() is not threading.main_thread():
        return []
    return [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]


class Answer:
    """Answers a signal as Python answers Ctrl-C, and remembers it: some imports swallow every exception.

    Attributes:
        requested: Whether a signal came.
    """

    def __init__(self) -> None:
        self.requested = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Called by Python."""
        self.requested = True
        raise KeyboardInterrupt


def interrupted() -> bool:
    """Whether a signal came that whoever answers signals now has noted."""
    return any(_noted())


def _noted() -> list[bool]:
    """Whether a signal came, of each that a command answers here; none of a process that is not a command's."""
    handlers = [signal.getsignal(number) for number in SIGNALS]
    answers: list[Any] = [getattr(handler, "__self__", handler) for handler in handlers]
    return [answer.requested for answer in answers if hasattr(answer, "requested")]


def check_interrupted() -> None:
    """Raise KeyboardInterrupt where a signal came and its exception was lost."""
    if interrupted():
        raise KeyboardInterrupt


@contextmanager
def quiet_when_interrupted() -> Iterator[None]:
    """Print no traceback of an interruption inside the block.

    KeyboardInterrupt falls into destructors, callbacks of the garbage collector and native code, which cannot pass it
    on: Python, or TensorFlow, prints it there, or the SystemError that it has become. The signal itself is noted.
    """
    hooks = sys.unraisablehook, sys.excepthook
    sys.unraisablehook = lambda about: None if interrupted() else hooks[0](about)
    sys.excepthook = lambda *about: None if interrupted() else hooks[1](*about)
    try:
        yield
    finally:
        sys.unraisablehook, sys.excepthook = hooks


@contextmanager
def interruption_as_such() -> Iterator[None]:
    """Raise the KeyboardInterrupt of a signal where Python or a library has made another exception of it.

    A signal in the middle of a class body is a RuntimeError before Python 3.12 (`Error calling __set_name__`), one in a
    library's import an ImportError, one in native code a SystemError.
    """
    try:
        yield
    except Exception as error:
        stop = next((each for each in causes(error) if isinstance(each, KeyboardInterrupt)), None)
        if stop is None or not interrupted():
            raise
        raise KeyboardInterrupt(*stop.args) from error


@contextmanager
def answer_signals() -> Iterator[None]:
    """Answer SIGINT, SIGTERM and SIGHUP inside the block with KeyboardInterrupt."""
    answer = Answer()
    previous = {number: signal.signal(number, answer) for number in answered()}
    try:
        with quiet_when_interrupted(), interruption_as_such():
            yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def without_collection() -> Iterator[None]:
    """Keep the garbage collector off inside the block, which makes many objects that live on.

    It walks all that live again and again as they grow in number: a tenth of TensorFlow's import.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def import_for_good(name: str) -> None:
    """Import a large library, which the garbage collector walks neither meanwhile nor, in a command's process, later.

    What TensorFlow's import makes lives as long as the process, and to walk it takes half a second, several times in a
    training and once more when the process ends. In a notebook there are objects of the user's too: there it is walked.
    """
    with without_collection():
        importlib.import_module(name)
    if _noted():
        keep_for_good()


def keep_for_good() -> None:
    """Take what lives now out of the garbage collector's sight, and let it look at new objects less often.

    For the process of a command alone. Python's own 700 (3.11) are few where every step of a graph, and every figure,
    makes thousands of objects: a twentieth of a small training was spent on 1,200 collections.
    """
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, *gc.get_threshold()[1:])


def tolerant_output() -> None:
    """Let the terminal show what it can: characters that its encoding lacks are replaced."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a notebook's or a test's has its own
            with suppress(ValueError):
                stream.reconfigure(errors="replace")


def drop_stdout() -> None:
    """Write to nowhere from now on: whoever read the output is gone."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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


def user_name() -> str:
    """Who runs the process; nobody where the machine knows no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def num_cores() -> int:
    """Cores that this process may run on (`os.process_cpu_count` has it from Python 3.13)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def full_disk(error: BaseException | None) -> str | None:
    """In a line, that a disk is full or may only be read, and how many bytes are free; None for any other error."""
    import sqlite3  # costs the start of every command

    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return _no_room(Path(os.fsdecode(error.filename) if error.filename else "."), error)
        if isinstance(error, sqlite3.OperationalError) and re.search(FULL_DATABASE, str(error)):
            return _no_room(Path(), OSError(errno.ENOSPC, str(error)))
        error = error.__cause__ or error.__context__
    return None


def _no_room(place: Path, error: OSError) -> str:
    from rich.filesize import decimal

    place = place.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    if error.errno == errno.EROFS:
        return f"{place}: expected a place that can be written, received a {error.strerror}"
    free = decimal(shutil.disk_usage(place).free)
    return f"{place}: expected room to write, received {error.strerror} ({free} free): make some"


@contextmanager
def written_to(place: Path) -> Iterator[None]:
    """Name the place in errors of a full disk that name none, as those of writing do."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL and error.filename is None:
            error.filename = str(place)
        raise
