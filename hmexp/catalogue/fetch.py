"""The verb `fetch`: H&M's Kaggle archive, extracted from a downloaded zip or downloaded with Kaggle's client."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from rich.filesize import decimal

from hmexp.catalogue.archive import Archive, BadMember
from hmexp.catalogue.extract import BLOCK_BYTES, PICTURE, TABLES, Extraction, extract, layout_members
from hmexp.catalogue.kaggle import download
from hmexp.catalogue.report import left_out
from hmexp.config.errors import RunError, UserError, invalid
from hmexp.config.invocation import Invocation
from hmexp.config.verbs import FetchConfig
from hmexp.console import log

MAX_DAMAGED = 0.01
"""Share of damaged members above which the command fails, as `data.max_bad_fraction` has it for pictures."""


@dataclass(frozen=True)
class Fetched:
    """What was fetched.

    Attributes:
        path: The folder, or the downloaded archive; either can be `data.root`.
    """

    path: Path


def fetch(config: FetchConfig, invocation: Invocation) -> Fetched:
    """Extract `zip` into `to`, or download the archive into `to`; says the command that comes next.

    Raises:
        UserError: Neither or both of `zip` and `kaggle`, or an archive that is not H&M's.
        RunError: More than a hundredth of the members is damaged, or the download failed.
    """
    if config.zip is not None and config.kaggle:
        raise invalid("zip", "nothing with kaggle=true, which downloads the archive", config.zip)
    if config.kaggle:
        return _download(_folder(config.to or "."))
    if config.zip is None:
        raise UserError("zip: expected H&M's archive (zip=FILE), or kaggle=true to download it, received neither")
    return _extract(Path(config.zip).expanduser().absolute(), config.to)


def _extract(path: Path, to: str | None) -> Fetched:
    folder = _folder(to or path.stem)
    archive = Archive(path, "zip")
    members, others = layout_members(archive)
    names = {info.filename for info in members}
    _check_layout(archive, names)
    done = extract(archive, members, folder)
    for sentence in left_out(others):
        log.warning(sentence)
    for sentence in left_out(done.damaged):
        log.warning(sentence)
    pictures = [name for name in names - set(done.damaged) if PICTURE.fullmatch(name)]
    tables = [name for name in TABLES if name in names - set(done.damaged)]
    there = f"; {done.num_there:,} files were there already" if done.num_there else ""
    log.info(f"{len(pictures):,} pictures and {', '.join(tables)} ({decimal(done.num_bytes)}) are in {folder}{there}")
    _check_damage(done, len(names), path)
    log.info(f"next: hmexp data=hm data.root={shlex.quote(str(folder))}")
    return Fetched(folder)


def _download(to: Path) -> Fetched:
    path = download(to)
    log.info(f"next: hmexp data=hm data.root={shlex.quote(str(path))} reads the pictures where they are")
    log.info(f"or:   hmexp fetch zip={shlex.quote(str(path))} extracts them, for which it needs as much again")
    return Fetched(path)


def _folder(to: str) -> Path:
    folder = Path(to).expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise invalid("to", "a folder", f"{folder}, which is a file")
    return folder


def _check_layout(archive: Archive, names: set[str]) -> None:
    """Refuse an archive without articles.csv, or without a picture, before anything is written."""
    articles = TABLES[0]
    if articles not in names or not any(PICTURE.fullmatch(name) for name in names):
        lacks = "no picture" if articles in names else f"no {articles}"
        if reason := archive.left_out.get(articles):
            lacks = f"an {articles} that is not extracted: {reason}"
        expected = "H&M's archive (articles.csv, images/0xx/0xxxxxxxxx.jpg)"
        raise UserError(f"zip: expected {expected}, received {archive.path} with {lacks}")
    try:
        with archive.open(articles) as stream:
            while stream.read(BLOCK_BYTES):
                pass
    except BadMember as error:
        raise UserError(f"zip: expected an archive that is whole, received {articles}, {error}") from None


def _check_damage(done: Extraction, num: int, path: Path) -> None:
    if len(done.damaged) > MAX_DAMAGED * num:
        share = len(done.damaged) / num
        expected = f"at most {MAX_DAMAGED:.0%} of the members damaged"
        raise RunError(f"zip: expected {expected}, received {share:.1%} in {path}: download it again")
