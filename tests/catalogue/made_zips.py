"""Zip archives with whatever in them, honest or not."""

import io
import stat
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

LINK = (stat.S_IFLNK | 0o777) << 16
FIFO = (stat.S_IFIFO | 0o644) << 16


@dataclass
class Member:
    """A member; what is None is told as it is."""

    name: str
    data: bytes = b"x"
    method: int = zlib.DEFLATED
    crc: int | None = None
    size: int | None = None
    packed_size: int | None = None
    offset: int | None = None
    attributes: int = (stat.S_IFREG | 0o644) << 16
    flags: int = 0
    local_name: str | None = None
    packed: bytes | None = None
    extra: bytes = b""


def make_zip(path: Path, members: list[Member], directory_size: int | None = None, count: int | None = None) -> Path:
    """Write members one by one, then the directory as they tell it."""
    body, directory = bytearray(), bytearray()
    for member in members:
        packed = member.packed
        if packed is None:
            packed = _deflated(member.data) if member.method == zlib.DEFLATED else member.data
        place = len(body)
        said = (
            zlib.crc32(member.data) if member.crc is None else member.crc,
            len(packed) if member.packed_size is None else member.packed_size,
            len(member.data) if member.size is None else member.size,
        )
        local, name = (member.local_name or member.name).encode(), member.name.encode()
        common = (20, member.flags | 0x800, member.method, 0, 33, *said)
        body += struct.pack("<4s5H3L2H", b"PK\3\4", *common, len(local), 0) + local + packed
        offset = place if member.offset is None else member.offset
        told = (len(name), len(member.extra), 0, 0, 0, member.attributes, offset)
        directory += struct.pack("<4s6H3L5H2L", b"PK\1\2", 3 << 8 | 20, *common, *told) + name + member.extra
    size = len(directory) if directory_size is None else directory_size
    number = min(len(members) if count is None else count, 0xFFFF)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, number, number, size, len(body), 0)
    path.write_bytes(bytes(body + directory) + end)
    return path


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def jpeg(seed: int) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (24, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "JPEG")
    return stream.getvalue()


def article(number: int) -> str:
    """An id; three of each product."""
    return f"0{100 + number % 5}{number // 3:04d}{number % 3:03d}"[:10].ljust(10, "0")


def image_path(article_id: str) -> str:
    return f"images/{article_id[:3]}/{article_id}.jpg"


def catalogue_members(num: int = 60) -> list[Member]:
    """A small catalogue in H&M's layout, with three classes."""
    ids = [article(number) for number in range(num)]
    lines = ["article_id,product_code,product_group_name"]
    lines += [f"{each},{each[:7]},{('Shoes', 'Bags', 'Socks')[number % 3]}" for number, each in enumerate(ids)]
    tables = [
        Member("articles.csv", "\n".join(lines).encode()),
        Member("customers.csv", b"customer_id\nc1\n"),
        Member("transactions_train.csv", b"t_dat,customer_id\n2020-09-01,c1\n"),
        Member("sample_submission.csv", b"customer_id,prediction\n"),
    ]
    method = {0: 0, 1: zlib.DEFLATED}
    return tables + [Member(image_path(each), jpeg(number), method[number % 2]) for number, each in enumerate(ids)]
