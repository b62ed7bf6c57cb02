"""Layers that were saved in float32, made to compute as the process does (`trainer.precision`)."""

import keras

EXACT = ("Rescaling", "Normalization", "Resizing", "CenterCrop", "Softmax")
"""Layers that stay in float32: bfloat16 cannot tell all 256 values of a pixel apart."""


def under_policy(network: keras.Model) -> keras.Model:
    """The network with its weights, its layers of float32 computing under the process's policy."""
    if keras.config.dtype_policy().name == "float32":
        return network
    copy: keras.Model = keras.models.clone_model(network, clone_function=_layer_under_policy, recursive=True)
    copy.set_weights(network.get_weights())
    return copy


def _layer_under_policy(layer: keras.layers.Layer) -> keras.layers.Layer:
    """The same layer without its weights."""
    config = layer.get_config()
    plain = isinstance(layer, keras.layers.Layer) and layer.dtype_policy.name == "float32"
    if plain and "dtype" in config and type(layer).__name__ not in EXACT:
        config["dtype"] = keras.config.dtype_policy().name
    return type(layer).from_config(config)
