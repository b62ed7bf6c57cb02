"""What hmexp takes from Python's library that is not public; checked against `CHECKED`.

`tests/compat/test_python.py` fails where one of these names changes.
"""

import atexit
import threading
import zipfile
from typing import BinaryIO

CHECKED = ((3, 11), (3, 13))
"""The first and the last version."""


def end_interpreter() -> None:
    """Do what Python does before it exits, in its order: wait for threads, then call what `atexit` knows.

    `multiprocessing` ends its processes without the second, and waits for their own children before the first: a pool
    of joblib's would be waited for until it is tired of being idle, and a callback that records at exit not be heard.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()


def zip_directory_bytes(file: BinaryIO) -> int | None:
    """Bytes that the directory of a zip archive takes, as its end says (`ZipFile` reads it whole); None without one."""
    end = zipfile._EndRecData(file)  # type: ignore[attr-defined]
    return None if end is None else int(end[5])
