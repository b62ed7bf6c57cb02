"""What is refused before a backend is imported, and what Keras's home file and variables cannot move."""

import json
import os
import subprocess
import sys

import pytest

from hmexp.config.errors import UserError
from hmexp.config.training import TrainerConfig
from hmexp.training.backends import backend_named, choice


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tensorflow", "jax", "torch"])
def test_a_backend_is_chosen_without_importing_it(name):
    code = (
        "import sys; from hmexp.training.backends import backend_named; "
        f"print(backend_named({name!r}).name, sorted({{'keras', 'tensorflow', 'jax', 'torch'}} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=1) == [name, "[]\n"]


@pytest.mark.parametrize("device", ["gpu", "gpu:0", "gpu:3"])
def test_a_gpu_that_cannot_be_there_is_refused(device, monkeypatch):
    monkeypatch.setattr(choice, "may_have_gpu", lambda: False)
    with pytest.raises(UserError, match=f"trainer.device: expected .*auto, cpu on this machine, received {device}"):
        choice.check_gpu(device)
    for fine in ("auto", "cpu"):
        choice.check_gpu(fine)


@pytest.mark.parametrize("file", ["nvidia0", "nvidia12", "nvidiactl", "dxg", "kfd", "nvhost-gpu"])
def test_any_trace_of_a_driver_lets_the_library_look(file, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    (tmp_path / "null").touch()
    assert not choice.may_have_gpu(tmp_path)
    (tmp_path / file).touch()
    assert choice.may_have_gpu(tmp_path)


def test_elsewhere_than_on_linux_the_library_looks(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert choice.may_have_gpu(tmp_path)


@pytest.mark.parametrize(("backend", "strategy"), [("tensorflow", "jax_data_parallel"), ("torch", "mirrored")])
def test_a_strategy_of_another_backend_is_refused(backend, strategy):
    with pytest.raises(UserError, match=f"with backend={backend}, received {strategy}"):
        choice.check_strategy(TrainerConfig(strategy=strategy), backend, backend_named(backend).strategies)


HOSTILE = {"floatx": "float16", "epsilon": 0.5, "image_data_format": "channels_first", "nnx_enabled": True}
STATE = """
from types import SimpleNamespace
from hmexp.config.record import PathsConfig
from hmexp.config.training import TrainerConfig
from hmexp.runner.backend import start_backend
config = SimpleNamespace(backend={backend!r}, trainer=TrainerConfig(), seed=0, deterministic=False)
config.paths = PathsConfig(cache={cache!r})
start_backend(config)
from keras import config
print(config.floatx(), config.dtype_policy().name, config.epsilon(), config.image_data_format(), config.max_epochs(),
      config.max_steps_per_epoch(), config.is_nnx_enabled())
if {backend!r} == "jax":
    import jax
    print(jax.config.jax_enable_x64, jax.config.jax_numpy_dtype_promotion)
"""


def started(backend, home, **variables):
    env = os.environ | {"KERAS_HOME": str(home), "TF_CPP_MIN_LOG_LEVEL": "3"} | variables
    return subprocess.run(
        [sys.executable, "-c", STATE.format(backend=backend, cache=str(home))], env=env, capture_output=True, text=True
    )


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_neither_keras_json_nor_variables_move_what_is_computed(backend, tmp_path):
    pytest.importorskip(backend)
    (tmp_path / "keras.json").write_text(json.dumps(HOSTILE | {"backend": "torch"}))
    variables = {"KERAS_MAX_EPOCHS": "1", "KERAS_MAX_STEPS_PER_EPOCH": "x", "KERAS_NNX_ENABLED": "1"}
    done = started(backend, tmp_path, **variables, JAX_ENABLE_X64="1", JAX_NUMPY_DTYPE_PROMOTION="strict")
    assert done.returncode == 0, done.stderr
    pinned = ["float32", "float32", "1e-07", "channels_last", "None", "None", "False"]
    assert done.stdout.split() == [*pinned, *(["False", "standard"] if backend == "jax" else [])]


@pytest.mark.slow
def test_a_home_file_that_keras_refuses_is_said_in_a_line(tmp_path):
    (tmp_path / "keras.json").write_text(json.dumps({"floatx": "float99"}))
    done = started("tensorflow", tmp_path)
    assert done.stderr.splitlines()[-1].startswith("hmexp.config.errors.UserError: keras.json in KERAS_HOME: Invalid")
