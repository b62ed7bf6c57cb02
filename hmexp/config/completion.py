"""Shell completion: verbs here, keys and values by Hydra."""

import os
import sys

from hmexp.config.errors import UserError
from hmexp.config.presets import shipped_dir
from hmexp.config.schemas import register_schemas

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
    sys.argv = ["hmexp", "--shell-completion", *asked]
    hydra.main(version_base="1.3", config_path=str(shipped_dir("conf")), config_name=config)(lambda cfg: None)()
    return 0
