"""What a build has to do, over the processes of a Ray cluster (`runner=ray`): picture files -> outcomes, in order.

The processes read and decode; what comes back goes into the store as if threads of this process had decoded it. So only
the pictures have to be on a file system that all machines see, the cache need not be.
"""

from collections.abc import Generator, Sequence
from contextlib import closing
from functools import partial
from socket import gethostname

from hmexp.catalogue.pictures import PictureSource
from hmexp.cluster import Spread, over_ray
from hmexp.config.errors import RunError
from hmexp.store.decode import DECODER_VERSION
from hmexp.store.layout import StoreSpec
from hmexp.store.work import Job, Outcome, read_pictures

TASK_BYTES = 4 * 2**20
"""Decoded pictures of a task: handing it over takes milliseconds, decoding them a tenth of a second or more."""
Answer = tuple[str, list[Outcome]]


def outcomes_over_ray(job: Job, first_chunk: int) -> Generator[list[Outcome], None, None]:
    """Outcomes in the order of the paths, some pictures at a time, never of two chunks.

    Raises:
        UserError: No cluster at `RAY_ADDRESS`.
        RunError: A picture that could not be read for a reason that may pass, or a machine that does not see the
            pictures, or decodes them otherwise.
    """
    length = max(1, TASK_BYTES // job.spec.row_bytes)
    num = sum(1 for _ in job.tasks(first_chunk, length))
    if not num:
        return
    left = len(job.paths) - first_chunk * job.spec.chunk_pictures
    work = partial(_read_elsewhere, job.source, job.spec, DECODER_VERSION)
    spread = Spread(f"{left:,} pictures", num, depth=2)
    with closing(over_ray(work, job.tasks(first_chunk, length), spread)) as answers:
        for host, some in answers:
            yield [_checked(job, outcome, host) for outcome in some]


def _read_elsewhere(source: PictureSource, spec: StoreSpec, version: str, paths: Sequence[str]) -> Answer:
    """Read pictures in a process of the cluster; gives the machine's name with them."""
    host = gethostname()
    if version != DECODER_VERSION:
        raise RunError(f"runner: expected the decoder {version} on all machines, received {DECODER_VERSION} on {host}")
    return host, read_pictures(source, spec, paths)


def _checked(job: Job, outcome: Outcome, host: str) -> Outcome:
    """An outcome; a file that could not be read there is read here as well.

    A missing file belongs into the quarantine; one that is missing on a machine without the disk does not.
    """
    if outcome.digest:
        return outcome
    (here,) = read_pictures(job.source, job.spec, [outcome.path])
    if here.digest:
        expected = "the pictures at the same place on all machines of the cluster"
        raise RunError(f"runner: expected {expected}, received {host} without {outcome.path} ({outcome.reason})")
    return here
