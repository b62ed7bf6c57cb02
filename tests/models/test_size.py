"""The size of a network is known before it is built."""

import pytest

from hmexp.config.model import CnnConfig, ResnetConfig
from hmexp.config.pretrained import BackboneConfig

pytestmark = pytest.mark.slow
CONFIGS = [
    CnnConfig(widths=[4, 8]),
    CnnConfig(widths=[4, 8], norm="batch", head="gap", dropout=0.2),
    ResnetConfig(widths=[8, 8]),
    BackboneConfig(name="MobileNetV2"),
]


@pytest.mark.parametrize("cfg", CONFIGS, ids=lambda cfg: type(cfg).__name__)
def test_an_outline_has_the_size_of_the_network(cfg):
    import keras

    from hmexp.models.build import build_model
    from hmexp.models.memory import size_of, size_of_config

    outlined = size_of_config(cfg, 64, 5)
    keras.backend.clear_session()
    assert outlined == size_of(build_model(cfg, 64, 5))
    assert outlined.parameters > 0


def test_an_outline_makes_no_weight():
    import keras
    import psutil

    from hmexp.models.memory import size_of_config

    before = psutil.Process().memory_info().rss
    size = size_of_config(CnnConfig(widths=[64] * 2, dense=65_536), 2048, 5)
    keras.backend.clear_session()
    assert size.training_bytes(32) > 10e12
    assert psutil.Process().memory_info().rss - before < 1e9


def test_a_model_that_cannot_fit_is_refused_before_the_run_begins(hmexp, tmp_path):
    words = ("model=cnn", "model.widths=[8]", "model.dense=65536", "data.image_size=1024", "data.limit=20")
    refused = hmexp(*words, code=2)
    assert refused.stderr.startswith("hmexp: error: model: expected one that this machine's ")
    assert refused.stderr.count("\n") == 1
    assert not (tmp_path / "mlruns" / "jobs").exists()
