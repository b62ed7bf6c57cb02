"""What a run was made with: versions, machine, git."""

import hashlib
import os
import platform
import socket
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path

import psutil

NAMED = ("hmexp", "keras", "tensorflow", "jax", "torch", "mlflow", "hydra-core", "numpy", "pandas", "pillow")


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
    """`commit`, `branch`, `dirty` and a hash of the uncommitted `diff` around `folder`; empty outside a checkout.

    Runs nothing that the checkout's own configuration names: no file-system monitor, external diff or filter.
    """
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return {}
    names = _git(
        folder, "config", "--local", "--includes", "--name-only", "--get-regexp", r"^filter\..*\.(clean|process)$"
    )
    filters = [word for name in names.splitlines() for word in ("-c", f"{name}=")]
    changed = _git(folder, *filters, "diff", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty", "HEAD")
    return {
        "commit": commit,
        "branch": _git(folder, "rev-parse", "--abbrev-ref", "HEAD"),
        "dirty": str(bool(changed)).lower(),
        "diff": hashlib.sha256(changed.encode()).hexdigest()[:12] if changed else "none",
    }


@cache
def packages() -> dict[str, str]:
    """Every installed package -> its version."""
    found = {name: item.version for item in distributions() if (name := item.metadata["Name"])}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


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
    head += [f"git {key} {value}" for key, value in git_state(Path.cwd()).items()]
    installed = [f"{name}=={number}" for name, number in packages().items()]
    return "\n".join([*head, "", *installed]) + "\n"


def _git(folder: Path, *arguments: str) -> str:
    try:
        command = ["git", "-C", str(folder), "-c", "core.fsmonitor=false", *arguments]
        done = subprocess.run(command, capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""
