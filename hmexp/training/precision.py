"""`trainer.precision=auto`: which number format is faster for this model on this device, by trying."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import keras

from hmexp.console import progress
from hmexp.files import replacing_at_once
from hmexp.training.device import fresh_session

CANDIDATES = ("float32", "mixed_bfloat16")
WARM_UP, TIMED = 3, 8
MARGIN = 0.95
"""bfloat16 has to take at most this share of float32's time, so that noise does not choose it."""


def time_precisions(make_model: Callable[[], keras.Model], batch: tuple[Any, ...]) -> dict[str, float]:
    """Seconds of the fastest of some training steps in each candidate; whatever else the machine does only adds to it.

    Leaves the global dtype policy and Keras's names and seeds changed: set them after this.

    Args:
        make_model: Makes a compiled model under the dtype policy of the moment.
        batch: `(pictures, targets)`, a whole batch.
    """
    seconds = {}
    for name in CANDIDATES:
        keras.config.set_dtype_policy(name)
        with progress(f"timing {name}"):
            model = make_model()
            seconds[name] = min([_step(model, batch) for _ in range(WARM_UP + TIMED)][WARM_UP:])
        fresh_session()
    return seconds


def recall_seconds(path: Path) -> dict[str, float] | None:
    """What was timed before; None where nothing was, or the file is no such thing."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {name: float(content[name]) for name in CANDIDATES}
    except (OSError, ValueError, TypeError, KeyError):
        return None


def keep_seconds(path: Path, seconds: dict[str, float]) -> None:
    """Keep what was timed, where the cache can be written; several processes may do it at once."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing_at_once(path) as partial:
            partial.write_text(json.dumps(seconds), encoding="utf-8")


def faster(seconds: dict[str, float]) -> str:
    """The format to compute in: bfloat16 where it is clearly faster."""
    return "mixed_bfloat16" if seconds["mixed_bfloat16"] < MARGIN * seconds["float32"] else "float32"


def _step(model: keras.Model, batch: tuple[Any, ...]) -> float:
    start = time.perf_counter()
    model.train_on_batch(*batch)
    return time.perf_counter() - start
