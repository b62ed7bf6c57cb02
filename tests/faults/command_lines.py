"""Command lines as people mistype them: real ones, changed at random; the same seed gives the same lines."""

import random
import re
import shlex
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path

from hmexp.config.fields import bare_type, hints
from hmexp.config.presets import shipped_dir
from hmexp.config.schemas import GROUPS, VERBS
from hmexp.verbs import TABLE

CHECKOUT = Path(__file__).resolve().parents[2]
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "docs/sweeps.md", "docs/python.md")
TINY = (
    *("data=folder", "data.root={pictures}", "data.image_size=16", "data.limit=null", "data/split=stratified"),
    *("model=cnn", "model.widths=[4]", "model.dense=4", "trainer.epochs=1", "trainer.stop_after=null"),
    *("trainer.batch_size=8", "tracking.system_metrics=false", "seeds=1", "folds=1", "backend=tensorflow"),
)
"""What keeps a training that is run to its end small; it stands last, so that nothing before it counts."""
REAL_SHARE = 0.04
"""Of the lines: trainings that are run to their end."""
REAL_GROUPS = ("augment", "loss", "optimizer", "schedule", "trainer", "data/balance")
DEFAULTS = {"data": "sample", "data/merge": "hm9", "data/balance": "undersample", "data/split": "grouped"} | {
    "model": "cnn",
    "augment": "default",
    "loss": "cross_entropy",
    "optimizer": "adam",
    "schedule": "constant",
    "trainer": "default",
    "tracking": "mlflow",
}
NUMBERS = (
    *("0", "-1", "1", "2", "3.7", "0.5", "1e-300", "1e5", "1e400", "-1e400", "nan", "-NaN", "inf", "-inf", "1_000"),
    *("0x10", "007", "2147483648", "4294967296", "-9223372036854775809", "18446744073709551616", "1/2", "0.1.2", "--1"),
    *("1e", "٣", "½", "1,2", "9" * 5000, "-" + "9" * 5000, "1." + "0" * 5000, "1e" + "9" * 5000),
)
TEXTS = (
    *("", "null", "''", '""', "'", '"', "[", "]", "[]", "[[]]", "{}", "{a:}", "{a:1}", "{a:{b:c}}", "[1,2", "{", "}"),
    *("a,b", "[a,,b]", "[1,two,3.0]", "[null]", "${", "${}", "${x}", "${seed}", "${trainer.epochs}", "${.epochs}"),
    *("${oc.env:HOME}", "${oc.env:NOT_THERE}", "${oc.select:x}", "${oc.decode:'{'}", "${oc.dict.keys:trainer}"),
    *("${now:%Y}", "${hydra:job.name}", "${hydra:x.y}", "${class_map:a,b}", "${expanded:~nobody}", "${x:${y:${z}}}"),
    *("???", "\x1b[31m", "\n", "\r", "\t", "\x07", "\u202e", "\udcff", "日本", "🙂", "é", "e\u0301", "\ufeff", " "),
    *("  x  ", "a b", "a=b", "=", "\\", "\\'", "true", "False", "yes", "None", "on", "~", "*", "?", "@", "#", "%s"),
    *("!!python/object:os.system", "range(1,3)", "choice(1,2)", "interval(0,1)", "glob(*)", "shuffle(1,2)", "int(x)"),
    *("sort(3,1)", "extend_list(1)", "str(1)", "json_str(x)", "tag(a,1)", "choice()", "range(1,0,0)", "x" * 300),
    *("x" * 5000, "../..", "/", "/dev/null", "/proc/self/mem", "C:\\x", "file:///x", "sqlite://", "ftp://u:p@h/x"),
    *("[" * 500, "{a:" * 200, "[" * 500 + "]" * 500, "${" * 200, "(" * 500, "latest", "champion", "."),
)
FLAGS = (
    *("--cfg job", "--cfg all", "--cfg hydra", "--cfg", "--cfg=job", "-c job", "-c x", "--config-dir"),
    *("--config-dir nowhere", "--config-dir=", "-cd .", "--config-name x", "-cn x", "-cp .", "--multirun", "-m", "-r"),
    *("--resolve", "--cfg job --resolve", "--info", "--info all", "--info plugins", "--info defaults-tree", "-i"),
    *("--info searchpath", "--info x", "--package trainer", "-p x", "--cfg job -p trainer", "--cfg job -p x"),
    *("--hydra-help", "--version", "--help", "-h", "--run", "--experimental-rerun x", "--no-such", "-x", "--", "-"),
    *("-1", "---", "-sc", "-sc query=bash", "-sc query=x", "--shell-completion uninstall=fish"),
    *("--config-dir .",),
)
OF_HYDRA = (
    *("hydra.run.dir=out", "hydra.sweep.dir=out", "hydra.sweep.subdir=x", "hydra.job.chdir=true", "hydra.job.name=x"),
    *("hydra.output_subdir=.hydra", "hydra.verbose=true", "hydra.mode=RUN", "hydra.mode=MULTIRUN"),
    *("hydra/launcher=basic", "hydra/launcher=process", "hydra/sweeper=basic", "hydra/sweeper=keras_tuner"),
    *("hydra/job_logging=default", "hydra/hydra_logging=default", "hydra/help=default", "hydra/output=default"),
    *("hydra.searchpath=[file://x]", "hydra.job.env_set={A:1}", "hydra.sweeper.max_jobs=2", "hydra.launcher.workers=1"),
    "hydra.sweeper.params={seed:'1,2'}",
)
PREFIXES = ("+", "++", "~", "-", "--", "+~", "@", " ", "$", "hydra.", "/", ".")
LETTERS = "aZ09=.,:;/\\'\"[](){}$~+-@#%!?*&|<> \t\né日🙂\x1b"


@dataclass(frozen=True)
class Line:
    """One command.

    Attributes:
        words: Behind `hmexp`; `{pictures}` stands for a folder of pictures.
        real: Whether it is run to its end; any other stops where its work would begin.
        recorded: Whether its folder has a run that was recorded.
    """

    words: tuple[str, ...]
    real: bool
    recorded: bool

    def filled(self, pictures: Path) -> list[str]:
        """The words with the folder's name in them."""
        return [word.replace("{pictures}", str(pictures)) for word in self.words]


def command_line(seed: int, number: int) -> Line:
    """The line of this number; it depends on nothing but the seed and the number."""
    draw = random.Random(f"{seed}:{number}")
    if draw.random() < REAL_SHARE:
        return Line((*_changed(draw, _training(draw, REAL_GROUPS)), *TINY), real=True, recorded=False)
    words = shlex.split(draw.choice(documented())) if draw.random() < 0.3 else _composed(draw)
    if draw.random() < 0.15:
        words += _some(draw, OF_HYDRA)
    words = _changed(draw, words)
    if draw.random() < 0.25:
        place = draw.randrange(len(words) + 1)
        words[place:place] = draw.choice(FLAGS).split()
    return Line(tuple(words), real=False, recorded=draw.random() < 0.3)


def _composed(draw: random.Random) -> list[str]:
    """A verb with some of its groups, keys and runs."""
    verb = draw.choice([*TABLE, TABLE[0], TABLE[0]])
    words = [verb.name] if verb.name != "train" or draw.random() < 0.5 else []
    words += _some(draw, keys(VERBS[verb.schema]))
    if verb.schema in ("train", "evaluate"):
        words += _training(draw, tuple(GROUPS))
        words += [draw.choice(presets())] if draw.random() < 0.1 else []
    if verb.recalls and draw.random() < 0.3:
        words.append(draw.choice(("resume=latest", "rerun=latest", "fork=latest", "run=latest", "resume=", "rerun=x")))
    return words


def _training(draw: random.Random, groups: tuple[str, ...]) -> list[str]:
    """Options of some groups, and some keys that the chosen options have."""
    chosen, words = dict(DEFAULTS), []
    for group in draw.sample(groups, draw.randint(0, 2)):
        chosen[group] = draw.choice(list(GROUPS[group]))
        words += [f"{group}={chosen[group]}"] if chosen[group] != "default" else []
    return words + _some(draw, [word for group in groups for word in _keys_of(group, chosen.get(group))])


def _some(draw: random.Random, pool: list[str] | tuple[str, ...]) -> list[str]:
    return [draw.choice(pool) for _ in range(draw.randint(1, 4))]


def _keys_of(group: str, option: str | None) -> list[str]:
    return keys(GROUPS[group][option]) if option else []


@cache
def documented() -> list[str]:
    """The commands that the documents show, without `hmexp`."""
    found = []
    for name in DOCUMENTS:
        text = (CHECKOUT / name).read_text(encoding="utf-8").replace("\\\n", " ")
        found += re.findall(r"^\s*(?:python -m )?hmexp +(?!is )([^#\n|&`]+)", text, re.MULTILINE)
    return [line.strip() for line in found]


@cache
def presets() -> list[str]:
    """`experiment=NAME` and `debug=NAME` of all that are shipped."""
    folders = {"experiment": shipped_dir("experiments"), "debug": shipped_dir("conf") / "debug"}
    return sorted(f"{group}={path.stem}" for group, folder in folders.items() for path in folder.glob("*.yaml"))


@cache
def keys(schema: type) -> list[str]:
    """`key=default` of every key that a schema has itself, or in sections that are always the same."""
    place, words = getattr(schema, "section_key", ""), []
    for each in fields(schema):
        kind = bare_type(hints(schema)[each.name])
        if isinstance(kind, type) and is_dataclass(kind):
            words += keys(kind) if "Fractions" in kind.__name__ or kind.__name__ == "PathsConfig" else []
        elif each.default != "???":
            default = each.default if each.default is not MISSING else []
            value = "null" if default is None else str(default)
            words.append(f"{place}.{each.name}={value}" if place else f"{each.name}={value}")
    return words


def _changed(draw: random.Random, words: list[str]) -> list[str]:
    for _ in range(draw.choice((0, 0, 1, 1, 1, 2, 3))):
        words = draw.choice(CHANGES)(draw, list(words))
    return words


def _at(draw: random.Random, words: list[str], change: object) -> list[str]:
    """The words with one of them changed."""
    place = draw.randrange(len(words)) if words else 0
    words[place : place + 1] = [change(words[place] if words else "")]  # type: ignore[operator]
    return words


def change_letters(draw: random.Random, words: list[str]) -> list[str]:
    """Delete, insert, duplicate or swap a character."""

    def change(word: str) -> str:
        place = draw.randrange(len(word) + 1)
        before, after = word[:place], word[place:]
        ways = [before + after[1:], before + draw.choice(LETTERS) + after, before + after[:1] + after, before]
        ways += [before + after[1:2] + after[:1] + after[2:], word[::-1], word.upper()]
        return draw.choice(ways)

    return _at(draw, words, change)


def change_number(draw: random.Random, words: list[str]) -> list[str]:
    """Another number for a value."""
    return _at(draw, words, lambda word: f"{word.partition('=')[0]}={draw.choice(NUMBERS)}")


def change_value(draw: random.Random, words: list[str]) -> list[str]:
    """Another text for a value."""
    return _at(draw, words, lambda word: f"{word.partition('=')[0]}={draw.choice(TEXTS)}")


def wrap_value(draw: random.Random, words: list[str]) -> list[str]:
    """A list, a mapping or quotes where a scalar is expected."""
    kinds = ("[{0}]", "[{0},{0}]", "{{a:{0}}}", "'{0}'", '"{0}', "{0},{0}", "${{{0}}}", "{0}{0}", " {0} ", "[[{0}]]")

    def change(word: str) -> str:
        key, _, value = word.partition("=")
        return f"{key}={draw.choice(kinds).format(value)}"

    return _at(draw, words, change)


def change_key(draw: random.Random, words: list[str]) -> list[str]:
    """A prefix, a package, a deeper or another key, or no value at all."""

    def change(word: str) -> str:
        key, equals, value = word.partition("=")
        ways = (draw.choice(PREFIXES) + word, f"{key}@{draw.choice(TEXTS[:40])}{equals}{value}", key, f"{key}=", value)
        deep = (f"{key}.x{equals}{value}", f"{key}{'.x' * 300}={value}", f"+{'a.' * 300}b={value}", f"{key}/{word}")
        swapped = (f"{draw.choice(TEXTS)}={value}", f"{key.replace('.', '/')}={value}", f"={value}", f"{key}=={value}")
        return draw.choice(ways + deep + swapped)

    return _at(draw, words, change)


def move_words(draw: random.Random, words: list[str]) -> list[str]:
    """Delete, repeat or move words, or swap the values of two."""
    if not words:
        return [draw.choice(TEXTS)]
    one, other = draw.randrange(len(words)), draw.randrange(len(words))
    keys_, values = zip(*(word.partition("=")[::2] for word in (words[one], words[other])), strict=True)
    swapped = list(words)
    swapped[one], swapped[other] = f"{keys_[0]}={values[1]}", f"{keys_[1]}={values[0]}"
    ways = [words[:one] + words[one + 1 :], [*words, words[one]], [*words, *[words[one]] * 200], words[::-1], swapped]
    ways += [[*words[:one], draw.choice(TEXTS), *words[one:]], [draw.choice(TEXTS), *words]]
    return draw.choice(ways)


def sweep(draw: random.Random, words: list[str]) -> list[str]:
    """A list of values, with or without the flag."""
    flag = draw.choice((["-m"], ["--multirun"], []))
    spaces = ("seed=1,2", "model.dropout=0,0.5", "seed=range(0,3)", "optimizer=adam,sgd", "trainer.epochs=1,x", "a=1,2")
    return [*words, draw.choice(spaces), *flag]


CHANGES = (
    *(change_letters, change_letters, change_number, change_number, change_value, change_value, wrap_value),
    *(change_key, change_key, move_words, sweep),
)
