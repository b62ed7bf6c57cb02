"""Concurrent requests computed together: what waits while one batch is computed is the next."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import numpy as np

Observe = Callable[[int], object]


class QueueFull(Exception):  # noqa: N818 (what the queue is)
    """As many pictures are under way as may be."""


class Batcher:
    """Rows of a function of batches, for callers that have one picture each; all of it belongs to one event loop.

    Nobody waits for a batch to fill: a picture that comes alone is computed at once. Batches have powers of two as
    lengths, so that compiled functions see few shapes, each of which was computed before.

    Args:
        run: uint8 `[batch, height, width, 3]` -> an array with a row a picture; called in `compute`, one batch at a
            time.
        compute: One thread that computes.
        max_batch: Pictures of a batch at most.
        max_waiting: Pictures that may wait for one.
        observe: Hears of each batch, with its length.
    """

    def __init__(
        self,
        run: Callable[[np.ndarray], np.ndarray],
        compute: Executor,
        max_batch: int,
        max_waiting: int,
        observe: Observe = lambda length: None,
    ) -> None:
        self.run = run
        self.compute = compute
        self.max_batch = max_batch
        self.max_waiting = max_waiting
        self.observe = observe
        self._waiting: deque[tuple[np.ndarray, asyncio.Future[Any]]] = deque()
        self._drain: asyncio.Task[None] | None = None

    async def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """The row of one picture, uint8 `[height, width, 3]`.

        Raises:
            QueueFull: Too many wait.
        """
        if len(self._waiting) >= self.max_waiting:
            raise QueueFull
        loop = asyncio.get_running_loop()
        future: asyncio.Future[np.ndarray] = loop.create_future()
        self._waiting.append((pixels, future))
        if self._drain is None:
            self._drain = loop.create_task(self._compute_all())
        return await future

    async def _compute_all(self) -> None:
        """Compute batches until nobody waits."""
        loop = asyncio.get_running_loop()
        try:
            while batch := self._next():
                self.observe(len(batch))
                futures = [future for _, future in batch]
                try:
                    rows = await loop.run_in_executor(self.compute, self.run, np.stack([row for row, _ in batch]))
                    outcomes = [(future.set_result, row) for future, row in zip(futures, rows, strict=True)]
                except Exception as error:
                    outcomes = [(future.set_exception, error) for future in futures]
                for future, (settle, outcome) in zip(futures, outcomes, strict=True):
                    if not future.done():  # whoever waited may have gone
                        settle(outcome)
        finally:
            self._drain = None

    def _next(self) -> list[tuple[np.ndarray, asyncio.Future[Any]]]:
        """Those that waited longest, without those that gave up."""
        while self._waiting and self._waiting[0][1].done():
            self._waiting.popleft()
        live = [item for item in self._waiting if not item[1].done()]
        length = lengths(min(len(live), self.max_batch))[-1] if live else 0
        self._waiting = deque(live[length:])
        return live[:length]


def lengths(most: int) -> list[int]:
    """Lengths of batches: 1, 2, 4, ... up to `most`."""
    return [2**power for power in range(most.bit_length())]
