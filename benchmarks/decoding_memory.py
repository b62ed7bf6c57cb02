"""Memory that a large picture takes while it is decoded, by its format; each in a process of its own (Linux).

Usage: python benchmarks/decoding_memory.py [--side 9400]
"""

import argparse
import io
import platform
import subprocess
import sys
from collections.abc import Callable

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

PROGRAM = r"""
import re, sys, time
from pathlib import Path
from hmexp.store import BadPicture, decode

def peak():  # ru_maxrss would be the parent's, from before the exec
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])

content = sys.stdin.buffer.read()
before, start = peak(), time.perf_counter()
try:
    decode(content, 64, "stretch", 178_000_000)
    took = f"{time.perf_counter() - start:.1f}"
except BadPicture as error:
    took = str(error)
print((peak() - before) // 1024, took, sep="|")
"""
Kind = Callable[[int], tuple[Image.Image, str, dict[str, object]]]
KINDS: dict[str, Kind] = {
    "JPEG": lambda side: (Image.new("RGB", (side, side), "teal"), "JPEG", {}),
    "JPEG, progressive": lambda side: (Image.new("RGB", (side, side), "teal"), "JPEG", {"progressive": True}),
    "PNG": lambda side: (Image.new("RGB", (side, side), "teal"), "PNG", {}),
    "PNG, transparent": lambda side: (Image.new("RGBA", (side, side), (9, 9, 9, 9)), "PNG", {}),
    "PNG, palette": lambda side: (Image.new("P", (side, side)), "PNG", {}),
    "PNG, 16 bits": lambda side: (Image.fromarray(np.full((side, side), 30_000, np.uint16)), "PNG", {}),
    "TIFF, 32 bits": lambda side: (
        Image.fromarray(np.full((side, side), 200, np.int32)),
        "TIFF",
        {"compression": "tiff_lzw"},
    ),
    "TIFF, float": lambda side: (
        Image.fromarray(np.full((side, side), 0.5, np.float32)),
        "TIFF",
        {"compression": "tiff_lzw"},
    ),
    "WebP": lambda side: (Image.new("RGB", (side, side), "teal"), "WEBP", {}),
}


def main(side: int) -> None:
    """Print the table."""
    table = Table("picture", "file, kB", "memory, MB", "bytes a pixel", "s", title=f"{platform.node()}, {side}x{side}")
    for name, make in KINDS.items():
        image, kind, options = make(side)
        stream = io.BytesIO()
        image.save(stream, kind, **options)
        done = subprocess.run([sys.executable, "-c", PROGRAM], input=stream.getvalue(), capture_output=True, check=True)
        memory, took = done.stdout.decode().strip().split("|")
        size = f"{len(stream.getvalue()) // 1000:,}"
        table.add_row(name, size, memory, f"{int(memory) * 2**20 / side**2:.1f}", took)
    Console().print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=9400)
    main(**vars(parser.parse_args()))
