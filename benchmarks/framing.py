"""How runs bear pictures that are framed otherwise than those they learned from.

Usage: python benchmarks/framing.py ROOT RUN_FOLDER [RUN_FOLDER ...]

ROOT is a folder of pictures a class under train/, validation/ and test/. Its validation pictures are evaluated as
they are, cut to the largest square in their middle, and widened (or heightened) to 4:3 across by repeating their
edge. Prints macro-F1 on each and the mean of the three, a row a run. The test folder is not touched.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageOps


def as_it_is(picture: Image.Image) -> Image.Image:
    """Nothing changed."""
    return picture


def squared(picture: Image.Image) -> Image.Image:
    """The largest square in the middle."""
    return ImageOps.fit(picture, (min(picture.size),) * 2)


def across(picture: Image.Image) -> Image.Image:
    """4:3 across its own direction, the edge repeated on both sides."""
    width, height = picture.size
    wide = max(round(height * 4 / 3), width) if height >= width else width
    high = max(round(width * 4 / 3), height) if width > height else height
    sides = [(more // 2, more - more // 2) for more in (high - height, wide - width)]
    return Image.fromarray(np.pad(np.asarray(picture), (*sides, (0, 0)), mode="edge"))


FRAMINGS = {"as they are": as_it_is, "square": squared, "across": across}


def reframe(root: Path, out: Path, name: str) -> None:
    """Write the validation pictures in another framing, as val of a catalogue of their own."""
    for path in sorted(root.glob("validation/*/*")):
        picture = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
        for split in ("validation", "train"):  # a catalogue needs something to train on
            target = out / split / path.parent.name / f"{path.stem}.png"
            if split == "validation" or not target.parent.is_dir():
                target.parent.mkdir(parents=True, exist_ok=True)
                FRAMINGS[name](picture).save(target)


def macro_f1(run: Path, catalogue: Path) -> float:
    """Of a run's model on a catalogue's val."""
    words = [f"run={run}", "split=val", "data=folder", f"data.root={catalogue}"]
    subprocess.run([sys.executable, "-m", "hmexp", "evaluate", *words], check=True, stdout=subprocess.DEVNULL)
    newest = max((run / "evaluations").iterdir(), key=os.path.getmtime)
    intervals: pd.Series[float] = pd.read_csv(newest / "intervals_val.csv").set_index("metric")["value"]
    return float(intervals["macro_f1"])


def main() -> None:
    """Reframe, evaluate, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("runs", type=Path, nargs="+")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        catalogues = {name: Path(folder) / name.replace(" ", "_") for name in FRAMINGS}
        for name, catalogue in catalogues.items():
            reframe(arguments.root, catalogue, name)
        print(f"| run | {' | '.join(FRAMINGS)} | mean |")
        print("| --- | --- | --- | --- | --- |", flush=True)
        for run in arguments.runs:
            scores = [macro_f1(run.absolute(), catalogue) for catalogue in catalogues.values()]
            cells = " | ".join(f"{score:.3f}" for score in [*scores, float(np.mean(scores))])
            print(f"| {run} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
