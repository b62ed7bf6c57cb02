"""The process of one job: an ordinary hmexp command that ends when the sweep's own process is gone.

python -m hmexp.sweeps.child PARENT WORD...
"""

import os
import runpy
import signal
import sys
import threading
import time

LOOK = 1.0
"""Seconds from one look for the parent to the next."""
GRACE = 60.0
"""Seconds that a job without a parent has to save."""


def _end_with(parent: int) -> None:
    """Save and end once the parent is gone, so that a resumed sweep finds no job still running."""
    while os.getppid() == parent:
        time.sleep(LOOK)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=_end_with, args=(int(sys.argv[1]),), daemon=True).start()
    sys.argv = ["hmexp", *sys.argv[2:]]
    runpy.run_module("hmexp", run_name="__main__", alter_sys=False)
