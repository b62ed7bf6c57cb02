"""The progress bar of all long work: one line that fits the terminal, and goes when the work is done."""

import importlib.util
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock
from types import TracebackType

from rich.console import RenderableType
from rich.progress import Progress, TaskID

from hmexp.console.bar_line import BarLine
from hmexp.console.output import console, log


def shows_bars() -> bool:
    """Whether bars are drawn: on a terminal that can move its cursor, or in a notebook with widgets."""
    if console.is_jupyter:
        return importlib.util.find_spec("ipywidgets") is not None
    return console.is_terminal and not console.is_dumb_terminal


class _Lines(Progress):
    """The lines of all tasks, and what some of them have below."""

    def get_renderables(self) -> Iterator[RenderableType]:
        """What is drawn now."""
        yield self.make_tasks_table(self.tasks)
        yield from (below() for task in self.tasks if (below := task.fields["below"]) is not None)


class _Display:
    """The lines of all bars that are shown now; there is one for the console."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.progress: Progress | None = None
        self.waiting: Bar | None = None

    def add(self, bar: "Bar") -> tuple[Progress, TaskID]:
        with self.lock:
            if self.progress is None:
                self.progress = _Lines(BarLine(), console=console, transient=True)
                self.progress.start()
            task = self.progress.add_task(
                bar.what, total=bar.total, completed=bar.done, unit=bar.unit, note="", below=bar.below
            )
            self._show_waiting(self.progress)
            return self.progress, task

    def remove(self, task: TaskID) -> None:
        with self.lock:
            if self.progress is None:
                return
            if len(self.progress.task_ids) == 1:  # it goes with the display, which clears its line
                self.close()
            else:
                self.progress.remove_task(task)
                self._show_waiting(self.progress)

    def close(self) -> None:
        """Take all bars away."""
        with self.lock:
            if self.progress is not None:
                self.progress.stop()
                self.progress = None

    def _show_waiting(self, progress: Progress) -> None:
        """Show the bar of `until_said` while it is the only one."""
        waiting = self.waiting.task if self.waiting is not None else None
        if waiting in progress.task_ids:
            progress.update(waiting, visible=len(progress.task_ids) == 1)


_display = _Display()


class Bar:
    """The bar of one piece of work, drawn from `start` to `stop`; where no bars are shown it does nothing.

    Args:
        what: Is done, in a word or two.
        total: Of what is counted; None where nobody knows.
        unit: Of what is counted, for its rate and the time that is left; empty shows neither.
        done: Of an earlier command.

    Attributes:
        below: Gives what is drawn below the bar, several times a second.
    """

    def __init__(self, what: str, total: int | None = None, unit: str = "images", done: int = 0) -> None:
        self.what, self.total, self.unit, self.done = what, total, unit, done
        self.below: Callable[[], RenderableType] | None = None
        self._shown: tuple[Progress, TaskID] | None = None

    @property
    def task(self) -> TaskID | None:
        """Its line, while it is drawn."""
        return None if self._shown is None else self._shown[1]

    @property
    def is_shown(self) -> bool:
        """Whether it is drawn now."""
        return self._shown is not None

    def start(self) -> None:
        """Draw the bar."""
        if self._shown is None and shows_bars():
            self._shown = _display.add(self)

    def advance(self, num: int = 1, note: str | None = None) -> None:
        """Go on by so many, with another note behind the bar."""
        self._update(advance=num, **({} if note is None else {"note": note}))

    def reach(self, num: int, note: str | None = None) -> None:
        """Be at so many in all."""
        self._update(completed=num, **({} if note is None else {"note": note}))

    def note(self, note: str) -> None:
        """Say something else behind the bar."""
        self._update(note=note)

    def stop(self) -> None:
        """Take the bar away."""
        if self._shown is not None:
            _display.remove(self._shown[1])
            self._shown = None

    def _update(self, **changes: object) -> None:
        if self._shown is not None:
            progress, task = self._shown
            progress.update(task, **changes)  # type: ignore[arg-type]

    def __enter__(self) -> "Bar":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


@contextmanager
def progress(
    what: str, total: int | None = None, unit: str = "images", done: int = 0, sentence: str = ""
) -> Iterator[Bar]:
    """Show long work: a bar where bars are shown, and a line in the log file and, where there are no bars, here.

    Args:
        what: See `Bar`.
        total: Alike.
        unit: Alike.
        done: Alike.
        sentence: The line; of `what` and `total` where it is empty. Where nothing, or one, is counted either it is
            for the log file alone.
    """
    line = sentence or (what if total is None else f"{what}: {total:,} {unit}".strip())
    minor = (total is None or total == 1) and not sentence
    (log.debug if minor or shows_bars() else log.info)(line)
    with Bar(what, total, unit, done) as bar:
        yield bar


def said() -> None:
    """Take the bar of `until_said` away: something is printed."""
    if _display.waiting is not None:
        _display.waiting.stop()


class _Said(logging.Handler):
    """Hears of what is said."""

    def emit(self, record: logging.LogRecord) -> None:
        """Hear of a record."""
        said()


@contextmanager
def until_said() -> Iterator[None]:
    """Show a bar until the block says or prints something, or ends; it gives way to any other."""
    handler, around = _Said(logging.INFO), _display.waiting
    log.addHandler(handler)
    try:
        with Bar("starting") as _display.waiting:
            yield
    finally:
        _display.waiting = around
        if around is None:
            _display.close()  # a signal may have come between the start of a bar and its name
        log.removeHandler(handler)
