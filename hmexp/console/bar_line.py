"""The line of a progress bar: what is done, how far, how fast, and the time left, as far as there is room."""

from collections.abc import Mapping
from datetime import timedelta

from rich.cells import cell_len, set_cell_size
from rich.console import RenderableType
from rich.progress import ProgressColumn, Task
from rich.progress_bar import ProgressBar
from rich.table import Table

from hmexp.console.output import console

MIN_BAR, MAX_BAR = 6, 30
"""Cells of the bar itself."""
STYLES = {"what": "bold", "rate": "cyan", "left": "green"}
IMPORTANCE = ("share", "left", "note", "rate", "count")
"""What is shown beside the bar, the first that goes where there is no room last."""
ORDER = ("share", "count", "rate", "left", "note")
WORTH_CUTTING = 12
"""Cells of a note below which it is left out."""
SLACK = 1
"""Cells that stay free: some terminals begin a new line after the last."""


def fitted(texts: Mapping[str, str], width: int) -> tuple[dict[str, str], int]:
    """What of a line there is room for, and the cells of its bar.

    Args:
        texts: `what`, and any of `IMPORTANCE`; what is empty is not shown.
        width: Of the terminal, in cells.
    """
    share = cell_len(texts.get("share", ""))
    kept = {"what": _cut(texts["what"], max(MIN_BAR, width - SLACK - MIN_BAR - share - 2))}
    used = cell_len(kept["what"]) + 1
    for name in IMPORTANCE:
        room = width - SLACK - MIN_BAR - used - 1
        text = texts.get(name, "")
        if name == "note" and room >= WORTH_CUTTING:
            text = _cut(text, room)
        if text and cell_len(text) <= room:
            kept[name] = text
            used += cell_len(text) + 1
    return kept, max(1, min(MAX_BAR, width - SLACK - used))


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else f"{set_cell_size(text, width - 1)}…"


class BarLine(ProgressColumn):
    """A task in one line; its fields are `unit` and `note`. The bar moves to and fro until something is done."""

    def render(self, task: Task) -> RenderableType:
        """Draw the task as the console is wide now."""
        kept, width = fitted(_texts(task), console.width)
        pulse = task.total is None or not task.completed
        bar = ProgressBar(task.total, task.completed, width, pulse=pulse, animation_time=task.get_time())
        line = Table.grid(padding=(0, 1), pad_edge=False)
        names = [name for name in ORDER if name in kept]
        for name in ("what", "bar", *names):
            line.add_column(style=STYLES.get(name), no_wrap=True)
        line.add_row(kept["what"], bar, *(kept[name] for name in names))
        return line


def _texts(task: Task) -> dict[str, str]:
    texts = {"what": task.description, "note": str(task.fields["note"])}
    if task.total is None or task.total == 1:
        return texts | {"left": _time(task.elapsed)}
    speed, unit = task.speed or 0.0, task.fields["unit"]
    return texts | {
        "share": f"{min(100.0, task.percentage):3.0f}%",
        "count": f"{min(task.completed, task.total):,.0f} of {task.total:,.0f}",
        "rate": f"{speed:,.{0 if speed >= 10 else 1}f} {unit}/s" if speed and unit else "",
        "left": _time(task.time_remaining) if unit else "",
    }


def _time(seconds: float | None) -> str:
    return "" if seconds is None else str(timedelta(seconds=round(seconds)))
