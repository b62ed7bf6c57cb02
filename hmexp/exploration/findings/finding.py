"""A finding: something about a catalogue that a user should know, and the option that answers it."""

from dataclasses import dataclass

PROBLEM, NOTICE, FINE = "problem", "notice", "fine"
LEVELS = (PROBLEM, NOTICE, FINE)
"""From what should be answered before training to what is as it should be."""


@dataclass(frozen=True)
class Finding:
    """One sentence, without its full stop.

    Attributes:
        level: One of `LEVELS`.
        section: Of the page where it can be seen: `classes`, `articles`, `pictures`, `copies`, `alike` or `columns`.
        text: What was found, in words and numbers.
        option: What answers it, words of the command line in backticks; empty where nothing has to be done.
        chosen: Whether the configuration that was looked at has that option already.
    """

    level: str
    section: str
    text: str
    option: str = ""
    chosen: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it asks for an answer, or to be known."""
        return self.level != FINE and not self.chosen


def named(names: list[str], most: int = 4) -> str:
    """Names for a sentence, the first few of many."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


def percent(share: float) -> str:
    """A share in per cent; one that is not quite none, or all, does not look like it."""
    if 0 < share < 0.0005:
        return "less than 0.1 %"
    if 0.9995 <= share < 1:
        return "nearly 100 %"
    return f"{100 * share:.1f} %".replace(".0 %", " %")
