"""Real pictures, to check exported files on and to calibrate int8 with: the run's own, or those of a folder."""

import io
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageOps

from hmexp.catalogue.pictures import BadPicture, DirectoryPictures, PictureSource
from hmexp.catalogue.read import read_catalogue
from hmexp.config.data import MAX_PIXELS
from hmexp.config.errors import UserError
from hmexp.config.verbs import ExportConfig
from hmexp.console import Bar, log, progress
from hmexp.models.bundle import Card
from hmexp.runner.resume import run_config
from hmexp.store.decode import FORMATS, decode
from hmexp.tracking.bundles import FoundBundle, job_dir_of

NUM_CHECK, NUM_CALIBRATION, NUM_WHOLE = 512, 256, 64
"""Pictures at most: at the model's size to check on, to calibrate with, and at their own size to check on."""
FEW = 50
"""One of fewer pictures is more than the 2 % that may disagree."""
MAX_WHOLE_PIXELS = 8_000_000
"""Larger ones are halved, or more, before they are resized by a file, which holds 12 bytes for each pixel."""


@dataclass(frozen=True)
class CheckPictures:
    """Pictures, none of which is both checked on and calibrated with (where there are two or more).

    Attributes:
        origin: Where they are from, in words.
        check: uint8 `[pictures, image_size, image_size, 3]`.
        calibration: Alike.
        open_whole: Gives pictures at their own size, uint8 `[height, width, 3]`, anew at each call.
    """

    origin: str
    check: np.ndarray
    calibration: np.ndarray
    open_whole: Callable[[], Iterator[np.ndarray]]


@dataclass(frozen=True)
class PicturePlan:
    """Which files are to be read.

    Attributes:
        origin: Where they are from, in words.
        source: Opens them.
        prepare: Writes what has to be there before; the sample is drawn here.
        check: Paths, in the order in which they are tried.
        calibration: Alike.
    """

    origin: str
    source: PictureSource
    prepare: Callable[[], None]
    check: Sequence[str]
    calibration: Sequence[str]

    def read(self, card: Card) -> CheckPictures:
        """Read them; those that cannot be read are passed over.

        Raises:
            UserError: None can be read.
        """
        self.prepare()
        parts = [(self.check, NUM_CHECK), (self.calibration, NUM_CALIBRATION)]
        with progress("reading pictures", sum(min(len(paths), most) for paths, most in parts)) as bar:
            read = [list(self._decoded(paths, most, card, bar)) for paths, most in parts]
        check, calibration = read[0] or read[1], read[1] or read[0]
        if not check:
            raise UserError(f"pictures: expected pictures that can be read, received {self.origin} without any")
        if len(check) < FEW:
            log.warning(f"few pictures to check on ({len(check)}): one that disagrees is {1 / len(check):.1%} of them")
        paths = [path for path, _ in check]

        def whole() -> Iterator[np.ndarray]:
            for path in paths[:NUM_WHOLE]:
                with suppress(OSError, ValueError, Image.DecompressionBombError):
                    yield _whole(self._content(path))

        at_size, calibrating = (np.stack([pixels for _, pixels in some]) for some in (check, calibration))
        return CheckPictures(self.origin, at_size, calibrating, whole)

    def _decoded(self, paths: Sequence[str], most: int, card: Card, bar: Bar) -> Iterator[tuple[str, np.ndarray]]:
        num = 0
        for path in paths:
            if num == most:
                return
            try:
                pixels = decode(self._content(path), card.image_size, card.resize, MAX_PIXELS)
            except (BadPicture, OSError):
                continue
            num += 1
            bar.advance()
            yield path, pixels

    def _content(self, path: str) -> bytes:
        with self.source.open(path) as stream:
            return stream.read()


def plan_pictures(config: ExportConfig, found: FoundBundle) -> PicturePlan:
    """Choose the pictures: of the folder `pictures`, or of the run's val (to check on) and train (to calibrate with).

    Raises:
        UserError: A folder without pictures, or a model whose run or catalogue is not here.
    """
    if config.pictures is not None:
        return _of_folder(Path(config.pictures).expanduser())
    job_dir = job_dir_of(found, config.paths)
    if job_dir is None:
        expected = "a folder of pictures to check on (pictures=FOLDER)"
        raise UserError(f"pictures: expected {expected}, received none: the run of {found.name} is not here")
    return _of_run(config, job_dir)


def whole_reference(picture: np.ndarray, card: Card) -> np.ndarray:
    """A picture brought to the model's size by the store's own resize, without a JPEG's shortcut."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "BMP")
    return decode(stream.getvalue(), card.image_size, card.resize, MAX_PIXELS)


def _of_folder(root: Path) -> PicturePlan:
    source = DirectoryPictures(root)
    paths = shuffled([picture.path for picture in source.list()])
    if not paths:
        raise UserError(f"pictures: expected a folder with pictures, received {root} without any")
    half = max(1, len(paths) // 2)
    return PicturePlan(str(root), source, lambda: None, paths[:half], paths[half:] or paths)


def _of_run(config: ExportConfig, job_dir: Path) -> PicturePlan:
    try:
        stored = run_config(job_dir, config.paths, config.plugins)
        catalogue = read_catalogue(stored.data, config.paths.cache_path)
        manifest = pd.read_parquet(job_dir / "manifest.parquet", columns=["image", "split"])
    except (UserError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{reason} (or give pictures=FOLDER, of pictures to check on)") from None
    there = set(catalogue.rows["image"])
    images = manifest[manifest["image"].isin(there)].drop_duplicates("image").groupby("split")["image"].apply(list)
    check, calibration = (shuffled(images.get(split, [])) for split in ("val", "train"))
    return PicturePlan(f"val of {job_dir.name}", catalogue.source, catalogue.prepare, check, calibration)


def shuffled(paths: Sequence[str]) -> list[str]:
    """The paths in an order that depends on nothing but the paths."""
    ordered = sorted(paths)
    return [ordered[place] for place in np.random.default_rng(0).permutation(len(ordered))]


def _whole(content: bytes) -> np.ndarray:
    """A picture upright at its own size, or at a whole part of it where it is too large."""
    with Image.open(io.BytesIO(content), formats=FORMATS) as image:
        part = math.ceil(math.sqrt(image.width * image.height / MAX_WHOLE_PIXELS))
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB").reduce(part))
