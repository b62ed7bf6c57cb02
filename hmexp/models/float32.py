"""Layers that compute in float32, whatever those that they are copied from compute in."""

import keras


def float32_layer(layer: keras.layers.Layer) -> keras.layers.Layer:
    """The same layer without its weights, in float32; for `keras.models.clone_model`."""
    config = layer.get_config()
    # Operations that are no layers have no dtype of their own.
    if "dtype" in config:
        config["dtype"] = "float32"
    return type(layer).from_config(config)


def copies_layer_by_layer(model: keras.Model) -> bool:
    """Whether the models inside can be copied by copying their layers; those of keras-hub only as a whole.

    Some of its layers do not take back their own `get_config` (ViTPatchingAndEmbedding of keras-hub 0.32).
    """
    return not any(type(layer).__module__.startswith("keras_hub.") for layer in model.layers)
