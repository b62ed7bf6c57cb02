"""The verb `stage`: builds the image store of a run and nothing else."""

from hmexp.cluster import require_runner
from hmexp.config.invocation import Invocation
from hmexp.config.verbs import StageConfig
from hmexp.console import log
from hmexp.datamodule import DataModule
from hmexp.evaluation.tables import say_quarantined
from hmexp.process import check_interrupted
from hmexp.store import StageOptions, Store
from hmexp.store.layout import QUARANTINE


def stage(config: StageConfig, invocation: Invocation) -> Store:
    """Build the store, or check every checksum of the one that is there; goes on where it was killed.

    Raises:
        UserError: No such catalogue or place, too many unreadable pictures, or a runner that is not installed.
    """
    require_runner(config.runner)
    data = DataModule(config.data, config.paths)
    check_interrupted()
    store = data.prepare(StageOptions(verify=True, runner=config.runner))
    size = store.spec.image_size
    log.info(f"{store.num_pictures:,} pictures of {size}x{size} in {store.path}")
    say_quarantined(data.quarantine, str(store.path / QUARANTINE))
    return store
