"""Networks in files of Keras's: loaded in safe mode; whatever is wrong with one is said in a line."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

LONGEST_REASON = 200
"""Characters of Keras's own words."""


class RefusedNetworkError(Exception):
    """A file that holds no network that can be loaded; its text says what it holds, after `received`."""


def load_network(path: Path) -> "keras.Model":
    """Load a network with the weights that it was saved with, without optimizer and metrics.

    Raises:
        RefusedNetworkError: No file of Keras's, a damaged one, or one that would have to run code that lies in it.
    """
    import keras

    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # whatever Keras, h5py or zipfile finds in a file that is not ours
        raise RefusedNetworkError(_reason(error)) from None
    if not isinstance(model, keras.Model):
        raise RefusedNetworkError(f"a {type(model).__name__}, which is no network")
    return model


def _reason(error: Exception) -> str:
    """What is in the file, in words."""
    text = " ".join(str(error).split()) or type(error).__name__
    if "Lambda" in text:
        return "one with a Lambda layer, which would run code that lies in the file"
    if "keras_hub" in text and not _has_hub():
        return "one with layers of keras-hub, which is not installed (pip install 'hmexp[hub]')"
    unknown = re.search(r"Could not locate (?:class|function) '([^']+)'", text)
    if unknown:
        return f"one with {unknown[1]}, which is not Keras's own (plugins=[MODULE] reads what registers it)"
    return f"one that it refuses: {text[:LONGEST_REASON]}"


def _has_hub() -> bool:
    try:
        import keras_hub  # noqa: F401
    except ImportError:
        return False
    return True
