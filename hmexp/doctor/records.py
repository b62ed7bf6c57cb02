"""What a run reads and records: the configuration, the MLflow store, the data, the image stores."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from rich.filesize import decimal

from hmexp.config.doctor import DoctorConfig
from hmexp.config.errors import UserError
from hmexp.config.record import MlflowTracking, PathsConfig
from hmexp.datamodule import DataModule
from hmexp.doctor.check import FAIL, OK, WARN, Check
from hmexp.doctor.places import existing
from hmexp.runner.train import check_sections
from hmexp.store import StoreSpec, open_store, staged
from hmexp.tracking.store import DATABASE, is_local, tracking_uri
from hmexp.tracking.store import open_store as open_records


def rules(config: DoctorConfig) -> Iterator[Check]:
    """The rules between sections of the configuration."""
    check_sections(config)
    yield Check("settings", OK, "the sections of the configuration fit each other")


def records(config: DoctorConfig) -> Iterator[Check]:
    """The MLflow store: it answers, or will be made."""
    cfg = config.tracking
    if not isinstance(cfg, MlflowTracking):
        yield Check("mlflow", OK, "runs are not recorded (tracking=none)")
        return
    uri = tracking_uri(cfg, config.paths)
    if is_local(cfg) and not (config.paths.mlruns / DATABASE).exists():
        yield Check("mlflow", OK, f"{uri} will be made by the first run")
        return
    client = open_records(cfg, config.paths)
    names = [experiment.name for experiment in client.search_experiments()]
    known = f"with the experiment {cfg.experiment}" if cfg.experiment in names else f"without {cfg.experiment} yet"
    yield Check("mlflow", OK, f"{uri} answers, {known}")


def data(config: DoctorConfig) -> Iterator[Check]:
    """The catalogue, what is made of it, and the store of its pictures."""
    module = DataModule(config.data, config.paths, config.backend)
    sizes = ", ".join(f"{size:,} {split}" for split, size in module.sizes().items())
    found = f"{module.catalogue.name}: {len(module.manifest):,} rows, {len(module.class_names)} classes ({sizes})"
    yield Check("data", OK, found)
    yield from _own_store(config, module)


def _own_store(config: DoctorConfig, module: DataModule) -> Iterator[Check]:
    """The store that a run would read: there, or with room to be built."""
    cfg, cache = config.data, config.paths.cache_path
    if not module.catalogue.source.list():  # the sample, before it is drawn
        yield Check("data", OK, "its pictures will be drawn by the first command that needs them")
        return
    spec = StoreSpec(cfg.image_size, cfg.resize, cfg.max_pixels)
    store = staged(module.catalogue.source, module.images, spec, cache)
    if store is not None:
        bad = len(store.quarantine)
        share = bad / max(1, bad + len(store))
        limit = cfg.max_bad_fraction
        level = FAIL if share > limit else OK
        remedy = "look at them (hmexp explore), then data.max_bad_fraction=" if level == FAIL else ""
        yield Check("data", level, f"its {len(store):,} pictures are staged, {bad:,} files cannot be read", remedy)
        return
    needed, free = len(module.images) * spec.row_bytes, shutil.disk_usage(existing(cache)).free
    text = f"its {len(module.images):,} pictures are not staged yet, which takes {decimal(needed)}"
    if needed > free:
        yield Check(
            "data", FAIL, f"{text}; {decimal(free)} are free", "a smaller data.image_size, or paths.cache=FOLDER"
        )
    else:
        yield Check("data", OK, f"{text} (hmexp stage, or the first run)")


def stores(paths: PathsConfig, verify: bool) -> Iterator[Check]:
    """Every image store of the cache can be opened, and with `verify` has its checksums."""
    folder = paths.cache_path / "stores"
    found = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    sound, num_bytes = 0, 0
    for path in found:
        if path.suffix == ".partial":
            yield Check(
                "stores",
                WARN,
                f"{path.name}: a build that did not end",
                "run again, which goes on with it, or hmexp clean",
            )
            continue
        try:
            open_store(path, verify)
        except UserError as error:
            yield Check("stores", WARN, str(error).removeprefix("paths.cache: "), f"rm -r {path}")
        else:
            sound += 1
            num_bytes += _size(path)
    checked = "every checksum is right" if verify else "verify=true computes their checksums"
    yield Check("stores", OK, f"{sound:,} sound ones, {decimal(num_bytes)}, in {folder}; {checked}")


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
