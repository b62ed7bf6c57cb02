"""`predict` beside bare Keras: from a warm store, from JPEGs, and its memory for ten times as many pictures.

    python benchmarks/prediction.py speed [--num 3000] [--jpegs 400] [--rounds 3]
    python benchmarks/prediction.py memory [--few 2000] [--many 20000]

`speed` takes turns in one process, and the table has medians. Warm: pictures in a store beside `model.predict` on an
array of the same pictures in memory, for two networks. Cold: 1166x1750 JPEGs beside raw scaled decoding in two threads,
and beside a loop over `image_dataset_from_directory`, both to a small network. `memory` runs the command over made
folders of two sizes and reads its peak from /proc (Linux).
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from input_pipeline import make_pictures
from PIL import Image
from rich.console import Console
from rich.table import Table

from hmexp.process import num_cores

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
SIZE, BATCH, MAX_PIXELS = 180, 128, 89_478_485
console = Console()


def network(widths: list[int]) -> Any:  # noqa: ANN401
    """A classifier of nine classes."""
    import keras

    inputs = keras.Input((SIZE, SIZE, 3), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255, dtype="float32")(inputs)
    for width in widths:
        x = keras.layers.MaxPooling2D()(keras.layers.Conv2D(width, 3, padding="same", activation="relu")(x))
    return keras.Model(inputs, keras.layers.Dense(9)(keras.layers.GlobalAveragePooling2D()(x)))


def predictor(model: Any) -> Any:  # noqa: ANN401
    """The model as `predict` uses it."""
    from hmexp.inference.predictor import Predictor
    from hmexp.models.bundle import Card

    card = Card(list("abcdefghi"), SIZE, "stretch", 1.3, {}, "", {})
    return Predictor(model, card, "benchmark", "digest", 3, None)


def hmexp_rows(model: Any, pixels: Any, images: list[str]) -> Callable[[], int]:  # noqa: ANN401
    """The computing part of `predict`: pixels -> rows of the table."""
    rows = pd.DataFrame({"article_id": images, "image": images, "label": ""})
    classify = predictor(model)

    def run() -> int:
        batches: Iterator[Any] = pixels.batches(images, BATCH)
        for start in range(0, len(images), BATCH):
            classify.rows(rows.iloc[start : start + BATCH], next(batches))
        return len(images)

    return run


def in_turns(ways: dict[str, Callable[[], int]], rounds: int) -> dict[str, float]:
    """Median pictures a second of each way; each runs once before."""
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for round_ in range(rounds + 1):
        for name, run in ways.items():
            begun = time.perf_counter()
            num = run()
            if round_:
                rates[name].append(num / (time.perf_counter() - begun))
    return {name: median(values) for name, values in rates.items()}


def stored_pictures(folder: Path, num: int) -> tuple[Any, list[str]]:
    """Pictures in a warm store: a `PixelSource` and their paths."""
    from hmexp.catalogue.pictures import DirectoryPictures
    from hmexp.inference.pixels import PixelSource
    from hmexp.store import StoreSpec, stage

    rng = np.random.default_rng(0)
    for number in range(num):
        Image.fromarray(rng.integers(0, 255, (24, 24, 3), dtype=np.uint8)).save(folder / f"{number:06}.png")
    source = DirectoryPictures(folder)
    images = [picture.path for picture in source.list()]
    spec = StoreSpec(SIZE, "stretch", MAX_PIXELS)
    return PixelSource(source, spec, stage(source, images, spec, folder / ".cache")), images


def warm(num: int, rounds: int, table: Table) -> None:
    """From a store beside arrays."""
    with tempfile.TemporaryDirectory() as folder:
        pixels, images = stored_pictures(Path(folder), num)
        arrays = pixels.store.read(pixels.store.rows(images))
        for name, widths in {"cnn3's convolutions": [16, 32, 64], "one convolution": [8]}.items():
            model = network(widths)
            ways = {
                "bare": lambda model=model: len(model.predict(arrays, batch_size=BATCH, verbose=0)),
                "hmexp": hmexp_rows(model, pixels, images),
            }
            rates = in_turns(ways, rounds)
            row = f"warm store, {name}", f"{rates['hmexp']:,.0f}", f"model.predict of an array, {rates['bare']:,.0f}"
            table.add_row(*row, f"{rates['hmexp'] / rates['bare']:.2f}")


def cold(num: int, rounds: int, table: Table) -> None:
    """From JPEGs beside decoding alone, and beside a loop over Keras's data set."""
    import keras

    from hmexp.catalogue.pictures import DirectoryPictures
    from hmexp.inference.pixels import PixelSource
    from hmexp.store import StoreSpec, decode

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_pictures(root, num, None)
        model = network([8])
        source = DirectoryPictures(root)
        images = [picture.path for picture in source.list()]
        files = [root / image for image in images]

        def keras_loop() -> int:
            data = keras.utils.image_dataset_from_directory(
                root, image_size=(SIZE, SIZE), batch_size=BATCH, shuffle=False, verbose=False
            )
            for pictures, _ in data:
                model.predict_on_batch(pictures)
            return num

        def decoding() -> int:
            with ThreadPoolExecutor(num_cores()) as pool:
                list(pool.map(lambda file: decode(file.read_bytes(), SIZE, "stretch", MAX_PIXELS), files))
            return num

        ways = {
            "hmexp": hmexp_rows(model, PixelSource(source, StoreSpec(SIZE, "stretch", MAX_PIXELS), None), images),
            "raw scaled decoding in threads": decoding,
            "a loop over image_dataset_from_directory": keras_loop,
        }
        rates = in_turns(ways, rounds)
        own = rates.pop("hmexp")
        for name, rate in rates.items():
            table.add_row(
                "1166x1750 JPEGs, one convolution", f"{own:,.0f}", f"{name}, {rate:,.0f}", f"{own / rate:.2f}"
            )


def peak_of(command: list[str], cwd: Path) -> float:
    """Peak of a process's resident memory, in MB."""
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        try:
            found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
            peak = max(peak, int(found[1]) if found else 0)
        except OSError:
            pass
        time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"exit {process.returncode}: {' '.join(command)}")
    return peak / 1024


def memory(few: int, many: int, table: Table) -> None:
    """The command's peak for two sizes of a catalogue."""
    from hmexp.models.bundle import Card, save_bundle

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        save_bundle(network([8]), Card(list("abcdefghi"), SIZE, "stretch", 1.0, {}, "", {}), root / "model")
        for num in (few, many):
            rng = np.random.default_rng(0)
            (root / str(num)).mkdir()
            for number in range(num):
                picture = Image.fromarray(rng.integers(0, 255, (100, 80, 3), dtype=np.uint8))
                picture.save(root / str(num) / f"{number:06}.jpg")
        words = ["predict", f"run={root}/model", "out=out.parquet"]
        line = [sys.executable, "-m", "hmexp", *words]
        peaks = [peak_of([*line, f"source={root / str(num)}"], root) for num in (few, many)]
        table.add_row(
            "decoded", f"{few:,}: {peaks[0]:,.0f}", f"{many:,}: {peaks[1]:,.0f}", f"{peaks[1] - peaks[0]:+,.0f}"
        )


def main(args: argparse.Namespace) -> None:
    """Print the table."""
    if args.what == "memory":
        table = Table("pictures", "peak, MB", "peak, MB", "difference", title=platform.node())
        memory(args.few, args.many, table)
    else:
        table = Table(
            "predict", "images/s", "beside, images/s", "ratio", title=f"{platform.node()}, {args.rounds} rounds"
        )
        warm(args.num, args.rounds, table)
        cold(args.jpegs, args.rounds, table)
    console.print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "memory"])
    parser.add_argument("--num", type=int, default=3000)
    parser.add_argument("--jpegs", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--few", type=int, default=2000)
    parser.add_argument("--many", type=int, default=20_000)
    main(parser.parse_args())
