"""Python and the packages: are they there, of a version that hmexp takes, and can they be imported."""

import importlib.metadata
import platform
import re
import subprocess
import sys
from collections.abc import Iterator

from hmexp.doctor.check import FAIL, OK, WARN, Check, failed, made

IMPORTED = {
    "filelock": "filelock",
    "hydra-core": "hydra",
    "imagehash": "imagehash",
    "jinja2": "jinja2",
    "matplotlib": "matplotlib",
    "mlflow": "mlflow",
    "numpy": "numpy",
    "omegaconf": "omegaconf",
    "pandas": "pandas",
    "pillow": "PIL.Image",
    "pyarrow": "pyarrow",
    "pyyaml": "yaml",
    "rich": "rich",
    "scikit-learn": "sklearn",
    "scipy": "scipy",
}
"""Distribution -> what is imported to see whether it works; the backend is imported for the training step."""
IMPORTING = "import importlib, sys\nfor name in sys.argv[1:]: print(name, flush=True); importlib.import_module(name)"
SHOWN = ("tensorflow", "keras", "mlflow", "hydra-core", "numpy", "pillow")
SECONDS = 300
EXTRA = re.compile(r"""extra\s*==\s*['"]([\w-]+)['"]""")


def python() -> Iterator[Check]:
    """The version of Python."""
    from packaging.specifiers import SpecifierSet

    version, wanted = platform.python_version(), importlib.metadata.metadata("hmexp")["Requires-Python"]
    level = OK if version in SpecifierSet(wanted) else WARN
    remedy = "" if level == OK else f"use a Python {wanted}"
    yield Check("python", level, f"{version}, {sys.executable}", remedy)


def versions() -> Iterator[Check]:
    """Installed versions against what hmexp asks for."""
    from packaging.requirements import Requirement

    required = [Requirement(line) for line in importlib.metadata.requires("hmexp") or []]
    needed = [item for item in required if item.marker is None or item.marker.evaluate({"extra": ""})]
    wrong = [(item, found) for item in needed if not _fits(item, found := _version(item.name))]
    for item, found in wrong:
        level, text = (WARN, f"{item.name} {found}, not {item.specifier}") if found else (FAIL, f"no {item.name}")
        yield Check("packages", level, text, f"pip install '{item}'")
    if not wrong:
        shown = ", ".join(f"{name} {found}" for name in SHOWN if (found := _version(name)))
        yield Check("packages", OK, f"hmexp {_version('hmexp')}, {shown}")


def imports() -> Iterator[Check]:
    """Import every package in a process of its own, where a crash ends nothing else."""
    rest = [name for name in IMPORTED if _version(name)]
    broken = False
    while rest:
        words = [sys.executable, "-c", IMPORTING, *(IMPORTED[name] for name in rest)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False)
        if done.returncode == 0:
            break
        begun = len([line for line in done.stdout.splitlines() if line in IMPORTED.values()])
        name, rest, broken = rest[max(begun - 1, 0)], rest[max(begun, 1) :], True
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        yield Check("imports", FAIL, f"{name} cannot be imported: {last}", f"pip install --force-reinstall {name}")
    if not broken:
        yield Check("imports", OK, f"{len(IMPORTED)} packages can be imported")


def extras() -> Iterator[Check]:
    """Which optional packages are there; none of them is needed to train."""
    from packaging.requirements import Requirement

    parts: dict[str, list[str]] = {}
    for line in importlib.metadata.requires("hmexp") or []:
        if found := EXTRA.search(line):
            parts.setdefault(found[1], []).append(Requirement(line).name)
    whole = {name: all(map(_version, parts[name])) for name in parts if name not in ("dev", "gpu")}
    there, absent = ([name for name in whole if whole[name] is wanted] for wanted in (True, False))
    text = f"installed: {', '.join(there) or 'none'}; not installed: {', '.join(absent) or 'none'}"
    yield Check("extras", OK, text + (f" (pip install 'hmexp[{absent[0]}]')" if absent else ""))


def say_broken(error: BaseException) -> int:
    """Print the checks of this module where nothing else of hmexp can be imported; gives the exit code."""
    for name, checks in (("python", python), ("packages", versions), ("imports", imports)):
        for check in made(name, checks):
            print(check)
    print(failed("hmexp", error))
    return 1


def _version(name: str) -> str:
    """The installed version; empty where there is none."""
    try:
        return importlib.metadata.version(name) or ""
    except importlib.metadata.PackageNotFoundError:
        return ""


def _fits(requirement: object, found: str) -> bool:
    specifier = getattr(requirement, "specifier")  # noqa: B009 (of packaging, which is imported where it is needed)
    return bool(found) and specifier.contains(found, prereleases=True)
