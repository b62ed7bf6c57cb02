"""Composing the jobs of a sweep before they are paid for, and checking them."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, open_dict

from hmexp.config.errors import UserError, require
from hmexp.config.explain import explain
from hmexp.config.schemas import to_config
from hmexp.config.verbs import RunConfig
from hmexp.datamodule import DataModule
from hmexp.evaluation.report import slice_columns
from hmexp.runner.train import check_sections
from hmexp.sweeps.space import is_integer

VALUE = re.compile(r"(?!hydra\.)[^\W\d]\w*(\.\w+)+=")
"""A word such as `model.dropout=0.2`, which sets a value of a configuration whose groups are chosen."""


class Composer:
    """Composes what a job would be composed from.

    Hydra needs a fifth of a second for a configuration, most of it for choosing groups; values are put into one with
    the same groups, as Hydra itself does it.

    Args:
        loader: Hydra's.
        master: The configuration of the sweep.
        recalled: Words of a stored run, below those of the jobs.
    """

    def __init__(self, loader: ConfigLoader, master: DictConfig, recalled: Sequence[str] = ()) -> None:
        self.loader, self.master, self.recalled = loader, master, recalled
        self.trees: dict[tuple[str, ...], DictConfig] = {}

    def tree(self, words: Sequence[str]) -> DictConfig:
        """The configuration as Hydra has it.

        Raises:
            UserError: It cannot be composed.
        """
        values = tuple(word for word in words if VALUE.match(word))
        groups = tuple(word for word in words if not VALUE.match(word))
        with _explained():
            if groups not in self.trees:
                self.trees[groups] = self.loader.load_sweep_config(self.master, [*self.recalled, *groups])
            cfg = deepcopy(self.trees[groups])
            parsed = OverridesParser.create(config_loader=self.loader).parse_overrides(list(values))
            ConfigLoaderImpl._apply_overrides_to_config(parsed, cfg)
        with open_dict(cfg):
            del cfg["hydra"]
        return cfg

    def config(self, words: Sequence[str]) -> RunConfig:
        """The configuration as dataclasses, which check themselves.

        Raises:
            UserError: See there.
        """
        cfg = self.tree(words)
        with _explained():
            return to_config(cfg, RunConfig)

    def is_integer(self, words: Sequence[str], key: str) -> bool | None:
        """Whether the value of a key is a whole number; None where these words have no such key."""
        try:
            return is_integer(self.tree(words), key)
        except UserError:
            return None


class Preflight:
    """Checks jobs as `train` would before it writes anything; reads each catalogue once.

    Args:
        composer: Composes them.
    """

    def __init__(self, composer: Composer) -> None:
        self.composer = composer
        self.data: dict[str, DataModule | None] = {}
        """`data` section -> what it gives, until `prepare` has made use of it."""
        self.checked: dict[tuple[str, ...], RunConfig] = {}

    def __call__(self, words: Sequence[str]) -> RunConfig:
        """The configuration of a job.

        Raises:
            UserError: It cannot run.
        """
        known = self.checked.get(tuple(words))
        if known is not None:  # a list is checked as a whole before its first job
            return known
        config = self.composer.config(words)
        check_sections(config)
        mode = config.trainer.mode
        require(mode in ("fit", "overfit"), "trainer.mode", "fit or overfit in a sweep", mode)
        key = repr(config.data)
        if key not in self.data:
            data = DataModule(config.data, config.paths, config.backend)
            slice_columns(data)
            self.data[key] = data
        self.checked[tuple(words)] = config
        return config

    def prepare(self) -> dict[str, str]:
        """Build or open the stores, so that no job waits for another's; give the data digest of each `data` section.

        Raises:
            UserError: No data is fit to be trained on. Jobs whose data alone is not fail alone.
        """
        digests: dict[str, str] = {}
        refusals: list[UserError] = []
        for key, data in self.data.items():
            if data is None:
                continue
            try:
                data.prepare()
                data.setup()
            except UserError as error:
                refusals.append(error)
            else:
                digests[key] = data.digest
        self.data = dict.fromkeys(self.data)
        if refusals and not digests:
            raise refusals[0]
        return digests


@contextmanager
def _explained() -> Iterator[None]:
    """Raise what Hydra and OmegaConf raise as one line, where it is the user's to change."""
    try:
        yield
    except Exception as error:
        line = explain(error)
        if line is None:
            raise
        raise UserError(line) from None
