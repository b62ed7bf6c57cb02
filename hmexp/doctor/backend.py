"""The backend: its devices, and a compiled training step, tried in a process of its own, which may crash."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from hmexp.config.doctor import DoctorConfig
from hmexp.doctor.check import FAIL, OK, WARN, Check
from hmexp.training.backends.choice import may_have_gpu

FIXES = {"tensorflow": "hmexp[gpu]", "jax": "jax[cuda12]", "torch": "torch"}


def backend(config: DoctorConfig) -> Iterator[Check]:
    """Devices and the training step."""
    found = _tried(config)
    if "refused" in found:
        yield Check("backend", FAIL, found["refused"])
        return
    if "device" not in found:
        yield Check("backend", FAIL, found["error"], f"pip install --force-reinstall {config.backend} keras")
        return
    yield _devices(config, found)
    if "error" in found:
        yield Check("step", FAIL, f"a training step fails: {found['error']}", "another backend=, or trainer.device=cpu")
    elif found["jit"]:
        text = f"a compiled training step works, {found['first_seconds']:.1f} s to compile, loss {found['loss']:.3f}"
        yield Check("step", OK, text)
    else:
        text = f"a training step works uncompiled alone: {found['why_not']}"
        yield Check("step", WARN, text, "trainer.jit_compile=false")


def _devices(config: DoctorConfig, found: dict[str, Any]) -> Check:
    gpus = found["devices"]
    name = f"{config.backend} with Keras {found['keras']}"
    text = f"{name} computes on {found['device']}; GPUs: {', '.join(gpus) or 'none'}"
    if gpus or not may_have_gpu() or sys.platform == "darwin":
        return Check("devices", OK, text)
    remedy = f"pip install '{FIXES[config.backend]}' where the driver's GPU is to be used"
    return Check("devices", WARN, f"{text}, though this machine seems to have a driver for some", remedy)


def _tried(config: DoctorConfig) -> dict[str, Any]:
    """What `hmexp.doctor.step` printed, or why it did not."""
    words = [sys.executable, "-m", "hmexp.doctor.step", config.backend, config.trainer.device]
    environment = os.environ | {"KERAS_BACKEND": config.backend, "TF_CPP_MIN_LOG_LEVEL": "2"}
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=config.step_seconds, check=False, env=environment
        )
    except subprocess.TimeoutExpired:
        return {"error": f"{config.backend} made no training step in {config.step_seconds} s"}
    lines = done.stdout.strip().splitlines()
    try:
        found: dict[str, Any] = json.loads(lines[-1])
    except (IndexError, ValueError):
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return {"error": f"{config.backend} ended with exit code {done.returncode}: {said[:300]}"}
    return found
