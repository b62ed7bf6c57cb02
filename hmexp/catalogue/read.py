"""A catalogue as it lies on disk -> its rows. One reader a kind of catalogue, registered for its schema."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import singledispatch
from pathlib import Path

import pandas as pd

from hmexp.catalogue.manifest import FOLDER_COLUMN, SPLIT_NAMES, own
from hmexp.catalogue.pictures import DirectoryPictures, PictureSource
from hmexp.catalogue.report import left_out, some
from hmexp.catalogue.root import ARTICLES, FolderRoot, Root, find_root
from hmexp.catalogue.sample import SAMPLE_VERSION, generate_sample, sample_articles, sample_pictures
from hmexp.catalogue.tables import clean_ids, clean_name, clean_names, doubtful_names, read_table
from hmexp.config.data import DataConfig, FolderData, HmData, SampleData, TableData
from hmexp.config.errors import LabelColumnError, UserError, invalid

ID_DIGITS = 10


@dataclass(frozen=True)
class Catalogue:
    """The articles that have a label and a picture, and where the pictures are.

    Attributes:
        name: What it is called in reports and in MLflow.
        rows: `article_id, image, label, group`, one row an article, and the catalogue's own columns under the names
            that `own` gives them, so that none of them clashes with ours.
        source: Its pictures.
        num_articles: All articles, with and without a picture or a label.
        num_unlabelled: Articles without a label.
        num_missing: Labelled articles without a picture (normal in H&M's catalogue).
        num_limited: Articles that `data.limit` has left out.
        unlabelled: Rows as above of articles with a picture and no label.
        missing: Rows as above of articles without a picture, labelled or not.
        unused: Pictures that belong to no article, or lie in no class's folder.
        warnings: Sentences on what was left out, or is doubtful.
        prepare: Writes what has to be there before the pictures can be read; the sample draws them here.
    """

    name: str
    rows: pd.DataFrame
    source: PictureSource
    num_articles: int
    num_unlabelled: int = 0
    num_missing: int = 0
    num_limited: int = 0
    unlabelled: pd.DataFrame = field(default_factory=pd.DataFrame)
    missing: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["article_id", "label"]))
    unused: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    prepare: Callable[[], None] = field(default=lambda: None)

    @property
    def without_picture(self) -> tuple[str, ...]:
        """Ids of the articles without a picture, labelled or not."""
        return tuple(self.missing["article_id"])


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
    rows = _hm_rows(sample_articles(), cfg.label, "articles.csv")
    source = DirectoryPictures(root)
    images = {Path(path).stem: path for path in sample_pictures()}
    return _from_articles("sample", rows, images, source, prepare=lambda: generate_sample(root))


@read_catalogue.register
def _(cfg: HmData, cache_dir: Path) -> Catalogue:
    root = _root(cfg)
    articles = root.articles()
    if articles is None:
        raise UserError(
            f"data.root: expected a folder with articles.csv and images/, received {root.path} without {ARTICLES[0]}"
        )
    file, table = articles
    rows = _hm_rows(table, cfg.label, file)
    source = root.pictures("images")
    found = [(Path(picture.path).stem.zfill(ID_DIGITS), picture.path) for picture in source.list()]
    images = dict(found)
    if not images:
        raise UserError(f"data.root: expected pictures in {root.path / 'images'}, received none")
    known = set(rows["article_id"])
    unused = [path for name, path in found if name not in known]
    warnings = [*_several(found), *_without_article(unused), *left_out(source.left_out())]
    catalogue = replace(_from_articles(root.name, rows, images, source, warnings), unused=tuple(unused))
    if catalogue.rows.empty and catalogue.unlabelled.empty:
        expected = "pictures named by article_id, such as images/010/0108775015.jpg"
        raise UserError(f"data.root: expected {expected}, received none that an article has")
    return catalogue


@read_catalogue.register
def _(cfg: TableData, cache_dir: Path) -> Catalogue:
    path = cfg.table_path
    if not cfg.csv or not path.is_file():
        raise UserError(f"data.csv: expected a CSV or Parquet file, received {cfg.csv or 'none'}, which is none")
    table = read_table(path, "data.csv")
    columns = {"data.image_column": cfg.image_column, "data.label": cfg.label or None, "data.id_column": cfg.id_column}
    columns |= {"data.group_column": cfg.group_column, "data.split_column": cfg.split_column}
    for key, column in columns.items():
        if column is not None and column not in table:
            error = invalid(key, f"a column of {path.name} ({', '.join(table.columns)})", column, table.columns)
            raise LabelColumnError(str(error)) if key == "data.label" else error
    root = (find_root(cfg.root_path) if cfg.root else None) or FolderRoot(cfg.root_path if cfg.root else path.parent)
    images = table[cfg.image_column].str.strip()
    ids = images if cfg.id_column is None else clean_ids(table[cfg.id_column])
    groups = ids if cfg.group_column is None else clean_names(table[cfg.group_column])
    source = root.named([image for image in images.unique() if image])
    known = {picture.path for picture in source.list()}
    rows = table.rename(columns=own).assign(
        article_id=ids.where(ids != "", images),
        label=clean_names(table[cfg.label]) if cfg.label else "",
        group=groups.where(groups != "", ids),
        image=images.where(images.isin(known)),
    )
    repeated = rows.loc[rows["article_id"].duplicated() & rows["image"].notna(), "article_id"]
    if len(repeated):
        key = "data.id_column" if cfg.id_column else "data.image_column"
        raise UserError(f"{key}: expected each value once in {path.name}, received {repeated.iloc[0]} twice")
    catalogue = _of_rows(path.stem, rows, source, [*doubtful_names(rows["label"]), *left_out(source.left_out())])
    if catalogue.rows.empty and catalogue.unlabelled.empty:
        expected = f"paths of pictures below {root.path} in the column {cfg.image_column}"
        first = next(iter(images), "none")
        raise UserError(f"data.image_column: expected {expected}, received none that is there (the first is {first})")
    return catalogue


@read_catalogue.register
def _(cfg: FolderData, cache_dir: Path) -> Catalogue:
    root = _root(cfg)
    source = root.pictures()
    paths = [picture.path for picture in source.list()]
    tops = {path.split("/", 1)[0] for path in paths if "/" in path}
    classes = sorted(top for top in tops if top.lower() not in SPLIT_NAMES)
    split_above = bool(tops) and not classes
    if classes and any(top.lower() == "train" for top in tops):
        expected = "data.root: expected a folder for each class, or these under train/ validation/ test/"
        raise UserError(f"{expected}, received train/ beside {', '.join(classes[:5])} in {root.path}")
    depth = 2 if split_above else 1
    parts = [path.split("/") for path in paths if path.count("/") >= depth]
    if not parts:
        expected = "a folder of pictures for each class, optionally under train/ validation/ test/"
        raise UserError(
            f"data.root: expected {expected}, received {len(paths)} pictures outside of them in {root.path}"
        )
    _check_one_reading(root.path, parts, depth)
    ids = ["/".join(part) for part in parts]
    rows = pd.DataFrame(
        {
            "article_id": ids,
            "image": ids,
            "label": [clean_name(part[depth - 1]) for part in parts],
            "group": ids,
            FOLDER_COLUMN: [part[0] if split_above else "" for part in parts],
        }
    )
    beside = [path for path in paths if path.count("/") < depth]
    warnings = doubtful_names(rows["label"])
    if beside:
        warnings.append(f"{len(beside):,} pictures lie in no class folder and are left out ({some(beside)})")
    used = {"/".join(part[:depth]) for part in parts}
    empty = [folder for folder in source.folders() if folder.count("/") == depth - 1 and folder not in used]
    warnings += [f"the folder {folder} gives no picture" for folder in empty if folder.lower() not in SPLIT_NAMES]
    warnings += left_out(source.left_out())
    return Catalogue(root.name, rows, source, num_articles=len(rows), unused=tuple(beside), warnings=tuple(warnings))


def _root(cfg: DataConfig) -> Root:
    root = find_root(cfg.root_path) if cfg.root else None
    if root is None:
        expected = "the folder of a catalogue, or its zip archive"
        raise UserError(f"data.root: expected {expected}, received {cfg.root or 'nothing'}, which is none")
    return root


def _check_one_reading(root: Path, parts: Sequence[list[str]], depth: int) -> None:
    """Raise `UserError` where the folders could be classes, or groups of classes, alike."""
    if any(len(part) == depth + 1 for part in parts):
        return
    outer: dict[str, set[str]] = {}
    for part in parts:
        outer.setdefault(part[depth], set()).add(part[depth - 1])
    inner = sorted(name for name, above in outer.items() if len(above) > 1)
    tops = sorted({part[depth - 1] for part in parts})
    if len(tops) == 1:
        below = sorted(outer)
        expected = f"folders of classes, received {tops[0]}/ alone, which holds {some(below)}"
        raise UserError(f"data.root: expected {expected} (data.root={root / tops[0]}?)")
    if inner:
        received = f"{some(tops)}, each with folders such as {inner[0]}: either may be the classes"
        raise UserError(f"data.root: expected one folder a class, received {received} (data=table says which it is)")


def _hm_rows(articles: pd.DataFrame, label: str, file: str) -> pd.DataFrame:
    """Ours of a table in H&M's layout; `product_code` is the id's first seven digits where the column is absent."""
    columns = list(articles.columns)
    if "article_id" not in columns:
        raise invalid("data.root", f"a column article_id in {file}", f"the columns {', '.join(columns[:30])}")
    if label and label not in columns:
        raise LabelColumnError(str(invalid("data.label", f"a column of {file} ({', '.join(columns)})", label, columns)))
    ids = clean_ids(articles["article_id"].astype(str)).str.zfill(ID_DIGITS)
    repeated = ids[ids.duplicated()]
    if len(repeated):
        raise UserError(f"data.root: expected each article_id once in {file}, received {repeated.iloc[0]} twice")
    group = articles["product_code"].astype(str).str.strip() if "product_code" in columns else ids.str[:7]
    group = group.where(group != "", ids)
    return articles.rename(columns=own).assign(
        article_id=ids, label=clean_names(articles[label].astype(str)) if label else "", group=group
    )


def _from_articles(
    name: str,
    articles: pd.DataFrame,
    images: dict[str, str],
    source: PictureSource,
    warnings: Sequence[str] = (),
    prepare: Callable[[], None] = lambda: None,
) -> Catalogue:
    """The catalogue of articles whose pictures are known by their ids."""
    rows = articles.assign(image=articles["article_id"].map(images))
    return _of_rows(name, rows, source, [*doubtful_names(rows["label"]), *warnings], prepare)


def _of_rows(
    name: str,
    rows: pd.DataFrame,
    source: PictureSource,
    warnings: Sequence[str],
    prepare: Callable[[], None] = lambda: None,
) -> Catalogue:
    """Keep the articles that have a label and a picture."""
    labelled = rows[rows["label"] != ""]
    found = labelled[labelled["image"].notna()]
    unlabelled = rows[(rows["label"] == "") & rows["image"].notna()]
    return Catalogue(
        name,
        found.reset_index(drop=True),
        source,
        unlabelled=unlabelled.reset_index(drop=True),
        missing=rows[rows["image"].isna()].reset_index(drop=True),
        num_articles=len(rows),
        num_unlabelled=len(rows) - len(labelled),
        num_missing=len(labelled) - len(found),
        warnings=tuple(warnings),
        prepare=prepare,
    )


def _several(found: Sequence[tuple[str, str]]) -> list[str]:
    """A sentence on pictures of the same article, of which the last counts."""
    more = sorted(name for name, count in Counter(name for name, _ in found).items() if count > 1)
    return [f"{len(more):,} articles have several pictures, of which the last by path counts ({some(more)})"] * bool(
        more
    )


def _without_article(lost: Sequence[str]) -> list[str]:
    return [f"{len(lost):,} pictures belong to no article ({some(lost)})"] if lost else []
