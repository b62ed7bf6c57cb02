"""Moving the champion: which run, and what the aliases become. Guards go before `move`, a ledger behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hmexp.config.errors import UserError
from hmexp.tracking.registry import CHAMPION, PREVIOUS, Registry
from hmexp.tracking.runs import DIGEST_TAG, KIND_TAG

if TYPE_CHECKING:
    from mlflow.entities import Run


@dataclass(frozen=True)
class Promotion:
    """What a promotion or a rollback changed: versions, None where there was none."""

    version: str
    before: str | None


def best_run(runs: Sequence["Run"], metric: str, higher_is_better: bool) -> "Run":
    """The finished run with the best `metric` among those on the newest data digest; runs of debug modes do not count.

    Args:
        runs: The newest first.
        metric: Such as `best/val/macro_f1`.
        higher_is_better: Its direction.

    Raises:
        UserError: No finished run has the metric.
    """
    usable = [
        run
        for run in runs
        if run.info.status == "FINISHED"
        and metric in run.data.metrics
        and not (_is_debug(run) or KIND_TAG in run.data.tags)
    ]
    if not usable:
        raise UserError(f"run: expected a finished run with {metric}, received none (train first)")
    newest = usable[0].data.tags.get(DIGEST_TAG)
    same_data = [run for run in usable if run.data.tags.get(DIGEST_TAG) == newest]
    sign = 1 if higher_is_better else -1
    return max(same_data, key=lambda run: sign * run.data.metrics[metric])


def _is_debug(run: "Run") -> bool:
    """Whether it saw a part of the data only, or was to learn that by heart."""
    params = run.data.params
    cut = any(params.get(key, "null") != "null" for key in ("data.limit", "trainer.limit_batches"))
    return cut or params.get("trainer.mode", "fit") != "fit"


def move(registry: Registry, run: "Run") -> Promotion:
    """Register a run's model and make it the champion; the one before becomes `previous`."""
    tags = {"run_id": run.info.run_id, "data_digest": run.data.tags.get(DIGEST_TAG, "")}
    tags |= {key: f"{value:.6g}" for key, value in run.data.metrics.items() if key.startswith(("best/val/", "test/"))}
    version = registry.register(run, tags)
    before = registry.aliases().get(CHAMPION)
    if before != version:
        registry.move({CHAMPION: version} if before is None else {PREVIOUS: before, CHAMPION: version})
    return Promotion(version, before)


def back(registry: Registry) -> Promotion:
    """Make the `previous` model the champion again and take that alias away.

    Raises:
        UserError: There is no champion before this one.
    """
    aliases = registry.aliases()
    if PREVIOUS not in aliases:
        raise UserError(f"tracking.model_name: expected a model with an earlier champion, received {registry.name}")
    registry.move({CHAMPION: aliases[PREVIOUS], PREVIOUS: None})
    return Promotion(aliases[PREVIOUS], aliases.get(CHAMPION))
