"""The help pages: `hmexp --help` for the whole, `hmexp VERB --help` for the keys of one verb."""

import ast
import inspect
import textwrap
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from hmexp.config.presets import shipped_dir
from hmexp.config.schemas import GROUPS, LISTS
from hmexp.config.sweep import GridConfig, KerasTunerConfig, ProcessConfig
from hmexp.config.verbs import RunConfig

HEADER = "hmexp: image-classification experiments on product catalogues.\n\nhmexp [VERB] [KEY=VALUE ...] [-m]"
EXAMPLES = """\
Examples
  hmexp model=cnn3 trainer.epochs=5                    train on the generated sample catalogue
  hmexp data=folder data.root=PICTURES                 train on a folder of pictures a class
  hmexp -m model.dropout=0.0,0.3 trainer.epochs=3      sweep; seeds=5 repeats each point, resume=latest goes on

hmexp VERB --help lists the keys of a verb; --cfg job prints what a command would run with.
Completion: eval "$(hmexp -sc install=bash)"    (also zsh and fish)"""


SWEEPS = """\
Sweeps (-m): KEY=A,B, range(1,5), glob(*); with hydra/sweeper=keras_tuner also interval(A,B), tag(log,interval(A,B)).
Other launchers (hydra/launcher=ray, joblib, submitit_slurm, submitit_local) get jobs in batches: the next batch starts
when the last job of one has ended."""


def print_help(verbs: dict[str, str], verb: str | None, schema: type) -> None:
    """Print the page of one verb, or of all where `verb` is None."""
    print(HEADER + "\n")
    if verb is None:
        print("Verbs (none means train)")
        print("\n".join(f"  {name:<10} {text}" for name, text in verbs.items()))
        print("\n" + _groups() + "\n\n" + EXAMPLES)
        return
    print(f"{verb}: {verbs[verb]}\n")
    if issubclass(schema, RunConfig):
        print(_groups() + "\n")
    print("Keys\n" + "\n".join(_keys(schema)))
    if verb == "train":
        print("\n" + SWEEPS + "\n" + "\n".join(_sweep_keys()))


def _sweep_keys() -> list[str]:
    """The keys of the sweepers and of the launcher; those that both sweepers have once."""
    lines = ["\n  [hydra/sweeper=grid] " + _summary(GridConfig), *_keys(GridConfig, "hydra.sweeper.")]
    own = [line for line in _keys(KerasTunerConfig, "hydra.sweeper.") if line not in lines]
    lines += ["\n  [hydra/sweeper=keras_tuner] " + _summary(KerasTunerConfig), *own]
    return [*lines, "\n  [hydra/launcher=process] " + _summary(ProcessConfig), *_keys(ProcessConfig, "hydra.launcher.")]


def _groups() -> str:
    """The config groups, each with its options as the files say."""
    conf = shipped_dir("conf")
    lines = ["Groups (GROUP=OPTION)"]
    for group in [*GROUPS, "debug"]:
        lines.append(f"  {group:<13} {', '.join(_stems(conf / group))}")
    lines.append(f"  {'experiment':<13} {', '.join(_stems(shipped_dir('experiments')))}")
    return "\n".join(lines)


def _stems(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.yaml"))


def _keys(schema: type, prefix: str = "") -> list[str]:
    """A line a key: its name, default and meaning; below a group the keys of each of its options."""
    lines = []
    for field in (field for field in fields(schema) if not field.name.startswith("_")):
        group = f"{prefix}{field.name}".replace(".", "/")
        kind = field.type if isinstance(field.type, type) else object
        if group in GROUPS:
            options = {name: option for name, option in GROUPS[group].items() if issubclass(option, kind)}
            for option, option_schema in options.items():
                lines.append(f"\n  [{group}={option}] {_summary(option_schema)}")
                within = f"{prefix}{field.name}.{option}." if group in LISTS else f"{prefix}{field.name}."
                lines += _keys(option_schema, within)
        elif is_dataclass(kind):
            lines += _keys(kind, f"{prefix}{field.name}.")
        else:
            default = _default(field)
            doc = _docs(schema).get(field.name, "")
            lines.append(f"  {prefix + field.name + '=' + default:<38} {doc}")
    return lines


def _default(field: Any) -> str:  # noqa: ANN401
    """A field's default as a user would type it."""
    value = field.default if field.default is not MISSING else None
    if field.default_factory is not MISSING:
        value = field.default_factory()
    if value is None:
        return "null"
    return {"True": "true", "False": "false"}.get(str(value), str(value))


def _summary(schema: type) -> str:
    return (inspect.getdoc(schema) or "").split("\n", 1)[0]


@cache
def _docs(schema: type) -> dict[str, str]:
    """The docstrings under the fields of a dataclass and of its parents."""
    if schema is object:
        return {}
    docs = {name: doc for parent in reversed(schema.__bases__) for name, doc in _docs(parent).items()}
    body = ast.parse(textwrap.dedent(inspect.getsource(schema))).body[0]
    statements = body.body if isinstance(body, ast.ClassDef) else []
    for field, doc in pairwise(statements):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            value = doc.value if isinstance(doc, ast.Expr) else None
            if isinstance(value, ast.Constant):
                docs[field.target.id] = " ".join(str(value.value).split())
    return docs
