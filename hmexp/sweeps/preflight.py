"""Composing the jobs of a sweep before they are paid for, and checking them."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig, open_dict

from hmexp.compat.hydra import put_words
from hmexp.config.errors import UserError, require
from hmexp.config.explain import explain
from hmexp.config.schemas import to_config
from hmexp.config.verbs import RunConfig
from hmexp.console import log
from hmexp.datamodule import DataModule
from hmexp.evaluation.report import slice_columns
from hmexp.runner.train import check_sections
from hmexp.sweeps.design import Design
from hmexp.sweeps.search import Grid, Point
from hmexp.sweeps.space import Space, Values, edges, example, is_integer, words_of

COMPOSED = 500
"""Points of a list that are all looked at before it starts; each takes 7 ms (measured on a core of an AMD EPYC)."""
HINT = "hydra.sweeper.skip_invalid=true goes on with the rest"
SAID = 3
"""Refusals that one line says."""
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
            put_words(self.loader, values, cfg)
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
        self.refused: dict[str, UserError] = {}
        """`data` section -> why nothing can be trained on it."""

    def compose(self, words: Sequence[str]) -> RunConfig:
        """The configuration of a job, whose catalogue nobody has looked at.

        Raises:
            UserError: It cannot run.
        """
        config = self.composer.config(words)
        check_sections(config)
        mode = config.trainer.mode
        require(mode in ("fit", "overfit"), "trainer.mode", "fit or overfit in a sweep", mode)
        return config

    def __call__(self, words: Sequence[str]) -> RunConfig:
        """The configuration of a job, whose catalogue is there.

        Raises:
            UserError: It cannot run.
        """
        config = self.compose(words)
        key = repr(config.data)
        if key in self.refused:
            raise self.refused[key]
        if key not in self.data:
            data = DataModule(config.data, config.paths, config.backend)
            slice_columns(data)
            self.data[key] = data
        return config

    def prepare(self, skip_invalid: bool = False) -> dict[str, str]:
        """Build or open the stores, so that no job waits for another's; give the data digest of each `data` section.

        Args:
            skip_invalid: Whether the jobs of a section that nothing can be trained on are left out.

        Raises:
            UserError: Nothing can be trained on one of the sections, or on any.
        """
        digests: dict[str, str] = {}
        for key, data in self.data.items():
            if data is None:
                continue
            try:
                data.prepare()
                data.setup()
            except UserError as error:
                self.refused[key] = error
            else:
                digests[key] = data.digest
        self.data = dict.fromkeys(self.data)
        if self.refused and not (skip_invalid and digests):
            line = str(next(iter(self.refused.values())))
            raise UserError(f"{line} ({HINT})" if digests else line)
        return digests


def check_points(space: Space, grid: Grid | None, design: Design, preflight: Preflight) -> None:
    """Look at the points of a sweep before it starts: at each value once, and at all of a list that is not too long.

    Raises:
        UserError: Some point cannot be run, and the sweep should not go on without it; or none can.
    """
    refusals: dict[str, None] = {}

    def runs(values: Values, check: Callable[[Sequence[str]], RunConfig], replicate: int = 0) -> bool:
        try:
            check(design.words(design.jobs(0, Point(values))[replicate]))
        except UserError as error:
            refusals[_with_values(str(error), values)] = None
            return False
        return True

    points = [] if grid is None else [point.parameters for point in grid.points]
    ends = list(edges(space))
    if len(ends) > COMPOSED:
        log.info(f"looking at {len(ends):,} values")
    found = [runs(values, preflight) for values in ends]
    found += [runs(example(space), preflight, replicate=-1)]  # the last seed and fold
    if len(points) <= COMPOSED:
        for values in points:
            runs(values, preflight.compose)
    if not any(found) and not any(runs(values, preflight) for values in points):
        raise UserError("; ".join([*refusals][:SAID]))
    if refusals and not design.skip_invalid:
        raise UserError(f"{'; '.join([*refusals][:SAID])} ({HINT})")
    for line in refusals:
        log.warning(f"some points are skipped: {line}")


def _with_values(line: str, values: Values) -> str:
    """Why a point is refused, with the point where the line does not name what the sweep varies."""
    named = not values or line.partition(":")[0] in values
    return line if named else f"{line} with {' '.join(words_of(values))}"


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
