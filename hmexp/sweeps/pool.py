"""A process a job: slots with a GPU and processor threads each, limits of time and memory, and an end for all."""

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil

from hmexp.config.sweep import ProcessConfig
from hmexp.process import num_cores
from hmexp.sweeps.child import run_job
from hmexp.sweeps.launch import Ended, Launch

OUTPUT_FILE = "output.txt"
PRELOADED = "hmexp.sweeps.preload"
GRACE = 20.0
"""Seconds from SIGTERM to SIGKILL: a job needs some to write its checkpoint."""
LOOK = 1.0
"""Seconds from one look at the memory to the next."""
GIB = 2**30


@dataclass
class _Worker:
    """A running process and its slot."""

    number: int
    slot: int
    process: BaseProcess
    begun: float
    reason: str = ""
    ended_at: float = 0.0
    told: bool = False
    looked: float = 0.0


class ProcessPool:
    """Runs hmexp commands, a process each; a free worker takes the next one at once.

    Without a GPU, jobs are forked from a server that has imported what trainings import, and so start in no time. With
    one, and for a job with another backend, the process starts from nothing: CUDA does not survive a fork.

    Args:
        cfg: The `hydra.launcher` section.
        backend: What most jobs compute with.
        flags: Hydra's flags of the command, such as `--config-dir DIR`.
    """

    interruptible = True

    def __init__(self, cfg: ProcessConfig, backend: str, flags: Sequence[str] = ()) -> None:
        self.cfg, self.backend, self.flags = cfg, backend, flags
        self.gpus = visible_gpus()
        self.n_workers = cfg.n_workers or max(1, len(self.gpus))
        self.forks = sys.platform == "linux" and not self.gpus
        self._workers: dict[int, _Worker] = {}
        if self.forks:
            forking = multiprocessing.get_context("forkserver")
            forking.set_forkserver_preload([PRELOADED])
            with _variables(self._threads() | {"KERAS_BACKEND": backend}):
                forkserver.ensure_running()

    @property
    def free(self) -> int:
        """Slots without a job."""
        return self.n_workers - len(self._workers)

    @property
    def running(self) -> list[int]:
        """Numbers of the running jobs."""
        return list(self._workers)

    def take(self, launch: Launch) -> int | None:
        """Start the job in a free slot; its folder's `output.txt` takes what the process writes."""
        slot = min(set(range(self.n_workers)) - {worker.slot for worker in self._workers.values()})
        forked = self.forks and launch.backend == self.backend
        context = multiprocessing.get_context("forkserver") if forked else multiprocessing.get_context("spawn")
        process = context.Process(
            target=run_job,
            args=(
                [*self.flags, *launch.command()],
                Path.cwd(),
                launch.job_dir / OUTPUT_FILE,
                self._environment(slot),
            ),
        )
        process.start()
        self._workers[launch.number] = _Worker(launch.number, slot, process, time.monotonic())
        return process.pid

    def poll(self) -> list[Ended]:
        """Processes that have ended since the last call; ends those that are past a limit."""
        ended = []
        for worker in list(self._workers.values()):
            code = worker.process.exitcode
            if code is None:
                self._enforce(worker)
                continue
            del self._workers[worker.number]
            _signal_group(worker.process, signal.SIGKILL)  # whatever it has left behind
            reason = worker.reason or (f"killed by {signal.Signals(-code).name}{_often(-code)}" if code < 0 else "")
            ended.append(Ended(worker.number, code, reason, time.monotonic() - worker.begun))
        return ended

    def interrupt(self) -> None:
        """Let every job save and end."""
        for worker in self._workers.values():
            self._end(worker, "interrupted")

    def kill(self) -> None:
        """End every job at once."""
        for worker in self._workers.values():
            self._kill(worker)

    def _enforce(self, worker: _Worker) -> None:
        """Ask a job that is past a limit to end; kill the one that does not."""
        now = time.monotonic()
        if worker.ended_at:
            if now - worker.ended_at > GRACE:
                self._kill(worker)
            elif not worker.told:
                self._tell(worker)
            return
        limit = self.cfg.time_limit
        if limit is not None and now - worker.begun > limit:
            self._end(worker, f"over hydra.launcher.time_limit={limit:g} s")
        elif self.cfg.memory_limit is not None and now - worker.looked > LOOK:
            worker.looked = now
            held = _memory(worker.process) / GIB
            if held > self.cfg.memory_limit:
                worker.reason = f"out of memory: {held:.2f} GiB, hydra.launcher.memory_limit={self.cfg.memory_limit:g}"
                worker.ended_at = now
                self._kill(worker)

    def _end(self, worker: _Worker, reason: str) -> None:
        if not worker.ended_at:
            worker.reason, worker.ended_at = reason, time.monotonic()
            self._tell(worker)

    def _tell(self, worker: _Worker) -> None:
        """Let a job save and end, once: a second signal would cut the saving off.

        A process that is only just born has no group of its own yet, and is told at the next look.
        """
        worker.told = _signal_group(worker.process, signal.SIGTERM)

    def _kill(self, worker: _Worker) -> None:
        """End a job and all that it has started at once."""
        _signal_group(worker.process, signal.SIGKILL)
        worker.process.kill()  # one that has no group of its own yet

    def _environment(self, slot: int) -> dict[str, str]:
        """The GPU and the threads of a slot."""
        gpu = {"CUDA_VISIBLE_DEVICES": self.gpus[slot % len(self.gpus)]} if self.gpus else {}
        return self._threads() | gpu

    def _threads(self) -> dict[str, str]:
        """The processor threads of every slot."""
        if self.cfg.threads is None and self.n_workers == 1:
            return {}
        threads = self.cfg.threads or max(1, num_cores() // self.n_workers)
        names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "NPROC")  # NPROC: XLA's
        return dict.fromkeys(names, str(threads))


def end_process(pid: int, job_dir: Path, alive: Callable[[], bool]) -> None:
    """Wait for a job of a process that is gone: it has been told to save and end, and is killed if it does not.

    Args:
        pid: Of the job.
        job_dir: Its folder.
        alive: Whether the job still runs.
    """
    deadline = time.monotonic() + 3 * GRACE
    while alive() and time.monotonic() < deadline:
        time.sleep(0.2)
    with suppress(psutil.Error, ProcessLookupError):
        written = {Path(opened.path) for opened in psutil.Process(pid).open_files()} if alive() else set()
        if job_dir / OUTPUT_FILE in written:  # the number may be another's by now
            os.killpg(pid, signal.SIGKILL)


def visible_gpus() -> list[str]:
    """The NVIDIA GPUs that jobs may have, as CUDA_VISIBLE_DEVICES names them."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [name.strip() for name in chosen.split(",") if name.strip() not in ("", "-1")]
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    query = [tool, "--query-gpu=index", "--format=csv,noheader"]
    try:
        listed = subprocess.run(query, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return listed.stdout.split() if listed.returncode == 0 else []


def _memory(worker: BaseProcess) -> int:
    """Bytes that a process and its children hold."""
    with suppress(psutil.Error):
        process = psutil.Process(worker.pid)
        return sum(_resident(member) for member in (process, *process.children(recursive=True)))
    return 0


def _resident(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


@contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables of the environment inside the block, for a process that starts there."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _signal_group(process: BaseProcess, number: int) -> bool:
    """Signal a process and all that it has started; gives whether it has a group, which it makes when it begins."""
    if process.pid is None:
        return False
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _often(number: int) -> str:
    """What a signal often means."""
    meanings = {signal.SIGKILL: " (out of memory, or by hand)", signal.SIGSEGV: " (a crash in a library)"}
    return meanings.get(signal.Signals(number), "")
