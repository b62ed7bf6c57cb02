"""Input pipelines side by side: scaled decoding, staging, Keras's `image_dataset_from_directory`, later epochs.

    python benchmarks/input_pipeline.py [--root FOLDER_OF_CLASS_FOLDERS] [--photographs FOLDER]

Without --root it makes 1166x1750 JPEGs: from --photographs, enlarged, with grain all over; or else catalogue
pictures, a product with photographic detail and grain before a white background. All pipelines run in one process,
in turn, for --rounds rounds; the table has the medians. How much of a JPEG's time is Huffman decoding, which all
pipelines share, depends on its bytes: the head names them.

Keras is timed to its last batch. The end of a tf.data pass can wait for the autotuner, which wakes 10, 30, 70, ...
630, 1270 ms after the start: up to half of a short pass, and no work. That is the second row, not what ratios are to.
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import PIL
from PIL import Image, features
from rich.console import Console
from rich.table import Table

from hmexp.catalogue.pictures import DirectoryPictures
from hmexp.store import Store, StoreSpec, decode, stage
from hmexp.store.work import num_cores

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
WIDTH, HEIGHT = 1166, 1750
GRAIN = 2.0
QUALITY = 85
MAX_PIXELS = 89_478_485
KERAS = "image_dataset_from_directory, to its last batch"
KERAS_END = "the same, to the end of the loop"
STAGE = "hmexp.store.stage, cold store"
Passed = tuple[int, float]
console = Console()


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="folder of class folders; made in a temporary folder without it")
    parser.add_argument("--photographs", type=Path, help="photographs to enlarge where there is no --root")
    parser.add_argument("--num", type=int, default=600, help="pictures to make")
    parser.add_argument("--size", type=int, default=180, help="height and width, in pixels")
    parser.add_argument("--batch", type=int, default=32, help="batch size")
    parser.add_argument("--rounds", type=int, default=5, help="times that each pipeline runs")
    return parser.parse_args()


def make_pictures(root: Path, num: int, photographs: Path | None) -> None:
    """JPEGs of H&M's size in two class folders."""
    found = sorted(photographs.rglob("*.jpg")) if photographs else []
    if photographs and not found:
        raise SystemExit(f"--photographs: expected a folder with .jpg files, received {photographs}")
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)

    def make(number: int) -> None:
        rng = np.random.default_rng(number)
        base = Image.open(found[number * len(found) // num]).convert("RGB") if found else drawn(rng)
        large = np.asarray(base.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), np.float32)
        grainy = large + rng.standard_normal((HEIGHT, WIDTH, 1), np.float32) * GRAIN
        picture = Image.fromarray(np.clip(grainy if found else on_white(grainy, rng), 0, 255).astype(np.uint8))
        picture.save(root / "ab"[number % 2] / f"{number:05d}.jpg", quality=QUALITY)

    with ThreadPoolExecutor(num_cores()) as pool:
        list(pool.map(make, range(num)))


def on_white(product: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The middle of a picture before a studio's white: 40 to 60 % of the frame, as a garment takes."""
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    width, height = rng.uniform(0.6, 0.8), rng.uniform(0.8, 0.95)
    inside = (np.abs(x) / width) ** 3 + (np.abs(y) / height) ** 3 < 1
    return np.where(inside[..., None], product, 247.0)


def drawn(rng: np.random.Generator) -> Image.Image:
    """A picture with detail of all sizes, like a photograph's: its spectrum falls with the frequency."""
    height, width = 534, 400
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    frequency[0, 0] = 1
    noise = np.fft.fft2(rng.standard_normal((3, height, width))) / frequency**1.3
    levels = np.fft.ifft2(noise).real.transpose(1, 2, 0)
    levels = (levels - levels.mean()) / levels.std() * 48 + 128
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))


def pipelines(root: Path, options: argparse.Namespace, cache: Path) -> dict[str, Callable[[], Passed]]:
    """Each pipeline as a function that runs once and says how many pictures it gave, by when."""
    source = DirectoryPictures(root)
    paths = [picture.path for picture in source.list()]
    spec = StoreSpec(options.size, "stretch", MAX_PIXELS)
    colds = iter(range(10**6))

    def decoding() -> Passed:
        def one(path: str) -> np.ndarray:
            return decode((root / path).read_bytes(), options.size, "stretch", MAX_PIXELS)

        with ThreadPoolExecutor(num_cores()) as pool:
            return now(sum(1 for _ in pool.map(one, paths)))

    def staging() -> Passed:
        return now(len(stage(source, paths, spec, cache / f"cold-{next(colds)}")))

    import keras

    directory = keras.utils.image_dataset_from_directory(
        root, image_size=(options.size, options.size), batch_size=options.batch, verbose=False
    )
    store = stage(source, paths, spec, cache / "warm")
    return {
        KERAS: lambda: one_pass(directory),
        KERAS_END: lambda: now(one_pass(directory)[0]),
        f"scaled decoding, {num_cores()} threads": decoding,
        STAGE: staging,
        "later epochs, store.read alone": lambda: reads(store, options.batch),
        "later epochs, hmexp.batches": lambda: batches(store, options.batch),
    }


def now(num: int) -> Passed:
    """That many pictures, just now."""
    return num, time.perf_counter()


def one_pass(batches: Iterable[Any]) -> Passed:
    """How many pictures the batches have, and when the last one was there."""
    passed = now(0)
    for pictures, *_ in batches:
        passed = now(passed[0] + int(pictures.shape[0]))
    return passed


def reads(store: Store, batch: int, epochs: int = 10) -> Passed:
    """Random batches of the store, without tf.data."""
    rng = np.random.default_rng(0)
    for _ in range(epochs):
        order = rng.permutation(len(store))
        for start in range(0, len(store), batch):
            store.read(order[start : start + batch])
    return now(epochs * len(store))


def batches(store: Store, batch: int, epochs: int = 10) -> Passed:
    """The training batches as the Trainer gets them."""
    from hmexp.batches.order import Order, Rows
    from hmexp.batches.tensorflow import train_batches

    part = Rows(np.arange(len(store)), np.zeros(len(store), np.int64))
    order = Order(batch_size=batch, seed=0, first_epoch=1, last_epoch=epochs)
    return one_pass(train_batches(store, part, order))


def measure(runs: dict[str, Callable[[], Passed]], rounds: int) -> dict[str, list[float]]:
    """Images/s of each pipeline in each round; the pipelines take turns, so that a busy machine hits all."""
    rates: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, run in runs.items():
            began = time.perf_counter()
            num, ended = run()
            if number:  # Round 0 warms the page cache and TensorFlow up.
                rates[name].append(num / (ended - began))
    return rates


def machine(root: Path) -> str:
    """CPU, cores, versions and the pictures."""
    import keras
    import tensorflow as tf

    info = Path("/proc/cpuinfo")
    names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    files = [path for path in root.rglob("*") if path.is_file()]
    kilobytes = sum(path.stat().st_size for path in files) / len(files) / 1000
    with Image.open(files[0]) as first:
        shape = f"{first.width}x{first.height}"
    return (
        f"{names[0] if names else platform.processor()}, {num_cores()} cores, {platform.system()}, "
        f"Python {platform.python_version()}, tensorflow {tf.__version__}, keras {keras.__version__}, "
        f"Pillow {PIL.__version__} (libjpeg-turbo {features.version_feature('libjpeg_turbo')})\n"
        f"{len(files):,} pictures, the first of {shape}, {kilobytes:,.0f} kB each on average"
    )


def print_table(rates: dict[str, list[float]], head: str) -> None:
    """Medians, ranges and the ratio to Keras within each round."""
    table = Table(title=head, title_justify="left")
    table.add_column("pipeline")
    for column in ("images/s, median", "lowest", "highest", "times Keras, median"):
        table.add_column(column, justify="right")
    for name, values in rates.items():
        ratio = median(value / keras for value, keras in zip(values, rates[KERAS], strict=True))
        table.add_row(name, f"{median(values):,.0f}", f"{min(values):,.0f}", f"{max(values):,.0f}", f"{ratio:.2f}")
    console.print(table)


def main() -> None:
    """Make the pictures where there are none, measure, print."""
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="hmexp-benchmark-") as temporary:
        root = options.root or Path(temporary) / "pictures"
        if options.root is None:
            make_pictures(root, options.num, options.photographs)
        rates = measure(pipelines(root, options, Path(temporary) / "cache"), options.rounds)
        print_table(rates, machine(root))


if __name__ == "__main__":
    main()
