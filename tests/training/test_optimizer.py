"""Optimizers and their schedules."""

from dataclasses import replace

import numpy as np
import pytest

from hmexp.config.optimizer import AdamConfig, AdamWConfig, LionConfig, MuonConfig, OptimizerConfig, SgdConfig
from hmexp.config.schedule import ConstantSchedule, CosineSchedule, OneCycleSchedule, PlateauSchedule, StepSchedule

pytestmark = pytest.mark.slow
KINDS = [AdamConfig(), AdamWConfig(), SgdConfig(nesterov=True), SgdConfig(weight_decay=0.1), LionConfig(), MuonConfig()]


@pytest.fixture(scope="module")
def build():
    from hmexp.training.optimizer import Updates, build_optimizer

    def make(cfg, **updates):
        return build_optimizer(cfg, Updates(cfg.learning_rate, **updates))

    return make


def rates(cfg, steps, epochs=5):
    """The learning rate with peak 0.1 and 10 steps an epoch."""
    from hmexp.training.schedule import build_schedule

    schedule = build_schedule(cfg, 0.1, 10, epochs)
    return [float(schedule(step)) if callable(schedule) else schedule for step in steps]


def minimise(optimizer, shape=(6, 4), steps=30):
    """How far an optimizer brings a kernel towards a target: the error before and after."""
    import keras

    rng = np.random.default_rng(0)
    kernel = keras.Variable(rng.normal(size=shape).astype(np.float32), name="kernel")
    target = rng.normal(size=shape).astype(np.float32)
    optimizer.build([kernel])
    before = float(np.square(np.asarray(kernel) - target).mean())
    for _ in range(steps):
        optimizer.apply([keras.ops.convert_to_tensor(np.asarray(kernel) - target)])
    return before, float(np.square(np.asarray(kernel) - target).mean())


@pytest.mark.parametrize("cfg", KINDS, ids=lambda cfg: type(cfg).__name__)
def test_each_schema_has_an_optimizer_that_minimises(build, cfg):
    before, after = minimise(build(replace(cfg, learning_rate=0.05)))
    assert after < 0.8 * before


@pytest.mark.parametrize("cfg", KINDS, ids=lambda cfg: type(cfg).__name__)
def test_a_discriminative_rate_scales_the_step_of_its_variable(build, cfg):
    slow = minimise(build(cfg, rates={"kernel": 1e-9}), steps=3)
    assert slow[1] == pytest.approx(slow[0], rel=0.01), "but for weight decay, which is not scaled"


def test_weight_decay_leaves_biases_and_norms_alone(build):
    import keras

    decays = keras.Variable(np.ones((2, 2), np.float32), name="kernel")
    stays = keras.Variable(np.ones(2, np.float32), name="gamma")
    optimizer = build(AdamWConfig(weight_decay=0.5, learning_rate=0.1))
    optimizer.build([decays, stays])
    optimizer.apply([np.zeros((2, 2), np.float32), np.zeros(2, np.float32)])
    assert np.asarray(decays) == pytest.approx(0.95)
    assert np.asarray(stays) == pytest.approx(1.0)


def test_accumulated_gradients_move_the_weights_once(build):
    import keras

    kernel = keras.Variable(np.zeros(1, np.float32), name="kernel")
    optimizer = build(SgdConfig(learning_rate=1.0, momentum=0.0), accumulate=2)
    optimizer.build([kernel])
    optimizer.apply([np.array([1.0], np.float32)])
    assert np.asarray(kernel) == pytest.approx(0.0)
    optimizer.apply([np.array([3.0], np.float32)])
    assert np.asarray(kernel) == pytest.approx(-2.0), "their mean"


def test_muon_steps_are_orthogonal_for_kernels_of_convolutions(build):
    import keras

    kernel = keras.Variable(np.zeros((3, 3, 8, 16), np.float32), name="kernel")
    optimizer = build(MuonConfig(learning_rate=1.0, momentum=0.0))
    optimizer.build([kernel])
    gradient = np.random.default_rng(0).normal(size=kernel.shape).astype(np.float32)
    optimizer.apply([gradient])
    step = -np.asarray(kernel).reshape(72, 16) / (0.2 * 72**0.5)
    values = np.linalg.svd(step, compute_uv=False)
    assert values.min() > 0.6
    assert values.max() < 1.3, "the iteration is a rough one: 0.7 to 1.2"


def test_muon_leaves_the_first_convolution_and_the_logits_to_adam():
    import keras

    from hmexp.training.muon import Muon

    def orthogonal(shape, name):
        return Muon.orthogonal(keras.Variable(np.zeros(shape, np.float32), name=name))

    assert orthogonal((3, 3, 32, 64), "kernel")
    assert orthogonal((64, 32), "kernel")
    assert not orthogonal((3, 3, 3, 32), "kernel")
    assert not orthogonal((32,), "bias")


def test_constant_and_plateau_do_not_move_by_themselves():
    assert rates(ConstantSchedule(), [0, 49]) == rates(PlateauSchedule(), [0, 49]) == [0.1, 0.1]


def test_cosine_climbs_and_falls_over_all_epochs():
    found = rates(CosineSchedule(warmup_epochs=1.0), [0, 5, 10, 30, 50])
    assert found[:3] == pytest.approx([0.0, 0.05, 0.1])
    assert 0.0 < found[3] < 0.1
    assert found[4] == pytest.approx(0.0, abs=1e-7)
    assert rates(CosineSchedule(final=0.2), [50]) == pytest.approx([0.02])


def test_one_cycle_starts_low_peaks_and_ends_near_nothing():
    found = rates(OneCycleSchedule(warmup=0.2, start=0.1), [0, 10, 30, 50])
    assert found[:2] == pytest.approx([0.01, 0.1])
    assert found[2] == pytest.approx(0.1 * (1e-5 + (1 - 1e-5) * 0.5), rel=1e-4)
    assert found[3] == pytest.approx(1e-6, rel=0.01)


def test_step_falls_by_its_factor():
    assert rates(StepSchedule(every=2, factor=0.5), [0, 19, 20, 40]) == pytest.approx([0.1, 0.1, 0.05, 0.025])


def test_clipping_reaches_the_optimizer(build):
    assert build(SgdConfig(clip_norm=1.5)).global_clipnorm == 1.5


def test_a_schema_without_builder_says_so(build):
    with pytest.raises(TypeError, match="registered"):
        build(OptimizerConfig())
