"""A picture from outside the catalogue as a query."""

from pathlib import Path

import numpy as np

from hmexp.catalogue.pictures import BadPicture
from hmexp.config.data import MAX_PIXELS
from hmexp.config.errors import invalid
from hmexp.config.similar import FeaturesConfig
from hmexp.models.bundle import load_bundle
from hmexp.recommend.embed import Source
from hmexp.recommend.pretrained import NO_CLASS
from hmexp.recommend.similar import Query, query_of_features
from hmexp.runner.backend import start_inference
from hmexp.store.decode import decode


def read_picture(image: str, image_size: int, resize: str) -> np.ndarray:
    """A file's picture at a size, uint8 `[image_size, image_size, 3]`.

    Args:
        image: Path of the file.
        image_size: Height and width, in pixels.
        resize: `stretch`, `pad` or `crop`.

    Raises:
        UserError: No file, or no picture that can be read.
    """
    path = Path(image).expanduser()
    if not path.is_file():
        raise invalid("image", "a file with a picture", f"{image}, which is not there")
    try:
        with path.open("rb") as stream:
            return decode(stream, image_size, resize, MAX_PIXELS)
    except OSError as error:
        raise invalid("image", "a file that can be read", f"{image} ({error.strerror})") from None
    except BadPicture as error:
        raise invalid("image", "a picture that can be read", f"{image} ({error})") from None


def query_of_picture(picture: np.ndarray, source: Source, config: FeaturesConfig) -> Query:
    """The query with a picture that `read_picture` gave; its class is what the model sees in it."""
    start_inference(config.backend, config.device, config.paths.cache_path)
    from hmexp.models.features import feature_model, features_of

    model, card = load_bundle(source.bundle.folder)
    features = features_of(feature_model(model), picture[None])[0]
    if card.classes == [NO_CLASS]:
        return query_of_features(features)
    return query_of_features(features, card.classes[int(np.argmax(features_of(model, picture[None])[0]))])
