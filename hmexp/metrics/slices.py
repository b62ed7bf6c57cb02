"""Figures of parts of a split, by any column of the catalogue: where the model is weak."""

from itertools import pairwise

import numpy as np
import pandas as pd

from hmexp.metrics.bootstrap import f1_of, mean_of_present

RARE, NONE = "(rare)", "(none)"
MIN_NUM = 20
MAX_NUMBERS = 12
"""Numbers with more distinct values than this are cut into quartiles."""


def by_slice(predictions: pd.DataFrame, column: str, min_num: int = MIN_NUM) -> pd.DataFrame:
    """Accuracy and macro F1 of each value of a column, the worst first.

    Args:
        predictions: A row a picture: `target` and `predicted` (names of classes), and the column.
        column: Text or numbers. Text that reads as numbers throughout counts as numbers, as catalogues are read as
            text; with leading zeros it is a code.
        min_num: Values with fewer pictures go together in the one row `(rare)`.

    Returns:
        `value, num, accuracy, low, high, macro_f1`; low and high are the ends of accuracy's 95 % Wilson interval, and
        macro F1 is over the classes that the slice holds. Missing and blank values are `(none)`.

    Raises:
        ValueError: A column that is not there.
    """
    if column not in predictions.columns:
        raise ValueError(f"expected one of {', '.join(map(str, predictions.columns))}, received {column}")
    values = slice_values(predictions[column])
    values = values.where(values.map(values.value_counts()) >= min_num, RARE)
    rows = [(str(value), *_figures(part)) for value, part in predictions.groupby(values, sort=True)]
    table = pd.DataFrame(rows, columns=["value", "num", "accuracy", "low", "high", "macro_f1"])
    return table.sort_values(["accuracy", "num"], ascending=[True, False], kind="stable", ignore_index=True)


def slice_values(column: pd.Series) -> pd.Series:
    """The slice of each row, as text: the value itself, or the quartile in which a number lies."""
    numbers = _numbers(column)
    if numbers is None:
        text = column.astype("string").str.strip()
        return text.mask(text == "", pd.NA).fillna(NONE).astype(object)
    if numbers.nunique() > MAX_NUMBERS:
        return _quartiles(numbers)
    return numbers.map(_number, na_action="ignore").astype(object).fillna(NONE)


def wilson(right: int, num: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927), which holds at 0, at 1 and in small slices too.

    Args:
        right: Successes.
        num: Trials, at least 1.
    """
    # Imported here: scipy.stats takes a second.
    from scipy.stats import binomtest

    found = binomtest(right, num).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def _figures(part: pd.DataFrame) -> tuple[int, float, float, float, float]:
    """Pictures, accuracy, its interval and macro F1 of a slice."""
    right = part["target"] == part["predicted"]
    classes = pd.Index(part["target"].unique())
    hits, targets, predicted = (
        names.value_counts().reindex(classes, fill_value=0).to_numpy(np.float64)[None]
        for names in (part["target"][right], part["target"], part["predicted"])
    )
    macro_f1 = mean_of_present(f1_of(hits, targets, predicted), targets)[0]
    low, high = wilson(int(right.sum()), len(part))
    return len(part), float(right.mean()), low, high, float(macro_f1)


def _numbers(column: pd.Series) -> pd.Series | None:
    """The column as float64, NaN where it is missing; None if it is text."""
    if pd.api.types.is_bool_dtype(column):
        return None
    if pd.api.types.is_numeric_dtype(column):
        return column.astype("Float64").astype("float64")
    text = column.astype("string").str.strip()
    given = text[text.notna() & (text != "")]
    numbers = pd.to_numeric(text, errors="coerce").astype("Float64").astype("float64")
    if given.empty or given.str.match(r"0\d").any() or numbers[given.index].isna().any():
        return None
    return numbers


def _quartiles(numbers: pd.Series) -> pd.Series:
    """Quartile of each number, named by its ends; fewer than four where many numbers are equal."""
    edges = np.unique(numbers.quantile([0.25, 0.5, 0.75]))
    names = [f"up to {_number(edges[0])}"]
    names += [f"above {_number(low)} to {_number(high)}" for low, high in pairwise(edges)]
    names.append(f"above {_number(edges[-1])}")
    places = np.searchsorted(edges, numbers.to_numpy(), side="left")
    found = pd.Series(np.array(names, dtype=object)[np.minimum(places, len(edges))], index=numbers.index)
    return found.where(numbers.notna(), NONE)


def _number(value: float) -> str:
    """A number as a reader writes it: whole ones whole, others with four digits."""
    return f"{value:.0f}" if value == round(value) or abs(value) >= 1000 else f"{value:.4g}"
