"""One check: what came of it, in a line, and the remedy."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

OK, WARN, FAIL = "ok", "warn", "fail"
"""As it should be; a run works, but something is not as it should be; a run could not work."""
INDENT = 19
"""Cells before what was found."""
LONGEST = 300
"""Letters of an error that are shown."""


@dataclass(frozen=True)
class Check:
    """What came of a check.

    Attributes:
        name: What was checked.
        level: `ok`, `warn` or `fail`.
        text: What was found.
        remedy: What to do about it; empty where nothing has to be done.
    """

    name: str
    level: str
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        line = f"{self.level:<5} {self.name:<12} {self.text}"
        return f"{line}\n{'':<{INDENT}}-> {self.remedy}" if self.remedy else line


def made(name: str, checks: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    """The checks, and a failed one in place of whatever they raise."""
    try:
        yield from checks()
    except Exception as error:
        yield failed(name, error)


def failed(name: str, error: BaseException) -> Check:
    """The check that ended in an error."""
    missing = isinstance(error, ImportError)
    remedy = "install hmexp again: pip install --force-reinstall hmexp" if missing else ""
    return Check(name, FAIL, words_of(error), remedy)


def words_of(error: BaseException) -> str:
    """An error in a line."""
    text = " ".join(str(error).split())[:LONGEST]
    kind = type(error).__name__
    return text if kind in ("UserError", "RunError") and text else f"{kind}: {text}" if text else kind
