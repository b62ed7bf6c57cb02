"""H&M's archive from Kaggle, with Kaggle's own client: what it needs, and what its answers mean."""

import os
import re
import shlex
import shutil
import subprocess
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.filesize import decimal

from hmexp.catalogue.archive import Archive
from hmexp.catalogue.extract import locked_folder
from hmexp.catalogue.kaggle_credentials import Credentials, credentials_of
from hmexp.config.errors import RunError, UserError
from hmexp.config.secrets import HIDDEN, masked
from hmexp.console import log, progress

SLUG = "h-and-m-personalized-fashion-recommendations"
"""Of the competition; an address in its place is answered with 403 (kaggle-api #577)."""
PAGE = f"https://www.kaggle.com/competitions/{SLUG}"
ARCHIVE_BYTES = 35 * 10**9
STEPS = (
    "make an account on https://www.kaggle.com, if you have none",
    f"accept the competition's rules on {PAGE}/rules (Late Submission, or Join Competition)",
    "install Kaggle's client: pip install kaggle six (it needs six, and does not say so)",
    "make a token on https://www.kaggle.com/settings/api (Generate New Token), and put it into the variable "
    "KAGGLE_API_TOKEN or the file ~/.kaggle/access_token; the older kind is a name and a key, in KAGGLE_USERNAME and "
    "KAGGLE_KEY or in ~/.kaggle/kaggle.json",
    "run hmexp fetch kaggle=true again. Or download the archive by hand on "
    f"{PAGE}/data (Download All), and run hmexp fetch zip=FILE",
)
ANSWERS = (
    (r"\b403\b|Forbidden", f"403: accept the competition's rules on {PAGE}/rules with the account of your token"),
    (r"\b401\b|Unauthorized|Authentication required", "401: make a new token on https://www.kaggle.com/settings/api"),
    (r"\b404\b|Not Found", "404: this client may be too old (pip install --upgrade kaggle)"),
    (r"\b429\b|Too Many Requests", "429: too many requests; wait for some minutes"),
    (r"No module named '?six", "a client without six, which it needs and does not say (pip install six)"),
    (r"No space left|Errno 28|Disk quota", "a full disk"),
)
"""What the client says -> what it means. Sources: kaggle-api #87, #160, #577; kaggle 2.2.5."""
QUERY = re.compile(r"\?[^\s'\")>]+")
"""Of an address: those that Kaggle downloads from are signed."""
PROGRESS = re.compile(r"\d+%\||\d[kMGT]?B/s")
LAST_LINES = 30
PATIENCE = 10
"""Seconds that the client has to end."""


def download(to: Path) -> Path:
    """Download the archive into a folder; one that was begun goes on, one that is whole stays.

    Raises:
        UserError: No client, or no credentials; every step is explained before.
        RunError: The client failed, with what its answer means.
    """
    target = to / f"{SLUG}.zip"
    if _is_whole(target):
        log.info(f"{target} is there already, and whole ({decimal(target.stat().st_size)})")
        return target
    client, credentials = _requirements()
    begun = target.stat().st_size if target.is_file() else 0
    place = next(place for place in (to, *to.parents) if place.exists())
    free = shutil.disk_usage(place).free
    if free < ARCHIVE_BYTES - begun:
        log.warning(f"the archive has about {decimal(ARCHIVE_BYTES)}, and {place} {decimal(free)} free")
    log.info(f"kaggle downloads to {target}, with the credentials of {credentials.places[0]}")
    with locked_folder(to) as lock:
        # Never --unzip, which deletes the archive. The client goes on with what it has begun.
        words = [client, "competitions", "download", "-c", SLUG, "-p", str(to)]
        code, said = _run(words, credentials.secrets, lock)
    if not _is_whole(target):
        raise RunError(_failure(code, said, target))
    return target


def _requirements() -> tuple[str, Credentials]:
    """The client and the credentials, or every step to them."""
    client = shutil.which("kaggle")
    credentials = credentials_of(os.environ, Path.home())
    if client is not None and credentials.places:
        return client, credentials
    for number, step in enumerate(STEPS, start=1):
        log.info(f"{number}. {step}")
    for flaw in credentials.flaws:
        log.warning(flaw)
    if client is None:
        raise UserError("kaggle: expected Kaggle's client on the PATH, received none (step 3: pip install kaggle six)")
    raise UserError("kaggle: expected credentials of Kaggle, received none (step 4: KAGGLE_API_TOKEN)")


def _run(words: list[str], secrets: Collection[str], lock: int) -> tuple[int, list[str]]:
    """Run the client to its end; gives its exit code and its last lines, without secrets.

    It holds the folder's lock too: where only this process is killed, no second client writes beside it.
    """
    said: deque[str] = deque(maxlen=LAST_LINES)
    env = os.environ | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        words,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        pass_fds=(lock,),
    )
    with _ended(process), progress("kaggle", sentence="kaggle is at work") as bar:
        for raw in process.stdout or ():  # what a bar draws over itself comes as lines
            line = QUERY.sub(f"?{HIDDEN}", masked(raw, secrets)).strip()
            if PROGRESS.search(line):
                bar.note(line)
            elif line:
                said.append(line)
                log.info(f"kaggle: {line}")
        return process.wait(), list(said)


@contextmanager
def _ended(process: "subprocess.Popen[str]") -> Iterator[None]:
    """Leave no client behind, whatever ends the block."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _failure(code: int, said: list[str], target: Path) -> str:
    """What ended the download, in a line, and what goes on."""
    text = "\n".join(said)
    meaning = next((answer for pattern, answer in ANSWERS if re.search(pattern, text, re.IGNORECASE)), "")
    received = meaning or f"exit code {code} of its client{f' ({said[-1]})' if said else ''}"
    begun = f"; {decimal(target.stat().st_size)} are there" if target.is_file() else ""
    again = f"hmexp fetch kaggle=true to={shlex.quote(str(target.parent))}"
    return f"kaggle: expected {target}, received {received}{begun}; this goes on: {again}"


def _is_whole(target: Path) -> bool:
    """Whether the archive is there with its end, which is written last."""
    try:
        Archive(target, "kaggle")
    except UserError:
        return False
    return True
