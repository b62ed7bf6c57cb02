"""The threads of the server: some decode, one computes; what waits for them is bounded."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from hmexp.process import num_cores
from hmexp.serving.batcher import QueueFull

Result = TypeVar("Result")


class Workers:
    """Threads for what would hold up the event loop.

    Keras is called by one thread alone: it gains nothing from a second one, and a batch of two is faster than two.

    Args:
        max_pending: Pictures that may be decoded, or wait for it, at once.

    Attributes:
        compute: The thread that computes.
        pending: Pictures that are decoded, or wait for it.
    """

    def __init__(self, max_pending: int) -> None:
        self.max_pending = max_pending
        self.pending = 0
        self.compute = ThreadPoolExecutor(1, thread_name_prefix="compute")
        self._decoders = ThreadPoolExecutor(num_cores(), thread_name_prefix="decode")

    async def decode(self, function: Callable[..., Result], *arguments: Any) -> Result:  # noqa: ANN401
        """What a function that decodes gives.

        Raises:
            QueueFull: Too many wait.
        """
        if self.pending >= self.max_pending:
            raise QueueFull
        self.pending += 1
        future = asyncio.get_running_loop().run_in_executor(self._decoders, function, *arguments)
        future.add_done_callback(self._done)
        return await future

    async def run(self, function: Callable[..., Result], *arguments: Any) -> Result:  # noqa: ANN401
        """What a function gives that computes with Keras."""
        return await asyncio.get_running_loop().run_in_executor(self.compute, function, *arguments)

    def close(self) -> None:
        """End the threads; what waits for them is dropped."""
        for pool in (self.compute, self._decoders):
            pool.shutdown(wait=False, cancel_futures=True)

    def _done(self, future: "asyncio.Future[Any]") -> None:
        self.pending -= 1
