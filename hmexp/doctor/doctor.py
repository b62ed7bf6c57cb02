"""The verb `doctor`: says of everything a run needs whether it is as it should be."""

import importlib
from collections.abc import Callable, Iterator
from functools import partial

from hmexp.config.doctor import DoctorConfig
from hmexp.config.errors import RunError
from hmexp.config.invocation import Invocation
from hmexp.console import log, progress
from hmexp.doctor import packages
from hmexp.doctor.check import FAIL, INDENT, WARN, Check, made
from hmexp.process import check_interrupted


def doctor(config: DoctorConfig, invocation: Invocation) -> list[Check]:
    """Print a line a check, and give them all.

    Raises:
        RunError: A check failed: a run could not work.
    """
    found = []
    for name, checks in _checks(config).items():
        with progress(f"checking {name}"):
            for check in made(name, checks):
                say = log.info if check.level not in (WARN, FAIL) else log.warning
                say(str(check), extra={"hang": INDENT})
                found.append(check)
        check_interrupted()
    levels = [check.level for check in found]
    if FAIL in levels:
        raise RunError(f"{levels.count(FAIL)} of {len(levels)} checks failed: this run could not work")
    warned = levels.count(WARN)
    log.info(f"{len(levels)} checks, {warned} with a warning: this run can work")
    return found


def _checks(config: DoctorConfig) -> dict[str, Callable[[], Iterator[Check]]]:
    """Every check by its name."""
    return {
        "python": packages.python,
        "packages": packages.versions,
        "imports": packages.imports,
        "extras": packages.extras,
        "memory": partial(_late, "places", "memory"),
        "writing": partial(_late, "places", "writing", config.paths),
        "disk": partial(_late, "places", "disk", config.paths),
        "backend": partial(_late, "backend", "backend", config),
        "settings": partial(_late, "records", "rules", config),
        "mlflow": partial(_late, "records", "records", config),
        "data": partial(_late, "records", "data", config),
        "stores": partial(_late, "records", "stores", config.paths, config.verify),
    }


def _late(module: str, function: str, *arguments: object) -> Iterator[Check]:
    """The checks of a function whose module is imported now, so that a broken package fails where it is needed."""
    make: Callable[..., Iterator[Check]] = getattr(importlib.import_module(f"hmexp.doctor.{module}"), function)
    yield from make(*arguments)
