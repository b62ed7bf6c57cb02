"""Batches: what waits is computed together, everybody gets their own row, and the queue has an end."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from hmexp.serving.batcher import Batcher, QueueFull, lengths


class Doubling:
    """Gives twice of each picture; holds a batch until it may go on."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.batches: list[int] = []

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        self.go_on.wait(10)
        self.batches.append(len(pixels))
        if (pixels == 1313).any():
            raise ValueError("unlucky")
        return 2 * pixels


async def begin(batcher: Batcher, numbers) -> list[asyncio.Task]:
    """Ask for the first, and for the others once it is computed."""
    tasks = [asyncio.create_task(batcher(np.full(2, numbers[0])))]
    await asyncio.sleep(0.02)
    tasks += [asyncio.create_task(batcher(np.full(2, number))) for number in numbers[1:]]
    await asyncio.sleep(0)
    return tasks


@pytest.fixture
def compute():
    with ThreadPoolExecutor(1) as pool:
        yield pool


def test_those_that_wait_are_computed_together(compute):
    run = Doubling()

    async def ask_all() -> list[np.ndarray]:
        batcher = Batcher(run, compute, max_batch=8, max_waiting=100)
        tasks = await begin(batcher, range(20))
        run.go_on.set()
        return await asyncio.gather(*tasks)

    rows = asyncio.run(ask_all())
    assert [row.tolist() for row in rows] == [[2 * number] * 2 for number in range(20)]
    assert run.batches == [1, 8, 8, 2, 1]


def test_a_failure_is_that_of_its_batch_alone(compute):
    run = Doubling()
    run.go_on.set()

    async def ask() -> list[object]:
        batcher = Batcher(run, compute, max_batch=1, max_waiting=9)
        return await asyncio.gather(*(batcher(np.array([n])) for n in (1, 1313, 3)), return_exceptions=True)

    first, second, third = asyncio.run(ask())
    assert (first.tolist(), third.tolist()) == ([2], [6])
    assert isinstance(second, ValueError)


def test_a_full_queue_refuses_and_is_empty_again_later(compute):
    run = Doubling()

    async def ask() -> None:
        batcher = Batcher(run, compute, max_batch=1, max_waiting=3)
        tasks = await begin(batcher, range(4))  # one is computed, three wait
        with pytest.raises(QueueFull):
            await batcher(np.array([9]))
        run.go_on.set()
        assert [row[0] for row in await asyncio.gather(*tasks)] == [0, 2, 4, 6]
        assert (await batcher(np.array([9])))[0] == 18

    asyncio.run(ask())


def test_who_gave_up_is_not_computed(compute):
    run = Doubling()

    async def ask() -> None:
        batcher = Batcher(run, compute, max_batch=8, max_waiting=9)
        tasks = await begin(batcher, range(5))
        for task in tasks[1:4]:
            task.cancel()
        await asyncio.sleep(0)
        run.go_on.set()
        assert (await tasks[4])[0] == 8

    asyncio.run(ask())
    assert run.batches == [1, 1]


def test_lengths_are_powers_of_two():
    assert lengths(1) == [1]
    assert lengths(12) == [1, 2, 4, 8]
    assert lengths(16) == [1, 2, 4, 8, 16]
