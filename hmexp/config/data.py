"""The `data` section: which catalogue, which pictures, which strategies."""

from dataclasses import dataclass
from pathlib import Path

from omegaconf import MISSING

from hmexp.config.errors import one_of, require
from hmexp.config.fields import Section, text
from hmexp.config.strategies import BalanceConfig, MergeConfig, SplitConfig

RESIZE_MODES = ("stretch", "pad", "crop")
PILLOW_PIXEL_LIMIT = 178_956_970
"""Above this Pillow itself refuses a picture (twice `PIL.Image.MAX_IMAGE_PIXELS`)."""


@dataclass
class DataConfig(Section, key="data"):
    """A catalogue and what is made of it; the subclasses say which kind."""

    root: str = text(MISSING, is_path=True)
    """Folder of the catalogue."""
    label: str = text("product_group_name")
    """Column that is learned; of data=hm any column of articles.csv."""
    image_size: int = 180
    """Height and width of the stored pictures, in pixels."""
    resize: str = "stretch"
    """`stretch` (aspect ratio not kept), `pad` (white borders) or `crop` (centre)."""
    max_bad_fraction: float = 0.01
    """Share of unreadable pictures above which the run stops."""
    max_pixels: int = 89_478_485
    """Pictures with more pixels than this go to the quarantine, undecoded."""
    limit: int | None = None
    """Articles to keep, spread over the classes; null keeps all (for trying things out)."""
    slices: list[str] | None = None
    """Columns of the catalogue by whose values the evaluation is broken down, such as department_name; null takes
    colour_group_name and index_group_name where they are there and say something."""
    merge: MergeConfig = MISSING
    balance: BalanceConfig = MISSING
    split: SplitConfig = MISSING

    def __post_init__(self) -> None:
        super().__post_init__()
        size = self.image_size
        require(8 <= size <= 2048, "data.image_size", "a whole number of pixels from 8 to 2048", size)
        one_of("data.resize", self.resize, RESIZE_MODES)
        share = self.max_bad_fraction
        require(0 <= share <= 1, "data.max_bad_fraction", "a share from 0 to 1", share)
        expected = f"a whole number from 1 to {PILLOW_PIXEL_LIMIT}"
        require(1 <= self.max_pixels <= PILLOW_PIXEL_LIMIT, "data.max_pixels", expected, self.max_pixels)
        limit = self.limit
        require(limit is None or limit >= 1, "data.limit", "null or a whole number of at least 1", limit)

    @property
    def root_path(self) -> Path:
        """The catalogue's folder, absolute, with `~` expanded."""
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
    """H&M's Kaggle layout: articles.csv and images/0xx/0xxxxxxxxx.jpg under `root`."""


@dataclass
class FolderData(DataConfig):
    """A folder of pictures a class, optionally under train/, validation/ and test/."""

    label: str = text("folder")
    """Not used: the class is the folder's name."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.label == "folder", "data.label", "folder with data=folder", self.label)
