"""Shell completion: verbs here, keys and values by Hydra."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from hmexp.config.errors import UserError
from hmexp.config.keys import keys_of_options
from hmexp.config.presets import shipped_dir
from hmexp.config.schemas import VERBS, register_schemas

RUN_KEYS = ("run", "resume", "rerun", "fork", "against")
NEWEST = 20
"""Runs that are offered."""
TASKS = ("install", "uninstall", "query")
SHELLS = ("bash", "fish", "zsh")


def answer(words: list[str], configs: dict[str, str]) -> int:
    """Answer `-sc install=bash` and `-sc query=bash`.

    Args:
        words: The words behind `hmexp`.
        configs: Verb -> primary config.

    Returns:
        The exit code, 0.

    Raises:
        UserError: Not one thing to do, for a shell that Hydra knows.
    """
    import hydra

    asked = [word for word in words if word.partition("=")[0] in TASKS]
    if len(asked) != 1 or asked[0].partition("=")[2] not in SHELLS:
        expected = f"one of {', '.join(f'{task}=SHELL' for task in TASKS)} for {', '.join(SHELLS)}"
        raise UserError(f"--shell-completion: expected {expected}, received {' '.join(asked) or 'none'}")
    if asked[0].startswith("query=") and "COMP_LINE" not in os.environ:
        raise UserError("COMP_LINE: expected the line that is typed, which the shell's completion sets, received none")
    line = os.environ.get("COMP_LINE", "")
    typed = line.split(" ")
    first = typed[1] if len(typed) > 1 else ""
    querying = asked[0].startswith("query=")
    if querying and len(typed) == 2 and "=" not in first:
        matches = [verb for verb in configs if verb.startswith(first)]
        if matches and first:
            print("\n".join(matches))
            return 0
        print("\n".join(matches))
    config = "train"
    if querying and first in configs:
        config = configs[first]
        os.environ["COMP_LINE"] = " ".join([typed[0], *typed[2:]])
    register_schemas()
    values = _values(config, typed) if querying else []
    if values:
        print("\n".join(values))
        return 0
    sys.argv = ["hmexp", "--shell-completion", *asked]
    hydra.main(version_base="1.3", config_path=str(shipped_dir("conf")), config_name=config)(lambda cfg: None)()
    return 0


def _values(verb: str, typed: Sequence[str]) -> list[str]:
    """`KEY=VALUE` for each value that the last word may go on to: the words of a key, or the newest runs for RUN."""
    key, equals, begun = typed[-1].partition("=")
    if not equals:
        return []
    if key in RUN_KEYS:
        roots = [word.partition("=")[2] for word in typed if word.startswith("paths.root=")]
        known = ["latest", *_newest_runs(Path(roots[-1] if roots else ".").expanduser())]
    else:
        known = [
            word
            for group in keys_of_options(VERBS[verb])
            for each in group.keys
            if each.path == key
            for word in each.options
        ]
    return [f"{key}={word}" for word in dict.fromkeys(known) if word.startswith(begun)]


def _newest_runs(root: Path) -> list[str]:
    """Names of job folders, which begin with their time."""
    jobs = root / "mlruns" / "jobs"
    return sorted((path.name for path in jobs.iterdir()), reverse=True)[:NEWEST] if jobs.is_dir() else []
