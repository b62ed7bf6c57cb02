"""Fixtures that many tests share."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
REAL_PICTURES = Path(os.environ.get("HMEXP_REALDATA", CHECKOUT.parent / "shared" / "data" / "clothing"))
Run = Callable[..., subprocess.CompletedProcess[str]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked `realdata` are skipped, by name, where the photographs are not there."""
    if REAL_PICTURES.is_dir():
        return
    for item in items:
        if item.get_closest_marker("realdata"):
            item.add_marker(pytest.mark.skip(reason=f"{item.name}: no photographs (set HMEXP_REALDATA)"))


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache folder for the session, so that the sample is drawn and staged once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def sample(cache: Path) -> Path:
    """The generated catalogue in the session's cache."""
    from hmexp.catalogue.sample import SAMPLE_VERSION, generate_sample

    folder = cache / "sample" / SAMPLE_VERSION
    generate_sample(folder)
    return folder


@pytest.fixture(scope="session")
def server() -> ForkServerContext:
    """Forks processes that have imported TensorFlow and MLflow already, as sweeps do with their jobs."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["hmexp.sweeps.preload"])
    return context


@pytest.fixture(scope="session")
def hmexp_in(server: ForkServerContext, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs the command `hmexp ...` in a process of its own, in a folder."""

    def run(*words: str, cwd: Path, cache: Path = cache, code: int = 0) -> subprocess.CompletedProcess[str]:
        env = os.environ | {"HMEXP_CACHE": str(cache), "COLUMNS": "120"}
        output = tmp_path_factory.mktemp("output")
        process = server.Process(target=_run, args=(words, cwd, env, output))
        process.start()
        process.join()
        said = ((output / name).read_text() for name in ("stdout", "stderr"))
        done = subprocess.CompletedProcess(words, process.exitcode, *said)
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture
def hmexp(hmexp_in: Run, tmp_path: Path) -> Run:
    """Runs the command `hmexp ...` in a process of its own, in an empty folder."""
    return partial(hmexp_in, cwd=tmp_path)


def _run(words: Sequence[str], cwd: Path, env: Mapping[str, str], output: Path) -> None:
    """The process of one command; it takes over no signals and no terminal."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    for descriptor, name in enumerate(("stdout", "stderr"), start=1):
        os.dup2(os.open(output / name, os.O_WRONLY | os.O_CREAT), descriptor)
    import hmexp.console

    hmexp.console.console.width = 120  # it asked for COLUMNS when it was imported
    from hmexp.cli import main
    from hmexp.sweeps.child import end_interpreter

    try:
        sys.exit(main(list(words)))
    finally:
        end_interpreter()
