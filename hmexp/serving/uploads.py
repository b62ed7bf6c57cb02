"""Pictures that strangers send: what is decoded, and what is refused before a pixel of it is."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from hmexp.catalogue.pictures import BadPicture
from hmexp.store.decode import decode, upright_size

FORMATS = ("JPEG", "PNG", "WEBP")
"""They come first in `hmexp.store.decode.FORMATS`, too: what is one of them here is decoded as the same there."""
ANIMATED = ("PNG", "WEBP")
"""Formats of which a file with several frames moves; a JPEG's (MPO, of many phones) are other views of one picture."""


class RefusedPicture(Exception):  # noqa: N818 (what the upload is)
    """An upload that is no picture to classify.

    Args:
        status: Of HTTP: 413 too large, 415 another format, 422 damaged.
        detail: Why, for the person who sent it.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@dataclass(frozen=True)
class Upload:
    """A picture that a client has sent, which was looked at.

    Attributes:
        content: The file's bytes.
        width: In pixels, of the upright picture.
        height: Alike.
    """

    content: bytes
    width: int
    height: int

    def decode(self, image_size: int, resize: str) -> np.ndarray:
        """The picture as the store would have it, uint8 `[image_size, image_size, 3]`.

        Raises:
            RefusedPicture: It is damaged.
        """
        try:
            return decode(self.content, image_size, resize, self.width * self.height)
        except BadPicture as error:
            raise RefusedPicture(422, f"This picture cannot be read: {error}.") from None


def look_at(content: bytes, max_pixels: int) -> Upload:
    """Look at the header of an upload.

    Args:
        content: The file's bytes.
        max_pixels: Larger pictures are refused.

    Raises:
        RefusedPicture: No JPEG, PNG or WebP, an animation, or too large.
    """
    if not content:
        raise RefusedPicture(422, "The file is empty.")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            pixels = image.width * image.height
            if pixels > max_pixels:
                raise RefusedPicture(413, f"This picture has {pixels:,} pixels; {max_pixels:,} are the most.")
            if image.format in ANIMATED and getattr(image, "n_frames", 1) > 1:
                raise RefusedPicture(415, "This is an animation; a single picture is expected.")
            width, height = upright_size(image)
    except RefusedPicture:
        raise
    except Image.DecompressionBombError:
        raise RefusedPicture(413, f"This picture has too many pixels; {max_pixels:,} are the most.") from None
    except Exception:  # Pillow's parsers raise nearly anything on bytes that were made to harm.
        raise RefusedPicture(415, "This is no JPEG, PNG or WebP picture that can be read.") from None
    return Upload(content, width, height)
