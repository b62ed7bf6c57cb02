"""One customer's twelve, with names and reasons."""

from pathlib import Path

import pandas as pd

from hmexp.config.errors import UserError, invalid
from hmexp.config.recommend import RecommendConfig
from hmexp.console import log
from hmexp.evaluation.tables import frame_table
from hmexp.recommend.articles import read_articles
from hmexp.recommend.recommendations import TABLE_FILE, Recommendations


def say_customer(config: RecommendConfig, customer_id: str) -> Path:
    """Print what a written table has for a customer; gives the table's path.

    Raises:
        UserError: No table yet, or no such customer in it.
    """
    folder = config.out_path
    if not (folder / TABLE_FILE).is_file():
        expected = f"a table in {folder}, which recommend without customer=... writes"
        raise UserError(f"customer: expected {expected}, received none")
    table = Recommendations(folder)
    found = table.of(customer_id)
    if found is None:
        example = next(iter(table.some(1)), "none")
        raise invalid("customer", f"one of the {len(table):,} customers of {folder}, such as {example}", customer_id)
    names = dict(read_articles(config.data).table.select("article_id", "name").iter_rows())
    rows = [
        (place, each.article_id, names.get(each.article_id, ""), each.reason) for place, each in enumerate(found, 1)
    ]
    log.info(frame_table(pd.DataFrame(rows, columns=["", "article_id", "name", "why"]), f"For {customer_id}"))
    return table.path
