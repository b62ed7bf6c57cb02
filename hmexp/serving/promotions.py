"""What the ledger says of the version that is served."""

import threading

from hmexp.config.record import MlflowTracking, PathsConfig
from hmexp.serving.answers import Promotion
from hmexp.tracking.ledger import REFUSED, Ledger
from hmexp.tracking.registry import Registry


class Promotions:
    """The last decision for each version, read from MLflow once it is asked for.

    Args:
        cfg: The `tracking` section.
        paths: Where a local store is.
        registry: The registered model; None for a model that is not registered.
    """

    def __init__(self, cfg: MlflowTracking, paths: PathsConfig, registry: Registry | None) -> None:
        self._ledger = None if registry is None else Ledger(cfg, paths, registry)
        self._known: dict[str, Promotion] = {}
        self._lock = threading.Lock()

    def of(self, version: str) -> Promotion | None:
        """How a version became what it is; None where the ledger says nothing of it (yet)."""
        if self._ledger is None or not version:
            return None
        with self._lock:
            if version not in self._known:
                for entry in self._ledger.entries():
                    if entry.version == version and entry.decision != REFUSED:
                        when = entry.when.isoformat(timespec="seconds") if entry.when else ""
                        self._known[version] = Promotion(
                            decision=entry.decision,
                            when=when,
                            reason=entry.reason,
                            before=entry.before,
                            forced=entry.forced,
                        )
            return self._known.get(version)

    def forget(self) -> None:
        """Read the ledger anew: a version may have been promoted once more."""
        with self._lock:
            self._known.clear()
