"""What libraries log, and Python's warnings: for the log file, and on the terminal only where something went wrong."""

import logging
from collections.abc import Sequence

from hmexp.console.logfile import earlier, log_files
from hmexp.console.output import ConsoleHandler, log


class LibraryHandler(logging.Handler):
    """Hands warnings of libraries to the log files; errors are shown as well."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        """Pass one record on."""
        files = log_files()
        for handler in (*files, earlier):
            handler.handle(record)
        if record.levelno < logging.ERROR:
            return
        text = f"{record.name}: {self.format(record)}"
        text = text.split("\n", 1)[0] if files else text  # a file has the traceback
        shown = logging.makeLogRecord({"name": log.name, "levelno": record.levelno, "msg": text})
        for handler in log.handlers:
            if isinstance(handler, ConsoleHandler):
                handler.handle(shown)


def take_over(asked: Sequence[str]) -> None:
    """Take what libraries would print; doing it again changes nothing.

    Args:
        asked: What the user wants of Python's warnings (`-W`, `PYTHONWARNINGS`): then Python prints them.
    """
    if _ours() is None:
        logging.getLogger().addHandler(LibraryHandler())
    if not asked:
        logging.captureWarnings(True)


def quiet_loggers(*names: str) -> None:
    """Let loggers that print by themselves hand over what they say; outside of a command only errors are said."""
    ours = _ours()
    for name in names:
        logger = logging.getLogger(name)
        logger.setLevel(logging.ERROR if ours is None else logging.WARNING)
        if ours is None:
            continue
        for handler in list(logger.handlers):
            logger.removeHandler(handler)
            logger.propagate = True
            for each in handler.filters:  # such as MLflow's, for threads that shall be silent
                ours.addFilter(each)


def _ours() -> LibraryHandler | None:
    """The root's handler, once `take_over` has added it."""
    return next((handler for handler in logging.getLogger().handlers if isinstance(handler, LibraryHandler)), None)
