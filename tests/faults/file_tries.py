"""Reads many mutated files in one process, and says in a line each what became of them."""

import json
import os
import random
import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from mutated_files import preset, table

from hmexp.config.errors import UserError

SECONDS = 60
"""A file that takes longer is a fault."""
Try = Callable[[random.Random, Path], None]


def run_tries(kind: str, seed: int, numbers: range, folder: Path, pictures: Path, output: Path) -> None:
    """Try the files of these numbers; `output` gets a JSON line before and after each."""
    os.environ["HMEXP_CACHE"] = str(folder / "cache")
    signal.signal(signal.SIGALRM, _late)
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


def _said(function: Callable[[random.Random, Path, Path], str], draw: random.Random, place: Path, pictures: Path) -> str:
    """What a try gave: `fine`, `refused: ...`, or `fault: ...`."""
    try:
        return function(draw, place, pictures)
    except UserError as error:
        line = str(error)
        return f"fault: no single line: {line!r}" if "\n" in line or len(line) > 20_000 else f"refused: {line[:300]}"
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


BALANCES = ("none", "undersample", "oversample", "class_weight")


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


KINDS = {"table": read_table, "preset": read_preset}
