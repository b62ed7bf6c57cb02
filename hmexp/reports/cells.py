"""Numbers and texts of a page's tables as people read them."""

import math
from numbers import Integral, Real

import pandas as pd

from hmexp.process import printable

FINEST = 1e-3
"""Smaller numbers have an exponent."""


def cell(value: object) -> str:
    """A table's value: thousands apart, three digits of what is between, nothing for nothing."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Integral):
        return f"{value:,}"
    if isinstance(value, Real):
        return _real(float(value))
    return "" if value is None or value is pd.NA or value is pd.NaT else printable(str(value))


def _real(value: float) -> str:
    if math.isnan(value):
        return ""
    size = abs(value)
    if math.isinf(value) or 0 < size < FINEST:
        return f"{value:.2g}"
    return f"{value:,.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.3f}"


def between(low: float | None, high: float | None) -> str:
    """The ends of an interval in words; nothing where there is none."""
    if low is None or high is None or pd.isna(low) or pd.isna(high):
        return ""
    return f"{cell(float(low))} to {cell(float(high))}"


def metric_words(name: str) -> str:
    """A metric's name as people write it: `macro F1`, `ECE`."""
    return name.replace("_", " ").replace(" f1", " F1").replace("ece", "ECE").replace("top3", "top-3")
