"""Tables: drawn where they fit, and as records, a few lines a row, where columns would have to be cut."""

import io
from collections.abc import Iterator
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Column, Table
from rich.text import Text

from hmexp.console.lines import GAP, wrapped
from hmexp.process import printable

PLAIN_WIDTH = 120
"""Of a table in a file or a pipe, which is wider where cells would have to be cut."""
LONG_WORD = 14
"""Cells that a column of several lines has at most where there is no room for its longest word."""


class LoggedTable(Table):
    """A table that is drawn on a console, and is text wherever else a log goes; names in it move no cursor."""

    def add_row(self, *cells: Any, **settings: Any) -> None:  # noqa: ANN401
        """Add a row, its control characters shown by their escapes."""
        super().add_row(*(printable(cell) if isinstance(cell, str) else cell for cell in cells), **settings)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the table, or its rows as records where it does not fit."""
        if self.title:  # rich would break it at the table's width, however wide the terminal is
            yield Text(wrapped(str(self.title), options.max_width), style="table.title", overflow="ignore")
        if self.narrowest > options.max_width:
            yield from (Text(line, overflow="ignore", no_wrap=True) for line in self.records(options.max_width))
        else:
            yield from self._without_title(console, options)

    def _without_title(self, console: Console, options: ConsoleOptions) -> RenderResult:
        title, self.title = self.title, None
        try:
            yield from super().__rich_console__(console, options)
        finally:
            self.title = title

    def __str__(self) -> str:
        drawing = io.StringIO()
        # A notebook's console would show it at once, beside the one that the log shows.
        width = max(PLAIN_WIDTH, self.narrowest, cell_len(str(self.title or "")))
        plain = Console(file=drawing, width=width, markup=False, emoji=False, color_system=None, force_jupyter=False)
        plain.print(self)
        return "\n".join(line.rstrip() for line in drawing.getvalue().rstrip().splitlines())

    @property
    def narrowest(self) -> int:
        """Cells in which the table can be drawn with nothing cut."""
        widths = (self._narrowest(column) for column in self.columns)
        return sum(widths) + len(GAP) * max(0, len(self.columns) - 1) + 2

    def _narrowest(self, column: Column) -> int:
        texts = [str(cell) for cell in (column.header, *column.cells, *([column.footer] if self.show_footer else []))]
        if column.no_wrap:
            return max(map(cell_len, texts))
        return min(LONG_WORD, max((cell_len(word) for text in texts for word in text.split()), default=0))

    def records(self, width: int) -> Iterator[str]:
        """Each row: what stands in its first column and is long, then names and values of the rest."""
        yield ""
        long = {place for place, column in enumerate(self.columns) if place and not column.no_wrap}
        if len(long) == len(self.columns) - 1:  # none stands out
            long = set()
        for row in zip(*(column.cells for column in self.columns), strict=True):
            texts = {place: str(cell) for place, cell in enumerate(row)}
            head = [texts[0], *(texts[place] for place in sorted(long))]
            rest = {place: text for place, text in texts.items() if place and place not in long and text}
            pairs = [f"{self.columns[place].header} {text}" for place, text in rest.items()]
            yield wrapped(GAP.join(head) + (f"\n{GAP}" if long else GAP) + GAP.join(pairs), width)
        yield ""
