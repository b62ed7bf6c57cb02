"""Whether XLA compiles the training step, and why."""

import keras


def compilation(model: keras.Model, asked: str, deterministic: bool) -> str:
    """Say what is effective and why, such as `off (auto: Keras leaves it off on a CPU)`.

    Args:
        model: Compiled.
        asked: `trainer.jit_compile`.
        deterministic: The switch of that name.
    """
    backend = keras.backend.backend()
    effective = bool(model.jit_compile)
    if effective or asked == "false":
        return f"{'on' if effective else 'off'} ({asked})"
    if backend == "tensorflow" and deterministic:
        return f"off ({asked}: TensorFlow has no XLA under deterministic=true)"
    without = [layer.name for layer in model._flatten_layers() if not layer.supports_jit]
    if without:
        return f"off ({asked}: {without[0]} has no XLA kernel)"
    if backend == "tensorflow" and model.distribute_strategy.num_replicas_in_sync > 1:
        return f"off ({asked}: Keras leaves it off under tf.distribute)"
    return f"off ({asked}: Keras leaves it off {'on a CPU' if backend == 'tensorflow' else f'with {backend}'})"
