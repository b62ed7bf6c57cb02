"""Composing jobs: values put into a configuration whose groups are chosen make what Hydra would have made."""

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import OmegaConf

from hmexp.config.errors import UserError
from hmexp.config.presets import shipped_dir
from hmexp.config.schemas import register_schemas
from hmexp.sweeps.preflight import Composer


@pytest.fixture
def composer():
    register_schemas()
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(shipped_dir("conf")), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        yield Composer(hydra.config_loader, hydra.compose_config("train", [], run_mode=RunMode.MULTIRUN))


def whole(composer, words):
    tree = composer.loader.load_sweep_config(composer.master, words)
    return OmegaConf.to_yaml({key: value for key, value in tree.items_ex(resolve=False) if key != "hydra"})


@pytest.mark.parametrize(
    "words",
    [
        ["model.dropout=0.3", "model=cnn", "model.widths=[8,16]", "model.dropout=0.4"],
        ["optimizer.momentum=0.8", "optimizer=sgd", "seed=3", "trainer.stop_after=2"],
        [
            "data/merge=map",
            "data.merge.mapping=${class_map:'Socks: Shoes'}",
            "++data.split.seed=4",
            "data.split.fold=1",
        ],
        ["experiment=fast", "trainer.epochs=3", "schedule=cosine"],
    ],
)
def test_as_hydra_composes(composer, words):
    for _ in range(2):  # from Hydra, then from what is kept
        assert OmegaConf.to_yaml(composer.tree(words)) == whole(composer, words)


def test_a_wrong_value_is_one_line(composer):
    composer.tree(["model=cnn"])
    with pytest.raises(UserError, match=r"model\.widhts.*did you mean"):
        composer.config(["model=cnn", "model.widhts=[8]"])
    with pytest.raises(UserError, match=r"trainer\.epochs: expected"):
        composer.config(["model=cnn", "trainer.epochs=many"])
    assert composer.config(["model=cnn"]).trainer.epochs > 0  # what is kept has not changed
