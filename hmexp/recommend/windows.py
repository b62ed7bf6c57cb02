"""Time: what is predicted, and from which days before it."""

from dataclasses import dataclass

import polars as pl

from hmexp.config.errors import UserError
from hmexp.config.recommend import WindowsConfig
from hmexp.recommend.sources import day_name


@dataclass(frozen=True)
class Window:
    """Days that are predicted.

    Attributes:
        cutoff: The first of them, in days since 1970; features see what was bought before it.
        days: How many.
        history: Days before the cut-off that features see; None for all of them.
    """

    cutoff: int
    days: int
    history: int | None = None

    def before(self, transactions: pl.LazyFrame) -> pl.LazyFrame:
        """The purchases that features may see."""
        known = transactions.filter(pl.col("day") < self.cutoff)
        return known if self.history is None else known.filter(pl.col("day") >= self.cutoff - self.history)

    def within(self, transactions: pl.LazyFrame) -> pl.LazyFrame:
        """The purchases that are predicted."""
        return transactions.filter(pl.col("day").is_between(self.cutoff, self.cutoff + self.days - 1))

    def __str__(self) -> str:
        """Its first and its last day."""
        return f"{day_name(self.cutoff)} to {day_name(self.cutoff + self.days - 1)}"


@dataclass(frozen=True)
class Plan:
    """The windows of a command.

    Attributes:
        validation: The last days there are.
        train: What the ranker that is validated learns from, the newest first; none ends behind the cut-off of
            validation.
        final: The days after the last one.
        final_train: What the ranker of the final recommendations learns from, the newest first.
    """

    validation: Window
    train: tuple[Window, ...]
    final: Window
    final_train: tuple[Window, ...]


def plan_windows(cfg: WindowsConfig, first: int, last: int) -> Plan:
    """Lay the windows into the days that there are.

    Args:
        cfg: The section.
        first: First day with a purchase, in days since 1970.
        last: Last day with one.

    Raises:
        UserError: A window would have no day before it.
    """
    final = Window(last + 1, cfg.days, cfg.history)
    validation = Window(final.cutoff - cfg.days, cfg.days, cfg.history)
    train = _windows_before(cfg, validation.cutoff)
    if train[-1].cutoff <= first:
        needed = validation.cutoff - train[-1].cutoff + cfg.days + 1
        raise UserError(
            f"windows: expected at least {needed} days of purchases for windows.days={cfg.days} "
            f"windows.train={cfg.train}, received {last - first + 1} ({day_name(first)} to {day_name(last)})"
        )
    return Plan(validation, train, final, _windows_before(cfg, final.cutoff))


def _windows_before(cfg: WindowsConfig, cutoff: int) -> tuple[Window, ...]:
    starts = [cutoff - cfg.learned_days - number * cfg.learned_step for number in range(cfg.train)]
    return tuple(Window(start, cfg.learned_days, cfg.history) for start in starts)
