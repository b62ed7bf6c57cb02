import io
import struct
import zlib

import numpy as np
import pytest
from made_pictures import encoded, photograph
from PIL import Image

from hmexp.store import BadPicture, decode

LIMIT = 89_478_485


def grey(levels: np.ndarray) -> Image.Image:
    return Image.fromarray(levels)


def test_stretch_is_pillows_full_decode_and_resize():
    picture = encoded(photograph(1166, 1750), quality=90)
    full = Image.open(io.BytesIO(picture)).resize((180, 180), Image.Resampling.BILINEAR)
    difference = np.abs(decode(picture, 180, "stretch", LIMIT).astype(int) - np.asarray(full).astype(int))
    assert difference.mean() < 0.6
    assert difference.max() < 8


@pytest.mark.parametrize("shape", [(1166, 1750), (1750, 1166), (300, 300), (181, 1000), (20, 30)])
@pytest.mark.parametrize("resize", ["stretch", "pad", "crop"])
def test_every_mode_gives_the_size_asked_for(shape, resize):
    pixels = decode(encoded(photograph(*shape)), 180, resize, LIMIT)
    assert pixels.shape == (180, 180, 3)
    assert pixels.dtype == np.uint8


def test_pad_keeps_the_aspect_ratio_on_white():
    pixels = decode(encoded(Image.new("RGB", (400, 800), "black"), "PNG"), 100, "pad", LIMIT)
    assert (pixels[:, :25] == 255).all()
    assert (pixels[:, 25:75] == 0).all()
    assert (pixels[:, 75:] == 255).all()


def test_crop_takes_the_centre():
    levels = np.zeros((300, 100, 3), np.uint8)
    levels[:, :, 0] = 255
    levels[100:200] = (0, 255, 0)
    pixels = decode(encoded(Image.fromarray(levels), "PNG"), 50, "crop", LIMIT)
    assert (pixels[2:-2] == (0, 255, 0)).all()  # The filter reaches over the edge.


@pytest.mark.parametrize("resize", ["pad", "crop"])
def test_pad_and_crop_of_a_scaled_jpeg_are_those_of_the_full_picture(resize):
    picture = photograph(1166, 1750)
    jpeg, png = encoded(picture, quality=95), encoded(picture, "PNG")
    difference = np.abs(decode(jpeg, 90, resize, LIMIT).astype(int) - decode(png, 90, resize, LIMIT))
    assert difference.mean() < 1.5


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "AVIF"])
def test_every_format(kind):
    picture = photograph(64, 64)
    difference = np.abs(decode(encoded(picture, kind), 64, "stretch", LIMIT).astype(int) - np.asarray(picture))
    assert difference.mean() < 16


@pytest.mark.parametrize(
    ("mode", "kind"), [("CMYK", "JPEG"), ("CMYK", "TIFF"), ("L", "JPEG"), ("1", "PNG"), ("P", "PNG"), ("LA", "PNG")]
)
def test_every_mode_becomes_rgb(mode, kind):
    white = decode(encoded(Image.new("RGB", (32, 32), "white").convert(mode), kind), 16, "stretch", LIMIT)
    black = decode(encoded(Image.new("RGB", (32, 32), "black").convert(mode), kind), 16, "stretch", LIMIT)
    assert white.min() > 250
    assert black.max() < 40  # CMYK's black without its own ink is a dark grey in some encoders.


def test_colours_of_a_cmyk_jpeg_are_not_inverted():
    pixels = decode(encoded(Image.new("RGB", (32, 32), (250, 10, 10)).convert("CMYK")), 16, "stretch", LIMIT)
    assert np.abs(pixels.astype(int) - (250, 10, 10)).max() < 12


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_clipped(kind):
    ramp = np.repeat(np.linspace(0, 65535, 256).round().astype(np.uint16)[None], 256, axis=0)
    pixels = decode(encoded(grey(ramp), kind), 256, "stretch", LIMIT)
    assert np.abs(pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_floats_and_whole_numbers_of_a_tiff_are_scaled():
    ramp = np.repeat(np.linspace(0, 1, 256, dtype=np.float32)[None], 256, axis=0)
    assert (
        np.abs(decode(encoded(grey(ramp), "TIFF"), 256, "stretch", LIMIT)[0, :, 0].astype(int) - np.arange(256)).max()
        <= 1
    )
    whole = (ramp * 65535).astype(np.int32)
    assert (
        np.abs(decode(encoded(grey(whole), "TIFF"), 256, "stretch", LIMIT)[0, :, 0].astype(int) - np.arange(256)).max()
        <= 1
    )


def test_transparent_parts_are_white():
    layer = Image.new("RGBA", (40, 40), (255, 0, 0, 255))
    layer.paste((0, 0, 0, 0), (0, 0, 20, 40))
    for kind in ("PNG", "WEBP"):
        pixels = decode(encoded(layer, kind, lossless=True), 40, "stretch", LIMIT)
        assert (pixels[:, :20] == 255).all()
        assert (pixels[:, 20:] == (255, 0, 0)).all()
    palette = layer.convert("RGB").quantize(4)
    see_through = palette.getpixel((30, 5))
    pixels = decode(encoded(palette, "PNG", transparency=see_through), 40, "stretch", LIMIT)
    assert (pixels[:, 20:] == 255).all()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_of_an_animation(kind):
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "lime", "blue")]
    pixels = decode(encoded(frames[0], kind, save_all=True, append_images=frames[1:]), 16, "stretch", LIMIT)
    assert np.abs(pixels.astype(int) - (255, 0, 0)).max() < 4


@pytest.mark.parametrize("resize", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_exif_orientation(kind, orientation, resize):
    upright = photograph(96, 64, seed=3)
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(turn[orientation]) if orientation in turn else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    expected = decode(encoded(upright, "PNG"), 32, resize, LIMIT).astype(int)
    options = {"quality": 98, "subsampling": 0} if kind == "JPEG" else {}
    pixels = decode(encoded(stored, kind, exif=exif, **options), 32, resize, LIMIT)
    assert np.abs(pixels - expected).mean() < 2


def test_a_broken_exif_block_does_not_lose_the_picture():
    picture = encoded(photograph(32, 32), exif=b"Exif\0\0MM\0\x2a\xff\xff\xff\xff")
    assert decode(picture, 16, "stretch", LIMIT).shape == (16, 16, 3)


def png_header(width: int, height: int) -> bytes:
    data = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    crc = struct.pack(">I", zlib.crc32(b"IHDR" + data))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(data)) + b"IHDR" + data + crc


@pytest.mark.parametrize(("width", "height"), [(40_000, 30_000), (10_000, 10_000)])
def test_a_huge_header_is_refused_undecoded(width, height):
    picture = png_header(width, height) + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    with pytest.raises(BadPicture) as caught:
        decode(picture, 16, "stretch", LIMIT)
    assert str(caught.value) == f"{width * height} pixels, more than data.max_pixels=89478485"


def test_max_pixels_is_inclusive():
    picture = encoded(photograph(40, 50))
    assert decode(picture, 16, "stretch", 2000).shape == (16, 16, 3)
    with pytest.raises(BadPicture, match=r"^2000 pixels, more than data.max_pixels=1999$"):
        decode(picture, 16, "stretch", 1999)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF"])
def test_truncated(kind):
    picture = encoded(photograph(200, 200), kind)
    with pytest.raises(BadPicture) as caught:
        decode(picture[: len(picture) // 2], 16, "stretch", LIMIT)
    if kind in ("JPEG", "PNG"):
        assert str(caught.value) == "truncated"


@pytest.mark.parametrize(
    "data", [b"", b"not a picture\n" * 50, b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\xff\xd8\xff"]
)
def test_what_is_no_picture(data):
    with pytest.raises(BadPicture) as caught:
        decode(data, 16, "stretch", LIMIT)
    assert str(caught.value) == "no picture that can be read"


def test_a_format_that_is_known_and_not_read_is_named():
    with pytest.raises(BadPicture, match=r"^JPEG XL, which hmexp does not read$"):
        decode(b"\xff\x0a" + bytes(60), 16, "stretch", LIMIT)


def test_formats_that_are_not_named_are_not_parsed():
    with pytest.raises(BadPicture, match="no picture"):
        decode(encoded(photograph(32, 32), "TGA"), 16, "stretch", LIMIT)


def test_a_stream_does_as_well():
    picture = encoded(photograph(32, 32))
    assert np.array_equal(decode(io.BytesIO(picture), 16, "pad", LIMIT), decode(picture, 16, "pad", LIMIT))


def test_noise_never_gets_through_as_another_error():
    rng = np.random.default_rng(0)
    for kind in ("JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP"):
        whole = np.frombuffer(encoded(photograph(48, 48), kind), np.uint8)
        for _ in range(40):
            broken = whole.copy()
            broken[rng.integers(0, len(broken), 20)] = rng.integers(0, 256, 20)
            try:
                assert decode(broken.tobytes(), 16, "stretch", 10**6).shape == (16, 16, 3)
            except BadPicture as reason:
                assert len(str(reason)) < 120
