"""Uploads that are no picture, or one that was made to harm, with the status that each deserves."""

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

NOISE = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)


def saved(format_: str, image: Image.Image | None = None, **options) -> bytes:
    stream = io.BytesIO()
    (image or Image.fromarray(NOISE)).save(stream, format_, **options)
    return stream.getvalue()


def png_of(width: int, height: int, body: bytes = b"") -> bytes:
    """A PNG whose header claims a size, whatever it holds."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", body or zlib.compress(b"\0")), (b"IEND", b""))
    parts = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def several(format_: str, **options) -> bytes:
    frames = [Image.fromarray(np.roll(NOISE, shift, axis=0)) for shift in range(3)]
    return saved(format_, frames[0], save_all=True, append_images=frames[1:], **options)


JPEG, PNG, WEBP = saved("JPEG"), saved("PNG"), saved("WEBP")
GOOD = {
    "jpeg": JPEG,
    "png": PNG,
    "webp": WEBP,
    "grey": saved("PNG", Image.fromarray(NOISE[:, :, 0])),
    "palette": saved("PNG", Image.fromarray(NOISE).convert("P")),
    "transparent": saved("PNG", Image.fromarray(NOISE).convert("RGBA")),
    "16 bits": saved("PNG", Image.fromarray(NOISE[:, :, 0].astype(np.uint16) * 257)),
    "cmyk": saved("JPEG", Image.fromarray(NOISE).convert("CMYK")),
    "progressive": saved("JPEG", progressive=True),
    "one pixel": saved("PNG", Image.new("RGB", (1, 1))),
    "a line": saved("PNG", Image.new("RGB", (3000, 1))),
    "several views, of a phone": several("MPO"),
    "a page behind it": JPEG + b"<html><script>alert(1)</script></html>",
    "an archive behind it": PNG + b"PK\x05\x06" + bytes(18),
}
BAD = {
    "empty": (b"", 422),
    "text": (b"just text", 415),
    "page": (b"<!doctype html><img src=x onerror=alert(1)>", 415),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', 415),
    "pdf": (b"%PDF-1.7\n1 0 obj\n", 415),
    "program": (b"\x7fELF" + bytes(400), 415),
    "zeros": (bytes(5000), 415),
    "gif": (saved("GIF"), 415),
    "moving gif": (several("GIF"), 415),
    "bmp": (saved("BMP"), 415),
    "tiff": (saved("TIFF"), 415),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 415),
    "gif that claims to be a jpeg": (b"GIF89a" + JPEG, 415),
    "moving png": (several("PNG"), 415),
    "moving webp": (several("WEBP"), 415),
    "header alone, jpeg": (JPEG[:4], 415),
    "header alone, png": (PNG[:16], 415),
    "truncated jpeg": (JPEG[: len(JPEG) // 2], 422),
    "truncated png": (PNG[: len(PNG) // 2], 422),
    "truncated webp": (WEBP[: len(WEBP) // 2], (415, 422)),
    "damaged png": (PNG[:60] + bytes(60) + PNG[120:], 422),
    "png without pixels": (png_of(100, 100), 422),
    "png of no size": (png_of(0, 100), 415),
    "bomb by its header": (png_of(60_000, 60_000), 413),
    "bomb, just too large": (png_of(1001, 1000), 413),
    "bomb that unpacks": (png_of(30_000, 30_000, zlib.compress(bytes(10_000_000))), 413),
    "text that unpacks": (PNG[:33] + b"\x00\x00\x00\x00", (415, 422)),
}
"""Name -> content and status, under a limit of a million pixels."""
MAX_PIXELS = 1_000_000


def mutated(number: int, seed: int = 1) -> Iterator[bytes]:
    """Good pictures with some bytes changed, taken away, repeated or put in."""
    rng = np.random.default_rng(seed)
    sources = [content for content in GOOD.values() if len(content) < 20_000]
    for _ in range(number):
        content = bytearray(sources[rng.integers(len(sources))])
        for _ in range(int(rng.integers(1, 8))):
            place = int(rng.integers(len(content))) if rng.random() < 0.5 else int(rng.integers(min(80, len(content))))
            kind = rng.integers(4)
            if kind == 0:
                content[place] = int(rng.integers(256))
            elif kind == 1:
                del content[place : place + int(rng.integers(1, 40))]
            elif kind == 2:
                content[place:place] = content[place : place + int(rng.integers(1, 40))]
            else:
                content[place:place] = rng.integers(0, 256, int(rng.integers(1, 9)), np.uint8).tobytes()
            if not content:
                content = bytearray(b"\xff")
        yield bytes(content)
