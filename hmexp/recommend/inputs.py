"""What `recommend` reads: the catalogue, the purchases, the customers, and what looks alike."""

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import polars as pl

from hmexp.catalogue.sample.purchases import CUSTOMERS_FILE, PURCHASES_VERSION, TRANSACTIONS_FILE, generate_purchases
from hmexp.config.data import SampleData
from hmexp.config.errors import UserError
from hmexp.config.recommend import RecommendConfig
from hmexp.recommend.articles import Articles, read_articles
from hmexp.recommend.customers import read_customers
from hmexp.recommend.looks import Looks, find_looks
from hmexp.recommend.transactions import scan_transactions

TRANSACTIONS = (TRANSACTIONS_FILE, "transactions_train.parquet")
CUSTOMERS = (CUSTOMERS_FILE, "customers.parquet", "sample_submission.csv")


@dataclass(frozen=True)
class Inputs:
    """What is read.

    Attributes:
        name: Of the catalogue.
        synthetic: Whether the purchases are generated.
        articles: The catalogue.
        transactions: File of the purchases.
        customers: `customer_id, customer, age` of all who get recommendations.
        looks: What says which articles look alike.
        max_bad_fraction: Of `data`.
    """

    name: str
    synthetic: bool
    articles: Articles
    transactions: Path
    customers: pl.DataFrame
    looks: Looks
    max_bad_fraction: float

    @property
    def digest(self) -> str:
        """32 hexadecimal digits over articles, customers, looks and the version of the file of purchases."""
        state = self.transactions.stat()
        parts = [str(self.transactions.resolve()), str(state.st_size), str(state.st_mtime_ns), self.looks.identity]
        for frame in (self.articles.table, self.customers):
            parts.append(f"{frame.height} {frame.hash_rows(seed=1).sum()}")
        return blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


def find_inputs(config: RecommendConfig) -> Inputs:
    """Find and read what the configuration names; the purchases are not read yet.

    Raises:
        UserError: A file or a column that is not there.
    """
    articles = read_articles(config.data)
    folder = _folder(config)
    transactions = _given(config.transactions) or _first(folder, TRANSACTIONS)
    if transactions is None:
        expected = f"{TRANSACTIONS[0]} below {folder}, or transactions=FILE"
        raise UserError(f"transactions: expected {expected}, received none")
    scan_transactions(transactions)
    beside = transactions.parent if config.transactions else folder
    customers = read_customers(_given(config.customers) or _first(beside, CUSTOMERS), transactions)
    looks = find_looks(config, articles)
    generated = isinstance(config.data, SampleData) and config.transactions is None
    name = "sample" if isinstance(config.data, SampleData) else config.data.root_path.name
    return Inputs(name, generated, articles, transactions, customers, looks, config.data.max_bad_fraction)


def _folder(config: RecommendConfig) -> Path:
    if not isinstance(config.data, SampleData):
        return config.data.root_path
    folder = config.paths.cache_path / "sample" / f"purchases-{PURCHASES_VERSION}"
    if config.transactions is None:
        generate_purchases(folder)
    return folder


def _given(path: str | None) -> Path | None:
    return None if path is None else Path(path).expanduser().absolute()


def _first(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)
