"""One picture file -> uint8 `[image_size, image_size, 3]`, whatever its format, or a reason why not."""

# Why Pillow. Measured on 1166x1750 JPEGs of photographs with grain (243 kB each), to 180x180 with reading and
# resizing included, medians of 5 rounds on 2 cores of an AMD EPYC, Pillow 13.0.0 and simplejpeg 1.9.0 (both on
# libjpeg-turbo), give or take 10 % on a shared machine; the difference is the mean one from the first row, of 255:
#
#   images/s                          1 thread   2 threads   difference
#   Pillow full decode, bilinear            70         126            0
#   Pillow draft, bicubic                  226         440          1.0
#   Pillow draft, bilinear (here)          227         422          0.4
#   Pillow draft, box                      258         478          1.9
#   simplejpeg, Pillow bilinear            247         466          1.6
#
# Most of the time is libjpeg's Huffman decoding, which no scale shortens and both libraries share: at 1/8 a
# picture of 317 kB still takes 3.1 ms of the 3.7 ms at 1/4. So TensorFlow's full decode, not antialiased, is not
# far behind: 371 images/s to its last batch on 2 cores against 432 of `stage` (benchmarks/input_pipeline.py).
# simplejpeg gains 10 % and would be a second decoder beside the one for the other formats. The difference is as
# small as it is because `draft` says which part of its rounded size (292x438) is the picture (291.5x437.5). Of
# the resize, bicubic takes 1.15 ms, bilinear 0.73, box 0.49.
# `reducing_gap`, larger reads (`decodermaxblock`), kept memory (`set_blocks_max`), YCbCr, and rows before
# columns gained 0.1 ms at most; fastdct and fastupsample of simplejpeg nothing at these scales.

import io
import re
import warnings
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import PIL
from PIL import Image, UnidentifiedImageError, features

from hmexp.catalogue.pictures import HAS_HEIC, HEAD_BYTES, BadPicture, kind_of, unreadable
from hmexp.store.conversion import conversion_of
from hmexp.store.cost import decoding_bytes
from hmexp.store.levels import said_levels
from hmexp.store.memory import MEMORY, Share
from hmexp.store.scaling import Box, Scaling

FORMATS: tuple[str, ...] = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
"""What a file may hold, whatever its name says. Pillow's last holes were in rarer formats (CVE-2026-40192)."""
if features.check("avif"):
    FORMATS += ("AVIF",)
if HAS_HEIC:
    import pillow_heif

    pillow_heif.register_heif_opener()
    FORMATS += ("HEIF",)
DECODER_VERSION = f"3 (Pillow {PIL.__version__}, {' '.join(FORMATS)})"
"""Part of the store's fingerprint. The number grows when the same file gives other pixels."""
NO_PICTURE = "no picture that can be read"
ORIENTATION_TAG = 0x0112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
QUARTER_TURNS = tuple(UPRIGHT[number] for number in (5, 6, 7, 8))

# `max_pixels` is checked here, from the header. Pillow's own warning would be repeated for each picture.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)


@dataclass(frozen=True)
class Wanted:
    """What pictures become.

    Attributes:
        image_size: Height and width, in pixels.
        resize: `stretch` (aspect ratio not kept), `pad` (whole picture, white borders) or `crop` (centre).
        max_pixels: Pictures with more pixels are refused by their header, undecoded.
    """

    image_size: int
    resize: str
    max_pixels: int


@dataclass(frozen=True)
class Decoded:
    """A picture that was read.

    Attributes:
        pixels: uint8 `[image_size, image_size, 3]`, RGB.
        white: Where the file has more than 8 bits a sample, the value that became 255; or else 0.
    """

    pixels: np.ndarray
    white: float = 0.0


def decode(picture: bytes | BinaryIO, image_size: int, resize: str, max_pixels: int) -> np.ndarray:
    """Decode and resize one picture.

    Upright by its EXIF orientation, transparent parts over white, more than 8 bits scaled to 8 (`hmexp.store.levels`),
    the first frame of an animation. JPEGs are decoded at 1/2, 1/4 or 1/8, never below the size asked for.

    Args:
        picture: The file's bytes, or a seekable stream of them.
        image_size: Height and width of the result, in pixels.
        resize: See `Wanted`.
        max_pixels: See `Wanted`.

    Returns:
        uint8 `[image_size, image_size, 3]`, RGB.

    Raises:
        BadPicture: Not one of `FORMATS`, damaged, or too large.
    """
    with MEMORY.share() as share:
        return decode_within(share, picture, Wanted(image_size, resize, max_pixels)).pixels


def decode_within(share: Share, picture: bytes | BinaryIO, wanted: Wanted) -> Decoded:
    """Decode one picture as `decode` does, once `share` holds what that takes; see there for what it raises."""
    stream = io.BytesIO(picture) if isinstance(picture, bytes) else picture
    try:
        with Image.open(stream, formats=FORMATS) as image:
            _check_pixels(image.width * image.height, wanted.max_pixels)
            return _fit(image, stream, wanted, share)
    except (BadPicture, MemoryError):
        raise
    except UnidentifiedImageError as error:
        stream.seek(0)
        raise BadPicture(unreadable(kind_of(stream.read(HEAD_BYTES))) or NO_PICTURE) from error
    except Image.DecompressionBombError as error:
        found = re.search(r"\d+", str(error))
        raise BadPicture(_too_large(int(found[0]) if found else 0, wanted.max_pixels)) from error
    except Exception as error:  # Pillow's parsers raise nearly anything on bytes that were made to harm.
        raise BadPicture(_reason(error)) from error


def _check_pixels(pixels: int, max_pixels: int) -> None:
    if pixels > max_pixels:
        raise BadPicture(_too_large(pixels, max_pixels))


def _too_large(pixels: int, max_pixels: int) -> str:
    return f"{pixels} pixels, more than data.max_pixels={max_pixels}"


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return "truncated" if "truncated" in text.lower() else f"damaged ({text[:80] or type(error).__name__})"


def _fit(image: Image.Image, stream: BinaryIO, wanted: Wanted, share: Share) -> Decoded:
    """The picture at the size asked for; turned upright when it is small, because that is cheaper."""
    full_size, size = image.size, wanted.image_size
    drafted = image.draft(None, scaled(full_size, size, wanted.resize))
    whole: Box = drafted[1] if drafted else (0, 0, *image.size)
    scaling = Scaling(
        image.size,
        centre(whole) if wanted.resize == "crop" else whole,
        (size, size) if wanted.resize == "crop" else scaled(image.size, size, wanted.resize),
    )
    share.hold(decoding_bytes(image, full_size, _length(stream)) + scaling.num_bytes)
    said = said_levels(image, stream)
    image.load()
    conversion = conversion_of(image, said)
    small = scaling.apply(image, conversion.convert)
    orientation = _orientation(image)
    upright = small.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else small
    return Decoded(np.asarray(_padded(upright, size)), conversion.white)


def _length(stream: BinaryIO) -> int:
    place = stream.tell()
    length = stream.seek(0, io.SEEK_END)
    stream.seek(place)
    return length


def scaled(shape: tuple[int, int], size: int, resize: str) -> tuple[int, int]:
    """Width and height that a picture of this shape is scaled to, before padding or cropping."""
    if resize == "stretch":
        return size, size
    side = min(shape) if resize == "crop" else max(shape)
    return max(1, round(shape[0] * size / side)), max(1, round(shape[1] * size / side))


def centre(box: Box) -> Box:
    """The largest square in the middle of `box`."""
    width, height = box[2] - box[0], box[3] - box[1]
    side = min(width, height)
    left, top = box[0] + (width - side) / 2, box[1] + (height - side) / 2
    return left, top, left + side, top + side


def _padded(image: Image.Image, size: int) -> Image.Image:
    if image.size == (size, size):
        return image
    square = Image.new("RGB", (size, size), "white")
    square.paste(image, ((size - image.width) // 2, (size - image.height) // 2))
    return square


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Width and height, in pixels, of a picture that was opened, once it is upright by its EXIF orientation."""
    turned = UPRIGHT.get(_orientation(image)) in QUARTER_TURNS
    return (image.height, image.width) if turned else image.size


def _orientation(image: Image.Image) -> int:
    with suppress(Exception):  # A broken EXIF block is no reason to lose the picture.
        return int(image.getexif().get(ORIENTATION_TAG, 1))
    return 1
