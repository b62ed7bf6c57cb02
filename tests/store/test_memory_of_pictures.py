"""The memory that staging holds: known from the headers, within one limit for all threads."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from made_pictures import encoded, photograph
from PIL import Image

from hmexp.catalogue.pictures import DirectoryPictures
from hmexp.store import BadPicture, decode, stage
from hmexp.store.decode import Wanted, decode_within
from hmexp.store.memory import MemoryBudget
from hmexp.store.scaling import Scaling

LIMIT = 10**9


def test_a_share_waits_until_enough_is_given_back():
    budget = MemoryBudget(100)
    waiting, got = threading.Event(), threading.Event()

    def second() -> None:
        with budget.share() as share:
            waiting.set()
            share.hold(60)
            got.set()

    with budget.share() as share:
        share.hold(50)
        thread = threading.Thread(target=second)
        thread.start()
        waiting.wait()
        assert not got.wait(0.05)
    thread.join(10)
    assert got.is_set()
    assert budget.held == 0


def test_more_than_all_is_refused_in_a_line_that_names_the_bytes_and_the_key():
    budget = MemoryBudget(1000)
    with pytest.raises(BadPicture) as caught, budget.share() as share:
        share.hold(1001)
    assert str(caught.value) == "1,001 bytes of memory, more than 1,000, whatever data.max_pixels is"
    assert budget.held == 0


def test_a_share_that_does_not_grow_asks_once():
    with MemoryBudget(1000).share() as share:
        share.hold(10)
        share.hold(9)
        with pytest.raises(ValueError, match="a share that grows"):
            share.hold(11)


def test_shares_that_grow_do_not_wait_for_each_other_and_the_limit_holds():
    budget, most = MemoryBudget(100), []

    def work(number: int) -> int:
        with budget.share() as share:
            if number % 2:
                share.grow()
                for held in (20, 60, 95):
                    share.hold(held)
                    time.sleep(0.0005)
                    most.append(budget.held)
            else:
                share.hold(30)
                time.sleep(0.0005)
                most.append(budget.held)
        return number

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(100), timeout=60)) == list(range(100))
    assert max(most) <= 100
    assert budget.held == 0


def test_bytes_of_a_picture_that_failed_are_given_back():
    budget = MemoryBudget(10**8)
    with pytest.raises(BadPicture, match="truncated"), budget.share() as share:
        decode_within(share, encoded(photograph(200, 200))[:3000], Wanted(16, "stretch", LIMIT))
    assert budget.held == 0


@pytest.fixture
def mixed(tmp_path):
    """Small and large pictures, small and large files."""
    rng = np.random.default_rng(0)
    for number in range(12):
        (tmp_path / f"{number:02d}a.jpg").write_bytes(encoded(photograph(60, 40, number)))
        noise = Image.fromarray(rng.integers(0, 256, (400, 400, 3), np.uint8))
        (tmp_path / f"{number:02d}b.png").write_bytes(encoded(noise, "PNG", compress_level=0))
    return DirectoryPictures(tmp_path)


@pytest.mark.parametrize("small_file_bytes", [0, 10_000, 10**7])
def test_a_tight_limit_changes_neither_the_pictures_nor_their_order(
    mixed, spec, tmp_path, monkeypatch, small_file_bytes
):
    spec = replace(spec, max_pixels=10**6)
    paths = [picture.path for picture in mixed.list()]
    free = stage(mixed, paths, spec, tmp_path / "free")
    needed = 400 * 400 * (4 + 24) + 400 * 16 + 500_000 + 4 * 16 * 400 + 24 * 800
    budget = MemoryBudget(needed)
    monkeypatch.setattr("hmexp.store.work.MEMORY", budget)
    monkeypatch.setattr("hmexp.store.work.SMALL_FILE_BYTES", small_file_bytes)
    monkeypatch.setattr("hmexp.store.work.num_cores", lambda: 6)
    tight = stage(mixed, paths, spec, tmp_path / "tight")
    assert len(tight) == len(paths)
    assert (tight.path / "pictures.npy").read_bytes() == (free.path / "pictures.npy").read_bytes()
    assert budget.held == 0


def test_pictures_beyond_the_limit_go_to_the_quarantine(mixed, spec, tmp_path, monkeypatch):
    monkeypatch.setattr("hmexp.store.work.MEMORY", MemoryBudget(2_000_000))
    paths = [picture.path for picture in mixed.list()]
    store = stage(mixed, paths, replace(spec, max_pixels=10**6), tmp_path / "cache")
    assert set(store.quarantine["image"]) == {path for path in paths if path.endswith("png")}
    [reason] = set(store.quarantine["reason"])
    assert reason.endswith(" bytes of memory, more than 2,000,000, whatever data.max_pixels is")


def samples(side: int, dtype: type, value: float) -> Image.Image:
    return Image.fromarray(np.full((side, side), value, dtype))


SIDE = 4000
ONE_STRIP = {"compression": "tiff_deflate", "strip_size": 2**31 - 1}
LARGE = {
    "grey of 16 bits": lambda: encoded(samples(SIDE, np.uint16, 3000), "PNG", compress_level=1),
    "floats": lambda: encoded(samples(SIDE, np.float32, 0.5), "TIFF", compression="tiff_deflate"),
    "floats in one strip": lambda: encoded(samples(SIDE, np.float32, 0.5), "TIFF", **ONE_STRIP),
    "whole numbers": lambda: encoded(samples(SIDE, np.int32, 200), "TIFF", **ONE_STRIP),
    "turned": lambda: encoded(Image.new("RGB", (SIDE, SIDE)), "TIFF", compression="tiff_lzw", exif={0x112: 6}),
    "palette": lambda: encoded(Image.new("P", (SIDE, SIDE)), "PNG", transparency=0, compress_level=1),
    "transparency": lambda: encoded(Image.new("LA", (SIDE, SIDE)), "PNG", compress_level=1),
    "many scans": lambda: encoded(photograph(SIDE, SIDE), progressive=True, subsampling=0),
    "frames": lambda: encoded(
        Image.new("RGBA", (SIDE, SIDE)), "WEBP", lossless=True, method=0, quality=0, save_all=True,
        append_images=[Image.new("RGBA", (SIDE, SIDE), "red")],
    ),
    "run in Python": lambda: b"P5 2000 2000 4095\n" + bytes(8_000_000),
    "tall": lambda: encoded(Image.new("RGB", (8, 10**6)), "PNG"),
    "wide": lambda: encoded(Image.new("L", (10**6, 8)), "PNG"),
}  # fmt: skip
MEASURE = """
import resource, sys
from pathlib import Path
from hmexp.store.decode import Wanted, decode_within
from hmexp.store.memory import MemoryBudget
data = Path(sys.argv[1]).read_bytes()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with MemoryBudget(10**10).share() as share:
    decode_within(share, data, Wanted(180, "stretch", 10**9))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    print(grown, share.held - len(data))
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ru_maxrss is in kB on Linux")
@pytest.mark.parametrize("kind", LARGE)
def test_a_process_grows_by_no_more_than_the_header_says(tmp_path, kind):
    (tmp_path / "picture").write_bytes(LARGE[kind]())
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path / "picture")], capture_output=True, text=True, check=True
    )
    grown, counted = map(int, done.stdout.split())
    assert grown <= counted + 8 * 2**20  # what the plugins of Pillow take when they are imported
    assert counted < 32 * SIDE**2


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA", "LA", "CMYK", "I", "F", "I;16"])
@pytest.mark.parametrize("resize", ["stretch", "pad", "crop"])
def test_bands_give_what_the_whole_picture_gives(mode, resize, monkeypatch):
    rng = np.random.default_rng(1)
    if mode in ("I", "F", "I;16"):
        kind = {"I": np.int32, "F": np.float32, "I;16": np.uint16}[mode]
        picture = Image.fromarray(rng.integers(0, 65536, (331, 257)).astype(kind))
    else:
        colours = Image.fromarray(rng.integers(0, 256, (331, 257, 4), np.uint8))
        picture = (colours if mode in ("RGBA", "LA") else colours.convert("RGB")).convert(mode)
    file = encoded(picture, "PNG" if mode in ("P", "1", "I;16") else "TIFF")
    whole = decode(file, 37, resize, LIMIT).astype(int)
    for pixels in (20_000, 1):
        monkeypatch.setattr("hmexp.store.scaling.BAND_PIXELS", pixels)
        assert np.abs(decode(file, 37, resize, LIMIT) - whole).max() <= 1


def test_a_drafted_jpeg_in_bands(monkeypatch):
    file = encoded(photograph(1166, 1750), quality=90)
    for resize in ("stretch", "pad", "crop"):
        whole = decode(file, 180, resize, LIMIT).astype(int)
        with monkeypatch.context() as patch:
            patch.setattr("hmexp.store.scaling.BAND_PIXELS", 5000)
            assert np.abs(decode(file, 180, resize, LIMIT) - whole).max() <= 1


def test_bands_cover_the_result_and_stay_in_the_picture(monkeypatch):
    monkeypatch.setattr("hmexp.store.scaling.BAND_PIXELS", 1000)
    for shape, box in (
        ((500, 300), (0, 0, 499.5, 299.5)),
        ((20, 10), (0, 0, 20, 10)),
        ((3, 9000), (0, 4498.5, 3, 4501.5)),
    ):
        bands = list(Scaling(shape, box, (64, 48)).bands())
        assert [first for first, *_ in bands] == [0, *(last for _, last, _ in bands[:-1])]
        assert bands[-1][1] == 48
        for _, _, (left, top, right, bottom) in bands:
            assert 0 <= left < right <= shape[0]
            assert 0 <= top < bottom <= shape[1]
