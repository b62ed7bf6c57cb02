"""What libraries write to stderr behind Python's back, and the log file."""

import logging
import os
import sys
import warnings
from pathlib import Path

import pytest

from hmexp.console import log, log_file, quiet_loggers, quiet_natives, set_up_console
from hmexp.console.libraries import LibraryHandler
from hmexp.console.logfile import earlier
from hmexp.console.output import ConsoleHandler

NATIVE = (
    b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
    b"I0000 00:00:1795470749.699428   27579 cudart_stub.cc:31] Could not find cuda drivers on your machine.\n"
)


@pytest.fixture
def as_a_command() -> None:
    """What a command sets up."""
    earlier.records.clear()
    set_up_console()


def test_native_log_lines_are_dropped_and_nothing_else(capfd):
    with quiet_natives():
        os.write(2, NATIVE)
        print("a plugin's own words", file=sys.stderr)
    print("after", file=sys.stderr)
    assert capfd.readouterr().err == "a plugin's own words\nafter\n"


def test_all_is_shown_where_the_block_fails(capfd):
    with pytest.raises(ImportError), quiet_natives():
        os.write(2, NATIVE)
        raise ImportError
    assert capfd.readouterr().err.encode() == NATIVE


def test_a_log_file_on_a_full_disk_lacks_lines_and_nothing_else(tmp_path, capfd):
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    (tmp_path / "log").symlink_to("/dev/full")
    with log_file(tmp_path / "log"):
        log.info("a line")
    assert "Traceback" not in capfd.readouterr().err


def test_a_log_file_has_what_was_said_before_it_and_by_libraries(as_a_command, tmp_path, capfd):
    log.info("reading the catalogue")
    with quiet_natives():
        os.write(2, NATIVE)
    library = logging.getLogger("a_library")
    library.addHandler(logging.StreamHandler())
    library.propagate = False
    with log_file(tmp_path / "log"):
        quiet_loggers("a_library")
        library.info("chatter")
        library.warning("https://me:secret@host is slow")
        warnings.warn("old", UserWarning, stacklevel=1)
        log.debug("a detail")
    with log_file(tmp_path / "next"):
        pass
    written = (tmp_path / "log").read_text()
    begin = ("INFO reading the catalogue", "DEBUG WARNING: All log", "DEBUG I0000", "WARNING a_library: https://")
    places = [written.index(text) for text in (*begin, "UserWarning: old", "DEBUG a detail")]
    assert places == sorted(places)
    assert "chatter" not in written
    assert "secret" not in written
    assert (tmp_path / "next").read_text() == ""
    shown = capfd.readouterr()
    assert shown.out == "reading the catalogue\n"
    assert shown.err == ""


def test_an_error_of_a_library_is_a_line_where_a_file_has_its_traceback(as_a_command, tmp_path, capfd):
    library = logging.getLogger("a_library")
    for where in ("file", "none"):
        with log_file(tmp_path / "log") if where == "file" else warnings.catch_warnings():
            try:
                raise OSError("gone")
            except OSError:
                library.exception("it broke")
        shown = capfd.readouterr().out
        assert shown.startswith("a_library: it broke\n")
        assert ("Traceback" in shown) == (where == "none")
    assert "OSError: gone" in (tmp_path / "log").read_text()


def test_python_prints_its_warnings_where_the_user_asks_for_them(as_a_command, monkeypatch, capfd):
    logging.captureWarnings(False)
    monkeypatch.setattr(sys, "warnoptions", ["default"])
    set_up_console()
    assert warnings.showwarning.__module__ != "logging"


def test_outside_of_a_command_libraries_say_errors_alone():
    logger = logging.getLogger("another_library")
    quiet_loggers("another_library")
    assert logger.level == logging.ERROR
    assert not any(isinstance(handler, LibraryHandler) for handler in logging.getLogger().handlers)


def test_one_handler_however_often_a_command_is_set_up(as_a_command):
    set_up_console()
    assert sum(isinstance(handler, ConsoleHandler) for handler in log.handlers) == 1
