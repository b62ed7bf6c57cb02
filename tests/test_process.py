"""The first and the last moments of a process, and exceptions that Python cannot pass on."""

import gc
import os
import signal
import subprocess
import sys

import pytest

from hmexp.process import NEW_OBJECTS, answer_signals, import_for_good, interrupted

ENDS = """
import os, signal, sys
sys.argv = ["hmexp", "--version"]
from hmexp.__main__ import run
class Killed:
    def __init__(self, kill): self.kill = kill
    def __del__(self): self.kill(os.getpid(), signal.{name})
{where}
code = run()
{then}
sys.exit(code)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
@pytest.mark.parametrize(
    ("where", "then"),
    [
        ("", "os.kill(os.getpid(), signal.{name})"),
        ("import atexit; atexit.register(os.kill, os.getpid(), signal.{name})", ""),
        ("sys.modules['last'] = Killed(os.kill)", ""),
    ],
    ids=["at once", "at exit", "when modules go"],
)
def test_a_signal_after_the_work_changes_nothing(name, where, then):
    script = ENDS.format(name=name, where=where.format(name=name), then=then.format(name=name))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("hmexp ")
    assert done.stderr == ""


def test_an_interruption_that_falls_into_a_callback_is_noted_and_not_printed(capfd):
    def interrupt(phase, info):
        if not interrupted():
            os.kill(os.getpid(), signal.SIGTERM)
            for _ in range(1000):  # the handler is called between two steps of Python
                pass

    with answer_signals():
        gc.callbacks.append(interrupt)
        try:
            gc.collect()
        finally:
            gc.callbacks.remove(interrupt)
        assert interrupted()
    assert capfd.readouterr().err == ""


def test_what_else_cannot_be_passed_on_is_printed(monkeypatch):
    said = []
    monkeypatch.setattr(sys, "unraisablehook", lambda about: said.append(str(about.exc_value)))

    class Broken:
        def __del__(self):
            raise ValueError("broken")

    with answer_signals():
        Broken()
    assert said == ["broken"]


@pytest.fixture
def large_library(tmp_path, monkeypatch):
    """The name of a module that makes objects, and says whether garbage is collected meanwhile."""
    (tmp_path / "large_library.py").write_text(
        "import gc\ncollects, made = gc.isenabled(), [[number] for number in range(5000)]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    thresholds = gc.get_threshold()
    gc.set_threshold(700, 10, 10)  # Python's, whatever these tests run with
    yield "large_library"
    gc.set_threshold(*thresholds)
    del sys.modules["large_library"]


def test_what_a_command_imports_for_good_is_not_walked_again(large_library):
    before = gc.get_freeze_count()
    with answer_signals():
        import_for_good(large_library)
    assert not sys.modules[large_library].collects
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + 5000


def test_a_command_looks_for_garbage_less_often_but_does_look(large_library):
    with answer_signals():
        import_for_good(large_library)
    freed = []

    class Cycle:
        def __init__(self):
            self.itself = self

        def __del__(self):
            freed.append(True)

    kept = []
    for number in range(3 * NEW_OBJECTS):
        Cycle()
        kept.append([number])
    assert len(freed) > NEW_OBJECTS
    assert gc.get_threshold()[0] == NEW_OBJECTS


@pytest.mark.parametrize("collects", [True, False])
def test_in_a_process_of_the_users_the_collector_stays_as_it_was(large_library, collects, monkeypatch):
    monkeypatch.setattr(gc, "freeze", lambda: pytest.fail("objects of the user's may be garbage later"))
    before = gc.get_threshold()
    (gc.enable if collects else gc.disable)()
    try:
        import_for_good(large_library)
        assert gc.isenabled() == collects
        assert gc.get_threshold() == before
    finally:
        gc.enable()


def _in_a_class_body() -> None:
    class Stops:
        def __set_name__(self, owner, name):
            signal.raise_signal(signal.SIGINT)

    type("Body", (), {"stops": Stops()})  # a RuntimeError before Python 3.12


def _in_an_import() -> None:
    try:
        signal.raise_signal(signal.SIGTERM)
    except BaseException as error:
        raise ImportError("a library that says it in its own words") from error


def _while_something_is_tidied_up() -> None:
    try:
        signal.raise_signal(signal.SIGHUP)
    finally:
        [].pop()


@pytest.mark.parametrize("stopped", [_in_a_class_body, _in_an_import, _while_something_is_tidied_up])
def test_an_interruption_that_became_another_exception_is_one(stopped):
    with pytest.raises(KeyboardInterrupt), answer_signals():
        stopped()


def test_an_exception_without_a_signal_stays_what_it_is():
    with pytest.raises(ImportError), answer_signals():
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            raise ImportError("a library's own") from error
    with pytest.raises(IndexError), answer_signals():
        [].pop()
