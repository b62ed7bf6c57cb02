"""What a run is called: the name that it was given, or its model and what its command changed."""

import re

from hmexp.config.invocation import Invocation
from hmexp.config.verbs import RunConfig
from hmexp.jobs.table import plain_key

SHORT = {"learning_rate": "lr", "weight_decay": "wd"}
"""Words of the field for keys that are long."""
UNTOLD = (
    *("model", "data", "data.root", "data.csv", "name", "seed", "seeds", "folds", "plugins", "stored"),
    *("resume", "rerun", "fork"),
)
"""Keys that say where a run was, or that stand in its name anyway."""
SECTIONS_UNTOLD = ("paths", "tracking", "hydra")
LONGEST = 100
LONGEST_IN_FOLDER = 60


def run_name(config: RunConfig, invocation: Invocation) -> str:
    """The name of a run: the one that it was given, or such as `cnn norm=batch lr=3e-3`."""
    if config.name is not None:
        return config.name
    choices = dict(invocation.choices)
    words = (word.partition("=") for word in invocation.overrides if not word.startswith("~"))
    changed = {plain_key(key): value.strip("'\"") for key, _, value in words}
    told = {key: value for key, value in changed.items() if not _is_untold(key)}
    last = [_last(key) for key in told]
    named = {_last(key) if last.count(_last(key)) == 1 else key: value for key, value in told.items()}
    return " ".join([choices.get("model", "run"), *(f"{key}={value}" for key, value in named.items())])[:LONGEST]


def in_folder(name: str) -> str:
    """A name as part of a folder's: letters, digits, `.`, `-` and `_`."""
    return re.sub(r"[^\w.-]+", "-", name.replace(" ", "_")).strip("-_.")[:LONGEST_IN_FOLDER] or "run"


def _is_untold(key: str) -> bool:
    return key in UNTOLD or key.partition(".")[0] in SECTIONS_UNTOLD


def _last(key: str) -> str:
    """The last word of a key or a group, shortened."""
    word = re.split(r"[./]", key)[-1]
    return SHORT.get(word, word)
