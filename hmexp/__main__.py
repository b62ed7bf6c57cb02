"""`hmexp` and `python -m hmexp`: answers signals from its first moment to its last, before it has imported anything."""

import atexit
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

INTERRUPTED = 130
Handler = Callable[[int, FrameType | None], object] | signal.Handlers


def _end(number: int, frame: FrameType | None) -> None:
    """Nothing has begun yet: end, and say so."""
    os.write(2, b"hmexp: interrupted; this goes on: the same command again\n")
    os._exit(INTERRUPTED)


def run() -> int:
    """Run the command of this process; gives its exit code, which no signal changes any more."""
    answered = [
        number
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is not signal.SIG_IGN
    ]

    def answer(handler: Handler) -> None:
        for number in answered:
            signal.signal(number, handler)

    answer(_end)
    # Called last of all that Python calls when it ends; after that it would give signals back to the system.
    atexit.register(answer, signal.SIG_IGN)
    from hmexp.cli import main

    code = main()
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    # All is done and said. What Python still has to tidy up, a signal cuts short.
    answer(lambda number, frame: os._exit(code))
    if code == INTERRUPTED:
        from hmexp.compat.python import end_interpreter

        # Python remembers a KeyboardInterrupt that passed through C code on its way (PyRun_String), though it was
        # answered, and would end itself by SIGINT instead of this code.
        end_interpreter()
        sys.stderr.flush()
        os._exit(code)
    return code


if __name__ == "__main__":
    sys.exit(run())
