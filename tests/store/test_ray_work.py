"""A store whose pictures are decoded over Ray is the store that threads make; all tests share one start of Ray."""

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest
from made_pictures import encoded, photograph

from hmexp.catalogue.pictures import DirectoryPictures
from hmexp.cluster import connected
from hmexp.config.errors import RunError
from hmexp.store import StageOptions, Store, stage
from hmexp.store.layout import CHUNK_PICTURES, INDEX, PICTURES, QUARANTINE

pytestmark = pytest.mark.slow
OVER_RAY = StageOptions(runner="ray")


@pytest.fixture(scope="module", autouse=True)
def ray(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))  # Ray writes a token there
        patch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), *sys.path]))  # of the workers
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        before = signal.getsignal(signal.SIGTERM)
        with connected() as ray:
            assert signal.getsignal(signal.SIGTERM) is before
            yield ray


def paths_of(source) -> list[str]:
    return [picture.path for picture in source.list()]


def files_of(store: Store) -> dict[str, bytes]:
    return {name: (store.path / name).read_bytes() for name in (PICTURES, INDEX, QUARANTINE)}


class Deadly(DirectoryPictures):
    """A folder one of whose pictures is the end of the first process, other than this, that opens it."""

    def __init__(self, root: Path, path: str) -> None:
        super().__init__(root)
        self.path, self.pid = path, os.getpid()

    def open(self, path: str):
        if path == self.path and os.getpid() != self.pid:
            mark = self.root.parent / "killed"
            if not mark.exists():
                mark.write_text(str(os.getpid()))
                os.kill(os.getpid(), signal.SIGKILL)
        return super().open(path)


class Unseen(DirectoryPictures):
    """A folder of which only this process sees one picture, as if the disk were not there on another machine."""

    def __init__(self, root: Path, path: str, error: OSError) -> None:
        super().__init__(root)
        self.path, self.error, self.pid = path, error, os.getpid()

    def open(self, path: str):
        if path == self.path and os.getpid() != self.pid:
            raise self.error
        return super().open(path)


@pytest.fixture
def root(make_catalogue, tmp_path) -> Path:
    root = tmp_path / "catalogue"
    make_catalogue(root, 2 * CHUNK_PICTURES + 70)
    (root / "000" / "broken.jpg").write_bytes(encoded(photograph(40, 60))[:400])
    (root / "001" / "large.png").write_bytes(encoded(photograph(101, 100), "PNG"))
    (root / "002" / "empty.jpg").touch()
    (root / "002" / "gone.jpg").write_bytes(encoded(photograph(40, 60)))
    return root


def test_it_is_the_same_store_though_a_worker_dies_and_the_local_runner_begins(root, spec, tmp_path, caplog):
    caplog.set_level("INFO", logger="hmexp")
    source = Deadly(root, "001/00001.jpg")
    paths = paths_of(source)
    (root / "002" / "gone.jpg").unlink()
    here = stage(source, paths, spec, tmp_path / "here")
    there = stage(source, paths, spec, tmp_path / "there", OVER_RAY)
    assert not psutil.pid_exists(int((tmp_path / "killed").read_text()))
    assert files_of(there) == files_of(here)
    assert there.path.name == here.path.name
    assert there.content_digest == here.content_digest
    assert list(there.quarantine["image"]) == [
        "000/broken.jpg",
        "001/large.png",
        "002/empty.jpg",
        "002/gone.jpg",
    ]
    assert any(f"{len(paths):,} pictures over " in record.getMessage() for record in caplog.records)
    caplog.clear()
    assert files_of(stage(source, paths, spec, tmp_path / "there", OVER_RAY)) == files_of(here)
    assert not caplog.records


def test_what_one_runner_began_the_other_ends(root, spec, tmp_path, caplog):
    caplog.set_level("INFO", logger="hmexp")
    paths = paths_of(DirectoryPictures(root))
    away = Unseen(root, paths[CHUNK_PICTURES + 9], PermissionError(13, "Permission denied"))
    with pytest.raises(RunError, match="Permission denied; run again to go on") as caught:
        stage(away, paths, spec, tmp_path / "there", OVER_RAY)
    assert "\n" not in str(caught.value)
    began = stage(away, paths, spec, tmp_path / "there")
    assert f", {CHUNK_PICTURES:,} of them already there" in caplog.text
    assert files_of(began) == files_of(stage(away, paths, spec, tmp_path / "here"))


def test_a_machine_without_the_pictures_fills_no_quarantine(root, spec, tmp_path):
    paths = paths_of(DirectoryPictures(root))
    unseen = Unseen(root, paths[3], FileNotFoundError(2, "No such file or directory"))
    expected = "runner: expected the pictures at the same place on all machines of the cluster, received .* without"
    with pytest.raises(RunError, match=f"{expected} {paths[3]}"):
        stage(unseen, paths, spec, tmp_path / "there", OVER_RAY)
    assert not list((tmp_path / "there" / "stores").glob(f"*/{INDEX}"))
