"""Tables and presets as editors, spreadsheets and bad disks leave them; the same seed gives the same files."""

import codecs
import gzip
import io
import random
from collections.abc import Callable
from functools import cache

import pandas as pd

from hmexp.config.presets import shipped_dir

CELLS = (
    *("", " ", "nan", "NULL", "-", "0", "-1", "1.0", "100000001.0", "1e8", "1E+999999999", "1e400", "9" * 5000),
    *('"', "'", '"a', 'a"b', '"a\nb"', "a,b", "\t", "\x00", "\x1b[31m", "\u202e", "\ufeff", "é", "e\u0301", "日本"),
    *("..", "../../etc/passwd", "/dev/zero", "/proc/self/mem", "~", "a/" * 2000, "\\", "=1+1", "train", "Validation"),
    *("${seed}", "{", "[1]", "null", "\u2028", "\x85", "\x0c", "\r", "a\rb", "<script>", "%s", "y" * 200_000),
    *("x" * 300, "🙂"),
)
ENCODINGS = ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "cp1252", "cp037", "shift_jis")
VALUES = (
    *("", "null", "~", "nan", ".nan", ".inf", "-.inf", "1e400", "0", "-1", "3.7", "true", "no", "2001-01-01"),
    *("[]", "{}", "[1, 2]", "[[1]]", "{a: 1}", "{1: 2}", "{null: 1}", "{[a]: 1}", "? a", "- a", "|", ">", "'", '"'),
    *("&a [*a]", "&a {b: *a}", "*nothing", "&a 1", "!!binary aGk=", "!!set {a, b}", "!!python/object:os.system x"),
    *("!!python/tuple [1]", "!mine 1", "!!int x", "!!float 'a'", "!!timestamp x", "!!omap [a: 1]", "!!str 1", "<<: 1"),
    *("${seed}", "${", "${x}", "${oc.env:NO_SUCH}", "${trainer}", "???", "9" * 5000, "0x1F", "0o17", "1_000"),
    *("%", "@a", "\t1", "a: b: c", "# x", "[1, 2", "{a: 1", "é", "\x07", "\ufeff", "[" * 800, "{a: " * 300, "'\ud83d'"),
    *("12:30:45", "`a", "x" * 5000),
)
HEADERS = (
    *("# @package _global_", "# @package", "# @package _group_", "# @package foo.bar", "# @package a b"),
    *("#@package _global_", "# @Package _global_", "# @package: _global_", "# @package _global_\n# @package foo", ""),
    *("# @package ${seed}", "# @package trainer", "# @package hydra", "# @other x", "\ufeff# @package _global_", "#"),
    *("# @package " + "a." * 500 + "b", "# @package ..", "# @package _name_", "%YAML 1.2\n---", "%YAML 9.9\n---"),
    *("# @package é", "---"),
)
DEFAULTS = (
    *("- override /model: resnet", "- override /model: nothing", "- override model: resnet", "- model: cnn"),
    *("- experiment: mine", "- mine", "- /experiment/mine", "- _self_", "- _self_\n  - _self_", "- override /x: y"),
    *("- optional x: y", "- 1", "- null", "- [a]", "- {a: {b: c}}", "- {a: b, c: d}", "- model: [cnn, resnet]", "- ''"),
    *("- override /model: null", "- override /model: 1", "- model@foo: cnn", "- model@: cnn", "- ~model: cnn", "x"),
    *("- override hydra/launcher: basic", "- /schema/model/cnn@_here_", "- override /model: ${seed}", "- ../model/cnn"),
    *("- override /schema: train", "- override /debug: fast", "- override /experiment: best", "- stored: x", "- : "),
    *("- /model", "{}"),
)


def mutated(draw: random.Random, content: bytes) -> bytes:
    """Bytes as a bad disk, a bad line or an editor leave them."""
    place = draw.randrange(len(content) + 1)
    before, after = content[:place], content[place:]

    def flipped() -> bytes:
        some = bytearray(content)
        for _ in range(draw.choice((1, 1, 4, 32)) if content else 0):
            some[draw.randrange(len(some))] ^= 1 << draw.randrange(8)
        return bytes(some)

    def recoded() -> bytes:
        text = content.decode("utf-8", "replace")
        return text.encode(draw.choice(ENCODINGS), "replace")

    ends = (b"\r", b"\r\n", b"\n\n", b"\0\n", b"\x0b", b"")
    ways: list[Callable[[], bytes]] = [flipped, flipped, recoded, recoded]
    ways += [lambda: before, lambda: after, lambda: content * 2, lambda: b"\n" * 3 + content]
    ways += [lambda: codecs.BOM_UTF8 * 2 + content, lambda: content.replace(b"\n", draw.choice(ends))]
    ways += [lambda: before + bytes(draw.randrange(1, 40)) + after, lambda: before + draw.randbytes(8) + after]
    ways += [lambda: before + b'"' + after, lambda: before + b"\t" + after]
    return draw.choice(ways)()


def table(draw: random.Random, rows: pd.DataFrame) -> bytes:
    """A table of these rows that something has happened to."""
    rows = rows.copy()
    for _ in range(draw.choice((0, 1, 1, 2, 4))):
        rows = draw.choice(ROW_CHANGES)(draw, rows)
    if draw.random() < 0.1:
        stream = io.BytesIO()
        rows.loc[:, ~rows.columns.duplicated()].to_parquet(stream)
        content = stream.getvalue()
    else:
        separator = draw.choice((",", ",", ",", ";", "\t", "|", ":", " "))
        content = rows.to_csv(index=draw.random() < 0.1, sep=separator, quoting=draw.choice((0, 0, 1))).encode()
    if draw.random() < 0.15:
        content = gzip.compress(content, mtime=0)
    for _ in range(draw.choice((0, 1, 1, 2))):
        content = mutated(draw, content)
    return content


def _put_cell(draw: random.Random, rows: pd.DataFrame) -> pd.DataFrame:
    if not rows.empty:
        rows.iloc[draw.randrange(len(rows)), draw.randrange(rows.shape[1])] = draw.choice(CELLS)
    return rows


def _put_column(draw: random.Random, rows: pd.DataFrame) -> pd.DataFrame:
    values = (draw.choice(CELLS), list(map(str, range(len(rows)))), [draw.choice(CELLS[:-1]) for _ in range(len(rows))])
    rows.isetitem(draw.randrange(rows.shape[1]), draw.choice(values))
    return rows


def _rename(draw: random.Random, rows: pd.DataFrame) -> pd.DataFrame:
    names = [str(name) for name in rows.columns]
    ours = ("article_id", "image", "label", "target", "group", "split", "weight", "folder", "catalogue.label")
    names[draw.randrange(len(names))] = draw.choice((*names, *ours, *CELLS))
    return rows.set_axis(names, axis=1)


def _change_rows(draw: random.Random, rows: pd.DataFrame) -> pd.DataFrame:
    again = pd.concat([rows, rows.sample(1, random_state=draw.randrange(100)) if len(rows) else rows])
    few, fewer = rows.head(draw.randrange(5)), rows.iloc[:, : draw.randint(1, rows.shape[1])]
    return draw.choice((again, pd.concat([rows, rows]), few, fewer, rows.iloc[:, ::-1])).copy()


def _widen(draw: random.Random, rows: pd.DataFrame) -> pd.DataFrame:
    wide = pd.DataFrame("x", index=rows.index, columns=[f"c{number}" for number in range(draw.choice((1, 40, 2000)))])
    return pd.concat([rows, wide], axis=1)


ROW_CHANGES = (_put_cell, _put_cell, _put_cell, _put_column, _rename, _change_rows, _widen)


def preset(draw: random.Random) -> bytes:
    """A preset that something has happened to."""
    lines = draw.choice(presets()).splitlines()
    for _ in range(draw.choice((0, 1, 1, 2))):
        lines = draw.choice(LINE_CHANGES)(draw, lines)
    content = "\n".join(lines).encode("utf-8", "surrogatepass")
    for _ in range(draw.choice((0, 0, 1, 2))):
        content = mutated(draw, content)
    return content


@cache
def presets() -> list[str]:
    """The presets that are shipped, and files of a group."""
    files = [*shipped_dir("experiments").glob("*.yaml"), *(shipped_dir("conf") / "debug").glob("*.yaml")]
    return [path.read_text(encoding="utf-8") for path in sorted(files)]


def _put_value(draw: random.Random, lines: list[str]) -> list[str]:
    place = draw.randrange(len(lines)) if lines else 0
    key = lines[place].partition(":")[0] if lines else "x"
    return [*lines[:place], f"{key}: {draw.choice(VALUES)}", *lines[place + 1 :]]


def _put_key(draw: random.Random, lines: list[str]) -> list[str]:
    keys = (
        "x: 1",
        "trainer: 1",
        "trainer: [1]",
        "model: resnet",
        "seed: {a: 1}",
        "1: 2",
        "null: 1",
        "[a]: 1",
        "a.b: 1",
    )
    more = ("<<: *x", "<<: {seed: 1}", "? [a, b]\n: 1", "true: 1", "'': 1", "hydra:\n  run:\n    dir: x", "plugins: 1")
    place = draw.randrange(len(lines) + 1)
    return [*lines[:place], draw.choice(keys + more), *lines[place:]]


def _put_header(draw: random.Random, lines: list[str]) -> list[str]:
    return [draw.choice(HEADERS), *lines[1:]]


def _put_defaults(draw: random.Random, lines: list[str]) -> list[str]:
    kept = [line for line in lines if "override" not in line and not line.startswith("defaults")]
    return [*kept[:1], "defaults:", f"  {draw.choice(DEFAULTS)}", *kept[1:]]


def _indent(draw: random.Random, lines: list[str]) -> list[str]:
    place = draw.randrange(len(lines)) if lines else 0
    return [
        *lines[:place],
        *(draw.choice((" ", "\t", "  ")) + line for line in lines[place : place + 1]),
        *lines[place + 1 :],
    ]


def _move_lines(draw: random.Random, lines: list[str]) -> list[str]:
    place = draw.randrange(len(lines) + 1)
    return draw.choice((lines[:place] + lines[place + 1 :], lines + lines, lines[::-1], [*lines, "---", *lines]))


LINE_CHANGES = (
    _put_value,
    _put_value,
    _put_value,
    _put_key,
    _put_header,
    _put_defaults,
    _put_defaults,
    _indent,
    _move_lines,
)
