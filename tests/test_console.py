"""What libraries write to stderr behind Python's back."""

import os
import sys

import pytest

from hmexp.console import quiet_natives

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
