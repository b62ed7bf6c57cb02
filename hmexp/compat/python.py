"""What hmexp takes from Python's library that is not public; checked against `CHECKED`.

`tests/compat/test_python.py` fails where one of these names changes.
"""

import atexit
import threading

CHECKED = ((3, 11), (3, 13))
"""The first and the last version."""


def end_interpreter() -> None:
    """Do what Python does before it exits, in its order: wait for threads, then call what `atexit` knows.

    `multiprocessing` ends its processes without the second, and waits for their own children before the first: a pool
    of joblib's would be waited for until it is tired of being idle, and a callback that records at exit not be heard.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
