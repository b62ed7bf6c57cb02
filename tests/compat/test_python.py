"""Private names of Python's library are what hmexp takes them for, in the version that runs."""

import io
import subprocess
import sys
from zipfile import ZipFile

import pytest

from hmexp.compat.python import CHECKED, zip_directory_bytes

PROGRAM = """
import atexit, os, threading, time
from hmexp.compat.python import end_interpreter
atexit.register(print, "at exit", flush=True)
threading.Thread(target=lambda: (time.sleep(0.2), print("thread", flush=True))).start()
end_interpreter()
os._exit(0)
"""


def test_it_was_checked_against_this_version():
    assert CHECKED[0] <= sys.version_info[:2] <= CHECKED[1]


@pytest.mark.slow
def test_threads_are_waited_for_and_then_what_is_to_be_done_at_exit():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split("\n") == ["thread", "at exit", ""]


def test_the_directory_of_an_archive_has_its_members_and_their_names():
    stream = io.BytesIO()
    with ZipFile(stream, "w") as made:
        made.writestr("a/b.txt", "text")
        made.comment = b"of any length"
    assert zip_directory_bytes(stream) == 46 + len("a/b.txt")
    assert zip_directory_bytes(io.BytesIO(b"no archive, but long enough to hold the end of one")) is None
