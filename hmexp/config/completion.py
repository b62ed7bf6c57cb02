"""Shell completion: verbs here, keys and values by Hydra."""

import os
import sys

from hmexp.config.presets import shipped_dir
from hmexp.config.schemas import register_schemas


def answer(words: list[str], configs: dict[str, str]) -> int:
    """Answer `-sc install=bash` and `-sc query=bash`.

    Args:
        words: The words behind `hmexp`.
        configs: Verb -> primary config.

    Returns:
        The exit code, 0.
    """
    import hydra

    line = os.environ.get("COMP_LINE", "")
    typed = line.split(" ")
    first = typed[1] if len(typed) > 1 else ""
    querying = any(word.startswith("query=") for word in words)
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
    sys.argv = ["hmexp", *words]
    hydra.main(version_base="1.3", config_path=str(shipped_dir("conf")), config_name=config)(lambda cfg: None)()
    return 0
