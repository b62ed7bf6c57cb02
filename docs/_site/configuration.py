"""The page of all keys, from the schemas and the files of `conf/`: `python docs/_site/configuration.py` writes it."""

import inspect
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import yaml

from hmexp.config.compose import compose_words
from hmexp.config.fields import CHOICE, RANGE
from hmexp.config.keys import Key, Keys, keys_of_options, options_of, sweep_keys, typed
from hmexp.config.presets import shipped_dir
from hmexp.config.schemas import GROUPS, VERBS
from hmexp.config.verbs import RunConfig
from hmexp.verbs import TABLE

PAGE = Path(__file__).resolve().parents[1] / "configuration.md"
HEAD = """\
# Configuration

A command is a verb and `KEY=VALUE` words. What is not said has a default; the words are laid over a preset
(`experiment=NAME`), and that over the options that it chooses. `hmexp --cfg job` prints what came of it,
`hmexp VERB --help` the keys of what is chosen, and a run keeps its own as `config.yaml`.

- `KEY=VALUE` sets a key: `trainer.epochs=5`. Lists are `[32,64]`, mappings `{a: b}`, nothing is `null`. Ids, paths,
  class names and addresses need no quotes for hmexp; quote for the shell what the shell would take.
- `GROUP=OPTION` chooses an option of a group, with all keys of it: `optimizer=adamw`, `data/balance=undersample`.
- `experiment=NAME` is a preset, a file of differences: `experiments/NAME.yaml` of hmexp or of the current folder.
- `KEY=A,B` with `-m` is a [sweep](sweeps.md).

A key that is not there, a value of another type or outside its range is refused before anything is written, with the
nearest name that there is.
"""
KEYS = "| key | default | meaning |\n| --- | --- | --- |"


def page() -> str:
    """The whole page, in Markdown."""
    own, *_ = keys_of_options(RunConfig)
    others = _groups()
    parts = [
        HEAD,
        "## Training",
        "What `train` takes, and with it `explore`, `stage`, `evaluate` and `doctor`.",
        _table(own),
    ]
    for group in GROUPS:
        parts += [f"## `{group}`", _options(group), *_keys_of_group(group, others)]
    parts += ["## Presets", _options("experiment"), "## `debug`", _options("debug")]
    parts += ["## Other verbs", "Beside what they share with a training.", *_verbs(own)]
    parts += ["## Sweeps", "With `-m`.", *_sweeps()]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _groups() -> list[Keys]:
    """The keys of the options of all verbs' groups, once each."""
    found = {keys.option: keys for verb in reversed(TABLE) for keys in keys_of_options(VERBS[verb.schema])[1:]}
    return list(found.values())


def _keys_of_group(group: str, groups: Sequence[Keys]) -> Iterator[str]:
    """The keys that all options of a group have with the same default, then those of each."""
    options = [keys for keys in groups if keys.option.partition("=")[0] == group]
    sets = [{(key.path, key.value) for key in keys.keys} for keys in options]
    shared = set.intersection(*sets) if len(options) > 1 else set()
    every = tuple(key for key in options[0].keys if (key.path, key.value) in shared) if options else ()
    if every:
        yield "### Keys of every option"
        yield _table(Keys("", "", every))
    for keys in options:
        own = tuple(key for key in keys.keys if (key.path, key.value) not in shared)
        if own:
            yield f"### Keys of {keys.option.partition('=')[2].strip('[]') or group}"
            yield keys.summary
            yield _table(Keys("", "", own))


def _verbs(own: Keys) -> Iterator[str]:
    shared = {(key.path, key.schema) for key in own.keys}
    for verb in TABLE:
        keys = tuple(key for key in keys_of_options(VERBS[verb.schema])[0].keys if (key.path, key.schema) not in shared)
        if keys and verb.name != "train":
            yield f"### {verb.name}"
            yield f"{verb.help[0].upper()}{verb.help[1:]}."
            yield _table(Keys("", "", keys))


def _sweeps() -> Iterator[str]:
    for keys in sweep_keys():
        yield f"### Keys of {keys.option}"
        yield keys.summary
        yield _table(keys)


def _options(group: str) -> str:
    """A row for each file of a group: what its first comment says, and what it sets."""
    folder = shipped_dir("experiments") if group == "experiment" else shipped_dir("conf") / group
    default = _defaults().get(group)
    rows = ["| option | what |", "| --- | --- |"]
    for file in sorted(folder.glob("*.yaml")):
        text = file.read_text(encoding="utf-8")
        what = _comment(text) or _summary(group, file.stem)
        sets = _flat(
            {name: each for name, each in yaml.safe_load(text).items() if name != "defaults"},
            f"{group.replace('/', '.')}.",
        )
        if sets and group not in ("experiment", "debug"):
            what = f"{what.rstrip('.')}. Sets {', '.join(f'`{key}={typed(value)}`' for key, value in sets.items())}."
        rows.append(f"| `{group}={file.stem}`{' (default)' if file.stem == default else ''} | {_cell(what)} |")
    return "\n".join(rows)


@cache
def _defaults() -> dict[str, str]:
    """Config group -> the option that a training has where nothing is said."""
    return dict(compose_words([]).choices)


def _summary(group: str, option: str) -> str:
    """The first line of what a schema says of itself."""
    return (inspect.getdoc(options_of(group)[option]) or "").partition("\n")[0]


def _comment(text: str) -> str:
    """The sentences at the head of a file."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        if not line.startswith("# @"):
            lines.append(line.lstrip("# "))
    return " ".join(lines)


def _flat(tree: dict[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in tree.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat


def _table(keys: Keys) -> str:
    rows = [f"| `{key.path}` | {_code(key.value)} | {_cell(_meaning(key))} |" for key in keys.keys]
    return "\n".join([KEYS, *rows])


def _meaning(key: Key) -> str:
    """The docstring of a field, and what may stand there."""
    words = key.field.metadata.get(CHOICE, ())
    allowed = f"One of {', '.join(words)}." if words else ""
    if not words and RANGE in key.field.metadata:
        allowed = f"A number {key.field.metadata[RANGE]}."
    return f"{key.meaning} {allowed}".strip()


def _code(value: str) -> str:
    return f"`{_cell(value)}`" if value else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else PAGE).write_text(page(), encoding="utf-8")
