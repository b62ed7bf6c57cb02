"""What libraries write to stderr behind Python's back, and the log file."""

import os
import sys
from pathlib import Path

import pytest

from hmexp.console import log, log_file, quiet_natives

NATIVE = (
    b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
    b"I0000 00:00:1795470749.699428   27579 cudart_stub.cc:31] Could not find cuda drivers on your machine.\n"
)


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
