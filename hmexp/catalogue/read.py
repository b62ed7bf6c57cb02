"""A catalogue as it lies on disk -> its rows. One reader a kind of catalogue, registered for its schema."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import singledispatch
from pathlib import Path

import pandas as pd

from hmexp.catalogue.manifest import SPLIT_NAMES
from hmexp.catalogue.pictures import DirectoryPictures, PictureSource
from hmexp.catalogue.sample import SAMPLE_VERSION, generate_sample, sample_articles, sample_pictures
from hmexp.catalogue.split import FOLDER_COLUMN
from hmexp.config.data import DataConfig, FolderData, HmData, SampleData
from hmexp.config.errors import UserError, invalid

ID_DIGITS = 10


@dataclass(frozen=True)
class Catalogue:
    """The articles that have a label and a picture, and where the pictures are.

    Attributes:
        name: What it is called in reports and in MLflow.
        rows: `article_id, image, label, group` and the catalogue's other columns, one row an article.
        source: Its pictures.
        num_articles: All articles, with and without a picture or a label.
        num_unlabelled: Articles without a label.
        num_missing: Labelled articles without a picture (normal in H&M's catalogue).
        prepare: Writes what has to be there before the pictures can be read; the sample draws them here.
    """

    name: str
    rows: pd.DataFrame
    source: PictureSource
    num_articles: int
    num_unlabelled: int = 0
    num_missing: int = 0
    prepare: Callable[[], None] = field(default=lambda: None)


@singledispatch
def read_catalogue(cfg: DataConfig, cache_dir: Path) -> Catalogue:
    """Read a catalogue's table and list its pictures; writes nothing and opens no picture.

    A kind of catalogue of your own is a dataclass below `DataConfig` and a function registered for it here.

    Args:
        cfg: The `data` section.
        cache_dir: hmexp's cache folder, where the sample lies.

    Raises:
        UserError: A folder, a file or a column that is not there.
    """
    raise TypeError(f"expected a catalogue that is registered, received {type(cfg).__name__}")


@read_catalogue.register
def _(cfg: SampleData, cache_dir: Path) -> Catalogue:
    root = cache_dir / "sample" / SAMPLE_VERSION
    rows = _with_label(sample_articles(), cfg.label)
    source = DirectoryPictures(root)
    images = {Path(path).stem: path for path in sample_pictures()}
    return _from_articles("sample", rows, images, source, prepare=lambda: generate_sample(root))


@read_catalogue.register
def _(cfg: HmData, cache_dir: Path) -> Catalogue:
    root = _folder(cfg)
    table = root / "articles.csv"
    if not table.is_file():
        raise UserError(
            f"data.root: expected a folder with articles.csv and images/, received {root} without {table.name}"
        )
    rows = _with_label(_read_articles(table), cfg.label)
    source = DirectoryPictures(root, "images")
    images = {Path(picture.path).stem.zfill(ID_DIGITS): picture.path for picture in source.list()}
    if not images:
        raise UserError(f"data.root: expected pictures in {root / 'images'}, received none")
    catalogue = _from_articles(root.name, rows, images, source)
    if catalogue.rows.empty:
        expected = "pictures named by article_id, such as images/010/0108775015.jpg"
        raise UserError(f"data.root: expected {expected}, received none that an article has")
    return catalogue


@read_catalogue.register
def _(cfg: FolderData, cache_dir: Path) -> Catalogue:
    root = _folder(cfg)
    source = DirectoryPictures(root)
    paths = [picture.path for picture in source.list()]
    tops = {path.split("/", 1)[0] for path in paths if "/" in path}
    classes = sorted(top for top in tops if top.lower() not in SPLIT_NAMES)
    split_above = bool(tops) and not classes
    if classes and any(top.lower() == "train" for top in tops):
        expected = "data.root: expected a folder for each class, or these under train/ validation/ test/"
        raise UserError(f"{expected}, received train/ beside {', '.join(classes[:5])} in {root}")
    depth = 2 if split_above else 1
    parts = [path.split("/") for path in paths if path.count("/") >= depth]
    if not parts:
        expected = "a folder of pictures for each class, optionally under train/ validation/ test/"
        raise UserError(f"data.root: expected {expected}, received {len(paths)} pictures outside of them in {root}")
    ids = ["/".join(part) for part in parts]
    rows = pd.DataFrame(
        {
            "article_id": ids,
            "image": ids,
            "label": [part[depth - 1] for part in parts],
            "group": ids,
            FOLDER_COLUMN: [part[0] if split_above else "" for part in parts],
        }
    )
    return Catalogue(root.name, rows, source, num_articles=len(rows))


def _folder(cfg: DataConfig) -> Path:
    root = cfg.root_path
    if not cfg.root or not root.is_dir():
        raise UserError(
            f"data.root: expected the folder of a catalogue, received {cfg.root or 'nothing'}, which is none"
        )
    return root


def _read_articles(path: Path) -> pd.DataFrame:
    """articles.csv with every column as text, so that leading zeros survive."""
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise UserError(f"data.root: expected a CSV table in {path}, received {error}") from None


def _with_label(articles: pd.DataFrame, label: str) -> pd.DataFrame:
    """Add `label` and `group`; `product_code` is the id's first seven digits where the column is absent."""
    columns = list(articles.columns)
    if "article_id" not in columns:
        raise invalid("data.root", "a column article_id in articles.csv", f"the columns {', '.join(columns[:30])}")
    if label not in columns:
        raise invalid("data.label", f"a column of articles.csv ({', '.join(columns)})", label, columns)
    ids = articles["article_id"].astype(str).str.strip().str.zfill(ID_DIGITS)
    repeated = ids[ids.duplicated()]
    if len(repeated):
        raise UserError(f"data.root: expected each article_id once in articles.csv, received {repeated.iloc[0]} twice")
    group = articles["product_code"].astype(str).str.strip() if "product_code" in columns else ids.str[:7]
    group = group.where(group != "", ids)
    return articles.assign(article_id=ids, label=articles[label].astype(str).str.strip(), group=group)


def _from_articles(
    name: str,
    articles: pd.DataFrame,
    images: dict[str, str],
    source: PictureSource,
    prepare: Callable[[], None] = lambda: None,
) -> Catalogue:
    """Keep the articles that have a label and a picture."""
    rows = articles.assign(image=articles["article_id"].map(images))
    labelled = rows[rows["label"] != ""]
    found = labelled[labelled["image"].notna()]
    return Catalogue(
        name,
        found.reset_index(drop=True),
        source,
        num_articles=len(rows),
        num_unlabelled=len(rows) - len(labelled),
        num_missing=len(labelled) - len(found),
        prepare=prepare,
    )
