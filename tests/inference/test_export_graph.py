"""What exported files compute: the store's resize, no dropout, float32."""

import io

import numpy as np
import pytest
from PIL import Image

from hmexp.store.decode import decode

pytestmark = pytest.mark.slow
SIZE = 48


@pytest.fixture(scope="module")
def graph():
    from hmexp.inference import export_graph

    return export_graph


def by_pillow(picture: np.ndarray, mode: str) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return decode(stream.getvalue(), SIZE, mode, 10**9)


@pytest.mark.parametrize("mode", ["stretch", "pad", "crop"])
@pytest.mark.parametrize(
    "shape", [(48, 48), (96, 96), (144, 48), (533, 400), (400, 533), (31, 20), (20, 47), (1, 1), (1, 300), (1000, 9)]
)
def test_the_resize_is_the_stores(graph, mode, shape):
    """Of noise, the worst that there is; a wrong place, weight or border is dozens of levels."""
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    got = graph.resize(picture[None], SIZE, mode).numpy()[0]
    far = np.abs(got.astype(int) - by_pillow(picture, mode))
    assert far.max() <= 2
    assert far.mean() < 0.35
    if shape == (SIZE, SIZE):
        assert far.max() == 0


def test_several_pictures_are_resized_one_by_one(graph):
    pictures = np.random.default_rng(1).integers(0, 256, (3, 70, 90, 3), dtype=np.uint8)
    together = graph.resize(pictures, SIZE, "pad").numpy()
    for picture, got in zip(pictures, together, strict=True):
        np.testing.assert_array_equal(got, graph.resize(picture[None], SIZE, "pad").numpy()[0])


def test_random_operations_are_found_in_functions_too(graph):
    import tensorflow as tf

    inner = tf.function(lambda x: x + tf.random.uniform(tf.shape(x)))
    outer = tf.function(lambda x: inner(x) * 2.0, input_signature=[tf.TensorSpec([None], tf.float32)])
    assert graph.random_operations(outer.get_concrete_function().graph) == ["RandomUniform"]


def small_model(policy: str):
    """A network with everything that behaves otherwise in training, and a network inside it."""
    import keras

    inside = keras.Sequential(
        [keras.Input((SIZE, SIZE, 4)), keras.layers.Conv2D(8, 3, dtype=policy), keras.layers.BatchNormalization()]
    )
    pictures = keras.Input((SIZE, SIZE, 3), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255, dtype="float32")(pictures)
    x = keras.layers.Resizing(SIZE, SIZE)(x)  # switches what follows into training mode (keras #23166)
    x = 2.0 * x - 1.0  # operations that are no layers
    x = keras.layers.Conv2D(4, 3, padding="same", activation="gelu", dtype=policy)(x)
    x = keras.layers.Conv2D(4, 3, padding="same", groups=4, dtype=policy)(x)
    x = keras.layers.GlobalAveragePooling2D(name="features")(inside(x))
    x = keras.layers.Dropout(0.5)(x)
    return keras.Model(pictures, keras.layers.Dense(3, dtype="float32", name="logits")(x))


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_every_format_is_right_for_hard_networks(graph, policy, tmp_path):
    """Dropout is off, grouped convolutions, exact GELU and nested networks convert, mixed precision becomes float32."""
    from hmexp.inference.formats import FORMATS
    from hmexp.metrics.calibration import with_temperature
    from hmexp.models.bundle import Card

    model = small_model(policy)
    exported = graph.ExportGraph(graph.in_float32(model), Card(["a", "b", "c"], SIZE, "pad", 0.7, {}, "d", {}))
    assert (exported.model is model) == (policy == "float32")
    pictures = np.random.default_rng(2).integers(0, 256, (4, SIZE, SIZE, 3), dtype=np.uint8)
    wanted = with_temperature(exported.model.predict(pictures, verbose=0), 0.7)
    mixed = with_temperature(np.asarray(model.predict(pictures, verbose=0), np.float32), 0.7)
    np.testing.assert_allclose(mixed, wanted, atol=0.05)
    for name in ("savedmodel", "onnx", "litert"):
        folder = tmp_path / name
        folder.mkdir()
        FORMATS[name].write(exported, folder, pictures)
        np.testing.assert_allclose(FORMATS[name].open(folder)(pictures), wanted, atol=1e-5)
        assert FORMATS[name].random(exported, folder) == []


def test_float16_may_differ_as_far_as_rounding_moves_the_network(graph, tmp_path):
    """Of steep logits rounded weights move a probability further than the bar of the format, of flat ones not."""
    import keras

    from hmexp.inference.export_check import refer
    from hmexp.inference.export_pictures import CheckPictures
    from hmexp.inference.formats import FORMATS
    from hmexp.models.bundle import Card

    keras.utils.set_random_seed(0)  # how far two ways of rounding are apart depends on the weights
    model, each = small_model("float32"), FORMATS["litert_fp16"]
    exported = graph.ExportGraph(model, Card(["a", "b", "c"], SIZE, "stretch", 1.0, {}, "d", {}))
    pictures = np.random.default_rng(3).integers(0, 256, (24, SIZE, SIZE, 3), dtype=np.uint8)
    asked = CheckPictures("noise", pictures, pictures, lambda: iter(()))
    assert refer(exported, asked).bars(each) == each
    *others, kernel, _ = model.get_weights()

    def steepen(times: float) -> None:
        model.set_weights([*others, times * kernel, np.zeros(3, np.float32)])
        model.layers[-1].bias.assign(-model.predict_on_batch(pictures).mean(axis=0))

    steepen(1000)
    weights, reference = model.get_weights(), refer(exported, asked)
    bars = reference.bars(each)
    assert each.difference < bars.difference < 0.1
    assert reference.bars(FORMATS["litert"]) == FORMATS["litert"]
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)

    each.write(exported, tmp_path, pictures)
    assert reference.check(each, tmp_path).faults(bars) == []
    steepen(500)
    each.write(exported, tmp_path, pictures)
    assert "largest difference" in str(reference.check(each, tmp_path).faults(bars))
