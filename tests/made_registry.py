"""Models that no training has made, in a registry: small, random and quick."""

import shutil
from pathlib import Path

CLASSES = ["Shoes", "Socks & Tights", "Swimwear"]


def make_store(root: Path, database: Path) -> None:
    """Put an empty database, of the fixture of this name, where a command looks for it."""
    (root / "mlruns").mkdir(parents=True)
    shutil.copyfile(database, root / "mlruns" / database.name)


def register(root: Path, name: str = "hmexp-sample", seed: int = 1, **fields) -> str:
    """Make a bundle, log it as a run's model and register it; gives the version.

    Args:
        root: Folder that holds `mlruns/`.
        name: Of the registered model.
        seed: Of the weights.
        **fields: Of the card: `classes`, `image_size`, `resize`, `temperature`, `metrics`.
    """
    import keras

    from hmexp.config.model import CnnConfig
    from hmexp.config.record import MlflowTracking, PathsConfig
    from hmexp.models.build import build_model
    from hmexp.models.bundle import Card, save_bundle
    from hmexp.tracking.model import log_bundle
    from hmexp.tracking.registry import Registry
    from hmexp.tracking.store import create_store

    keras.utils.set_random_seed(seed)
    known = {"classes": CLASSES, "image_size": 16, "resize": "pad", "temperature": 0.25, "metrics": {}} | fields
    card = Card(**known, data_digest="d" * 32, versions={})
    bundle = root / f"bundle-{seed}"
    save_bundle(build_model(CnnConfig(widths=[4]), card.image_size, len(card.classes)), card, bundle)
    client = create_store(MlflowTracking(), PathsConfig(root=str(root)))
    run_id = client.create_run(client.get_experiment_by_name("hmexp").experiment_id).info.run_id
    log_bundle(client, run_id, bundle)
    return Registry(client, name).register(client.get_run(run_id), {})


def promote(root: Path, version: str, name: str = "hmexp-sample") -> None:
    """Let a version be the champion, on record."""
    from hmexp.config.record import MlflowTracking, PathsConfig
    from hmexp.tracking.ledger import PROMOTED, Entry, Ledger, promotion_lock
    from hmexp.tracking.registry import Registry
    from hmexp.tracking.store import open_store

    cfg, paths = MlflowTracking(), PathsConfig(root=str(root))
    registry = Registry(open_store(cfg, paths), name)
    before = registry.aliases().get("champion", "")
    with promotion_lock(cfg, paths, patience=60):
        Ledger(cfg, paths, registry).decide(Entry(PROMOTED, version, before, registry.run_of(version), "it is new"))
