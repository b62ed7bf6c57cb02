"""The log file of a run or a sweep: all that was said, also before there was a file."""

import logging
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hmexp.config.secrets import masked
from hmexp.console.output import log

MAX_EARLIER = 1000
"""Records that are kept until there is a file."""


class PlainFormatter(logging.Formatter):
    """Text lines with their time, without passwords; those of a library begin with its name."""

    def format(self, record: logging.LogRecord) -> str:
        """Render one record."""
        changed = {} if isinstance(record.msg, str) else {"msg": str(record.msg), "args": ()}
        if record.name != log.name:
            changed = {"msg": f"{record.name}: {record.getMessage()}".rstrip(), "args": ()}
        record = logging.makeLogRecord(record.__dict__ | changed)
        return masked(super().format(record))


class LogFile(logging.FileHandler):
    """A file of what is said. On a full disk it lacks lines, which the console has; nothing else comes of it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        """Leave out what cannot be written; anything else is a bug, and shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)

    def close(self) -> None:
        """Close the file, with or without its last lines."""
        with suppress(OSError):
            super().close()


class Earlier(logging.Handler):
    """Keeps what is said while there is no log file, for the one that is opened next."""

    def __init__(self) -> None:
        super().__init__()
        self.records: deque[logging.LogRecord] = deque(maxlen=MAX_EARLIER)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record where no file takes it."""
        if not log_files():
            self.records.append(record)

    def hand_over(self, handler: logging.Handler) -> None:
        """Let a handler have them all."""
        while self.records:
            handler.handle(self.records.popleft())


earlier = Earlier()
"""Of the command; in Python, where logging is not hmexp's business, it hears nothing."""


def log_files() -> list[LogFile]:
    """The files that are open."""
    return [handler for handler in log.handlers if isinstance(handler, LogFile)]


@contextmanager
def log_file(path: Path) -> Iterator[None]:
    """Keep everything that is said in a file as well, with what was said before there was one."""
    handler = LogFile(path, encoding="utf-8")
    handler.setFormatter(PlainFormatter("%(asctime)s %(levelname)s %(message)s"))
    earlier.hand_over(handler)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()
