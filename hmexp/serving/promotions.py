"""What the ledger says of the version that is served."""

from hmexp.config.record import MlflowTracking, PathsConfig
from hmexp.serving.answers import Promotion
from hmexp.tracking.ledger import REFUSED, Ledger
from hmexp.tracking.registry import Registry


class Promotions:
    """The decisions on the versions of a model, read from MLflow when they are asked for.

    Args:
        cfg: The `tracking` section.
        paths: Where a local store is.
        registry: The registered model; None for a model that is not registered.
    """

    def __init__(self, cfg: MlflowTracking, paths: PathsConfig, registry: Registry | None) -> None:
        self._ledger = None if registry is None else Ledger(cfg, paths, registry)

    def of(self, version: str) -> Promotion | None:
        """How a version became what it is, by the last decision; None where the ledger says nothing of it (yet)."""
        entries = [] if self._ledger is None else self._ledger.entries()
        own = [entry for entry in entries if entry.version == version and entry.decision != REFUSED]
        if not own:
            return None
        last = own[-1]
        when = last.when.isoformat(timespec="seconds") if last.when else ""
        return Promotion(decision=last.decision, when=when, reason=last.reason, before=last.before, forced=last.forced)
