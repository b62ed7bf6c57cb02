"""A process a job: slots with a GPU and processor threads each, limits of time and memory, and an end for all."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil

from hmexp.config.sweep import ProcessConfig
from hmexp.sweeps.launch import Ended, Launch

OUTPUT_FILE = "output.txt"
CHILD = "hmexp.sweeps.child"
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
    process: subprocess.Popen[bytes]
    begun: float
    reason: str = ""
    ended_at: float = 0.0
    looked: float = 0.0


class ProcessPool:
    """Runs hmexp commands, a process each; a free worker takes the next one at once.

    Args:
        cfg: The `hydra.launcher` section.
        flags: Hydra's flags of the command, such as `--config-dir DIR`.
    """

    def __init__(self, cfg: ProcessConfig, flags: Sequence[str] = ()) -> None:
        self.cfg, self.flags = cfg, flags
        self.gpus = visible_gpus()
        self.n_workers = cfg.n_workers or max(1, len(self.gpus))
        self._workers: dict[int, _Worker] = {}

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
        command = [sys.executable, "-m", CHILD, str(os.getpid()), *self.flags, *launch.command()]
        with (launch.job_dir / OUTPUT_FILE).open("ab") as output:
            # In a session of its own, so that the whole of it can be ended, and Ctrl-C reaches the sweep alone.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | self._environment(slot),
                start_new_session=True,
            )
        self._workers[launch.number] = _Worker(launch.number, slot, process, time.monotonic())
        return process.pid

    def poll(self) -> list[Ended]:
        """Processes that have ended since the last call; ends those that are past a limit."""
        ended = []
        for worker in list(self._workers.values()):
            code = worker.process.poll()
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
            _signal_group(worker.process, signal.SIGKILL)

    def _enforce(self, worker: _Worker) -> None:
        """Ask a job that is past a limit to end; kill the one that does not."""
        now = time.monotonic()
        if worker.ended_at:
            if now - worker.ended_at > GRACE:
                _signal_group(worker.process, signal.SIGKILL)
            return
        limit = self.cfg.time_limit
        if limit is not None and now - worker.begun > limit:
            self._end(worker, f"over hydra.launcher.time_limit={limit:g} s")
        elif self.cfg.memory_limit is not None and now - worker.looked > LOOK:
            worker.looked = now
            held = _memory(worker.process.pid) / GIB
            if held > self.cfg.memory_limit:
                worker.reason = f"out of memory: {held:.2f} GiB, hydra.launcher.memory_limit={self.cfg.memory_limit:g}"
                worker.ended_at = now
                _signal_group(worker.process, signal.SIGKILL)

    def _end(self, worker: _Worker, reason: str) -> None:
        if not worker.ended_at:  # a second signal would cut the saving off
            worker.reason, worker.ended_at = reason, time.monotonic()
            _signal_group(worker.process, signal.SIGTERM)

    def _environment(self, slot: int) -> Mapping[str, str]:
        """The GPU and the threads of a slot."""
        threads = self.cfg.threads or max(1, num_cores() // self.n_workers)
        names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "NPROC")  # NPROC: XLA's
        given = self.cfg.threads is not None or self.n_workers > 1
        environment = dict.fromkeys(names, str(threads)) if given else {}
        if self.gpus:
            environment["CUDA_VISIBLE_DEVICES"] = self.gpus[slot % len(self.gpus)]
        return environment


def end_process(pid: int | None, alive: Callable[[], bool]) -> None:
    """Wait for a job of a process that is gone: it has been told to save and end, and is killed if it does not.

    Args:
        pid: Of the job, if it was written down.
        alive: Whether the job still runs.
    """
    deadline = time.monotonic() + 3 * GRACE
    while alive() and time.monotonic() < deadline:
        time.sleep(0.2)
    with suppress(psutil.Error, ProcessLookupError):
        if pid is not None and alive() and CHILD in psutil.Process(pid).cmdline():  # the number may be another's by now
            os.killpg(pid, signal.SIGKILL)


def num_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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


def _memory(pid: int) -> int:
    """Bytes that a process and its children hold."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return sum(_resident(member) for member in (process, *process.children(recursive=True)))
    return 0


def _resident(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    """Signal a process and all that it has started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _often(number: int) -> str:
    """What a signal often means."""
    meanings = {signal.SIGKILL: " (out of memory, or by hand)", signal.SIGSEGV: " (a crash in a library)"}
    return meanings.get(signal.Signals(number), "")
