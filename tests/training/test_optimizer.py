"""Optimizers and their schedules."""

import numpy as np
import pytest

from hmexp.config.training import AdamConfig, AdamWConfig, OptimizerConfig, SgdConfig

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def build():
    from hmexp.training.optimizer import build_optimizer

    return build_optimizer


@pytest.mark.parametrize(("cfg", "name"), [(AdamConfig(), "adam"), (AdamWConfig(), "adam_w"), (SgdConfig(), "sgd")])
def test_each_schema_has_its_optimizer(build, cfg, name):
    optimizer = build(cfg, 10, 5)
    assert optimizer.name.lower() == name.lower()
    assert float(np.asarray(optimizer.learning_rate)) == pytest.approx(cfg.learning_rate)


def test_cosine_climbs_and_falls_over_all_epochs(build):
    schedule = build(AdamConfig(learning_rate=0.1, schedule="cosine", warmup_epochs=1.0), 10, 5)._learning_rate
    rates = [float(schedule(step)) for step in (0, 5, 10, 30, 50)]
    assert rates[0] == 0.0
    assert rates[1] == pytest.approx(0.05)
    assert rates[2] == pytest.approx(0.1)
    assert 0.0 < rates[3] < 0.1
    assert rates[4] == pytest.approx(0.0, abs=1e-7)


def test_clipping_reaches_the_optimizer(build):
    assert build(SgdConfig(clip_norm=1.5), 10, 5).global_clipnorm == 1.5


def test_a_schema_without_builder_says_so(build):
    with pytest.raises(TypeError, match="registered"):
        build(OptimizerConfig(), 1, 1)
