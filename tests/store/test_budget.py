"""Memory that pictures take while they are decoded: alone, and in all threads together."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from made_pictures import encoded, photograph
from PIL import Image

from hmexp.store import BadPicture, decode
from hmexp.store.budget import Budget

LIMIT = 89_478_485
PROGRAM = r"""
import re, sys
from pathlib import Path
from hmexp.store import decode

def peak():  # ru_maxrss would be the parent's, from before the exec
    return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])

content = sys.stdin.buffer.read()
before = peak()
decode(content, 32, "stretch", 89_478_485)
print(peak() - before)
"""
SIDE = 6000
LARGE = {
    "16 bits": lambda: encoded(Image.fromarray(np.full((SIDE, SIDE), 30_000, np.uint16)), "PNG"),
    "float": lambda: encoded(Image.fromarray(np.full((SIDE, SIDE), 0.5, np.float32)), "TIFF", compression="tiff_lzw"),
    "32 bits": lambda: encoded(Image.fromarray(np.full((SIDE, SIDE), 200, np.int32)), "TIFF", compression="tiff_lzw"),
    "transparent": lambda: encoded(Image.new("RGBA", (SIDE, SIDE), (9, 9, 9, 9)), "PNG"),
    "palette": lambda: encoded(Image.new("P", (SIDE, SIDE)), "PNG"),
    "grey": lambda: encoded(Image.new("L", (SIDE, SIDE)), "PNG"),
}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("kind", LARGE)
def test_a_large_picture_is_never_held_several_times_over(kind):
    done = subprocess.run([sys.executable, "-c", PROGRAM], input=LARGE[kind](), capture_output=True, check=True)
    assert int(done.stdout) < 9.5 * SIDE**2, "two pictures of 4 bytes a pixel, and some strips"


def test_more_than_there_is_is_refused():
    budget = Budget(10_000_000)
    with pytest.raises(BadPicture, match=r"takes 20\.0 MB to decode, more than 10\.0 MB"), budget.reserved(20_000_000):
        raise AssertionError("it was let in")
    assert budget.taken == 0


def test_who_asks_for_more_than_is_left_waits_and_what_failed_gives_back():
    budget = Budget(100)
    entered = threading.Event()

    def second():
        with budget.reserved(60):
            entered.set()

    with pytest.raises(ZeroDivisionError), budget.reserved(70):
        waiting = threading.Thread(target=second)
        waiting.start()
        assert not entered.wait(0.2)
        raise ZeroDivisionError
    waiting.join(10)
    assert entered.is_set()
    assert budget.taken == 0


@pytest.mark.parametrize("pictures_at_once", [1, 2])
def test_threads_together_keep_to_the_limit(monkeypatch, pictures_at_once):
    side = 300
    budget = Budget(int((pictures_at_once + 0.5) * 4 * side**2))
    monkeypatch.setattr(sys.modules["hmexp.store.decode"], "BUDGET", budget)
    content = encoded(photograph(side, side), "PNG")
    seen = []

    def one(_):
        pixels = decode(content, 16, "stretch", LIMIT)
        seen.append(budget.taken)
        time.sleep(0.001)
        return pixels

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(one, range(60)))
    assert max(seen) <= budget.limit
    assert all((pixels == results[0]).all() for pixels in results)
    assert budget.taken == 0


def test_a_picture_that_takes_too_much_is_refused_by_its_header(monkeypatch):
    monkeypatch.setattr(sys.modules["hmexp.store.decode"], "BUDGET", Budget(1_000_000))
    for kind, options in {"PNG": {}, "WEBP": {}, "JPEG": {"progressive": True}}.items():
        with pytest.raises(BadPicture, match=r"to decode, more than 1\.0 MB"):
            decode(encoded(photograph(700, 700), kind, **options), 16, "stretch", LIMIT)
    assert decode(encoded(photograph(700, 700)), 16, "stretch", LIMIT).shape == (16, 16, 3), "decoded at an eighth"
