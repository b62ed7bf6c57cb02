"""What Hydra calls once a job: the function of a verb, with the dataclasses of its configuration."""

import importlib
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmexp.config.errors import UserError
from hmexp.config.invocation import Invocation, SweepCommand
from hmexp.process import check_interrupted, interruption_as_such
from hmexp.verbs import Verb

if TYPE_CHECKING:
    from omegaconf import DictConfig


@dataclass
class Task:
    """The function that Hydra calls once a job.

    Attributes:
        verb: Whose function is called.
        command: How the process was called.
        failure: What the function raised in a single run.
    """

    verb: Verb
    command: SweepCommand
    failure: Exception | None = None

    def __call__(self, cfg: "DictConfig") -> Any:  # noqa: ANN401
        """Call the verb's function with the dataclasses of its configuration."""
        from hydra.core.hydra_config import HydraConfig
        from hydra.types import RunMode

        from hmexp.config.schemas import VERBS as SCHEMAS
        from hmexp.config.schemas import register_schemas, to_config
        from hmexp.console import until_said

        register_schemas()  # a launcher may call this in a process of its own
        import_plugins(cfg.get("plugins", []))
        module, _, function = self.verb.function.partition(":")
        try:
            config: Any = to_config(cfg, SCHEMAS[self.verb.schema])
            with until_said(), interruption_as_such():
                call: Callable[..., Any] = getattr(importlib.import_module(module), function)
                check_interrupted()  # some libraries swallow what is raised while they are imported
                result = call(config, self._invocation(HydraConfig.get()))
            # A sweeper wants a number, and reading back anything more would import TensorFlow into its process.
            return result.objective if HydraConfig.get().mode == RunMode.MULTIRUN else result
        except Exception as error:
            if HydraConfig.get().mode == RunMode.MULTIRUN:
                raise  # the sweep wants to know
            self.failure = error  # kept from Hydra, which would print lines of its own
            return None

    def _invocation(self, hydra_config: Any) -> Invocation:  # noqa: ANN401
        """What Hydra knows of the job that it is running now."""
        from hydra.types import RunMode

        from hmexp.config.secrets import masked

        groups = {group: str(option) for group, option in hydra_config.runtime.choices.items()}
        choices = {group: option for group, option in groups.items() if not group.startswith(("hydra", "schema"))}
        given = Path(hydra_config.runtime.output_dir)
        overrides = tuple(hydra_config.overrides.task)
        swept = hydra_config.mode == RunMode.MULTIRUN
        return Invocation(
            command=masked(shlex.join(["python", "-m", "hmexp", *overrides])) if swept else self.command.line,
            overrides=overrides,
            choices=tuple(sorted((group, option) for group, option in choices.items() if option != "None")),
            job_dir=None if given == Path.cwd() else given,
        )


def import_plugins(modules: Sequence[str]) -> None:
    """Import modules; those in the current folder are found last, so that they hide no package."""
    from hmexp.console import quiet_natives

    if modules and not {"", str(Path.cwd())} & set(sys.path):
        sys.path.append(str(Path.cwd()))
    for module in modules:
        try:
            with quiet_natives():
                importlib.import_module(module)
        except (ModuleNotFoundError, ValueError, TypeError) as error:
            if isinstance(error, ModuleNotFoundError) and not module.startswith(error.name or "?"):
                raise
            raise UserError(f"plugins: expected modules that can be imported, received {module}") from None
