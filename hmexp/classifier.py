"""A trained model in use: pictures of any kind in, classes and calibrated probabilities out."""

import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from PIL import Image

from hmexp.catalogue.pictures import BadPicture
from hmexp.config.data import MAX_PIXELS
from hmexp.config.errors import UserError
from hmexp.metrics.calibration import with_temperature
from hmexp.models.bundle import Card, load_bundle
from hmexp.store.decode import decode

BATCH = 128


class Predictions(NamedTuple):
    """What a classifier says of pictures.

    Attributes:
        classes: The likeliest class of each picture.
        probabilities: float32 `[pictures, classes]`, calibrated, in the order of `Classifier.class_names`.
    """

    classes: list[str]
    probabilities: np.ndarray


@dataclass(frozen=True)
class Classifier:
    """A model bundle that is loaded; see `hmexp.load`.

    Attributes:
        model: uint8 `[batch, image_size, image_size, 3]` -> logits `[batch, classes]`.
        card: What it was trained on and how well it did.
    """

    model: keras.Model
    card: Card

    @property
    def class_names(self) -> list[str]:
        """Names of the classes, in the order of the probabilities."""
        return self.card.classes

    def predict(self, pictures: Iterable[Any], batch_size: int = BATCH) -> Predictions:
        """Classify pictures, which become what the model has learned from as those did.

        Args:
            pictures: Paths of files, their bytes, `PIL.Image.Image`s, or arrays uint8 `[height, width, 3]` or, grey,
                `[height, width]`; an array `[pictures, height, width, 3]` is several.
            batch_size: Pictures at a time.

        Raises:
            UserError: Something that is no picture; it is named.
        """
        if isinstance(pictures, str | bytes | os.PathLike | Image.Image):
            raise UserError(f"pictures: expected a list of pictures, received one {type(pictures).__name__}")
        parts = [
            self.probabilities(np.stack([self._decode(picture) for picture in batch]))
            for batch in _batches(pictures, batch_size)
        ]
        probabilities = np.concatenate([np.zeros((0, len(self.class_names)), np.float32), *parts])
        return Predictions([self.class_names[number] for number in probabilities.argmax(axis=1)], probabilities)

    def probabilities(self, pixels: np.ndarray) -> np.ndarray:
        """Calibrated probabilities, float32 `[batch, classes]`, of what `decode` gave, uint8 `[batch, ...]`."""
        logits = np.asarray(keras.ops.convert_to_numpy(self.model(pixels, training=False)), np.float32)
        return with_temperature(logits, self.card.temperature)

    def decode(self, picture: Any) -> np.ndarray:  # noqa: ANN401
        """One picture as the store has it, uint8 `[image_size, image_size, 3]`; see `predict` for what it may be.

        Raises:
            BadPicture: It cannot be read.
            UserError: Nothing that could be a picture.
        """
        return decode(_content(picture), self.card.image_size, self.card.resize, MAX_PIXELS)

    def _decode(self, picture: Any) -> np.ndarray:  # noqa: ANN401
        try:
            return self.decode(picture)
        except BadPicture as error:
            name = picture if isinstance(picture, str | os.PathLike) else type(picture).__name__
            raise UserError(f"pictures: expected a picture that can be read, received {name} ({error})") from None


def load_classifier(folder: Path) -> Classifier:
    """Load the classifier of a bundle.

    Raises:
        UserError: No bundle, or one that was changed.
    """
    return Classifier(*load_bundle(folder))


def _batches(pictures: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(pictures)
    while batch := list(islice(iterator, size)):
        yield batch


def _content(picture: Any) -> bytes:  # noqa: ANN401
    """The bytes of a file that holds the picture."""
    if isinstance(picture, str | os.PathLike):
        return _file(Path(picture))
    if isinstance(picture, bytes | bytearray | memoryview):
        return bytes(picture)
    if isinstance(picture, np.ndarray):
        if picture.dtype != np.uint8 or picture.ndim not in (2, 3) or picture.shape[2:] not in ((), (3,), (4,)):
            received = f"{picture.dtype} {list(picture.shape)}"
            raise UserError(f"pictures: expected arrays uint8 [height, width, 3], received {received}")
        picture = Image.fromarray(picture)
    if not isinstance(picture, Image.Image):
        raise UserError(f"pictures: expected paths, bytes, PIL images or arrays, received {type(picture).__name__}")
    stream = io.BytesIO()
    try:
        picture.save(stream, "TIFF" if picture.mode in ("CMYK", "F", "YCbCr", "LAB") else "PNG")
    except Exception as error:  # a file that is read only now, by a parser that raises nearly anything; no pixels
        raise BadPicture(str(error) or type(error).__name__) from error
    return stream.getvalue()


def _file(path: Path) -> bytes:
    try:
        return path.expanduser().read_bytes()
    except (OSError, ValueError, RuntimeError) as error:  # not there; a NUL in its name; `~nobody`
        raise BadPicture(getattr(error, "strerror", None) or str(error)) from None
