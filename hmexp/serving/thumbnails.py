"""Pictures of articles at a size for a page."""

import io

from PIL import Image

from hmexp.catalogue.pictures import BadPicture, PictureSource
from hmexp.store.decode import FORMATS, decode, scaled, upright_size

QUALITY = 85


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
    try:
        with source.open(image) as stream:
            content = stream.read()
    except OSError as error:
        raise BadPicture(error.strerror or "it cannot be read") from None
    square = Image.fromarray(decode(content, longest, "pad", max_pixels))
    with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
        width, height = scaled(upright_size(picture), longest, "pad")
    left, top = (longest - width) // 2, (longest - height) // 2
    out = io.BytesIO()
    square.crop((left, top, left + width, top + height)).save(out, "JPEG", quality=QUALITY)
    return out.getvalue()
