"""The help pages: `hmexp --help` for the whole, `hmexp VERB --help` for one verb, `--help all` for every option."""

import shutil
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

from hmexp.config.keys import Keys, keys_of_choice, keys_of_options, names_in_store, sweep_keys
from hmexp.config.presets import shipped_dir
from hmexp.config.schemas import GROUPS, VERBS
from hmexp.config.verbs import RunConfig
from hmexp.verbs import Verb

ALL = "all"
HEADER = "hmexp: image-classification experiments on product catalogues."
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
COLUMN = 34
"""Where the meaning of a key begins, where the terminal has room for it there."""
WIDEST = 120


def main_page(verbs: Iterable[Verb]) -> str:
    """The page of all verbs."""
    lines = [f"  {verb.name:<10} {verb.help}" for verb in verbs]
    head = f"{HEADER}\n\nhmexp [VERB] [KEY=VALUE ...] [-m]\n\nVerbs (none means train)"
    return "\n".join([head, *lines, "", _groups(), "", EXAMPLES])


def verb_page(verb: Verb, words: Sequence[str]) -> str:
    """The page of a verb: what a command of these words would set; every option of every group under `all`.

    Raises:
        UserError: Words that cannot be composed.
    """
    from hmexp.config.compose import compose_words

    schema = VERBS[verb.schema]
    trains = issubclass(schema, RunConfig)
    if ALL in words:
        groups = keys_of_options(schema)
    else:
        composed = compose_words(words, verb.config)
        groups = keys_of_choice(schema, composed.tree, dict(composed.choices))
    parts = [
        _wrapped("", f"{verb.name}: {verb.help}"),
        f"hmexp {verb.name} [KEY=VALUE ...]{' [-m]' if verb.sweeps else ''}",
    ]
    parts += [_section(group) for group in groups]
    if trains:
        parts.append(_groups())
    if verb.sweeps and ALL in words:
        parts += [SWEEPS, *(_section(group) for group in sweep_keys())]
    if ALL not in words and len(groups) > 1:
        more = ", and those of sweeps" if verb.sweeps else ""
        parts.append(f"hmexp {verb.name} --help all lists the keys of every option{more}.")
    return "\n\n".join(parts)


def _groups() -> str:
    """The config groups, each with its options: the files', the plugins', and the presets of both folders."""
    conf = shipped_dir("conf")
    rows = [(group, sorted({*_stems(conf / group), *names_in_store(group)})) for group in GROUPS]
    rows.append(("debug", _stems(conf / "debug")))
    presets = {*_stems(Path("experiments")), *_stems(shipped_dir("experiments")), *names_in_store("experiment")}
    rows.append(("experiment", sorted(presets)))
    lines = [_wrapped(f"  {group:<13} ", ", ".join(names), indent=16) for group, names in rows]
    return "\n".join(["Groups (GROUP=OPTION)", *lines])


def _stems(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.yaml"))


def _section(group: Keys) -> str:
    head = _wrapped("", f"[{group.option}] {group.summary}") if group.option else "Keys"
    return "\n".join([head, *(_line(f"{key.path}={key.value}", key.meaning) for key in group.keys)])


def _line(key: str, meaning: str) -> str:
    """A key with its meaning beside it, or below it where there is no room."""
    if _width() < 2 * COLUMN:
        return f"  {key}" + (f"\n{_wrapped('      ', meaning, indent=6)}" if meaning else "")
    start = f"  {key:<{COLUMN - 2}} "
    if len(start) > COLUMN + 1:
        return f"{start.rstrip()}\n{_wrapped(' ' * (COLUMN + 1), meaning, indent=COLUMN + 1)}".rstrip()
    return _wrapped(start, meaning, indent=COLUMN + 1).rstrip()


def _wrapped(start: str, text: str, indent: int = 4) -> str:
    """Text behind its start, in lines that the terminal has room for."""
    wrapper = textwrap.TextWrapper(_width(), start, " " * indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(wrapper.wrap(text)) or start


def _width() -> int:
    return min(WIDEST, shutil.get_terminal_size().columns)
