"""The `data` section: which catalogue, which pictures, which strategies."""

from dataclasses import dataclass
from pathlib import Path

from omegaconf import MISSING

from hmexp.config.errors import require
from hmexp.config.fields import Section, choice, number, text
from hmexp.config.strategies import BalanceConfig, FixedSplit, MergeConfig, SplitConfig

RESIZE_MODES = ("stretch", "pad", "crop")
MAX_PIXELS = 89_478_485
"""Pictures with more are refused: Pillow's own `PIL.Image.MAX_IMAGE_PIXELS`."""
PILLOW_PIXEL_LIMIT = 178_956_970
"""Above this Pillow itself refuses a picture (twice `PIL.Image.MAX_IMAGE_PIXELS`)."""


@dataclass
class DataConfig(Section, key="data"):
    """A catalogue and what is made of it; the subclasses say which kind."""

    root: str = text(MISSING, is_path=True)
    """Folder of the catalogue, or its zip archive (a folder in it: FILE.zip/FOLDER), which is read as it is."""
    label: str = text("product_group_name")
    """Column that is learned; of data=hm any column of articles.csv."""
    image_size: int = number(180, ge=8, le=2048, noun="a whole number of pixels")
    """Height and width of the stored pictures, in pixels."""
    resize: str = choice("stretch", RESIZE_MODES)
    """`stretch` (aspect ratio not kept), `pad` (white borders) or `crop` (centre)."""
    max_bad_fraction: float = number(0.01, ge=0, le=1, noun="a share")
    """Share of unreadable pictures above which the run stops."""
    max_pixels: int = number(MAX_PIXELS, ge=1, le=PILLOW_PIXEL_LIMIT)
    """Pictures with more pixels than this go to the quarantine, undecoded."""
    limit: int | None = number(None, ge=1, le=1_000_000_000)
    """Articles to keep, spread over the classes; null keeps all (for trying things out)."""
    slices: list[str] | None = text(None)
    """Columns of the catalogue by whose values the evaluation is broken down, such as department_name; null takes
    colour_group_name and index_group_name where they are there and say something."""
    merge: MergeConfig = MISSING
    balance: BalanceConfig = MISSING
    split: SplitConfig = MISSING

    @property
    def root_path(self) -> Path:
        """The catalogue's folder or archive, absolute, with `~` expanded."""
        return Path(self.root).expanduser().absolute()


@dataclass
class SampleData(DataConfig):
    """The generated catalogue: about 2,000 drawn articles in H&M's layout."""

    root: str = text("", is_path=True)
    """Not used: the sample lies in the cache folder."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.root == "", "data.root", "nothing with data=sample (data=hm or data=folder?)", self.root)


@dataclass
class HmData(DataConfig):
    """H&M's Kaggle layout: articles.csv and images/0xx/0xxxxxxxxx.jpg under `root`, a folder or the archive."""


@dataclass
class TableData(DataConfig):
    """Any table of articles, CSV or Parquet, with a column of labels and a column of paths of pictures."""

    csv: str = text(MISSING, is_path=True)
    """The table, such as articles.csv, .csv.gz or .parquet; any usual separator."""
    image_column: str = text(MISSING)
    """Column of the pictures' paths: absolute, or below `data.root`."""
    label: str = text(MISSING)
    """Column that is learned."""
    root: str = text("", is_path=True)
    """Folder, or zip archive, that the paths are below; empty is the table's own folder."""
    id_column: str | None = text(None)
    """Column of the ids; null takes the pictures' paths."""
    group_column: str | None = text(None)
    """Column of what must not be on two sides of a split, such as a product code; null makes none."""
    split_column: str | None = text(None)
    """Column whose values are train, val (validation, valid) and test; null splits as `data/split` says."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.split_column is not None:
            self.split = FixedSplit(
                fractions=self.split.fractions,
                seed=self.split.seed,
                folds=self.split.folds,
                fold=self.split.fold,
                column=self.split_column,
            )

    @property
    def table_path(self) -> Path:
        """The table, absolute, with `~` expanded."""
        return Path(self.csv).expanduser().absolute()


@dataclass
class FolderData(DataConfig):
    """A folder of pictures a class, optionally under train/, validation/ and test/."""

    label: str = text("folder")
    """Not used: the class is the folder's name."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.label == "folder", "data.label", "folder with data=folder", self.label)
