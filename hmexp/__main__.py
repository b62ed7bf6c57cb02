"""`python -m hmexp`: answers signals from its first moment on, before it has imported anything."""

import os
import signal
import sys
from types import FrameType


def _end(number: int, frame: FrameType | None) -> None:
    """Nothing has begun yet: end, and say so."""
    os.write(2, b"hmexp: interrupted; this goes on: the same command again\n")
    os._exit(130)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)

    from hmexp.cli import main

    sys.exit(main())
