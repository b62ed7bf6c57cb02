"""The parts of a long table over the processes of a Ray cluster (`runner=ray`), which see the same files."""

import importlib.util
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pandas as pd

from hmexp.config.errors import UserError
from hmexp.console import log, progress_bar
from hmexp.inference.part_job import PartJob, part_length, rows_of
from hmexp.process import SIGNALS, answered

RETRIES = 3
"""Times that a worker which dies, with the node or of its memory, is started again, and its part with it."""


class PartWorker:
    """A process of the cluster; it keeps the model that its first job loads."""

    def __init__(self) -> None:
        self.job: PartJob | None = None

    def write(self, job: PartJob, number: int, rows: pd.DataFrame) -> int:
        """Compute a part and write it; gives its number of articles."""
        self.job = self.job or job
        self.job.write([number], rows, lambda num: None)
        return len(rows)


def require_ray(runner: str) -> None:
    """Raise `UserError` where Ray is asked for and not installed."""
    if runner == "ray" and importlib.util.find_spec("ray") is None:
        raise UserError("runner: expected an installed library, received ray (pip install 'hmexp[ray]')")


def write_with_ray(job: PartJob, rows: pd.DataFrame, missing: Sequence[int]) -> None:
    """Compute the parts that are missing on the cluster that `RAY_ADDRESS` names, or on this machine's processors.

    A part is written by its worker beside the others, whole; one whose worker dies is computed again by another.
    """
    from ray.util import ActorPool

    with _cluster() as ray:
        on_gpu = job.config.device.startswith("gpu")
        slots = int(ray.cluster_resources().get("GPU" if on_gpu else "CPU", 1))
        count = max(1, min(slots, len(missing)))
        log.info(f"{len(missing):,} parts over {count} processes of Ray")
        options = {"num_cpus": 1, "num_gpus": int(on_gpu), "max_restarts": RETRIES, "max_task_retries": RETRIES}
        remote, shared = ray.remote(**options)(PartWorker), ray.put(job)
        pool: Any = ActorPool([remote.remote() for _ in range(count)])
        length = part_length(job.config)

        def submit(worker: Any, number: int) -> Any:  # noqa: ANN401
            return worker.write.remote(shared, number, rows_of(rows, [number], length))

        left = len(rows_of(rows, missing, length))
        with progress_bar() as bar:
            task = bar.add_task(job.activity, total=len(rows), completed=len(rows) - left, note="")
            for num in pool.map_unordered(submit, missing):
                bar.advance(task, num)


@contextmanager
def _cluster() -> Iterator[Any]:
    """Ray, connected inside the block; its own answer to SIGTERM is undone."""
    import ray

    before = {number: signal.getsignal(number) for number in answered()}
    mine = not ray.is_initialized()
    if mine:
        ray.init(include_dashboard=False, log_to_driver=False, configure_logging=False)
        for number in SIGNALS:
            if number in before:
                signal.signal(number, before[number])
    try:
        yield ray
    finally:
        if mine:
            ray.shutdown()
