"""Layers that compute in float32, whatever those that they are copied from compute in."""

import keras


def float32_layer(layer: keras.layers.Layer) -> keras.layers.Layer:
    """The same layer without its weights, in float32; for `keras.models.clone_model`."""
    config = layer.get_config()
    # Operations that are no layers have no dtype of their own.
    if "dtype" in config:
        config["dtype"] = "float32"
    return type(layer).from_config(config)
