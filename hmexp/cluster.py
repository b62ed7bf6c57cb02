"""Work over the processes of a Ray cluster (`runner=ray`): the one at `RAY_ADDRESS`, or this machine's processors."""

import importlib.util
import os
import signal
import socket
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from hmexp.config.errors import RunError, UserError, invalid
from hmexp.console import log, quiet_loggers
from hmexp.process import SIGNALS, answered

Item = TypeVar("Item")
Result = TypeVar("Result")
LOCAL, RAY = "local", "ray"
ADDRESS = "RAY_ADDRESS"
ANSWER_SECONDS = 10.0
"""Time for a cluster to answer."""
RETRIES = 3
"""Times that a worker which dies, with the node or of its memory, is started again, and what it had with it."""


def require_runner(runner: str) -> None:
    """Raise `UserError` where Ray is asked for and not installed, or nobody answers at `RAY_ADDRESS`."""
    if runner != RAY:
        return
    if importlib.util.find_spec("ray") is None:
        raise UserError("runner: expected an installed library, received ray (pip install 'hmexp[ray]')")
    address = os.environ.get(ADDRESS, "")
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if address in ("", "auto", "local"):
        return
    try:  # Ray itself tries for minutes
        socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        raise _no_cluster(error) from None


def _no_cluster(error: Exception) -> UserError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    received = f"{os.environ.get(ADDRESS) or 'none'} ({reason})"
    return invalid(ADDRESS, "HOST:PORT or ray://HOST:PORT of a Ray cluster, auto, or nothing for a new one", received)


@dataclass(frozen=True)
class Spread:
    """How work is spread.

    Attributes:
        what: It is, in words, for the log: `12 parts`.
        num: Items of it; there are no more processes than that.
        on_gpu: Whether a process needs a GPU.
        depth: Items that a process has at once, so that it need not wait for the next.
        ahead: Results a process, at most, that wait for an earlier one or for whoever takes them.
    """

    what: str
    num: int
    on_gpu: bool = False
    depth: int = 1
    ahead: int = 4


class RayWorker:
    """A process of the cluster; it keeps what it does, with whatever that has loaded."""

    def __init__(self) -> None:
        self.do: Callable[[Any], Any] | None = None

    def ready(self) -> None:
        """Answer, once the process is there."""

    def work(self, work: list[Any], item: Any) -> Any:  # noqa: ANN401
        """Do one item.

        Args:
            work: One reference to what is done, in a list, so that it is fetched once a process. It comes with each
                item, because a process that is started again has lost its own (ray-project/ray#53727).
            item: Of it.
        """
        import ray

        self.do = self.do or ray.get(work[0])
        return self.do(item)


def over_ray(work: Callable[[Item], Result], items: Iterable[Item], spread: Spread) -> Generator[Result, None, None]:
    """Results in the order of the items; one whose worker dies is computed again by another.

    A process gets its first item when it is there: one that the cluster has no room for yet holds nothing up. Close
    the generator to disconnect from the cluster.

    Args:
        work: Pickled once a process; raises what it would here.
        items: Taken as processes are free for them.
        spread: How to spread them.

    Raises:
        UserError: No cluster at `RAY_ADDRESS`.
        RunError: A process died again and again.
    """
    with connected() as ray:
        slots = int(ray.cluster_resources().get("GPU" if spread.on_gpu else "CPU", 1))
        count = max(1, min(slots, spread.num))
        log.info(f"{spread.what} over {count} processes of Ray")
        options = {"num_cpus": 1, "num_gpus": int(spread.on_gpu)}
        remote = ray.remote(**options, max_restarts=RETRIES, max_task_retries=RETRIES)(RayWorker)
        shared = [ray.put(work)]
        actors = [remote.remote() for _ in range(count)]
        try:
            yield from _in_order(ray, actors, ((shared, item) for item in items), spread)
        finally:
            for actor in actors:  # an error's traceback would keep them, and their processors
                ray.kill(actor)


def _in_order(ray: Any, actors: list[Any], calls: Iterable[tuple[Any, ...]], spread: Spread) -> Iterator[Any]:  # noqa: ANN401
    """Results of `work(*call)` in the order of the calls."""
    running = {actor.ready.remote(): actor for actor in actors for _ in range(spread.depth)}
    starting = set(running)
    idle: deque[Any] = deque()
    waiting: deque[Any] = deque()
    for call in calls:
        while not idle or len(waiting) >= spread.ahead * len(actors):
            done = ray.wait(list(running), num_returns=1)[0][0]
            idle.append(running.pop(done))
            if done in starting:
                _result(ray, done)
            while waiting and waiting[0] not in running:
                yield _result(ray, waiting.popleft())
        actor = idle.popleft()
        waiting.append(actor.work.remote(*call))
        running[waiting[-1]] = actor
    while waiting:
        yield _result(ray, waiting.popleft())


def _result(ray: Any, reference: Any) -> Any:  # noqa: ANN401
    """A result; what was raised elsewhere is raised here as what it was."""
    try:
        return ray.get(reference)
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, Exception) and not isinstance(cause, ray.exceptions.RayError):
            raise cause from error
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise RunError(f"runner: expected processes of Ray that work, received {reason}; run again to go on") from error


@contextmanager
def connected() -> Iterator[Any]:
    """Ray, connected inside the block, its own answer to SIGTERM undone; what is connected already stays so."""
    import ray

    quiet_loggers("ray")
    before = {number: signal.getsignal(number) for number in answered()}
    mine = not ray.is_initialized()
    if mine:
        try:
            ray.init(include_dashboard=False, log_to_driver=False, configure_logging=False)
        except SystemExit:  # Ray's answer to SIGTERM
            raise KeyboardInterrupt from None
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise _no_cluster(error) from error
        for number in SIGNALS:
            if number in before:
                signal.signal(number, before[number])
    try:
        yield ray
    finally:
        if mine:
            ray.shutdown()
