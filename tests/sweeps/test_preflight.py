"""Composing jobs: values put into a configuration whose groups are chosen make what Hydra would have made."""

import logging
import re

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import OmegaConf

from hmexp.config.errors import UserError
from hmexp.config.presets import shipped_dir
from hmexp.config.schemas import register_schemas
from hmexp.config.sweep import GridConfig
from hmexp.sweeps.design import make_design
from hmexp.sweeps.preflight import Composer, Preflight, check_points
from hmexp.sweeps.search import Grid
from hmexp.sweeps.space import Reader


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


@pytest.fixture
def check(composer, sample, cache, monkeypatch, caplog):
    """Look at the points of a sweep of these words; gives what is warned of."""
    monkeypatch.setenv("HMEXP_CACHE", str(cache))
    monkeypatch.setattr(logging.getLogger("hmexp"), "propagate", True)

    def run(*words, params=None, when=None, searched=False, **settings):
        parser = OverridesParser.create(config_loader=composer.loader)
        request = Reader(parser, when or {}, lambda key: None).read(params or {}, ["data.limit=60", *words])
        first = composer.config(request.fixed)
        varied = {parameter.key for parameter in request.space}
        design = make_design(GridConfig(**settings), first, request.fixed, varied, 0)
        check_points(request.space, None if searched else Grid(request.space), design, Preflight(composer))
        return [record.getMessage() for record in caplog.records]

    return run


INVALID = {
    "a value": (["trainer.batch_size=8,x"], {}, r"trainer\.batch_size: expected a value of type .*, received x"),
    "the first value": (["model.dropout=1.5,0.1"], {}, r"model\.dropout: expected a share .*, received 1\.5"),
    "several": (["trainer.batch_size=x,8", "model.dropout=0,2"], {}, r"received x; model\.dropout: .*, received 2"),
    "a range": (["model.dropout=range(0,1.2,0.5)"], {}, r"model\.dropout: .*, received 1\.0"),
    "options": (["data=glob(*)"], {}, r"data\.root: expected a value, .* with data=folder"),
    "a preset": ([], {"params": {"trainer.batch_size": "8,x"}}, r"trainer\.batch_size: .* received x"),
    "a condition": (
        ["model.depth=1,2", "model=cnn"],
        {"when": {"model.depth": {1: {"model.widths": "[4]"}, 2: {"model.widths": "[4,8],[4]"}}}},
        r"model\.depth: expected 1, ",
    ),
    "seeds": (["model.dropout=0.1,0.2", "seeds=2", "seed=4294967295"], {}, r"seed: .* received 4294967296"),
    "together": (
        ["model=cnn", "model.depth=1,2", "model.widths=[4],[4,8]"],
        {},
        r"model\.",
    ),
    "an end of an interval": (["model.dropout=interval(0,1)"], {"searched": True}, r"model\.dropout: .*, received 1"),
}


@pytest.mark.parametrize("kind", INVALID)
def test_a_point_that_cannot_be_run_refuses_the_sweep(check, kind):
    words, more, line = INVALID[kind]
    with pytest.raises(UserError, match=rf"{line}.*\(hydra\.sweeper\.skip_invalid=true goes on with the rest\)$"):
        check(*words, **more)


@pytest.mark.parametrize("kind", INVALID)
def test_the_rest_goes_on_where_it_should(check, kind):
    words, more, line = INVALID[kind]
    said = check(*words, **more, skip_invalid=True)
    assert re.search(line, "; ".join(line.removeprefix("some points are skipped: ") for line in said))


@pytest.mark.parametrize("skip", [False, True])
def test_a_sweep_of_which_nothing_can_be_run_is_refused(check, skip):
    with pytest.raises(UserError, match=r"received 1\.5; model\.dropout: [^(]*, received 2\.0$"):
        check("model.dropout=1.5,2", skip_invalid=skip)


def test_of_four_points_one_can_be_run_and_it_is_none_of_the_first(check):
    words = ["model.dropout=1.5,0.1", "model.dense=-1,8"]
    assert len(check(*words, skip_invalid=True)) == 2
    with pytest.raises(UserError, match="skip_invalid"):
        check(*words)


def test_all_that_can_be_run_says_nothing(check):
    assert check("model.dropout=0.1,0.2", "optimizer=adam,sgd") == []
