"""What Hydra calls: two sweepers and a launcher. Light, because Hydra imports every plugin at every command."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from hmexp.config.invocation import SweepCommand
from hmexp.config.sweep import GridConfig, KerasTunerConfig, ProcessConfig

if TYPE_CHECKING:
    from hmexp.sweeps.start import HydraSide


class GridSweeper(Sweeper):
    """Every combination of lists, ranges and globs, in a table that can be gone on with."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401
        super().__init__()
        self.side: HydraSide | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Called by Hydra before `sweep`."""
        from hmexp.sweeps.start import HydraSide

        command = getattr(task_function, "command", SweepCommand("", ()))
        self.side = HydraSide(hydra_context, task_function, config, command)

    def sweep(self, arguments: list[str]) -> None:
        """Run the sweep of these words."""
        from hmexp.sweeps.start import sweep

        if self.side is None:
            raise RuntimeError("expected setup() before sweep()")
        sweep(self.side, arguments)


class KerasTunerSweeper(GridSweeper):
    """A search by an oracle of keras-tuner; all else as with lists."""


class ProcessLauncher(Launcher):
    """A process a job. hmexp's sweepers hand it one job after another; the rest of Hydra a batch."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401
        super().__init__()

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Called by Hydra before `launch`."""

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Raises: another sweeper than hmexp's has no job table to write to."""
        from hmexp.config.errors import UserError

        raise UserError("hydra/launcher: expected basic with this sweeper, received process (it goes with grid)")


def register_plugins() -> None:
    """Put the sections of the plugins into Hydra's ConfigStore."""
    store = ConfigStore.instance()
    for name, schema in {"grid": GridConfig, "keras_tuner": KerasTunerConfig}.items():
        store.store(group="hydra/sweeper", name=name, node=schema, provider="hmexp")
    store.store(group="hydra/launcher", name="process", node=ProcessConfig, provider="hmexp")
