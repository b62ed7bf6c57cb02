import io
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_pictures import encoded, photograph
from PIL import Image

from hmexp.catalogue.pictures import DirectoryPictures
from hmexp.config.errors import RunError, UserError
from hmexp.process import full_disk
from hmexp.store import StageOptions, StoreSpec, decode, open_store, stage
from hmexp.store.layout import store_fingerprint


def paths_of(source) -> list[str]:
    return [picture.path for picture in source.list()]


def bytes_of(store) -> bytes:
    return (store.path / "pictures.npy").read_bytes()


class Counted:
    """A source that counts what is opened."""

    def __init__(self, source) -> None:
        self.source, self.opened = source, []
        self.list, self.fingerprint = source.list, source.fingerprint

    def open(self, path: str) -> io.BufferedIOBase:
        self.opened.append(path)
        return self.source.open(path)


@pytest.fixture
def source(tmp_path, make_catalogue):
    return make_catalogue(tmp_path / "catalogue", 23)


@pytest.fixture
def store(source, spec, tmp_path, small_chunks):
    return stage(source, paths_of(source), spec, tmp_path / "cache")


def test_rows_and_read_give_the_decoded_pictures(source, store):
    paths = paths_of(source)[::-3]
    expected = [decode(source.open(path).read(), 16, "stretch", 10_000) for path in paths]
    rows = store.rows(paths)
    assert rows.dtype == np.int64
    pictures = store.read(rows)
    assert pictures.dtype == np.uint8
    assert np.array_equal(pictures, expected)
    assert store.read(rows[:0]).shape == (0, 16, 16, 3)
    assert np.array_equal(store.read(np.array([3, 3], np.int32))[0], store.read(np.array([3]))[0])
    assert np.array_equal(np.load(store.path / "pictures.npy", mmap_mode="r")[rows], pictures)


def test_what_is_not_in_the_store_is_named(store):
    with pytest.raises(ValueError, match=r"received 9/9\.jpg"):
        store.rows(["000/00000.jpg", "9/9.jpg"])
    for row in (-1, len(store)):
        with pytest.raises(IndexError, match="from 0 to 22"):
            store.read(np.array([row]))


def test_many_threads_and_a_pickled_copy_read_the_same(store):
    copy = pickle.loads(pickle.dumps(store))
    rows = [np.random.default_rng(i).integers(0, len(store), 7) for i in range(40)]
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(store.read, rows))
    assert all(np.array_equal(pictures, copy.read(chosen)) for pictures, chosen in zip(read, rows, strict=True))


def test_the_second_time_nothing_is_decoded(source, store, spec, tmp_path):
    counted = Counted(source)
    again = stage(counted, paths_of(source)[::-1], spec, tmp_path / "cache")
    assert again.path == store.path
    assert counted.opened == []
    assert sorted(path.name for path in again.path.iterdir()) == [
        "index.parquet",
        "pictures.npy",
        "quarantine.parquet",
        "store.json",
    ]


def test_the_fingerprint_changes_with_each_ingredient_and_not_with_the_root(source, spec, tmp_path, monkeypatch):
    paths = paths_of(source)
    shutil.copytree(tmp_path / "catalogue", tmp_path / "copy")
    first = store_fingerprint(source, paths, spec)
    assert store_fingerprint(DirectoryPictures(tmp_path / "copy"), paths[::-1], spec) == first
    others = {
        store_fingerprint(source, paths[1:], spec),
        store_fingerprint(source, paths, replace(spec, image_size=17)),
        store_fingerprint(source, paths, replace(spec, resize="pad")),
        store_fingerprint(source, paths, replace(spec, max_pixels=9)),
    }
    os.utime(tmp_path / "copy" / paths[0])
    others.add(store_fingerprint(DirectoryPictures(tmp_path / "copy"), paths, spec))
    monkeypatch.setattr("hmexp.store.layout.FORMAT_VERSION", 0)
    others.add(store_fingerprint(source, paths, spec))
    monkeypatch.setattr("hmexp.store.layout.DECODER_VERSION", "0")
    others.add(store_fingerprint(source, paths, spec))
    assert len(others | {first}) == 8


def test_the_content_digest_is_of_names_and_bytes_only(source, store, spec, tmp_path):
    shutil.copytree(tmp_path / "catalogue", tmp_path / "copy", copy_function=shutil.copyfile)
    copy = DirectoryPictures(tmp_path / "copy")
    other = stage(copy, paths_of(copy), spec, tmp_path / "cache")
    assert other.path != store.path
    assert other.content_digest == store.content_digest == store.content_digest_of(paths_of(source)[::-1])
    assert store.content_digest_of(paths_of(source)[:5]) != store.content_digest
    (tmp_path / "copy" / paths_of(copy)[0]).write_bytes(encoded(photograph(40, 60, 99)))
    changed = DirectoryPictures(tmp_path / "copy")
    assert stage(changed, paths_of(copy), spec, tmp_path / "cache").content_digest != store.content_digest


def test_bad_pictures_go_to_the_quarantine_and_stay_where_they_are(source, spec, tmp_path, small_chunks):
    root = tmp_path / "catalogue"
    (root / "000" / "broken.jpg").write_bytes(encoded(photograph(40, 60))[:400])
    (root / "000" / "text.jpg").write_text("no picture")
    (root / "000" / "empty.jpg").touch()
    (root / "001" / "large.png").write_bytes(encoded(photograph(101, 100), "PNG"))
    source = DirectoryPictures(root)
    paths = paths_of(source)
    (root / "002" / "00002.jpg").unlink()
    before = {path: path.read_bytes() for path in root.rglob("*.*")}
    store = stage(source, paths, spec, tmp_path / "cache")
    assert dict(zip(store.quarantine["image"], store.quarantine["reason"], strict=True)) == {
        "000/broken.jpg": "truncated",
        "000/empty.jpg": "empty file",
        "000/text.jpg": "no picture that can be read",
        "001/large.png": "10100 pixels, more than data.max_pixels=10000",
        "002/00002.jpg": "cannot be opened (No such file or directory)",
    }
    assert store.num_pictures == len(paths) - 5
    good = [path for path in paths if path not in set(store.quarantine["image"])]
    expected = [decode(source.open(path).read(), 16, "stretch", 10_000) for path in good]
    assert np.array_equal(store.read(store.rows(good)), expected)
    assert {path: path.read_bytes() for path in root.rglob("*.*")} == before
    assert open_store(store.path, verify=True).num_pictures == len(good)


def test_no_picture_at_all(source, spec, tmp_path):
    with pytest.raises(UserError, match=r"^data\.root: expected at least one picture, received none$"):
        stage(source, [], spec, tmp_path / "cache")
    with pytest.raises(UserError, match=r"none of 23; the first is 000/00000\.jpg: 2400 pixels"):
        stage(source, paths_of(source), replace(spec, max_pixels=1), tmp_path / "cache")
    assert list((tmp_path / "cache" / "stores").glob("*.partial")) == []


def test_too_little_disk_is_said_before_any_picture_is_written(source, spec, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")(10**12, 10**12, 3_100_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage)
    large = replace(spec, image_size=2**14)
    with pytest.raises(OSError, match=r"too little for 18\.5 GB") as caught:
        stage(source, paths_of(source), large, tmp_path / "cache")
    place = tmp_path / "cache" / "stores"
    received = "received too little for 18.5 GB (3.1 GB free): make some"
    assert full_disk(caught.value) == f"{place}: expected room to write, {received}"
    assert not list(place.glob("*.partial"))


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), PermissionError(13, "Permission denied")])
def test_a_disk_that_is_away_stops_the_build_and_the_next_one_goes_on(error, source, spec, tmp_path, small_chunks):
    class Away(Counted):
        def open(self, path: str) -> io.BufferedIOBase:
            if path == paths[12]:
                raise error
            return super().open(path)

    paths = paths_of(source)
    with pytest.raises(RunError, match=f"{error.strerror}; run again to go on"):
        stage(Away(source), paths, spec, tmp_path / "cache")
    counted = Counted(source)
    store = stage(counted, paths, spec, tmp_path / "cache")
    assert sorted(counted.opened) == paths[10:]
    assert bytes_of(store) == bytes_of(stage(source, paths, spec, tmp_path / "other"))


@pytest.mark.parametrize("torn", [b'{"number": 2, "crc', b"\0\0\0\n", b'{"number": 2}\n', b"17\n"])
def test_a_torn_line_of_the_journal_is_ignored(source, spec, tmp_path, small_chunks, torn):
    class Interrupted(Counted):
        def open(self, path: str) -> io.BufferedIOBase:
            if path == paths[12]:
                raise KeyboardInterrupt
            return super().open(path)

    paths = paths_of(source)
    with pytest.raises(KeyboardInterrupt):
        stage(Interrupted(source), paths, spec, tmp_path / "cache")
    (journal,) = (tmp_path / "cache" / "stores").glob("*.partial/journal.jsonl")
    with journal.open("ab") as file:
        file.write(torn)
    counted = Counted(source)
    store = stage(counted, paths, spec, tmp_path / "cache")
    assert sorted(counted.opened) == paths[10:]
    assert open_store(store.path, verify=True).num_pictures == 23


def test_a_partial_without_its_pictures_begins_again(source, spec, tmp_path, small_chunks):
    paths = paths_of(source)
    whole = stage(source, paths, spec, tmp_path / "other")
    partial = tmp_path / "cache" / "stores" / f"{whole.path.name}.partial"
    partial.mkdir(parents=True)
    (partial / "journal.jsonl").write_text('{"number": 0, "crc32": 1, "digests": ["a"], "bad": []}\n')
    (partial / "pictures.npy").write_bytes(b"short")
    assert bytes_of(stage(source, paths, spec, tmp_path / "cache")) == bytes_of(whole)


SLOW_STAGE = """
import sys, time
from pathlib import Path
import hmexp.store.layout as layout
layout.CHUNK_PICTURES = 5
from hmexp.catalogue.pictures import DirectoryPictures
from hmexp.store import StoreSpec, stage
root, cache, delay = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])

class Slow(DirectoryPictures):
    def open(self, path):
        time.sleep(delay)
        with (cache.parent / "opened").open("a") as file:
            file.write(path + "\\n")
        return super().open(path)

source = Slow(root)
print(stage(source, [p.path for p in source.list()], StoreSpec(16, "stretch", 10000), cache).path.name)
"""


def slow_stage(tmp_path: Path, delay: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SLOW_STAGE, str(tmp_path / "catalogue"), str(tmp_path / "cache"), str(delay)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.slow
def test_a_killed_build_goes_on_and_ends_in_the_same_bytes(make_catalogue, spec, tmp_path, small_chunks):
    source = make_catalogue(tmp_path / "catalogue", 60)
    process = slow_stage(tmp_path, 0.03)
    journals = (tmp_path / "cache" / "stores").glob
    deadline = time.monotonic() + 60
    while sum(len(lines_of(path)) for path in journals("*.partial/journal.jsonl")) < 4:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (partial,) = journals("*.partial")
    done = 5 * len(lines_of(partial / "journal.jsonl"))
    counted = Counted(source)
    store = stage(counted, paths_of(source), spec, tmp_path / "cache")
    assert 20 <= done < 60
    assert len(counted.opened) == 60 - done
    uninterrupted = stage(source, paths_of(source), spec, tmp_path / "other")
    assert bytes_of(store) == bytes_of(uninterrupted)
    assert store.content_digest == uninterrupted.content_digest


@pytest.mark.slow
def test_two_processes_at_once_build_once(make_catalogue, tmp_path):
    make_catalogue(tmp_path / "catalogue", 40)
    processes = [slow_stage(tmp_path, 0.02) for _ in range(2)]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert outputs[0][0] == outputs[1][0]
    assert len(lines_of(tmp_path / "opened")) == 40


def test_without_a_terminal_two_lines_say_what_was_done(source, spec, tmp_path, caplog):
    caplog.set_level("INFO", logger="hmexp")
    stage(source, paths_of(source), spec, tmp_path / "cache")
    begin, end = (record.getMessage() for record in caplog.records)
    assert begin == f"staging 23 pictures to {tmp_path / 'cache' / 'stores'}"
    assert end.startswith("staged 23 pictures, ") and end.endswith(" images/s")


def test_pictures_of_more_than_8_bits_are_counted_in_one_line(source, spec, tmp_path, caplog, small_chunks):
    caplog.set_level("INFO", logger="hmexp")
    for number, top in enumerate((4095, 4095, 65535)):
        deep = Image.fromarray(np.linspace(0, top, 900).reshape(30, 30).astype(np.uint16))
        (tmp_path / "catalogue" / f"{number}.png").write_bytes(encoded(deep, "PNG"))
    source = DirectoryPictures(tmp_path / "catalogue")

    class Interrupted(Counted):
        def open(self, path: str) -> io.BufferedIOBase:
            if path == paths[-1]:
                raise KeyboardInterrupt
            return super().open(path)

    paths = paths_of(source)
    with pytest.raises(KeyboardInterrupt):
        stage(Interrupted(source), paths, spec, tmp_path / "cache")
    stage(source, paths, spec, tmp_path / "cache")
    said = [record.getMessage() for record in caplog.records if "8 bits" in record.getMessage()]
    assert said == ["pictures of more than 8 bits, scaled to 8: 2 from white 4,095, 1 from white 65,535"]


def edited(store, **changes) -> None:
    meta = json.loads((store.path / "store.json").read_text())
    (store.path / "store.json").write_text(json.dumps(meta | changes))


def test_a_copy_with_another_mtime_is_verified_and_then_trusted(store):
    pictures = store.path / "pictures.npy"
    recorded = pictures.stat().st_mtime_ns
    os.utime(pictures)
    assert pickle.loads(pickle.dumps(store)).num_pictures == 23
    assert pictures.stat().st_mtime_ns == recorded


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


DAMAGES = {
    "it has no store.json": lambda store: (store.path / "store.json").unlink(),
    "store.json cannot be read": lambda store: (store.path / "store.json").write_text("{"),
    "store.json is not of format 1": lambda store: edited(store, format_version=99),
    "store.json is of the store abc": lambda store: edited(store, fingerprint="abc"),
    "store.json lacks a sound chunks": lambda store: (store.path / "store.json").write_text(
        json.dumps({k: v for k, v in json.loads((store.path / "store.json").read_text()).items() if k != "chunks"})
    ),
    "store.json lacks a sound spec": lambda store: edited(store, spec={"image_size": 16}),
    "FileNotFoundError": lambda store: (store.path / "pictures.npy").unlink(),
    "ArrowInvalid": lambda store: (store.path / "index.parquet").write_bytes(b"PAR1"),
    "pictures.npy has 17,791 bytes, not 17,792": lambda store: os.truncate(store.path / "pictures.npy", 17_791),
    "the checksum of chunk 1 of pictures.npy is wrong": lambda store: flip(store.path / "pictures.npy", 128 + 5 * 768),
    "the header of pictures.npy has changed": lambda store: flip(store.path / "pictures.npy", 7),
}


@pytest.mark.parametrize("problem", DAMAGES)
def test_a_damaged_or_foreign_store_is_refused_in_one_line(source, store, spec, tmp_path, problem):
    DAMAGES[problem](store)
    with pytest.raises(UserError) as caught:
        stage(source, paths_of(source), spec, tmp_path / "cache")
    message = str(caught.value)
    assert message.startswith(f"paths.cache: expected a sound image store, received {store.path}: {problem}")
    assert message.endswith("; remove this folder and run again")
    assert "\n" not in message


def test_damage_that_keeps_size_and_mtime_is_found_by_verify(source, store, spec, tmp_path):
    pictures = store.path / "pictures.npy"
    recorded = pictures.stat().st_mtime_ns
    flip(pictures, 5000)
    os.utime(pictures, ns=(recorded, recorded))
    open_store(store.path)
    with pytest.raises(UserError, match=r"the checksum of chunk 1"):
        stage(source, paths_of(source), spec, tmp_path / "cache", StageOptions(verify=True))


def test_an_index_that_was_changed_is_found_by_verify(store):
    index = pd.read_parquet(store.path / "index.parquet")
    index.assign(digest=index["digest"][::-1].to_numpy()).to_parquet(store.path / "index.parquet", index=False)
    with pytest.raises(UserError, match=r"the checksum of index\.parquet is wrong"):
        open_store(store.path, verify=True)
    index.head(3).to_parquet(store.path / "index.parquet", index=False)
    with pytest.raises(UserError, match=r"index\.parquet has 3 rows, not 23"):
        open_store(store.path)


def test_spec_is_the_configs_words(store):
    assert store.spec == StoreSpec(image_size=16, resize="stretch", max_pixels=10_000)


JUNK = [None, -1, 0, 10**30, 1.5, "", "x", [], [[1]], [["a", "b"]], {}, {"a": 1}, True]


@pytest.mark.parametrize("key", ["spec", "num_pictures", "content_digest", "chunks", "mtime_ns", "fingerprint"])
def test_whatever_stands_in_store_json_it_is_opened_or_named(store, key):
    path = store.path / "store.json"
    meta = json.loads(path.read_text())
    for junk in JUNK:
        path.write_text(json.dumps(meta | {key: junk}))
        try:
            assert (open_store(store.path).read(np.arange(3)) == store.read(np.arange(3))).all()
        except UserError as error:
            assert str(store.path) in str(error)
    for name in meta["spec"]:
        for junk in JUNK:
            path.write_text(json.dumps(meta | {"spec": meta["spec"] | {name: junk}}))
            try:
                open_store(store.path)
            except UserError as error:
                assert str(store.path) in str(error)


@pytest.mark.parametrize("file", ["index.parquet", "quarantine.parquet"])
def test_whatever_stands_in_a_table_it_is_named(store, file):
    path = store.path / file
    whole = path.read_bytes()
    table = pd.read_parquet(path)
    others = [table.iloc[:-1], table.iloc[:0], table.drop(columns="image"), table.rename(columns=str.upper)]
    contents = [b"", b"PAR1", whole[:-9], whole[:200], bytes(len(whole)), *(other.to_parquet() for other in others)]
    for content in contents if file == "index.parquet" else contents[:5]:
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"remove this folder and run again"):
            open_store(store.path)


@pytest.mark.parametrize(
    "line", [b"", b"[]\n", b"null\n", b"{}\n", b'{"number": "x"}\n', b"\xff\xfe\n", b'{"number": 0}\n']
)
def test_a_journal_with_anything_in_it_is_gone_on_with(source, spec, tmp_path, small_chunks, line):
    whole = stage(source, paths_of(source), spec, tmp_path / "whole")
    cache = tmp_path / "cache"
    partial = cache / "stores" / f"{store_fingerprint(source, tuple(sorted(paths_of(source))), spec)}.partial"
    partial.mkdir(parents=True)
    (partial / "journal.jsonl").write_bytes(line)
    (partial / "pictures.npy").write_bytes(b"anything")
    assert bytes_of(stage(source, paths_of(source), spec, cache)) == bytes_of(whole)
