"""transactions_train.csv as it lies there: strict on what a row is, but for the zero that some copies have lost."""

import polars as pl
import pytest

from hmexp.config.errors import UserError
from hmexp.recommend.customers import age_group, read_customers
from hmexp.recommend.transactions import NUMBERED, Numbers, first_and_last_day, of_customers, write_purchases

HEADER = "t_dat,customer_id,article_id,price,sales_channel_id\n"
GOOD = "2020-09-20,b,0108775015,0.02,2\n2020-09-01,a,0108775044,0.03,1\n2020-09-22,a,0108775015,0.02,1\n"
ARTICLES = pl.DataFrame(
    {"article_id": ["0108775015", "0108775044"], "article": [0, 1]}, schema_overrides={"article": pl.UInt32}
)


def purchases(tmp_path, rows, header=HEADER, max_bad_fraction=0.0, customers="customer_id,age\na,30\nb,\n"):
    path = tmp_path / "transactions_train.csv"
    path.write_text(header + rows)
    beside = tmp_path / "customers.csv"
    beside.write_text(customers)
    numbers = Numbers(read_customers(beside, path), ARTICLES, max_bad_fraction)
    write_purchases(path, numbers, tmp_path / "purchases.parquet")
    return pl.read_parquet(tmp_path / "purchases.parquet")


def test_purchases_are_numbered_and_sorted(tmp_path):
    table = purchases(tmp_path, GOOD)
    assert table.columns == list(NUMBERED)
    assert table.select("customer", "article", "online", "age").rows() == [
        (0, 1, False, 30),
        (0, 0, False, 30),
        (1, 0, True, 0),
    ]
    first, last = first_and_last_day(table.lazy())
    assert last - first == 21
    assert of_customers(table.lazy(), [1]).collect().height == 1


def test_ids_of_nine_digits_get_their_zero_back(tmp_path, caplog):
    assert purchases(tmp_path, GOOD.replace(",0108", ",108")).equals(purchases(tmp_path, GOOD))
    whole = tmp_path / "transactions_train.parquet"
    ids = pl.scan_csv(tmp_path / "transactions_train.csv").with_columns(pl.col("article_id").cast(pl.Int64))
    ids.sink_parquet(whole)
    numbers = Numbers(read_customers(None, whole), ARTICLES, 0.0)
    write_purchases(whole, numbers, tmp_path / "again.parquet")
    assert pl.read_parquet(tmp_path / "again.parquet")["article"].to_list() == [1, 0, 0]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("2020-09-31,a,0108775015,0.02,2\n", "2020-09-31, a, 0108775015, 0.02, 2 in row 4 (1 such rows)"),
        ("2020-09-21,a,08775015,0.02,2\n", "article ids of 10 digits"),
        ("2020-09-21,a,01087750155,0.02,2\n", "in row 4"),
        ("2020-09-21,a,10877501X,0.02,2\n", "in row 4"),
        ("2020-09-21,a,0108775015,cheap,2\n", "prices"),
        ("2020-09-21,a,0108775099,0.02,2\n", "purchases of unknown articles"),
        ("2020-09-21,c,0108775015,0.02,2\n", "purchases of unknown customers"),
        ("2020-09-21,a,0108775015,0.02,2,more,cells\n", "expected a table"),
    ],
)
def test_a_row_that_is_none_is_refused_and_named(tmp_path, rows, expected):
    with pytest.raises(UserError, match="transactions: expected ") as refused:
        purchases(tmp_path, GOOD + rows)
    assert expected in str(refused.value)
    assert not (tmp_path / "purchases.parquet").exists()
    assert not list(tmp_path.glob("unsorted*"))


def test_a_few_purchases_of_unknown_articles_are_left_out(tmp_path):
    assert len(purchases(tmp_path, GOOD + "2020-09-21,a,0108775099,0.02,2\n", max_bad_fraction=0.25)) == 3


@pytest.mark.parametrize(
    ("header", "rows", "expected"),
    [
        (HEADER.replace("article_id", "article"), GOOD, "expected a column article_id in"),
        (HEADER, "", "expected purchases in"),
    ],
)
def test_a_file_without_the_columns_or_rows_is_refused(tmp_path, header, rows, expected):
    with pytest.raises(UserError, match=f"transactions: {expected}"):
        purchases(tmp_path, rows, header)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("customer,age\na,30\n", "a column customer_id"),
        ("customer_id,age\na,30\na,31\n", "each customer_id once"),
        ("customer_id,age\n", "received none"),
        ("customer_id,age\na,30\n,31\n", "one that is empty"),
    ],
)
def test_customers_that_are_none_are_refused(tmp_path, text, expected):
    with pytest.raises(UserError, match="customers: expected ") as refused:
        purchases(tmp_path, GOOD, customers=text)
    assert expected in str(refused.value)


def test_ages_that_are_none_are_not_known(tmp_path):
    path = tmp_path / "customers.csv"
    path.write_text("customer_id,age\na,NaN\nb,-3\nc,400\nd,41.0\ne,old\nf,16\n")
    table = read_customers(path, path)
    assert table["age"].to_list() == [0, 0, 0, 41, 0, 16]
    assert table.select(age_group())["group"].to_list() == [0, 0, 0, 5, 0, 1]
