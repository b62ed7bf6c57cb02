"""Keras's private names are what hmexp takes them for, in the version that is installed."""

import numpy as np
import pytest

from hmexp.compat import keras as compat

pytestmark = pytest.mark.slow


@pytest.fixture
def model():
    """A dense layer inside a model inside a model, compiled with a schedule, a moving average and accumulation."""
    import keras

    inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="deep")], name="inner")
    pictures = keras.Input((2,))
    whole = keras.Model(pictures, inner(pictures))
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    whole.compile(keras.optimizers.SGD(schedule, use_ema=True, gradient_accumulation_steps=2), "mse")
    whole.optimizer.build(whole.trainable_variables)
    return whole


def test_it_was_checked_against_this_version():
    import keras

    assert keras.__version__.startswith(f"{compat.CHECKED}.")


def test_layers_inside_layers_are_found(model):
    assert "deep" in [layer.name for layer in compat.all_layers(model)]


def test_nodes_have_their_tensors_and_parents(model):
    (*_, node) = compat.inbound_nodes(model.get_layer("inner"))
    assert node.output_tensors[0] is model.outputs[0]
    assert [parent.operation.name for parent in node.parent_nodes] == [model.layers[0].name]


def test_a_tensor_knows_what_it_comes_from(model):
    layer, inputs = compat.producer(model.outputs[0])
    assert layer is model.get_layer("inner")
    assert inputs == [model.inputs[0]]


def test_an_optimizer_gives_its_schedule_steps_averages_and_places(model):
    optimizer = model.optimizer
    assert type(compat.schedule_of(optimizer)).__name__ == "ExponentialDecay"
    model.train_on_batch(np.ones((4, 2)), np.zeros((4, 3)))
    assert compat.raw_iterations(optimizer) == 1, "not halved by the accumulation"
    pairs = list(compat.moving_averages(optimizer))
    assert [weight.path for weight, _ in pairs] == [weight.path for weight in model.trainable_variables]
    assert all(weight.shape == average.shape and weight is not average for weight, average in pairs)
    bias = model.trainable_variables[1]
    assert compat.variable_index(optimizer, bias) == 1
    assert compat.variable_path(optimizer, bias) == bias.path


def test_jax_keeps_its_state_under_these_names():
    pytest.importorskip("jax")
    import inspect

    from keras.src.backend.jax import distribution_lib, trainer

    assert callable(trainer.JAXTrainer.jax_state_sync)
    parameters = list(inspect.signature(distribution_lib.distribute_data_input).parameters)
    assert parameters == ["per_process_batch", "layout", "batch_dim_name"]


def test_a_model_is_built_from_the_first_batch_under_this_name():
    import inspect

    import keras

    parameters = list(inspect.signature(keras.Model._maybe_symbolic_build).parameters)
    assert parameters == ["self", "iterator", "data_batch"]


def test_a_step_gives_its_loss_and_an_epoch_all_metrics(model):
    import keras

    class Sparing(compat.MetricsOnDemand, keras.Model):
        pass

    pictures = keras.Input((2,))
    sparing = Sparing(pictures, model(pictures))
    sparing.compile("sgd", "mse", metrics=["mae"])
    seen = []
    told = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(sorted(logs)))
    history = sparing.fit(np.ones((4, 2)), np.zeros((4, 3)), batch_size=2, callbacks=[told], verbose=0).history
    assert seen == [["loss"], ["loss"]]
    assert sorted(history) == ["loss", "mae"]
    assert sorted(sparing.evaluate(np.ones((4, 2)), np.zeros((4, 3)), verbose=0, return_dict=True)) == ["loss", "mae"]


def test_a_model_is_built_from_its_own_example_and_its_batches_are_begun_all_the_same():
    import keras

    class Made(compat.OwnExample, keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(3)

        def call(self, inputs):
            return self.dense(inputs)

        def example(self):
            return np.zeros((2, 5), np.float32), np.zeros((2, 3), np.float32)

    made, begun = Made(), []
    made.compile("sgd", "mse")

    def batches():
        begun.append(True)
        yield 0, 0, [{"rows": np.zeros(2)}]

    made._symbolic_build(iterator=batches())
    assert made.dense.kernel.shape == (5, 3)
    assert begun
