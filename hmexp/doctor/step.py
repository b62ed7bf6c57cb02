"""A training step in a process of its own: `python -m hmexp.doctor.step BACKEND DEVICE`; prints one line of JSON."""

import json
import math
import sys
import time
from typing import Any

IMAGE_SIZE, BATCH, CLASSES = 32, 8, 3


def main(backend: str, device: str) -> dict[str, Any]:
    """Import the backend, find its devices, and train a small network for two steps, compiled and else uncompiled."""
    from hmexp.config.errors import UserError
    from hmexp.runner.backend import start_inference

    begun = time.perf_counter()
    try:
        chosen = start_inference(backend, device)
    except UserError as error:
        return {"refused": str(error)}
    import keras

    found = {"keras": keras.__version__, "device": chosen.words, "devices": devices(backend)}
    found["import_seconds"] = time.perf_counter() - begun
    reasons: list[str] = []
    for jit in (True, False):
        try:
            return found | _train(jit) | {"jit": jit, "why_not": " ".join(reasons)[:300]}
        except Exception as error:
            reasons.append(f"{type(error).__name__}: {' '.join(str(error).split())}")
    return found | {"error": reasons[-1]}


def devices(backend: str) -> list[str]:
    """What the backend sees, by its own names."""
    if backend == "tensorflow":
        import tensorflow as tf

        details = tf.config.experimental.get_device_details
        return [details(gpu).get("device_name", gpu.name) for gpu in tf.config.list_physical_devices("GPU")]
    if backend == "jax":
        import jax

        return [str(device) for device in jax.devices() if device.platform != "cpu"]
    import torch

    return [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]


def _train(jit: bool) -> dict[str, float]:
    import keras
    import numpy as np

    from hmexp.config.model import CnnConfig
    from hmexp.models.build import build_model

    model = build_model(CnnConfig(widths=[8, 16]), IMAGE_SIZE, CLASSES)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(), loss, jit_compile=jit)
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (BATCH, IMAGE_SIZE, IMAGE_SIZE, 3), dtype=np.uint8)
    targets = rng.integers(0, CLASSES, BATCH)
    seconds, value = [], math.nan
    for _ in range(2):
        begun = time.perf_counter()
        value = float(np.asarray(model.train_on_batch(pictures, targets)).ravel()[0])
        seconds.append(time.perf_counter() - begun)
    if not math.isfinite(value):
        raise ArithmeticError(f"expected a finite loss, received {value}")
    return {"first_seconds": seconds[0], "step_seconds": seconds[1], "loss": value}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])), flush=True)
