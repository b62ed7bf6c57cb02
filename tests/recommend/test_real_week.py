"""Real purchases: a week cut after its fourth day, and what is known of it (the tables are no part of hmexp)."""

import json

import pandas as pd
import pytest

from hmexp.cli import main

CUT_WEEK = ("windows.days=3", "windows.train=2", "windows.train_days=1", "windows.step=1", "candidates.half_life=2")
SMALL = ("ranker.leaves=8", "ranker.min_rows=300", "ranker.trees=60", "ranker.seeds=2")


@pytest.fixture(scope="module")
def found(photographs, tmp_path_factory):
    tables = photographs.parent / "hm_tables"
    if not tables.is_dir():
        pytest.skip(f"no {tables}")
    out = tmp_path_factory.mktemp("real") / "out"
    files = (f"transactions={tables / 'transactions_last_week.parquet'}", f"data.root={tables}")
    pictures = f"neighbours={tables / 'resnet50_neighbours.parquet'}"
    assert main(["recommend", "data=hm", *files, pictures, *CUT_WEEK, *SMALL, "submit=false", f"out={out}"]) == 0
    return out


@pytest.mark.slow
@pytest.mark.realdata
def test_known_figures_are_reproduced_and_the_best_rule_is_beaten(found):
    assert json.loads((found / "evaluation.json").read_text())["customers"] == 28_845
    methods = pd.read_csv(found / "methods.csv").set_index("method")["map_at_12"]
    assert methods["popular last week"] == pytest.approx(0.0075, abs=0.00005)
    assert methods["popular now"] == pytest.approx(0.0078, abs=0.0001)
    assert 0.0248 <= methods["repurchase"] <= 0.0276, "0.0262, by how purchases of one day are ordered"
    assert methods["ranker"] > 0.0277


@pytest.mark.slow
@pytest.mark.realdata
def test_pictures_add_about_nothing_over_all(found):
    gain = pd.read_csv(found / "pictures.csv").set_index("figure").loc["MAP@12"]
    assert abs(gain["value"]) < 0.002
    trainings = pd.read_csv(found / "trainings.csv")
    assert len(trainings) == 4
