"""Features see what was bought before the cut-off, and a planted leak is found."""

from dataclasses import replace

import polars as pl
import pytest
from made_shop import CUTOFF, customers, purchases, shop

from hmexp.config.errors import RunError
from hmexp.config.recommend import RankerConfig
from hmexp.recommend.candidates import Buyers, find_candidates
from hmexp.recommend.examples import Offers, training_rows
from hmexp.recommend.features import add_features
from hmexp.recommend.history import build_history
from hmexp.recommend.sources import LAST_DAY, LeakError, Source
from hmexp.recommend.windows import Window

BEFORE = [(1, 4, 90), (1, 6, 99), (2, 6, 98), (2, 10, 98), (3, 10, 99)]
WITHIN = [(1, 10, 100), (2, 12, 101), (3, 4, 106)]
WINDOW = Window(CUTOFF, 7)


def test_a_window_parts_what_is_known_from_what_is_predicted():
    everything = purchases(*BEFORE, *WITHIN, (1, 2, 107)).lazy()
    assert WINDOW.before(everything).collect()["day"].max() == CUTOFF - 1
    assert WINDOW.within(everything).collect()["day"].to_list() == [100, 101, 106]
    assert replace(WINDOW, history=2).before(everything).collect()["day"].min() == CUTOFF - 2


def test_what_happens_in_the_window_changes_no_feature():
    """The same candidates and features, with and without the purchases from the cut-off on."""
    where, who = shop([(6, 15, 0.9)]), customers(1, 2, 3)
    rows = []
    for known in (purchases(*BEFORE), purchases(*BEFORE, *WITHIN)):
        offers = Offers.of(where, known.lazy(), WINDOW)
        rows.append(offers.candidates(offers.buyers(who)))
    assert rows[0].equals(rows[1])
    assert len(rows[0]) > 0


def test_tables_of_later_purchases_are_refused():
    leaking = purchases(*BEFORE, *WITHIN).lazy()
    with pytest.raises(LeakError, match=r"leak: expected the source sales to end before 1970-04-11.* up to 1970-04-17"):
        build_history(leaking, CUTOFF, shop().cfg)


@pytest.mark.parametrize("name", ["sales", "popular", "together"])
def test_a_leak_in_one_table_is_found_by_its_name(name):
    """One source is made a day too late, as a wrong bound in its query would make it."""
    cfg = shop().cfg
    history = build_history(purchases(*BEFORE).lazy(), CUTOFF, cfg)
    later = build_history(purchases(*BEFORE, (1, 10, 100), (1, 6, 100)).lazy(), CUTOFF + 1, cfg)
    with pytest.raises(LeakError, match=f"the source {name} to end before"):
        replace(history, **{name: getattr(later, name)})


@pytest.mark.parametrize("use", [find_candidates, add_features])
def test_customers_purchases_of_the_window_are_found(use):
    where, who = shop(), customers(1, 2, 3)
    history = build_history(purchases(*BEFORE).lazy(), CUTOFF, where.cfg)
    leaking = Buyers.of(who, purchases(*BEFORE, *WITHIN))
    candidates = find_candidates(where, history, Buyers.of(who, purchases(*BEFORE)))
    more = (candidates,) if use is add_features else ()
    with pytest.raises(LeakError, match="the source purchases to end before"):
        use(where, history, leaking, *more)


def test_a_table_that_does_not_say_what_it_holds_is_refused():
    history = build_history(purchases(*BEFORE).lazy(), CUTOFF, shop().cfg)
    silent = Source("sales", history.sales.frame.drop(LAST_DAY))
    with pytest.raises(LeakError, match="does not say"):
        replace(history, sales=silent)
    unknown = Source("sales", history.sales.frame.with_columns(pl.lit(None, pl.Int32).alias(LAST_DAY)))
    with pytest.raises(LeakError, match="does not say"):
        replace(history, sales=unknown)


def test_a_leak_ends_the_command_with_one_line():
    assert issubclass(LeakError, RunError)


def test_training_rows_are_of_those_who_bought_a_candidate():
    offers = Offers.of(shop(), purchases(*BEFORE, *WITHIN).lazy(), WINDOW)
    rows = training_rows(offers, customers(1, 2, 3), RankerConfig(negatives=2), seed=0)
    bought = rows.filter(pl.col("bought") == 1).select("customer", "article").rows()
    assert bought == [(1, 10), (3, 4)], "12 is no candidate of customer 2: nobody had bought it"
    assert rows.group_by("customer").len()["len"].max() == 3
    assert rows["window"].unique().to_list() == [CUTOFF]
