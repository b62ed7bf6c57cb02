"""What a run was made with: versions, machine, git."""

import os
import platform
import socket
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path

import psutil

NAMED = ("hmexp", "keras", "tensorflow", "mlflow", "hydra-core", "numpy", "pandas", "pillow")


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that decide a result."""
    found = {"python": platform.python_version()}
    for name in NAMED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def git_state(folder: Path) -> dict[str, str]:
    """`commit`, `branch` and `dirty` of the checkout around `folder`; empty where there is none."""
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return {}
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {
        "commit": commit,
        "branch": _git(folder, "rev-parse", "--abbrev-ref", "HEAD"),
        "dirty": str(bool(changed)).lower(),
    }


def describe_environment(device: str) -> str:
    """The environment as text: the machine, then every installed package with its version."""
    memory = psutil.virtual_memory().total / 2**30
    head = [
        f"host {socket.gethostname()}",
        f"platform {platform.platform()}",
        f"processor {platform.processor() or platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB",
        f"device {device}",
        f"python {sys.version.split()[0]}",
    ]
    packages = sorted({f"{item.metadata['Name']}=={item.version}" for item in distributions()}, key=str.lower)
    return "\n".join([*head, "", *packages]) + "\n"


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
