"""What libraries' native code writes to the process's stderr."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from hmexp.console.output import log

NATIVE_LINE = re.compile(
    rb"WARNING: All log messages before absl|[IWE]\d{4} .*\d\] |INFO: Created TensorFlow Lite|fully_quantize: "
)


@contextmanager
def quiet_natives() -> Iterator[None]:
    """Keep what TensorFlow's native code logs to the process's stderr for the log file; the rest follows the block.

    It prints a dozen lines on CPU features and missing GPUs before any of its log levels counts. Where the block
    fails, everything is shown.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        kept = os.dup(2)
        os.dup2(held.fileno(), 2)
        failed = True
        try:
            yield
            failed = False
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            _pass_on(held.readlines(), failed)


def _pass_on(lines: list[bytes], failed: bool) -> None:
    """Show lines, but what native code has logged only where the block has failed."""
    for line in lines:
        if failed or not NATIVE_LINE.match(line):
            os.write(2, line)
        else:
            log.debug(line.decode(errors="replace").rstrip())
