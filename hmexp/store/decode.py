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
from hmexp.store.budget import Budget
from hmexp.store.channels import decoded_bytes, eight_bits

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
FILTER = Image.Resampling.BILINEAR
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
Box = tuple[float, float, float, float]

# `max_pixels` is checked here, from the header. Pillow's own warning would be repeated for each picture.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # of odd metadata


COEFFICIENT_BYTES = 6
"""Of a pixel of a progressive JPEG, all of which libjpeg holds at full size: 2 bytes in each of 3 channels."""
BUDGET = Budget()
"""Of all threads of this process."""


@dataclass(frozen=True)
class Decoded:
    """A picture as it is stored.

    Attributes:
        pixels: uint8 `[image_size, image_size, 3]`, RGB.
        note: What was decided for a picture of more than 8 bits a pixel: `white at 4,095`; or empty.
    """

    pixels: np.ndarray
    note: str = ""


def decode(picture: bytes | BinaryIO, image_size: int, resize: str, max_pixels: int) -> np.ndarray:
    """Decode and resize one picture, like `decode_noted`.

    Returns:
        uint8 `[image_size, image_size, 3]`, RGB.
    """
    return decode_noted(picture, image_size, resize, max_pixels).pixels


def decode_noted(picture: bytes | BinaryIO, image_size: int, resize: str, max_pixels: int) -> Decoded:
    """Decode and resize one picture.

    Upright by its EXIF orientation, transparent parts over white, more than 8 bits scaled to 8 by what the file says
    or holds, the first frame of an animation. JPEGs are decoded at 1/2, 1/4 or 1/8, never below the size asked for.
    Waits where other threads decode pictures that are too large for this one to be decoded beside them.

    Args:
        picture: The file's bytes, or a seekable stream of them.
        image_size: Height and width of the result, in pixels.
        resize: `stretch` (aspect ratio not kept), `pad` (whole picture, white borders) or `crop` (centre).
        max_pixels: Pictures with more pixels are refused by their header, undecoded.

    Raises:
        BadPicture: Not one of `FORMATS`, damaged, or too large.
    """
    stream = io.BytesIO(picture) if isinstance(picture, bytes) else picture
    try:
        with Image.open(stream, formats=FORMATS) as image:
            pixels = image.width * image.height
            _check_pixels(pixels, max_pixels)
            coefficients = COEFFICIENT_BYTES * pixels if image.info.get("progressive") else 0
            drafted = image.draft(None, _scaled(image.size, image_size, resize))
            with BUDGET.reserved(coefficients + decoded_bytes(image)):
                image.load()  # turns a TIFF upright, and so may change its size
                whole: Box = drafted[1] if drafted else (0, 0, *image.size)
                return _fit(image, whole, image_size, resize)
    except (BadPicture, MemoryError):
        raise
    except UnidentifiedImageError as error:
        stream.seek(0)
        raise BadPicture(unreadable(kind_of(stream.read(HEAD_BYTES))) or NO_PICTURE) from error
    except Image.DecompressionBombError as error:
        found = re.search(r"\d+", str(error))
        raise BadPicture(_too_large(int(found[0]) if found else 0, max_pixels)) from error
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


def _fit(image: Image.Image, whole: Box, size: int, resize: str) -> Decoded:
    """The part `whole` of a picture as `size` x `size`; turned upright when it is small, because that is cheaper."""
    orientation = _orientation(image)
    shape = image.size
    flat, note = eight_bits(image)
    if resize == "crop":
        small = flat.resize((size, size), FILTER, _centre(whole))
    elif resize == "pad":
        small = flat.resize(_scaled(shape, size, resize), FILTER, whole)
    else:
        small = flat.resize((size, size), FILTER, whole)
    rgb = small if small.mode == "RGB" else small.convert("RGB")
    upright = rgb.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else rgb
    return Decoded(np.asarray(_padded(upright, size)), note)


def _scaled(shape: tuple[int, int], size: int, resize: str) -> tuple[int, int]:
    """Width and height that a picture of this shape is scaled to, before padding or cropping."""
    if resize == "stretch":
        return size, size
    side = min(shape) if resize == "crop" else max(shape)
    return max(1, round(shape[0] * size / side)), max(1, round(shape[1] * size / side))


def _centre(box: Box) -> Box:
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


def _orientation(image: Image.Image) -> int:
    with suppress(Exception):  # A broken EXIF block is no reason to lose the picture.
        return int(image.getexif().get(ORIENTATION_TAG, 1))
    return 1
