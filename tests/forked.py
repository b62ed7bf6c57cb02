"""The process of one command in the tests; in a module of its own, so that it can be found from another process."""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def run_command(words: Sequence[str], cwd: Path, env: Mapping[str, str], output: Path) -> None:
    """Run `hmexp WORDS` and exit as it does; `output` gets the files `stdout` and `stderr`."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    for descriptor, name in enumerate(("stdout", "stderr"), start=1):
        os.dup2(os.open(output / name, os.O_WRONLY | os.O_CREAT), descriptor)
    from hmexp.cli import main
    from hmexp.compat.python import end_interpreter
    from hmexp.console import console

    console.width = int(env["COLUMNS"])  # it was made when the server imported it
    try:
        sys.exit(main(list(words)))
    finally:
        end_interpreter()
