"""How many bytes of memory it takes to decode a picture, known from its header."""

from collections.abc import Callable

from PIL import Image

from hmexp.store.tiff import tag_numbers

NARROW_MODES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}
"""Bytes of a pixel in memory; 4 in all other modes (Pillow, libImaging/Storage.c)."""
LINE_BYTES = 16
"""Bytes for each pixel of a line: PNG's decoder keeps two lines of up to 8 bytes a pixel."""
WHOLE_FILE_FORMATS = ("WEBP", "AVIF", "HEIF")
"""Formats whose plugin copies the file twice: into a string of its own and into the decoder."""
TILE_WIDTH, TILE_LENGTH, ROWS_PER_STRIP, BITS_PER_SAMPLE, SAMPLES_PER_PIXEL = 322, 323, 278, 258, 277
ORIENTATION = 274


def pixel_bytes(mode: str) -> int:
    """Bytes of a pixel of this mode in Pillow's memory."""
    return NARROW_MODES.get(mode, 4)


def decoding_bytes(image: Image.Image, full_size: tuple[int, int], file_bytes: int) -> int:
    """Bytes that `image.load()` holds at most, the file included.

    An upper bound by what the decoders of Pillow 13 allocate; the tests compare it with the peak of a process.

    Args:
        image: Opened, drafted, and not loaded.
        full_size: Width and height before the draft.
        file_bytes: Length of the file.
    """
    pixels = image.width * image.height
    copies = 3 if image.format in WHOLE_FILE_FORMATS else 1
    extra = EXTRA_BYTES.get(image.format or "", _nothing)(image, full_size)
    return pixels * pixel_bytes(image.mode) + LINE_BYTES * image.width + copies * file_bytes + extra


def _nothing(image: Image.Image, full_size: tuple[int, int]) -> int:
    return 0


def _jpeg(image: Image.Image, full_size: tuple[int, int]) -> int:
    """Of a picture, libjpeg keeps all 16-bit coefficients, undrafted, unless one scan has all components."""
    layers: list[tuple[int, int, int, int]] = getattr(image, "layer", [])
    progressive = "progressive" in image.info or "progression" in image.info
    if not progressive and _is_one_scan(image, len(layers)):
        return 0
    largest = max((h * v for _, h, v, _ in layers), default=1)
    samples = sum(h * v for _, h, v, _ in layers) / max(largest, 1)
    return int(2 * samples * (full_size[0] + 32) * (full_size[1] + 32))


def _is_one_scan(image: Image.Image, num_components: int) -> bool:
    """Whether the scan header that Pillow has just read is of all components."""
    file = getattr(image, "fp", None)
    if file is None:
        return False
    header = b"\xff\xda" + (6 + 2 * num_components).to_bytes(2, "big") + bytes([num_components])
    place = file.tell()
    file.seek(max(0, place - 8 - 2 * num_components))
    found = file.read(len(header))
    file.seek(place)
    return bool(found == header)


def _tiff(image: Image.Image, full_size: tuple[int, int]) -> int:
    """Whole strips or tiles are unpacked by libtiff, and may be larger than the picture; Pillow turns with a copy."""
    turned = pixel_bytes(image.mode) if tag_numbers(image, ORIENTATION, (1,)) != (1,) else 0
    pixels = image.width * image.height
    if image.info.get("compression") == "raw":
        return pixels * turned
    bits = tag_numbers(image, BITS_PER_SAMPLE, (1,))
    samples = max(len(bits), int(tag_numbers(image, SAMPLES_PER_PIXEL, (1,))[0]), 4 if image.mode == "RGB" else 1)
    width, height = full_size
    rows = min(height, tag_numbers(image, ROWS_PER_STRIP, (height,))[0])
    tile = tag_numbers(image, TILE_WIDTH, (0,))[0] * tag_numbers(image, TILE_LENGTH, (0,))[0]
    return int(pixels * turned + (tile or max(width, height) * rows) * samples * max(bits) / 8)


def _webp(image: Image.Image, full_size: tuple[int, int]) -> int:
    """Two canvases are libwebp's, and the lossless decoder a third; Pillow copies the frame that it gets."""
    return 12 * image.width * image.height


def _avif(image: Image.Image, full_size: tuple[int, int]) -> int:
    """The decoder has a frame of up to 16 bits in 4 planes, libavif its RGBA; Pillow copies it."""
    return 12 * image.width * image.height


def _python_decoder(image: Image.Image, full_size: tuple[int, int]) -> int:
    """Pillow's decoders in Python (BMP with run lengths, most PPM) have a growing buffer, and copy it."""
    tiles = getattr(image, "tile", [])
    if not tiles or not str(tiles[0][0]).startswith(("ppm", "bmp_rle")):
        return 0
    sample_bytes = 4 if image.mode == "I" else len(image.getbands())
    return int(2.25 * sample_bytes * image.width * image.height)


def _gif(image: Image.Image, full_size: tuple[int, int]) -> int:
    """A frame is decoded apart from the canvas that it is put on."""
    return 4 * image.width * image.height


EXTRA_BYTES: dict[str, Callable[[Image.Image, tuple[int, int]], int]] = {
    **dict.fromkeys(("JPEG", "MPO"), _jpeg),
    "TIFF": _tiff,
    "WEBP": _webp,
    **dict.fromkeys(("AVIF", "HEIF"), _avif),
    **dict.fromkeys(("BMP", "PPM"), _python_decoder),
    "GIF": _gif,
}
"""Format -> what its decoder holds beside the picture."""
