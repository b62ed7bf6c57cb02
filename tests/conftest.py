"""Fixtures that many tests share."""

import gc
import logging
import multiprocessing
import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
from dealt import dealt
from filelock import FileLock
from forked import Started, run_command

from hmexp.process import keep_for_good

CHECKOUT = Path(__file__).resolve().parent.parent
REAL_PICTURES = Path(os.environ.get("HMEXP_REALDATA", CHECKOUT.parent / "shared" / "data" / "clothing"))
Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., Started]
MadeOnce = Callable[[str, Callable[[Path], object]], Path]


os.environ.setdefault("RAY_worker_niceness", "0")  # at Ray's own 15, its processes wait for every other test
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # threads of small products wait by spinning, where tests could run
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")  # JAX compiles longer than it computes here

for _number in (signal.SIGTERM, signal.SIGHUP):  # under nohup, or behind a shell's &, they would be ignored
    signal.signal(_number, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two workers more than there are processors: many tests wait for a process, a limit of time or a signal."""
    return len(os.sched_getaffinity(0)) + 2


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long tests come first; those marked `realdata` are skipped, by name, where the photographs are not there."""
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    if workers > 1:
        items[:] = dealt(items, workers)
    if REAL_PICTURES.is_dir():
        return
    for item in items:
        if item.get_closest_marker("realdata"):
            item.add_marker(pytest.mark.skip(reason=f"{item.name}: no photographs (set HMEXP_REALDATA)"))


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """The garbage collector does not walk in one module what others imported: a seventh of the fast tests' time."""
    if nextitem is not None and nextitem.path != item.path:
        gc.collect()
        keep_for_good()


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Undo what a command that was called in this process, by a test or by a fixture of many, has set up."""
    _drop_handlers()
    ours = logging.getLogger("hmexp")
    propagate, level = ours.propagate, ours.level or logging.INFO
    yield
    logging.captureWarnings(False)
    ours.propagate = propagate
    ours.setLevel(level)
    _drop_handlers()


def _drop_handlers() -> None:
    """Take hmexp's handlers from its logger and from Python's root."""
    for logger in (logging.getLogger("hmexp"), logging.getLogger()):
        for handler in list(logger.handlers):
            if type(handler).__name__ in ("ConsoleHandler", "Earlier", "LibraryHandler"):
                logger.removeHandler(handler)


@pytest.fixture(scope="session")
def photographs() -> Path:
    """The folder of photographs, one folder a class; its tests are marked `realdata`."""
    return REAL_PICTURES


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache folder for the session and all its workers, so that the sample is drawn and staged once."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def made_once(cache: Path) -> MadeOnce:
    """Makes a folder of a name where no worker of the session has made it; tests only read what is in it."""

    def folder_of(name: str, make: Callable[[Path], object]) -> Path:
        folder = cache.parent / name
        with FileLock(f"{folder}.lock"):
            done = folder.with_suffix(".done")
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                done.touch()
        return folder

    return folder_of


@pytest.fixture(scope="session")
def database(made_once: MadeOnce) -> Path:
    """MLflow's database as a first run makes it, with nothing in it; making one takes a second."""
    from hmexp.config.record import MlflowTracking, PathsConfig
    from hmexp.tracking.store import DATABASE, create_store

    def make(folder: Path) -> None:
        create_store(MlflowTracking(experiment="none"), PathsConfig(root=str(folder)))
        with closing(sqlite3.connect(folder / "mlruns" / DATABASE)) as connection, connection:
            connection.execute("DELETE FROM experiments WHERE name = 'none'")

    return made_once("database", make) / "mlruns" / DATABASE


@pytest.fixture(scope="session")
def promoted(made_once: MadeOnce, hmexp_in: Run) -> Path:
    """A folder with a champion for the sample: four filters, 24 features, pictures of 16 x 16, two epochs."""

    def make(folder: Path) -> None:
        words = ("model=cnn", "model.widths=[4]", "model.dense=24", "data.image_size=16", "trainer.epochs=2")
        hmexp_in(*words, "tracking.system_metrics=false", cwd=folder)
        hmexp_in("promote", cwd=folder)

    return made_once("promoted", make)


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
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "tensorflow")
        forkserver.ensure_running()
    return context


@pytest.fixture(scope="session")
def start_in(server: ForkServerContext, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Starts the command `hmexp ...`, or `main`, in a process of its own, in a folder, and does not wait for it."""

    def start(
        *words: str, cwd: Path, cache: Path = cache, main: Callable[[list[str]], object] | None = None
    ) -> Started:
        env = os.environ | {"HMEXP_CACHE": str(cache), "COLUMNS": "120"}
        output = tmp_path_factory.mktemp("output")
        process = server.Process(target=run_command, args=(words, cwd, env, output, main))
        process.start()
        return Started(words, process, output)

    return start


@pytest.fixture(scope="session")
def hmexp_in(start_in: Start, cache: Path, database: Path) -> Run:
    """Runs the command `hmexp ...` in a process of its own, in a folder; a training finds an empty database there."""

    def run(*words: str, cwd: Path, cache: Path = cache, code: int = 0) -> subprocess.CompletedProcess[str]:
        trains = not words or "=" in words[0] or words[0] == "-m"
        if code == 0 and trains and not (cwd / "mlruns").exists() and not _places_runs_elsewhere(words):
            (cwd / "mlruns").mkdir()
            shutil.copyfile(database, cwd / "mlruns" / database.name)
        done = start_in(*words, cwd=cwd, cache=cache).ended()
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


def _places_runs_elsewhere(words: Sequence[str]) -> bool:
    keys = ("tracking=none", "tracking.uri=", "paths.root=", "--")
    return any(word.startswith(keys) for word in words)


@pytest.fixture
def hmexp(hmexp_in: Run, tmp_path: Path) -> Run:
    """Runs the command `hmexp ...` in a process of its own, in an empty folder."""
    return partial(hmexp_in, cwd=tmp_path)
