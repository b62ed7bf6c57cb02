"""engine=onnx gives what engine=keras gives, or nothing at all."""

from dataclasses import replace

import numpy as np
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def classifier(service):
    return service.model.classifier


def test_onnx_gives_what_keras_gives(classifier, service):
    pytest.importorskip("onnxruntime")
    from hmexp.serving.engines import keras_engine, onnx_engine, warm_up

    run = onnx_engine(classifier, service.catalogue.articles)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
    np.testing.assert_allclose(run(pixels), keras_engine(classifier)(pixels), atol=1e-5)
    warm_up(run, 32, 4)


def test_a_file_that_gives_something_else_is_not_served(classifier, service, monkeypatch):
    pytest.importorskip("onnxruntime")
    from hmexp.config.errors import RunError
    from hmexp.inference.formats import FORMATS
    from hmexp.serving.engines import onnx_engine

    monkeypatch.setitem(FORMATS, "onnx", replace(FORMATS["onnx"], difference=-1.0))
    with pytest.raises(RunError, match="engine=onnx: expected what the Keras model gives, received largest difference"):
        onnx_engine(classifier, service.catalogue.articles)


def test_keras_engine_is_calibrated(classifier):
    from hmexp.serving.engines import keras_engine

    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    np.testing.assert_allclose(keras_engine(classifier)(pixels), classifier.probabilities(pixels), atol=1e-6)
