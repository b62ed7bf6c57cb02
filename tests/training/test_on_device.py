"""Pictures on the device: the same training as with pictures from the store, wherever it is cut."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from placed_trainings import EPOCHS, INTERRUPTED, STEPS, Trainings

from hmexp.config.errors import UserError
from hmexp.config.training import TrainerConfig

WHOLE = [*range(STEPS)] * EPOCHS


@pytest.fixture(scope="module", params=["tensorflow", "jax", "torch"])
def found(request, cache, tmp_path_factory):
    """What the trainings of one backend gave; Keras takes one backend a process."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "tensorflow":
        return Trainings(folder, cache, "tensorflow").every_way()
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    script = Path(__file__).with_name("placed_trainings.py")
    env = os.environ | {"KERAS_BACKEND": request.param}
    command = [sys.executable, str(script), str(folder), str(cache)]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.partition("FOUND ")[2])


@pytest.mark.slow
def test_the_history_is_that_of_streamed_pictures_to_the_bit(found):
    assert found["streamed"]["placement"].startswith("streamed from the store")
    assert found["resumed"]["placement"].startswith("on the device (")
    assert found["resumed"]["history"] == found["streamed"]["history"]
    assert found["resumed"]["weights"] == found["streamed"]["weights"]


@pytest.mark.slow
def test_callbacks_see_every_step_and_an_interruption_ends_after_one(found):
    assert found["streamed"]["steps"] == WHOLE
    assert Path(found["cut"]["checkpoint"]).name == f"epoch-0000-step-{INTERRUPTED:06d}"
    assert found["cut"]["steps"] == WHOLE[:INTERRUPTED]
    assert found["resumed"]["steps"] == [*range(STEPS - INTERRUPTED), *WHOLE[STEPS:]]


@pytest.mark.slow
def test_many_steps_in_one_dispatch_are_the_same_wherever_they_are_cut(found):
    if "looped" not in found:
        pytest.skip("a step is a dispatch in this backend")
    looped = found["looped"]
    assert looped["whole"]["steps"] == WHOLE
    done = int(Path(looped["cut"]["checkpoint"]).name[-6:])
    assert INTERRUPTED <= done < STEPS, "at the end of its dispatch"
    assert looped["cut"]["steps"] == WHOLE[:done]
    assert looped["resumed"]["history"] == looped["whole"]["history"]
    assert looped["resumed"]["weights"] == looped["whole"]["weights"]
    for name, values in found["streamed"]["history"].items():
        assert looped["whole"]["history"][name] == pytest.approx(values, rel=1e-3, abs=1e-3), name


@pytest.mark.slow
def test_elements_of_many_steps_end_with_the_epoch_and_before_a_checkpoint():
    from hmexp.batches.arrays import IndexBatches
    from hmexp.batches.chunks import COUNT, chunks
    from hmexp.batches.order import Order, Rows

    part = Rows(np.arange(50)[::-1].copy(), np.arange(50), weights=np.ones(50, np.float32))
    order = Order(batch_size=4, seed=0, first_epoch=1, last_epoch=2, first_step=1)
    steps = IndexBatches(part, order)
    elements = list(chunks(steps, longest=5, checkpoint_steps=8))
    assert [int(inputs[COUNT]) for inputs, *_ in elements] == [5, 2, 4, 1, 5, 3, 4, 1]
    assert [len(inputs["rows"]) for inputs, *_ in elements] == [5, 5, 5, 1, 5, 5, 5, 1]
    rows = [row for inputs, *_ in elements for row in inputs["rows"][: int(inputs[COUNT])]]
    targets = [target for inputs, target, _ in elements for target in target[: int(inputs[COUNT])]]
    assert len(rows) == steps.num_batches
    for number in range(steps.num_batches):
        inputs, target, _ = steps.read(number)
        assert np.array_equal(rows[number], inputs["rows"])
        assert np.array_equal(targets[number], target)
        assert np.array_equal(inputs["rows"], 49 - target), "rows of the device, not of the split"


def device(words: str = "gpu:0", free: int | None = 10_000, several: bool = False) -> SimpleNamespace:
    """A device with so much memory free."""
    data = SimpleNamespace(free_bytes=lambda words: free)
    backend = SimpleNamespace(name="jax", device_data=lambda: data)
    return SimpleNamespace(words=words, several=several, backend=backend)


@pytest.mark.parametrize(
    ("where", "trainer", "num_bytes", "said"),
    [
        (device(), {}, 5000, "on the device (5.0 kB, which fit)"),
        (
            device(),
            {},
            5001,
            "streamed from the store (5.0 kB are more than 50% of the 10.0 kB that are free on gpu",
        ),
        (device(free=10**18), {}, 10**17, "that are free on this machine)"),
        (device(free=None), {}, 1, "streamed from the store (gpu:0 does not say how much of its memory is free)"),
        (device(several=True), {}, 1, "streamed from the store (several devices share each batch)"),
        (device(), {"jit_compile": "false"}, 1, "streamed from the store (trainer.jit_compile=false)"),
        (device(), {"data_on_device": "false"}, 1, "streamed from the store (trainer.data_on_device=false)"),
        (device("cpu"), {}, 1, "streamed from the store (trainer.data_on_device=auto on a cpu"),
        (device("cpu"), {"data_on_device": "true"}, 1, "on the device (1 byte, trainer.data_on_device=true)"),
    ],
)
def test_pictures_are_where_the_memory_is_and_the_line_says_why(where, trainer, num_bytes, said):
    from hmexp.training.placement import place_pictures

    assert said in place_pictures(TrainerConfig(**trainer), where, num_bytes).words


@pytest.mark.parametrize("where", [device(free=100), device(several=True), device(free=None)])
def test_asked_for_where_they_cannot_be_is_an_error_of_the_key(where):
    from hmexp.training.placement import place_pictures

    with pytest.raises(UserError, match=r"trainer\.data_on_device: expected auto or false, received true, but "):
        place_pictures(TrainerConfig(data_on_device="true"), where, 51)
