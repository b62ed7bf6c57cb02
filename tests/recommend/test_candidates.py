"""What each source gives a customer, worked out by hand."""

import polars as pl
import pytest
from made_shop import CUTOFF, customers, places, purchases, shop

from hmexp.recommend.candidates import Buyers, find_candidates, sources_of
from hmexp.recommend.features import FEATURES, add_features
from hmexp.recommend.history import build_history

ROWS = [
    *[(1, 4, 90), (1, 6, 95), (1, 6, 99), (1, 8, 99)],
    *[(2, 6, 98), (2, 10, 98), (3, 6, 97), (3, 10, 99)],  # who buys 6 buys 10
    *[(4, 7, 99), (5, 7, 99), (6, 5, 60)],  # another colour of 6 sells; one of 4 does no more
]


def found_for(customer, where, rows=ROWS):
    known = purchases(*rows)
    history = build_history(known.lazy(), CUTOFF, where.cfg)
    buyers = Buyers.of(customers(customer), known.filter(pl.col("customer") == customer))
    return history, buyers, find_candidates(where, history, buyers)


def test_own_purchases_are_there_the_last_first():
    _, _, found = found_for(1, shop())
    assert places(found, "own") == {6: 0, 8: 1, 4: 2}
    _, _, found = found_for(1, shop(own=2))
    assert places(found, "own") == {6: 0, 8: 1}


def test_what_was_bought_together_comes_with_it():
    _, _, found = found_for(7, shop(), [*ROWS, (7, 6, 60)])
    assert places(found, "together") == {10: 0, 4: 1, 8: 2}, "two customers bought 6 and 10, one each of the others"
    strength = found.filter(pl.col("article") == 10)["strength"][0]
    assert strength == pytest.approx(2 / (3 * 2 + 10) ** 0.5), "three bought 6, two bought 10"


def test_other_colours_are_those_that_still_sell_or_never_sold():
    _, _, found = found_for(1, shop())
    assert places(found, "colours") == {7: 0, 9: 1}, "9 is new; 5 was sold long ago and is sold no more"


def test_popular_articles_are_those_of_the_last_days():
    history, _, found = found_for(9, shop(half_life=1.0))
    assert places(found, "popular")[7] == 0, "sold twice on the last day"
    assert set(found["article"]) == set(history.popular_of_everyone()["article"])


def test_pictures_reach_articles_that_nobody_has_bought():
    where = shop([(6, 15, 0.9), (6, 10, 0.8), (4, 16, 0.7), (4, 7, 0.95)], pictures=2)
    _, _, found = found_for(1, where)
    assert places(found, "pictures") == {
        7: 0,
        15: 1,
    }, "the two nearest; 15 is the nearest that is new as well"
    where = shop([(6, 15, 0.2), (6, 10, 0.8), (4, 16, 0.1), (4, 7, 0.95)], pictures=2)
    _, _, found = found_for(1, where)
    assert places(found, "pictures") == {7: 0, 10: 1, 15: 2}, "half as many again that are new"


def test_a_candidate_of_several_sources_is_there_once():
    _, _, found = found_for(2, shop([(10, 6, 0.5)]))
    assert found.select("customer", "article").is_duplicated().sum() == 0
    named = dict(found.select("article", sources_of()).iter_rows())
    assert named[6] == "own+popular+together+pictures"


def test_a_source_may_be_left_out():
    _, _, found = found_for(1, shop([(6, 15, 0.9)], own=0, together=0, colours=0, pictures=0))
    assert all(places(found, source) == {} for source in ("own", "together", "colours", "pictures"))
    assert len(places(found, "popular")) > 0


def test_features_are_those_of_the_customer_and_the_article():
    where = shop()
    history, buyers, found = found_for(1, where)
    rows = add_features(where, history, buyers, found)
    assert rows.columns == ["customer", "article", *FEATURES]
    six = rows.row(by_predicate=pl.col("article") == 6, named=True)
    assert (six["times"], six["days_since"], six["product_times"]) == (2, 1, 2)
    assert (six["first"], six["last"]) == (5, 1)
    assert (six["num_bought"], six["num_articles"], six["since_last"]) == (4, 3, 1)
    seven = rows.row(by_predicate=pl.col("article") == 7, named=True)
    assert (seven["times"], seven["product_times"], seven["product_days_since"]) == (None, 2, 1)
    nine = rows.row(by_predicate=pl.col("article") == 9, named=True)
    assert nine["sold"] is None, "nobody has bought it"
