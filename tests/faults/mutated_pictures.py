"""Pictures as bad disks, broken downloads and hostile hands leave them; the same seed gives the same files."""

import io
import random
import struct
import zlib
from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image, features

MODES = {
    "JPEG": ("RGB", "L", "CMYK"),
    "PNG": ("RGB", "RGBA", "L", "LA", "P", "1", "I;16"),
    "WEBP": ("RGB", "RGBA"),
    "GIF": ("P", "L"),
    "BMP": ("RGB", "L", "P", "1"),
    "TIFF": ("RGB", "RGBA", "L", "CMYK", "F", "I;16", "1", "LAB"),
    "PPM": ("RGB", "L", "1"),
} | ({"AVIF": ("RGB", "RGBA")} if features.check("avif") else {})
OPTIONS: dict[str, tuple[dict[str, object], ...]] = {
    "JPEG": (
        {},
        {"progressive": True},
        {"quality": 100, "subsampling": 0},
        {"exif": b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1"},
    ),
    "PNG": ({}, {"compress_level": 0}, {"optimize": True}),
    "WEBP": ({}, {"lossless": True}),
    "GIF": ({}, {"save_all": True, "append_images": [Image.new("P", (20, 12), 3)] * 3}),
    "TIFF": ({}, {"compression": "tiff_lzw"}, {"compression": "tiff_deflate"}, {"compression": "packbits"}),
}
SIZES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


@cache
def pictures() -> tuple[bytes, ...]:
    """Whole pictures of every format, in several modes and encodings."""
    noise = np.random.default_rng(0).integers(0, 256, (29, 41, 4), np.uint8)
    whole = []
    for kind, modes in MODES.items():
        for mode in modes:
            rgba = Image.fromarray(noise)
            image = Image.fromarray(noise[:, :, 0].astype(np.uint16) * 257) if mode == "I;16" else None
            image = image or (Image.fromarray(noise[:, :, :3]) if mode == "LAB" else rgba).convert(mode, palette=1)
            for options in OPTIONS.get(kind, ({},)):
                if not (mode in ("F", "1", "LAB") and options):
                    stream = io.BytesIO()
                    image.save(stream, kind, **options)
                    whole.append(stream.getvalue())
    return tuple(whole)


def picture(draw: random.Random) -> bytes:
    """A picture that something has happened to."""
    content = draw.choice(pictures())
    for _ in range(draw.choice((1, 1, 2, 3, 8))):
        content = draw.choice(CHANGES)(draw, content)
    return content


def _flip(draw: random.Random, content: bytes) -> bytes:
    some = bytearray(content)
    for _ in range(draw.choice((1, 2, 8, 64)) if some else 0):
        some[draw.randrange(len(some))] ^= 1 << draw.randrange(8)
    return bytes(some)


def _flip_head(draw: random.Random, content: bytes) -> bytes:
    """A byte of the first hundred, where the sizes are."""
    some = bytearray(content)
    if some:
        some[draw.randrange(min(100, len(some)))] = draw.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF, draw.randrange(256)))
    return bytes(some)


def _cut(draw: random.Random, content: bytes) -> bytes:
    place = draw.randrange(len(content) + 1)
    return draw.choice((content[:place], content[place:], content[: place // 2] + content[place:]))


def _splice(draw: random.Random, content: bytes) -> bytes:
    """The beginning of one picture with the end of another."""
    other = draw.choice(pictures())
    return content[: draw.randrange(len(content) + 1)] + other[draw.randrange(len(other)) :]


def _put_size(draw: random.Random, content: bytes) -> bytes:
    """Another number where a length, a width or an offset may be."""
    form = draw.choice(("<H", ">H", "<I", ">I"))
    size = draw.choice(SIZES) & (0xFFFF if "H" in form else 0xFFFFFFFF)
    place = draw.randrange(min(len(content), 400) + 1)
    return content[:place] + struct.pack(form, size) + content[place + struct.calcsize(form) :]


def _put_chunk(draw: random.Random, content: bytes) -> bytes:
    """A PNG chunk of any kind with a right checksum, or a JPEG segment, somewhere in the picture."""
    body = draw.randbytes(draw.choice((0, 1, 13, 200)))
    name = draw.choice(
        (b"IHDR", b"IDAT", b"tRNS", b"PLTE", b"iCCP", b"eXIf", b"acTL", b"fcTL", b"zTXt", b"iTXt", b"gAMA")
    )
    body = draw.choice((body, zlib.compress(bytes(10**6)), b"x\0\0" + zlib.compress(bytes(10**7))))
    chunk = struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    segment = (
        b"\xff" + bytes([draw.randrange(0xC0, 0xFF)]) + struct.pack(">H", min(len(body), 60_000) + 2) + body[:60_000]
    )
    place = draw.choice((8, 33, 2, draw.randrange(len(content) + 1)))
    return content[:place] + draw.choice((chunk, segment)) + content[place:]


def _repair(draw: random.Random, content: bytes) -> bytes:
    """A PNG header with other sizes or another depth, and the checksum that goes with it."""
    if content[:4] != b"\x89PNG" or len(content) < 33:
        return _flip_head(draw, content)
    header = bytearray(content[16:29])
    place = draw.randrange(13)
    header[place] = draw.choice((0, 1, 2, 3, 4, 6, 8, 16, 64, 255))
    return content[:16] + bytes(header) + struct.pack(">I", zlib.crc32(b"IHDR" + bytes(header))) + content[33:]


def _pad(draw: random.Random, content: bytes) -> bytes:
    return draw.choice((content + content, b"\0" * 7 + content, content + draw.randbytes(99), b"", content[:64] * 400))


CHANGES: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    *(_flip, _flip, _flip_head, _flip_head, _cut, _splice, _put_size, _put_size, _put_chunk, _repair, _pad),
)
