"""The verb `stage`: builds the image store of a run and nothing else."""

from hmexp.config.invocation import Invocation
from hmexp.config.verbs import RunConfig
from hmexp.console import log
from hmexp.datamodule import DataModule
from hmexp.process import check_interrupted
from hmexp.store import Store


def stage(config: RunConfig, invocation: Invocation) -> Store:
    """Build the store, or check every checksum of the one that is there."""
    data = DataModule(config.data, config.paths)
    check_interrupted()
    store = data.prepare(verify=True)
    size = store.spec.image_size
    log.info(f"{store.num_pictures:,} pictures of {size}x{size} in {store.path}")
    for row in data.quarantine.itertuples():
        log.info(f"in quarantine: {row.image}: {row.reason}")
    return store
