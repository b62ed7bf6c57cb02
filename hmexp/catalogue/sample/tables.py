"""The sample's tables: articles, customers and transactions that fit together."""

import hashlib
from typing import Any

import numpy as np
import pandas as pd

from hmexp.catalogue.sample.drawing import COLOURS, PATTERNS
from hmexp.catalogue.sample.types import GROUP_COUNTS, TYPES, ProductType

SEED = 20200922
NUM_CUSTOMERS = 300
LAST_DAY = pd.Timestamp("2020-09-22")
DAYS = 730
MAX_VARIANTS = 6
INDEX_NAMES = {"A": ("Ladieswear", 1), "D": ("Divided", 2), "F": ("Menswear", 3), "G": ("Baby/Children", 4)}


def articles_table() -> pd.DataFrame:
    """H&M's 25 columns, one row an article, sorted by id; `article_id` is text with its leading zero."""
    rng = np.random.default_rng(SEED)
    rows: list[dict[str, Any]] = []
    codes = iter(np.sort(rng.choice(np.arange(108_775, 960_000), 2_500, replace=False)))
    for group, count in rng.permutation(np.array(list(GROUP_COUNTS.items()), dtype=object)):
        left = int(count)
        while left:
            product = _product(rng, str(group), int(next(codes)), left)
            rows += product
            left -= len(product)
    return pd.DataFrame(rows).sort_values("article_id", ignore_index=True)


def _product(rng: np.random.Generator, group: str, code: int, most: int) -> list[dict[str, Any]]:
    """One product in its colours."""
    kinds = [kind for kind in TYPES if kind.group == group]
    shares = np.array([kind.share for kind in kinds], dtype=float)
    kind = kinds[rng.choice(len(kinds), p=shares / shares.sum())]
    variants = min(most, MAX_VARIANTS, 1 + int(rng.geometric(0.45)) - int(rng.random() < 0.5))
    colours = rng.choice(list(COLOURS), max(1, variants), replace=False)
    pattern = str(rng.choice(PATTERNS, p=[0.55, 0.14, 0.08, 0.09, 0.14]))
    index = str(rng.choice(list(INDEX_NAMES), p=[0.5, 0.2, 0.18, 0.12]))
    return [_article(kind, code, number, str(colour), pattern, index) for number, colour in enumerate(colours, start=1)]


def _article(kind: ProductType, code: int, number: int, colour: str, pattern: str, index: str) -> dict[str, Any]:
    name, group_no = INDEX_NAMES[index]
    colour_no = list(COLOURS).index(colour)
    shade = "Dark" if sum(COLOURS[colour]) < 300 else "Light" if sum(COLOURS[colour]) > 550 else "Medium"
    type_no = [other.name for other in TYPES].index(kind.name)
    department = f"{name} {kind.name}"
    return {
        "article_id": f"{code:07d}{number:03d}",
        "product_code": code,
        "prod_name": f"{kind.name} {code % 997}",
        "product_type_no": 250 + type_no,
        "product_type_name": kind.name,
        "product_group_name": kind.group,
        "graphical_appearance_no": 1_010_001 + PATTERNS.index(pattern),
        "graphical_appearance_name": pattern,
        "colour_group_code": 9 + colour_no,
        "colour_group_name": colour,
        "perceived_colour_value_id": {"Dark": 4, "Light": 3, "Medium": 2}[shade],
        "perceived_colour_value_name": shade,
        "perceived_colour_master_id": 2 + colour_no,
        "perceived_colour_master_name": colour.rpartition(" ")[2],
        "department_no": 1_200 + 10 * group_no + type_no,
        "department_name": department,
        "index_code": index,
        "index_name": name,
        "index_group_no": group_no,
        "index_group_name": name,
        "section_no": 10 + group_no,
        "section_name": f"{name} Everyday",
        "garment_group_no": 1_001 + type_no,
        "garment_group_name": kind.group,
        "detail_desc": f"{kind.name} in {colour.lower()}, {pattern.lower()}.",
    }


def customers_table(num: int = NUM_CUSTOMERS) -> pd.DataFrame:
    """H&M's seven columns, one row a customer."""
    rng = np.random.default_rng(SEED + 1)
    fashion = rng.random(num) < 0.35
    return pd.DataFrame(
        {
            "customer_id": [hashlib.sha256(f"customer {i}".encode()).hexdigest() for i in range(num)],
            "FN": np.where(fashion, 1.0, np.nan),
            "Active": np.where(fashion & (rng.random(num) < 0.95), 1.0, np.nan),
            "club_member_status": rng.choice(["ACTIVE", "PRE-CREATE"], num, p=[0.93, 0.07]),
            "fashion_news_frequency": np.where(fashion, "Regularly", "NONE"),
            "age": np.clip(rng.normal(36, 13, num), 16, 90).astype(int),
            "postal_code": [hashlib.sha256(f"place {i % 120}".encode()).hexdigest() for i in range(num)],
        }
    )


def transactions_table(articles: pd.DataFrame, customers: pd.DataFrame) -> pd.DataFrame:
    """H&M's five columns, sorted by day: each customer has a taste in departments and colours, and buys in visits."""
    rng = np.random.default_rng(SEED + 2)
    departments, colours = articles["index_name"].to_numpy(), articles["colour_group_name"].to_numpy()
    popular = rng.pareto(2.0, len(articles)) + 0.05
    ids, codes = articles["article_id"].to_numpy(), articles["product_code"]
    prices = codes.map(dict(zip(codes, rng.lognormal(-3.6, 0.5, len(codes)), strict=True))).round(6).to_numpy()
    rows = []
    for customer in customers["customer_id"]:
        liked = rng.choice(list(COLOURS), 4, replace=False)
        taste = popular * np.where(departments == rng.choice(departments), 8.0, 1.0)
        taste = taste * np.where(np.isin(colours, liked), 5.0, 1.0)
        for day in rng.integers(0, DAYS, 1 + rng.poisson(6)):
            channel = int(rng.integers(1, 3))
            for place in rng.choice(len(articles), 1 + rng.poisson(1.2), p=taste / taste.sum()):
                date = (LAST_DAY - pd.Timedelta(days=int(day))).date().isoformat()
                rows.append((date, customer, ids[place], prices[place], channel))
    columns = ["t_dat", "customer_id", "article_id", "price", "sales_channel_id"]
    return pd.DataFrame(rows, columns=columns).sort_values(["t_dat", "customer_id"], ignore_index=True)
