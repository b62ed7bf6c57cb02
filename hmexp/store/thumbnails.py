"""Pictures of articles at a size for a page, from the original files."""

import base64
import io

from PIL import Image

from hmexp.catalogue.pictures import BadPicture, PictureSource
from hmexp.store.decode import FORMATS, decode, scaled, upright_size

QUALITY = 85
EMBEDDED_QUALITY, EMBEDDED_FORMAT = 68, "WEBP"
"""Of pictures that a page holds itself: half of the bytes of a JPEG that looks alike."""


def jpeg_of(source: PictureSource, image: str, longest: int, max_pixels: int) -> bytes:
    """A picture of the catalogue as a JPEG, upright, at its own shape.

    Args:
        source: Of the pictures.
        image: Its path there.
        longest: Pixels of its longer side.
        max_pixels: Larger pictures are not decoded.

    Raises:
        BadPicture: It cannot be read.
    """
    out = io.BytesIO()
    _picture_of(source, image, longest, max_pixels).save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def embedded(source: PictureSource, image: str, longest: int, max_pixels: int) -> str:
    """A picture of the catalogue as an address that a page holds itself (`data:`); arguments as of `jpeg_of`.

    Raises:
        BadPicture: It cannot be read.
    """
    return address_of(_picture_of(source, image, longest, max_pixels))


def address_of(picture: Image.Image) -> str:
    """A picture as an address that a page holds itself."""
    out = io.BytesIO()
    picture.convert("RGB").save(out, EMBEDDED_FORMAT, quality=EMBEDDED_QUALITY)
    return f"data:image/{EMBEDDED_FORMAT.lower()};base64,{base64.b64encode(out.getvalue()).decode()}"


def _picture_of(source: PictureSource, image: str, longest: int, max_pixels: int) -> Image.Image:
    try:
        with source.open(image) as stream:
            content = stream.read()
    except (OSError, ValueError) as error:
        raise BadPicture(getattr(error, "strerror", None) or "it cannot be read") from None
    square = Image.fromarray(decode(content, longest, "pad", max_pixels))
    with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
        width, height = scaled(upright_size(picture), longest, "pad")
    left, top = (longest - width) // 2, (longest - height) // 2
    return square.crop((left, top, left + width, top + height))
