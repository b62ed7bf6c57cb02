"""The catalogue as it is browsed: by class, by words of its names, and one article at a time."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import pandas as pd

from hmexp.catalogue.manifest import own, own_columns
from hmexp.inference.articles import Articles

ID_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
"""What an id in an address may be, whatever the catalogue's own are."""
NAMES = ("prod_name", "name", "title")
"""Columns that name an article, the first that is there."""
NO_DETAIL = re.compile(r"(_no|_id|_code)$|path$|file$|filename$", re.IGNORECASE)
"""Columns of numbers and places, which tell a person nothing."""
SEARCHED = 40
"""Letters of a detail that are searched, too; longer texts are descriptions."""


@dataclass(frozen=True)
class Found:
    """A page of articles.

    Attributes:
        rows: Of the articles, in their order.
        total: Articles on all pages.
    """

    rows: list[int]
    total: int


class ServedCatalogue:
    """Articles by row, by the id that an address may have, by class and by their words.

    Args:
        articles: Of the catalogue, with all of its columns.

    Attributes:
        ids: What each row is called in addresses.
        article_ids: What each row is called in the catalogue.
        names: For people.
        labels: Classes after merging; empty where an article has none.
    """

    def __init__(self, articles: Articles) -> None:
        self.articles = articles
        self.article_ids: list[str] = articles.rows["article_id"].tolist()
        self.ids = [address_id(article_id) for article_id in self.article_ids]
        self.labels: list[str] = articles.rows["label"].tolist()
        columns = own_columns(articles.rows)
        named = next((name for name in NAMES if name in columns), None)
        self.names = self.article_ids if named is None else articles.rows[own(named)].fillna("").astype(str).tolist()
        self._shown = [name for name in columns if name != named and self._tells(name)]
        self._texts = self._searched()
        self._rows = {key: row for row, key in enumerate(self.ids)}
        self._rows_by_article_id = {article_id: row for row, article_id in enumerate(self.article_ids)}

    def _tells(self, column: str) -> bool:
        """Whether a column tells a person something, and nobody where the pictures lie."""
        rows = self.articles.rows
        return not NO_DETAIL.search(column) and not (rows[own(column)] == rows["image"]).any()

    def __len__(self) -> int:
        return len(self.ids)

    def row(self, key: str) -> int | None:
        """The row that an id of an address means."""
        return self._rows.get(key)

    def row_of_article(self, article_id: str) -> int | None:
        """The row of an article by the catalogue's own id."""
        return self._rows_by_article_id.get(article_id)

    @cached_property
    def counts(self) -> dict[str, int]:
        """Class -> its articles; by name."""
        counts = pd.Series(self.labels).value_counts()
        return {str(name): int(counts[name]) for name in sorted(counts.index) if name}

    def details(self, row: int) -> dict[str, str]:
        """What the catalogue says of an article: column -> text."""
        values = self.articles.rows.iloc[row]
        texts = {name: str(values[own(name)]).strip() for name in self._shown if not pd.isna(values[own(name)])}
        return {name: text for name, text in texts.items() if text}

    def find(self, label: str | None, words: str, offset: int, limit: int) -> Found:
        """Articles of a class whose id, name or short details have all of some words, in any case and accent."""
        wanted = folded(words).split()
        rows = [
            row
            for row, text in enumerate(self._texts)
            if (label is None or self.labels[row] == label) and all(word in text for word in wanted)
        ]
        return Found(rows[offset : offset + limit], len(rows))

    def _searched(self) -> list[str]:
        """What a search looks at, for each row; of 105,000 articles in two seconds, which no request shall wait."""
        columns = [pd.Series(self.article_ids), pd.Series(self.names)]
        details = (self.articles.rows[own(name)].fillna("").astype(str) for name in self._shown)
        columns += [texts.where(texts.str.len() <= SEARCHED, "") for texts in details]
        return [folded("\n".join(row)) for row in zip(*columns, strict=True)]


def address_id(article_id: str) -> str:
    """An id that fits into an address: the article's own, or else 32 hexadecimal digits of its hash."""
    if re.fullmatch(ID_PATTERN, article_id):
        return article_id
    return blake2b(article_id.encode(), digest_size=16).hexdigest()


def folded(text: str) -> str:
    """Text without case and accents."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))
