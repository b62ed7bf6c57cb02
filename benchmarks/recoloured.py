"""Makes a catalogue of colour variants out of photographs: the variants are made, the photographs are not.

    python benchmarks/recoloured.py PICTURES OUT [--side 128] [--seed 0]

PICTURES is a folder of pictures a class, at any depth. Each becomes a product of one to four articles. The first is the
photograph; every other is another take of it: turned, shifted, scaled, mirrored, bent, lit from another side, and dyed,
its brightness mapped to a path through three random colours, dark to light or light to dark. OUT gets `articles.csv`
(article_id, file, kind, product) and `images/`.

Dyes are not how training breaks colours (`hmexp.batches.draws`), so that a score is not the mere memory of that. The
spread of the takes was chosen once, so that standardised grey finds as much as it does among H&M's own variants
(0.287 at 1 and 0.573 at 12 of 5,872 articles), before anything was trained on them.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy.ndimage import map_coordinates, zoom

MAX_VARIANTS = 4
TURN, SHIFT, SCALE, BEND = 5.0, 0.035, 0.08, 0.015
"""Spread of another take: degrees, shares of the side, factor around 1, share of the side."""
MIRRORED, REVERSED = 0.3, 0.3
"""Share of the takes that are mirrored, and of the dyes whose dark and light change places."""


def another_take(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same thing photographed again: float `[side, side, 3]` from 0 to 1, the same shape back."""
    side = len(picture)
    y, x = np.mgrid[0:side, 0:side] / side - 0.5
    angle, scale = np.deg2rad(rng.normal(0, TURN)), np.exp(rng.normal(0, SCALE, 2))
    mirror = -1.0 if rng.random() < MIRRORED else 1.0
    bend_x, bend_y = (zoom(rng.normal(0, BEND, (4, 4)), side / 4, order=3) for _ in range(2))
    shift = rng.normal(0, SHIFT, 2)
    there_x = mirror * scale[0] * (np.cos(angle) * x - np.sin(angle) * y) + shift[0] + bend_x
    there_y = scale[1] * (np.sin(angle) * x + np.cos(angle) * y) + shift[1] + bend_y
    places = np.stack([there_y + 0.5, there_x + 0.5]) * side
    moved = np.stack([map_coordinates(picture[..., c], places, order=1, mode="nearest") for c in range(3)], axis=-1)
    towards = rng.normal(0, 0.25, 2)
    return np.asarray(np.clip(moved * (1 + towards[0] * x + towards[1] * y)[..., None], 0, 1))


def dyed(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Brightness along a path through three colours, blended with what the colours were: shape and range as given."""
    grey = picture @ np.array([0.299, 0.587, 0.114])
    stops = np.sort(rng.random(3))[:, None] * 0.8 + rng.normal(0, 0.15, (3, 3)) + 0.1
    if rng.random() < REVERSED:
        stops = stops[::-1]
    path = np.stack([np.interp(grey, [0.0, 0.5, 1.0], np.clip(stops[:, c], 0, 1)) for c in range(3)], axis=-1)
    share = rng.uniform(0.6, 1.0)
    return np.asarray(share * path + (1 - share) * picture)


def write_product(job: tuple[int, Path], out: Path, side: int, seed: int) -> list[dict[str, str]]:
    """The articles of one product: their pictures, and their rows of the table."""
    number, path = job
    rng = np.random.default_rng((seed, number))
    photograph = np.asarray(Image.open(path).convert("RGB").resize((side, side), Image.Resampling.BOX)) / 255.0
    rows = []
    for variant in range(1, int(rng.integers(1, MAX_VARIANTS + 1)) + 1):
        picture = photograph if variant == 1 else dyed(another_take(photograph, rng), rng)
        article = f"{100_000 + number:07d}{variant:03d}"
        file = f"images/{article[:3]}/{article}.jpg"
        (out / file).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.uint8(picture * 255 + 0.5)).save(out / file, quality=int(rng.integers(75, 95)))
        rows.append({"article_id": article, "file": file, "kind": path.parent.name, "product": article[:7]})
    return rows


def main() -> None:
    """Make the catalogue."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    jobs = list(enumerate(sorted(arguments.pictures.rglob("*.jpg"))))
    write = partial(write_product, out=arguments.out, side=arguments.side, seed=arguments.seed)
    with ProcessPoolExecutor() as pool:
        rows = [row for product in pool.map(write, jobs, chunksize=50) for row in product]
    pd.DataFrame(rows).to_csv(arguments.out / "articles.csv", index=False)
    print(f"{len(rows):,} articles of {len(jobs):,} products in {arguments.out}")


if __name__ == "__main__":
    main()
