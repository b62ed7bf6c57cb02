"""The same experiment on TensorFlow, JAX and PyTorch; over several devices."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.slow
WORDS = [
    *("data.image_size=24", "data.limit=700", "model=resnet", "model.widths=[8,16]", "model.blocks=[1]"),
    *("model.dropout=0.1", "augment.flip=0.5", "augment.mixup=0.2", "trainer.epochs=5", "trainer.batch_size=16"),
    *("optimizer.learning_rate=3e-3", "trainer.precise_norm=3", "tracking=none"),
]


def run(cwd: Path, cache: Path, *words: str, **variables: str) -> str:
    env = os.environ | {"HMEXP_CACHE": str(cache), "TF_CPP_MIN_LOG_LEVEL": "3", "COLUMNS": "120"} | variables
    cwd.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "hmexp", *WORDS, *words]
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def metrics(cwd: Path) -> dict[str, float]:
    (path,) = cwd.glob("mlruns/jobs/*/metrics.json")
    return json.loads(path.read_text())


def parameters(said: str) -> str:
    return re.search(r"resnet: ([\d,]+) parameters", said).group(1)


@pytest.fixture(scope="module")
def on_tensorflow(hmexp_in, tmp_path_factory):
    """What TensorFlow makes of it: where, and what it said."""
    root = tmp_path_factory.mktemp("tensorflow")
    return root, hmexp_in(*WORDS, cwd=root).stdout


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_learns_the_same_from_the_same(backend, on_tensorflow, cache, tmp_path):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    root, said = on_tensorflow
    other = run(tmp_path / backend, cache, f"backend={backend}")
    assert parameters(other) == parameters(said)
    a, b = metrics(root), metrics(tmp_path / backend)
    assert b["best/val/accuracy"] == pytest.approx(a["best/val/accuracy"], abs=0.12)
    assert b["best/train/loss"] == pytest.approx(a["best/train/loss"], abs=0.35)


def test_batches_and_their_draws_are_the_same_without_tf_data(tmp_path):
    import tensorflow as tf
    from PIL import Image

    from hmexp.batches import arrays
    from hmexp.batches import tensorflow as tensors
    from hmexp.batches.order import Order, Rows
    from hmexp.catalogue.pictures import DirectoryPictures
    from hmexp.config.augment import AugmentConfig
    from hmexp.store import StoreSpec, stage

    for i in range(25):
        Image.new("RGB", (20, 20), (i, i, i)).save(tmp_path / f"{i:02d}.png")
    source = DirectoryPictures(tmp_path)
    store = stage(source, [p.path for p in source.list()], StoreSpec(16, "stretch", 10**6), tmp_path / "cache")
    part = Rows(np.arange(25), np.arange(25), np.linspace(0, 1, 25, dtype=np.float32))
    grouped = replace(part, groups=np.arange(25) % 9)
    for augment, rows in ((None, part), (AugmentConfig(flip=0.5, mixup=0.2), part), (None, grouped)):
        order = Order(8, 3, 2, 4, first_step=1, augment=augment, together=3)
        one = list(arrays.train_batches(store, rows, order))
        two = list(tensors.train_batches(store, rows, order))
        assert len(one) == len(two) == 3 * 4 - 1
        for mine, theirs in zip(one, two, strict=True):
            for a, b in zip(tf.nest.flatten(mine), tf.nest.flatten(theirs), strict=True):
                assert np.array_equal(np.asarray(a), np.asarray(b))


def test_where_tensorflow_and_mlflow_are_not_installed(cache, tmp_path):
    pytest.importorskip("jax")
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    for name in ("tensorflow", "mlflow"):
        (hidden / f"{name}.py").write_text(f"raise ModuleNotFoundError('{name} is not installed')\n")
    small = ("backend=jax", "model.widths=[4]", "data.limit=100", "data.image_size=16", "trainer.stop_after=1")
    said = run(tmp_path, cache, *small, PYTHONPATH=str(hidden))
    assert "epoch 1/1" in said


def test_a_backend_that_is_not_there_is_said_in_a_line(hmexp):
    assert "backend: expected one of tensorflow, jax, torch" in hmexp("backend=theano", code=2).stderr


TWO_CPUS = """
import tensorflow as tf
[cpu] = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
"""
TWO_CPUS_OF_JAX = """
import os; os.environ["XLA_FLAGS"] += " --xla_force_host_platform_device_count=2"; import jax
from keras.src.backend.jax import distribution_lib as lib; split = lib.distribute_data_input
lib.distribute_data_input = lambda *a: (print("split", a[0].shape[0]), split(*a))[1]
from hmexp import cli
"""
ON_DEVICES = (
    *("data.image_size=24", "data.limit=700", "model=cnn", "model.widths=[8]", "augment.flip=0.5", "trainer.epochs=1"),
    *("trainer.device=cpu", "trainer.batch_size=128", "tracking=none"),
)
"""Without batch norm, dropout and mixing, which look at the part of a batch, it is the same training."""


def test_two_devices_learn_as_one_does(hmexp, tmp_path):
    (tmp_path / "two_cpus.py").write_text(TWO_CPUS)
    hmexp(*ON_DEVICES, "trainer.strategy=none", "paths.root=one")
    said = hmexp(*ON_DEVICES, "trainer.strategy=mirrored", "paths.root=two", "plugins=[two_cpus]").stdout
    assert "mirrored over 2 cpus" in said
    check_losses(tmp_path)


def test_two_devices_of_jax_learn_as_one_does(cache, tmp_path):
    pytest.importorskip("jax")
    one, two = (
        [*ON_DEVICES, "backend=jax", f"trainer.strategy={strategy}", f"paths.root={root}"]
        for strategy, root in (("none", "one"), ("jax_data_parallel", "two"))
    )
    code = f"{TWO_CPUS_OF_JAX}raise SystemExit(cli.main({one!r}) or cli.main({two!r}))"
    env = os.environ | {"HMEXP_CACHE": str(cache), "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "jax"}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "jax_data_parallel over 2 cpus" in done.stdout
    assert "split 128\n" in done.stdout, "a batch is shared between the devices"
    assert "split 79\n" not in done.stdout, "the pictures of val cannot be"
    check_losses(tmp_path)


def check_losses(root: Path) -> None:
    """The runs below `one` and `two` have learned the same."""
    one, two = (pd.read_csv(next(root.glob(f"{name}/mlruns/jobs/*/history.csv"))) for name in ("one", "two"))
    for name in ("train/loss", "val/loss"):
        assert two[name].tolist() == pytest.approx(one[name].tolist(), rel=5e-3), name


def test_devices_that_do_not_divide_a_batch_are_refused(hmexp, tmp_path):
    (tmp_path / "two_cpus.py").write_text(TWO_CPUS)
    refused = hmexp("trainer.strategy=mirrored", "trainer.batch_size=15", "plugins=[two_cpus]", code=2)
    assert "trainer.batch_size: expected a multiple of 2" in refused.stderr
    assert {path.name for path in tmp_path.iterdir()} <= {"two_cpus.py", "__pycache__"}


def test_a_strategy_of_another_backend_is_refused(hmexp):
    refused = hmexp("trainer.strategy=jax_data_parallel", code=2)
    assert "one of auto, none, mirrored with backend=tensorflow" in refused.stderr
