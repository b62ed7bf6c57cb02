"""The reference experiment's steps 1 to 4, number by number, under `experiment=seed_baseline`."""

import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from reference_counts import ARTICLES

from hmexp.batches.order import num_batches
from hmexp.catalogue.plan import plan
from hmexp.catalogue.read import Catalogue
from hmexp.config.presets import shipped_dir
from hmexp.config.schemas import register_schemas, to_config
from hmexp.config.verbs import RunConfig

WITH_PICTURE = {
    "Underwear": 5462,
    "Swimwear": 3125,
    "Shoes": 5156,
    "Nightwear": 1898,
    "Garment Lower body": 19770,
    "Accessories": 11302,
    "Garment Full body": 13276,
    "Socks & Tights": 2431,
    "Garment Upper body": 42680,
}
MERGED = {name for name, count in ARTICLES.items() if count <= 121}


@pytest.fixture(scope="module")
def config() -> RunConfig:
    register_schemas()
    with initialize_config_dir(str(shipped_dir("conf")), version_base="1.3"):
        return to_config(compose("train", ["experiment=seed_baseline", "data.root=somewhere"]), RunConfig)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """All 105,542 articles' labels; those beyond the known counts have no picture."""
    pictured = {name: WITH_PICTURE.get(name, count) for name, count in ARTICLES.items()}
    pictured["Accessories"] = WITH_PICTURE["Accessories"] - sum(ARTICLES[name] for name in MERGED)
    labels = [name for name, count in pictured.items() for _ in range(count)]
    ids = [f"{100_000_000 + i:010d}" for i in range(len(labels))]
    rows = pd.DataFrame({"article_id": ids, "image": ids, "label": labels, "group": [i[:7] for i in ids]})
    total = sum(ARTICLES.values())
    return Catalogue("hm", rows, source=None, num_articles=total, num_missing=total - len(rows))  # type: ignore[arg-type]


def test_the_references_numbers_come_out(config, catalogue):
    manifest, report = plan(config.data, catalogue)
    steps = {step.name: step for step in report.steps}
    assert catalogue.num_articles == 105_542
    assert catalogue.rows["label"].nunique() == 19
    assert steps["merge: hm9"].after == sum(WITH_PICTURE.values()) == 105_100
    assert len(manifest.classes) == 9
    merge_changes = steps["merge: hm9"].changes.set_index("label")["after"]
    assert merge_changes["Accessories"] == 11302
    cut = dict.fromkeys(["Garment Upper body", "Garment Full body", "Accessories", "Garment Lower body"], 5000)
    assert report.counts["total"].to_dict() == WITH_PICTURE | cut
    assert len(manifest) == 38_072
    assert (len(manifest.of_split("train")), len(manifest.of_split("val"))) == (30_458, 7_614)
    assert num_batches(len(manifest.of_split("train")), config.trainer.batch_size) == 952


def test_the_preset_is_the_references_training(config):
    assert (config.trainer.epochs, config.trainer.batch_size, config.data.image_size) == (5, 32, 180)
    assert config.model.block_widths == [16, 32, 64]
    assert (type(config.optimizer).__name__, config.optimizer.learning_rate) == ("AdamConfig", 1e-3)
