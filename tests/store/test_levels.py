"""Pictures of more than 8 bits: what is white is what the file says, or else what it holds."""

import io
import struct
import zlib

import numpy as np
import pytest
from made_pictures import encoded
from PIL import Image, TiffImagePlugin

from hmexp.store import BadPicture, decode
from hmexp.store.decode import Wanted, decode_within
from hmexp.store.memory import MEMORY

SIZE = 64
EXPECTED = np.linspace(0, 255, SIZE).round()
BITS_PER_SAMPLE, PHOTOMETRIC, MIN_SAMPLE, MAX_SAMPLE, SAMPLE_FORMAT = 258, 262, 280, 281, 339
S_MIN_SAMPLE, S_MAX_SAMPLE = 340, 341


def ramp(white: float, dtype: type, black: float = 0) -> np.ndarray:
    values = np.linspace(black, white, SIZE)
    return np.repeat((values if np.issubdtype(dtype, np.floating) else values.round()).astype(dtype)[None], SIZE, 0)


def tiff(samples: np.ndarray, tags: dict[int, object] | None = None, **options: object) -> bytes:
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in (tags or {}).items():
        directory.tagtype[tag] = {float: 12, int: 4, str: 2}[type(value)]
        directory[tag] = value
    return encoded(Image.fromarray(samples), "TIFF", tiffinfo=directory, **options)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(samples: np.ndarray, significant_bits: bytes = b"") -> bytes:
    """A PNG of 16 bits, uint16 `[height, width]` or `[height, width, 3 or 4]`."""
    colour_type = {2: 0, 3: {3: 2, 4: 6}.get(samples.shape[-1], 0)}[samples.ndim]
    header = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], 16, colour_type, 0, 0, 0)
    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    said = chunk(b"sBIT", significant_bits) if significant_bits else b""
    whole = (chunk(b"IHDR", header), said, chunk(b"IDAT", zlib.compress(lines)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(whole)


def decoded_row(picture: bytes) -> np.ndarray:
    return decode(picture, SIZE, "stretch", 10**6)[SIZE // 2, :, 0].astype(int)


def white_of(picture: bytes) -> float:
    with MEMORY.share() as share:
        return decode_within(share, picture, Wanted(SIZE, "stretch", 10**6)).white


@pytest.mark.parametrize("white", [255, 1023, 4095, 16383, 65535])
@pytest.mark.parametrize("make", [png, tiff, lambda samples: tiff(samples, compression="tiff_lzw")])
def test_whole_numbers_of_16_bits_end_at_the_smallest_white_that_holds_them(make, white):
    picture = make(ramp(white, np.uint16))
    assert np.abs(decoded_row(picture) - EXPECTED).max() <= 1
    assert white_of(picture) == white


def test_the_white_is_not_the_largest_value():
    picture = png(ramp(3000, np.uint16))
    assert white_of(picture) == 4095
    assert decoded_row(picture).max() == round(3000 * 255 / 4095)


@pytest.mark.parametrize("white", [255, 4095, 65535, 2**20 - 1, 2**31 - 1])
def test_whole_numbers_of_32_bits(white):
    assert np.abs(decoded_row(tiff(ramp(white, np.int32))) - EXPECTED).max() <= 1


def test_whole_numbers_of_32_bits_without_a_sign():
    samples = ramp(2**32 - 1, np.uint32)
    picture = bytearray(tiff(samples.view(np.int32)))
    entry = struct.pack("<HHI", SAMPLE_FORMAT, 3, 1)
    place = picture.index(entry) + len(entry)
    picture[place : place + 2] = struct.pack("<H", 1)
    assert np.abs(decoded_row(bytes(picture)) - EXPECTED).max() <= 1


@pytest.mark.parametrize(
    ("top", "white"), [(0.5, 1), (1, 1), (1.1, 1), (3, 3), (40, 40), (100, 255), (255, 255), (4095, 4095), (1e12, 1e12)]
)
def test_floats(top, white):
    picture = tiff(ramp(top, np.float32))
    assert white_of(picture) == pytest.approx(white)
    assert np.abs(decoded_row(picture) - np.minimum(EXPECTED * top / white, 255)).max() <= 1


def test_numbers_that_are_none_leave_the_others_as_they_are():
    samples = ramp(1, np.float32)
    samples[0, :3] = np.nan, np.inf, -np.inf
    assert np.abs(decoded_row(tiff(samples)) - EXPECTED).max() <= 1


def test_values_below_zero_are_black_unless_the_file_says_what_is():
    samples = ramp(1000.0, np.float32, black=-1000.0)
    assert decoded_row(tiff(samples))[: SIZE // 2].max() == 0
    said = tiff(samples, {S_MIN_SAMPLE: -1000.0, S_MAX_SAMPLE: 1000.0})
    assert np.abs(decoded_row(said) - EXPECTED).max() <= 1


@pytest.mark.parametrize("tag", [MAX_SAMPLE, S_MAX_SAMPLE])
def test_a_dark_tiff_that_says_its_white_stays_dark(tag):
    picture = tiff(ramp(900, np.uint16), {tag: 65535})
    assert white_of(picture) == 65535
    assert decoded_row(picture).max() <= 4


def test_the_largest_value_of_the_picture_as_a_tag_is_not_its_white():
    assert white_of(tiff(ramp(3000, np.uint16), {MAX_SAMPLE: 3000})) == 4095


@pytest.mark.parametrize("value", [0, "none", float("nan"), -5.0])
def test_a_tag_that_says_nothing_is_as_none(value):
    assert white_of(tiff(ramp(4095, np.uint16), {S_MAX_SAMPLE: value})) == 4095


def test_a_tiff_whose_zero_is_white():
    assert np.abs(decoded_row(tiff(ramp(65535, np.uint16), {PHOTOMETRIC: 0})) - EXPECTED[::-1]).max() <= 1


def test_samples_of_12_bits_have_a_white_of_12_bits():
    values = ramp(200, np.uint16)
    pairs = values.reshape(-1, 2).astype(int)
    packed = np.stack([pairs[:, 0] >> 4, (pairs[:, 0] & 15) << 4 | pairs[:, 1] >> 8, pairs[:, 1] & 255], 1)
    data = packed.astype(np.uint8).tobytes()
    entries = {256: SIZE, 257: SIZE, 258: 12, 259: 1, 262: 1, 273: 8, 277: 1, 278: SIZE, 279: len(data)}
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", k, 4, 1, v) for k, v in entries.items())
    picture = b"II*\0" + struct.pack("<I", 8 + len(data)) + data + directory + bytes(4)
    assert white_of(picture) == 4095
    assert decoded_row(picture).max() == round(200 * 255 / 4095)


@pytest.mark.parametrize(
    ("bits", "top", "white"), [(12, 200, 4095), (12, 4095, 4095), (12, 65535, 65535), (16, 900, 65535)]
)
def test_the_bits_of_a_png_are_those_that_were_put_in_or_fill_all_16(bits, top, white):
    assert white_of(png(ramp(top, np.uint16), bytes([bits]))) == white


def test_a_ppm_has_its_own_white():
    for maxval in (1023, 4095, 65535):
        picture = b"P5 %d %d %d\n" % (SIZE, SIZE, maxval) + ramp(maxval // 4, np.uint16).astype(">u2").tobytes()
        assert np.abs(decoded_row(picture) - EXPECTED / 4).max() <= 1


@pytest.mark.parametrize(("white", "off"), [(65535, 1), (16383, 4), (4095, 17), (1023, 85)])
def test_colours_of_16_bits_have_a_white_too(white, off):
    colours = np.repeat(ramp(white, np.uint16)[..., None], 3, 2)
    picture = png(colours)
    assert white_of(picture) == white
    assert np.abs(decoded_row(picture) - EXPECTED).max() <= off  # Pillow gives the upper 8 bits.
    assert decoded_row(picture).max() == 255
    assert white_of(png(colours, bytes([16, 16, 16]))) == 65535


def test_transparency_is_not_brightened():
    colours = np.full((SIZE, SIZE, 4), 4095, np.uint16)
    colours[..., :3] = 0
    colours[0, 0, :3] = 4095
    assert decoded_row(png(colours))[5] == 240  # An opacity of 15 of 255, black, over white.


def test_colours_that_are_all_in_the_lower_bits_are_refused():
    with pytest.raises(BadPicture, match="colours of 16 bits, none above 255"):
        decode(png(np.full((SIZE, SIZE, 3), 255, np.uint16)), 16, "stretch", 10**6)


def test_black_stays_black():
    for picture in (
        png(np.zeros((9, 9), np.uint16)),
        png(np.full((9, 9), 3, np.uint16)),
        tiff(np.zeros((9, 9), np.int32)),
    ):
        assert decode(picture, 16, "stretch", 10**6).max() <= 3


def test_pictures_of_8_bits_have_no_white():
    dark = Image.fromarray(ramp(20, np.uint8))
    for kind in ("PNG", "TIFF", "JPEG", "PPM"):
        assert white_of(encoded(dark, kind)) == 0
        assert decoded_row(encoded(dark, kind)).max() <= 24


def test_a_stream_that_is_asked_for_its_bits_is_decoded_whole():
    assert (
        np.abs(
            decode(io.BytesIO(png(ramp(4095, np.uint16), b"\x0c")), SIZE, "stretch", 10**6)[3, :, 0] - EXPECTED
        ).max()
        <= 1
    )
