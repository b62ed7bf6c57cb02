"""From purchases to a ranker, its validation and everyone's recommendations, stage by stage."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import polars as pl
import pyarrow as pa

from hmexp.config.errors import RunError
from hmexp.config.recommend import RecommendConfig
from hmexp.console import progress
from hmexp.inference.parts import Parts
from hmexp.recommend.candidates import Shop, sources_of
from hmexp.recommend.evaluation import RankingEvaluation, evaluate
from hmexp.recommend.examples import Offers, customers_within, in_parts, some_customers, training_rows
from hmexp.recommend.features import FEATURES
from hmexp.recommend.inputs import Inputs
from hmexp.recommend.lists import filled, popular_then_any
from hmexp.recommend.ranker import WITHOUT_PICTURES, Ranker, best_of, fit_ranker, without_pictures
from hmexp.recommend.recommendations import SCHEMA
from hmexp.recommend.stages import Stages
from hmexp.recommend.transactions import Numbers, first_and_last_day, write_purchases
from hmexp.recommend.validation import RANKER, WITHOUT, measure
from hmexp.recommend.windows import Plan, Window, plan_windows

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Pipeline:
    """The stages of `recommend`, each asked for what it needs of those before it.

    Attributes:
        config: Of the command.
        inputs: What is read.
        stages: What is finished.
    """

    config: RecommendConfig
    inputs: Inputs
    stages: Stages
    _offers: dict[Window, Offers] = field(default_factory=dict)

    @cached_property
    def shop(self) -> Shop:
        """Where candidates come from."""
        neighbours = self.stages.frame("neighbours", self.inputs.looks.neighbours)
        return Shop(self.inputs.articles, neighbours, self.config.candidates)

    @cached_property
    def transactions(self) -> pl.LazyFrame:
        """The purchases by number."""
        inputs = self.inputs
        numbers = Numbers(inputs.customers, inputs.articles.numbers, inputs.max_bad_fraction)
        with progress("reading purchases", sentence=f"reading the purchases of {inputs.transactions}"):
            path = self.stages.file("purchases.parquet", lambda out: write_purchases(inputs.transactions, numbers, out))
        return pl.scan_parquet(path)

    @cached_property
    def plan(self) -> Plan:
        """The windows."""
        return plan_windows(self.config.windows, *first_and_last_day(self.transactions))

    def offers(self, window: Window) -> Offers:
        """What customers are offered in a window; the tables of one window are kept at a time."""
        if window not in self._offers:
            self._offers.clear()
            self._offers[window] = Offers.of(self.shop, self.transactions, window)
        return self._offers[window]

    def examples(self, window: Window) -> pl.DataFrame:
        """What the ranker learns from a window."""
        config = self.config
        num = max(1, config.ranker.customers // config.windows.train)

        def make() -> pl.DataFrame:
            active = customers_within(window, self.transactions, self.inputs.customers)
            parts = in_parts(some_customers(active, num, config.seed))
            offers = self.offers(window)
            make_part = lambda part: training_rows(offers, part, config.ranker, config.seed)  # noqa: E731
            return pl.concat(_each(f"learning {window}", parts, make_part))

        return self.stages.frame(f"examples-{window.cutoff}-{window.days}", make)

    def ranker(self, windows: Sequence[Window], pictures: bool = True) -> Ranker:
        """The ranker that has learned from some windows.

        Raises:
            RunError: No customer of these windows bought a candidate.
        """
        name = f"ranker-{windows[0].cutoff}-{'with' if pictures else 'without'}-pictures"

        def fit() -> Ranker:
            rows = pl.concat([self.examples(window) for window in windows])
            if rows.is_empty():
                raise RunError("the ranker has nothing to learn from: nobody bought one of the candidates")
            kept, features = (rows, FEATURES) if pictures else (without_pictures(rows), WITHOUT_PICTURES)
            which = "" if pictures else " without pictures"
            bought = f"{rows.height:,} candidates, {rows['bought'].sum():,} of them bought"
            with progress("training the ranker", sentence=f"training the ranker{which} on {bought}"):
                return fit_ranker(kept, self.config.ranker, features, self.config.seed)

        return self.stages.ranker(name, fit)

    @property
    def has_pictures(self) -> bool:
        """Whether something says what looks alike."""
        return len(self.shop.neighbours) > 0

    def validation(self) -> tuple[RankingEvaluation, Ranker]:
        """What every method is worth on the last days, and the ranker that was measured."""
        window = self.plan.validation
        rankers = {WITHOUT: self.ranker(self.plan.train, pictures=False)} if self.has_pictures else {}
        rankers[RANKER] = self.ranker(self.plan.train)
        active = customers_within(window, self.transactions, self.inputs.customers)
        if active.is_empty():
            raise RunError(f"nobody bought anything in {window}")
        measured: list[pl.DataFrame] = []
        parts = list(enumerate(in_parts(active)))

        def measure_part(numbered: tuple[int, pl.DataFrame]) -> pl.DataFrame:
            number, part = numbered
            name = f"validation-{number:05}"
            return self.stages.frame(name, lambda: measure(self.offers(window), rankers, part, self.config.seed))

        measured = _each(f"measuring {window}", parts, measure_part)
        return evaluate(pl.concat(measured).to_pandas(), self.config.seed), rankers[RANKER]

    def recommend(self, parts: Parts) -> None:
        """Write everyone's recommendations, the parts that are missing."""
        missing = parts.missing()
        if not missing:
            return
        ranker = self.ranker(self.plan.final_train)
        offers = self.offers(self.plan.final)
        anything = popular_then_any(offers.history, len(self.inputs.articles.table))
        customers = in_parts(self.inputs.customers)

        def recommend_part(number: int) -> None:
            parts.write(number, self._part(offers, ranker, customers[number], anything))

        _each("recommending", missing, recommend_part)

    def _part(self, offers: Offers, ranker: Ranker, customers: pl.DataFrame, anything: pl.DataFrame) -> pa.Table:
        rows = offers.candidates(offers.buyers(customers))
        best = best_of(rows, ranker.scores(rows))
        lists = filled(best, customers, anything)
        keys = ["customer", "article"]
        known = rows.select(*keys, sources_of()).join(best.select(*keys, "score"), on=keys)
        lists = lists.join(known, on=keys, how="left").with_columns(
            pl.col("sources").fill_null("popular"), pl.col("score").fill_null(pl.col("score").min().over("customer"))
        )
        named = lists.join(self.inputs.articles.table.select("article", "article_id"), on="article", how="left")
        grouped = named.sort("customer", "place").group_by("customer", maintain_order=True)
        listed = grouped.agg(articles="article_id", scores=pl.col("score").fill_null(0.0), sources="sources")
        ids = customers.select("customer", "customer_id").join(listed, on="customer", how="left", maintain_order="left")
        return ids.select(SCHEMA.names).to_arrow().cast(SCHEMA)


def _each(what: str, items: Sequence[Item], make: Callable[[Item], Result]) -> list[Result]:
    """Make something of each item, with a bar."""
    with progress(what, len(items), unit="parts") as bar:
        made = []
        for item in items:
            made.append(make(item))
            bar.advance()
    return made
