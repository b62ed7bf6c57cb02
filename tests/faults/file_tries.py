"""Reads many mutated files in one process, and says in a line each what became of them."""

import json
import os
import random
import resource
import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from mutated_files import preset, table
from mutated_pictures import picture
from mutated_pictures import pictures as whole_pictures

from hmexp.config.errors import UserError

SECONDS = 60
"""A file that takes longer is a fault."""
MEMORY = 3 * 2**30
"""Bytes beyond what the libraries take; a picture of `MAX_PIXELS` with transparency needs some 1.5 GB."""
MAX_PIXELS = 89_478_485
BALANCES = ("none", "undersample", "oversample", "class_weight")
ENDINGS = (".jpg", ".jpg", ".png", ".gif", ".tif", ".JPEG", ".webp", ".bmp", ".txt", "", ".avif", ".dng")
Try = Callable[[random.Random, Path, Path], str]


def run_tries(kind: str, seed: int, numbers: range, folder: Path, pictures: Path, output: Path) -> None:
    """Try the files of these numbers; `output` gets a JSON line before and after each."""
    os.environ["HMEXP_CACHE"] = str(folder / "cache")
    signal.signal(signal.SIGALRM, _late)
    if kind == "picture":
        import hmexp.store.decode  # noqa: F401

        limit_memory()
    with output.open("a") as stream:
        for number in numbers:
            place = folder / f"{kind}_{number}"
            place.mkdir()
            print(json.dumps({"number": number}), file=stream, flush=True)
            begun = time.monotonic()
            signal.alarm(SECONDS)
            said = _said(KINDS[kind], random.Random(f"{seed}:{kind}:{number}"), place, pictures)
            signal.alarm(0)
            found = {"number": number, "said": said, "seconds": round(time.monotonic() - begun, 2)}
            print(json.dumps(found), file=stream, flush=True)


def _late(number: int, frame: object) -> None:
    raise TimeoutError(f"more than {SECONDS} s")


def _said(function: Try, draw: random.Random, place: Path, pictures: Path) -> str:
    """What a try gave: `fine`, `refused: ...`, or `fault: ...`."""
    try:
        return function(draw, place, pictures)
    except UserError as error:
        line = str(error)
        return f"fault: no line to be read: {line!r}" if len(line) > 20_000 else f"refused: {line[:300]}"
    except Exception:
        return f"fault: {traceback.format_exc()[-2500:]}"


def catalogue_rows() -> pd.DataFrame:
    """Thirty articles in H&M's layout, and the columns that a table of one's own needs."""
    numbers = range(30)
    return pd.DataFrame(
        {
            "article_id": [f"01{number:08d}" for number in numbers],
            "product_code": [f"01{number // 2:05d}" for number in numbers],
            "product_group_name": [("Shoes", "Bags", "Café")[number % 3] for number in numbers],
            "file": [f"images/010/01{number:08d}.png" for number in numbers],
            "part": [("train", "train", "train", "val", "test")[number % 5] for number in numbers],
        }
    )


def read_table(draw: random.Random, place: Path, pictures: Path) -> str:
    """A mutated table as a catalogue of either kind, up to its manifest."""
    from hmexp.datamodule import DataModule

    path = place / "articles.csv"
    content = table(draw, catalogue_rows())
    path.write_bytes(content)
    (place / "images").symlink_to(pictures)
    before = path.stat().st_mtime_ns
    size = {"image_size": 8, "max_bad_fraction": 0.5}
    try:
        if draw.random() < 0.4:
            data = DataModule.from_catalogue(place, **size)
        else:
            columns = {"image_column": "file", "label": "product_group_name"}
            columns |= {"id_column": "article_id"} if draw.random() < 0.5 else {}
            columns |= {"group_column": "product_code"} if draw.random() < 0.5 else {}
            columns |= {"split_column": "part"} if draw.random() < 0.3 else {}
            data = DataModule.from_table(path, [f"data/balance={draw.choice(BALANCES)}"], **columns, **size)
        data.prepare()
        data.setup()
    finally:
        assert path.read_bytes() == content, "the table was changed"
        assert path.stat().st_mtime_ns == before, "the table was touched"
    assert set(data.manifest.frame["split"]) <= {"train", "val", "test"}
    return f"fine: {len(data.manifest)} rows, {len(data.class_names)} classes"


def read_preset(draw: random.Random, place: Path, pictures: Path) -> str:
    """A mutated preset in `./experiments`, up to the dataclasses."""
    from hmexp.config.compose import compose_words, explained
    from hmexp.config.schemas import to_config
    from hmexp.config.verbs import RunConfig

    path = place / "experiments" / "mine.yaml"
    path.parent.mkdir()
    content = preset(draw)
    path.write_bytes(content)
    os.chdir(place)
    try:
        composed = compose_words(["experiment=mine"])
        with explained():
            to_config(composed.tree, RunConfig)
    finally:
        assert path.read_bytes() == content, "the preset was changed"
    return "fine"


def read_picture(draw: random.Random, place: Path, pictures: Path) -> str:
    """A mutated picture, decoded at some size."""
    from hmexp.store.decode import BadPicture, decode

    size, resize = draw.choice((8, 16, 180)), draw.choice(("stretch", "pad", "crop"))
    (place / "picture").write_bytes(content := picture(draw))  # what killed the process is there to be looked at
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        pixels = decode(content, size, resize, MAX_PIXELS)
    except BadPicture as error:
        return f"refused: {error}"
    finally:
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown < MEMORY // 1024, f"{grown:,} KiB more"
    assert pixels.shape == (size, size, 3), pixels.shape
    assert pixels.dtype == np.uint8, pixels.dtype
    return "fine"


def read_folder(draw: random.Random, place: Path, pictures: Path) -> str:
    """A folder of whole and mutated pictures with right and wrong endings, up to its manifest."""
    from hmexp.datamodule import DataModule

    for label in ("a", "b", "c"):
        (place / label).mkdir()
        for number in range(12):
            content = picture(draw) if draw.random() < 0.3 else draw.choice(whole_pictures())
            (place / label / f"{number}{draw.choice(ENDINGS)}").write_bytes(content)
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in place.rglob("*.*")}
    try:
        data = DataModule.from_folder(place, image_size=8, max_bad_fraction=draw.choice((0.0, 1.0)))
        data.prepare()
        data.setup()
    finally:
        after = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in place.rglob("*.*")}
        assert after == before, "the pictures were changed"
    return f"fine: {len(data.manifest)} rows, {len(data.quarantine)} in quarantine"


def limit_memory() -> None:
    """Let this process have no more than `MEMORY` beyond what it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else 0
    if pages:
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY,) * 2)


KINDS: dict[str, Try] = {"table": read_table, "preset": read_preset, "picture": read_picture, "folder": read_folder}
