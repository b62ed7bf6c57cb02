"""Which stores go; a store that is read stays, and one that goes while a training starts is built anew."""

import multiprocessing
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from made_folders import DAY, EVERYTHING, age, cleaned, made_run, made_store, tree
from PIL import Image

from hmexp.catalogue.pictures import DirectoryPictures
from hmexp.cleaning.removal import remove
from hmexp.cleaning.stores import find_stores
from hmexp.store import StoreSpec, open_store, stage, staging

STORE, OTHER = "a" * 32, "b" * 32
SPEC = StoreSpec(8, "stretch", 10**6)


@pytest.fixture
def stores(tmp_path) -> Path:
    return tmp_path / "cache" / "stores"


@pytest.fixture
def pictures(tmp_path):
    """Stages three pictures; gives the store."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / f"{number}.png")

    def staged():
        source = DirectoryPictures(folder)
        return stage(source, [picture.path for picture in source.list()], SPEC, tmp_path / "cache")

    return staged


def removed(tmp_path, **config) -> set[str]:
    return {item.path.name for item in cleaned(tmp_path, **config).removed}


def test_a_store_that_was_not_read_and_that_no_run_uses_goes(stores, tmp_path):
    for name in (STORE, OTHER, "c" * 32):
        made_store(stores / name)
    made_store(stores / ("d" * 32))
    made_run(tmp_path / "mlruns" / "jobs" / "finished", "FINISHED", store=OTHER)
    made_run(tmp_path / "mlruns" / "jobs" / "failed", store="c" * 32)
    before = tree(stores)
    age(stores, 30)  # they were read for the tree
    age(stores / ("d" * 32), 6.9)
    done = cleaned(tmp_path, kinds=["stores"])
    assert [item.path.name for item in done.removed] == [STORE]
    assert done.freed > 5000
    assert tree(stores) == {path: content for path, content in before.items() if not path.startswith(STORE)}
    age(stores, 30)
    age(stores / ("d" * 32), 6.9)
    assert removed(tmp_path) == {"failed", "c" * 32}, "its store goes with the run"


@pytest.mark.parametrize("file", ["pictures.npy", "store.json"])
def test_reading_and_opening_count(stores, tmp_path, file):
    store = made_store(stores / STORE)
    then = (store / file).stat().st_mtime
    os.utime(store / file, (time.time(), then) if file == "pictures.npy" else None)
    assert removed(tmp_path) == set()


def test_opening_a_store_marks_it_as_used_and_looking_does_not(pictures, stores, tmp_path):
    store = pictures()
    path = store.path
    del store
    age(path, 30)
    cleaned(tmp_path, yes=False)
    assert len(cleaned(tmp_path, yes=False).goes) == 1
    os.utime(path / "pictures.npy", ns=(0, (path / "pictures.npy").stat().st_mtime_ns))
    open_store(path)
    assert cleaned(tmp_path, yes=False).goes == []
    assert time.time() - (path / "store.json").stat().st_mtime < DAY


def test_a_store_of_another_version_and_a_damaged_one_go_whoever_used_them(stores, tmp_path):
    made_store(stores / STORE, decoder_version="0")
    made_store(stores / OTHER, format_version=0)
    (made_store(stores / ("c" * 32)) / "store.json").write_text("{")
    (made_store(stores / ("d" * 32)) / "store.json").unlink()
    for name in (STORE, OTHER):
        made_run(tmp_path / "mlruns" / "jobs" / name[:3], "FINISHED", store=name)
    made_store(stores / ("e" * 32), decoder_version="0", days=1)
    age(stores, 30)
    age(stores / ("e" * 32), 1)
    assert removed(tmp_path) == {STORE, OTHER, "c" * 32, "d" * 32}


def _hold(path, ready, done):
    store = open_store(Path(path))
    ready.set()
    done.wait(60)
    assert store.read(np.arange(3)).shape == (3, 8, 8, 3)


@pytest.mark.slow
def test_a_store_that_another_process_reads_stays(pictures, stores, tmp_path):
    path = pictures().path
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    reader = context.Process(target=_hold, args=(str(path), ready, done))
    reader.start()
    assert ready.wait(60)
    age(path, 30)  # a training may take longer than older_than
    found = cleaned(tmp_path, **EVERYTHING)
    done.set()
    reader.join()
    assert (found.goes, reader.exitcode) == ([], 0)
    assert removed(tmp_path, **EVERYTHING) == {path.name}


def test_a_store_that_is_opened_meanwhile_stays(pictures, tmp_path):
    from hmexp.cleaning.items import Age
    from hmexp.cleaning.record import NoRecord

    path = pictures().path
    age(path, 30)
    items = list(find_stores(tmp_path / "cache", (), Age(7.0), named=True))
    assert [item.stays for item in items] == [""]
    store = open_store(path)
    assert remove(NoRecord(), items).removed == []
    age(path, 30)
    assert remove(NoRecord(), items).removed == [], "it is being read"
    open_store(path)
    del store
    assert remove(NoRecord(), items).removed == [], "it was used just now"
    age(path, 30)
    assert len(remove(NoRecord(), items).removed) == 1


def test_a_build_that_did_not_end_goes_and_one_that_is_at_work_stays(stores, tmp_path):
    partial = made_store(stores / f"{STORE}.partial")
    made_store(stores / f"{OTHER}.partial", days=1)
    with FileLock(stores / f"{STORE}.lock"):
        assert removed(tmp_path, **EVERYTHING | {"older_than": 7.0}) == set()
    (partial / "pictures.npy").touch()
    assert removed(tmp_path) == set()
    age(partial, 30)
    assert removed(tmp_path) == {partial.name}


def test_links_and_what_is_no_store_stay(stores, tmp_path):
    outside = made_store(tmp_path / "elsewhere" / STORE)
    stores.mkdir(parents=True)
    (stores / STORE).symlink_to(outside)
    made_store(stores / "mine")
    made_store(stores / f"{OTHER}.backup")
    assert removed(tmp_path, **EVERYTHING) == set()
    stores.rename(tmp_path / "elsewhere" / "stores")
    made_store(tmp_path / "elsewhere" / "stores" / OTHER)
    stores.symlink_to(tmp_path / "elsewhere" / "stores")
    assert removed(tmp_path, **EVERYTHING) == set()


@pytest.mark.parametrize("moment", ["before it is opened", "while it is opened", "when it is open"])
def test_a_store_that_goes_while_a_training_starts_is_built_anew(pictures, tmp_path, monkeypatch, moment):
    path = pictures().path
    opened = staging.open_store
    gone = []

    def away(*arguments):
        if not gone:
            gone.append(path.rename(tmp_path / "gone"))

    if moment == "when it is open":
        import hmexp.store.store as module

        share = module.share_of
        monkeypatch.setattr(module, "share_of", lambda *arguments: (away(), share(*arguments)))
    else:

        def opening(folder, verify=False):
            away()
            return opened(folder, verify)

        monkeypatch.setattr(staging, "open_store", opening)
        if moment == "while it is opened":
            monkeypatch.setattr("hmexp.store.store._read_meta", _read_then(away))
    store = pictures()
    assert gone
    assert (path / "pictures.npy").is_file(), "it is no store that was removed"
    assert store.path == path
    assert sorted(store.read(np.arange(3))[:, 0, 0, 0]) == [0, 1, 2]


def _read_then(away):
    from hmexp.store.store import _read_meta

    def read(path):
        meta = _read_meta(path)
        away()
        return meta

    return read


def test_a_damaged_store_is_still_said(pictures):
    path = pictures().path
    (path / "store.json").write_text("{")
    with pytest.raises(Exception, match="remove this folder and run again"):
        pictures()


@pytest.mark.slow
def test_trainings_that_start_while_stores_are_removed_all_read_theirs(pictures, tmp_path):
    stop, removals = threading.Event(), []

    def clean() -> None:
        while not stop.is_set():
            for path in (tmp_path / "cache" / "stores").glob("?" * 32):
                with suppress(FileNotFoundError):
                    os.utime(path / "store.json", (0, 0))
            removals.extend(cleaned(tmp_path, kinds=["stores"], older_than=0.0).removed)

    cleaner = threading.Thread(target=clean)
    cleaner.start()
    try:
        for _ in range(60):
            store = pictures()
            assert sorted(store.read(np.arange(3))[:, 0, 0, 0]) == [0, 1, 2]
            del store
    finally:
        stop.set()
        cleaner.join()
    assert removals
