"""A network that was made in Python, or elsewhere, as a file of Keras's: `model=saved model.file=NETWORK.keras`."""

import hashlib
import tempfile
from pathlib import Path

import keras

from hmexp.config.errors import UserError
from hmexp.config.pretrained import SavedConfig
from hmexp.models.loading import RefusedNetworkError, load_network


def build_saved(cfg: SavedConfig, image_size: int, num_classes: int) -> keras.Model:
    """Load the network, with the weights that it was saved with.

    Raises:
        UserError: No file of Keras's, or a network for other pictures or classes.
    """
    model = open_saved(cfg)
    if tuple(model.output_shape)[1:] != (num_classes,) or tuple(model.input_shape)[1:] != (image_size, image_size, 3):
        expected = f"[batch, {image_size}, {image_size}, 3] -> [batch, {num_classes}]"
        raise UserError(f"model.file: expected {expected}, received {model.input_shape} -> {model.output_shape}")
    return model


def open_saved(cfg: SavedConfig) -> keras.Model:
    """The network in the file, whatever it takes and gives.

    Raises:
        UserError: No file of Keras's.
    """
    path = Path(cfg.file).expanduser()
    try:
        return load_network(path)
    except RefusedNetworkError as error:
        raise UserError(f"model.file: expected a network saved by Keras, received {path}: {error}") from None


def keep_model(model: keras.Model, cache_dir: Path) -> Path:
    """Save a network into the cache, under the hash of its file, and give the file."""
    folder = cache_dir / "models"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        partial = Path(scratch) / "model.keras"
        model.save(partial)
        path = folder / f"{hashlib.blake2b(partial.read_bytes(), digest_size=16).hexdigest()}.keras"
        partial.replace(path)
    return path
