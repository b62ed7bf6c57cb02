"""Free text (ids, paths, class names) made fit for Hydra's grammar, so that a user never has to quote it.

Without this, `run=4e71` is a float, `data.root=/data/H&M` a syntax error and `compare=A,B` a sweep.
"""

import re

from hmexp.config.record import PathsConfig

FREE_TEXT = frozenset(
    {
        *(
            "resume",
            "rerun",
            "fork",
            "sweep",
            "run",
            "against",
            "compare",
            "article_id",
            "image",
            "zip",
            "to",
            "out",
            "reason",
        ),
        *(
            "data.root",
            "data.csv",
            "data.image_column",
            "data.id_column",
            "data.group_column",
            "data.split_column",
            "data.label",
            "data.merge.into",
            "data.split.column",
            "paths.root",
            "paths.cache",
            "model.weights",
            "model.file",
        ),
        *("tracking.uri", "tracking.name", "tracking.experiment", "tracking.model_name"),
    }
)
FREE_TEXT_LISTS = frozenset({"data.balance.classes"})
FREE_TEXT_MAPS = frozenset({"data.merge.mapping"})
CLASS_MAP = "class_map"
_QUOTED = r"""(?:"[^"]*"|'[^']*')(?=\s*(?:[,:]|$))"""
"""A name in quotes: they open it and close it, so that an apostrophe is none (`Men's, Women's`)."""
WORDS_OF_HYDRA = ("null", "")


def quote(word: str) -> str:
    """Quote the value of one override where its key takes free text; any other word stays as it is."""
    key, equals, value = word.partition("=")
    name = key.lstrip("+")
    if not equals or value in WORDS_OF_HYDRA:
        return word
    if name in FREE_TEXT:
        return f"{key}={quoted(value)}"
    if name in FREE_TEXT_LISTS and _within(value, "[]"):
        return f"{key}=[{','.join(quoted(item) for item in _items(value))}]"
    if name in FREE_TEXT_MAPS and _within(value, "{}"):
        # The keys of a dictionary cannot be quoted in Hydra's grammar; the arguments of a resolver can.
        return f"{key}=${{{CLASS_MAP}:{','.join(_escaped(item) for item in _items(value))}}}"
    return word


def class_map(*pairs: str) -> dict[str, str]:
    """The resolver that makes a mapping of `OLD: NEW` pairs again; a name may be in quotes."""
    found = (re.match(rf"\s*({_QUOTED}|[^:]*):(.*)", pair) for pair in pairs)
    return {_bare(match[1]): _bare(match[2]) for match in found if match}


def plugin_modules(words: list[str]) -> list[str]:
    """The modules that the last `plugins=[a.b,c]` of a command names."""
    values = [word.partition("=")[2] for word in words if re.match(r"\+*plugins=", word)]
    return _items(values[-1]) if values else []


def paths_of(words: list[str]) -> PathsConfig:
    """The `paths` section as the words give it, before anything is composed."""
    given = {key.removeprefix("paths."): value for key, _, value in (word.partition("=") for word in words)}
    known = {name: given[name] for name in ("root", "cache") if name in given}
    return PathsConfig(**known)


def _within(value: str, brackets: str) -> bool:
    return value.startswith(brackets[0]) and value.endswith(brackets[1])


def _items(value: str) -> list[str]:
    """The items between the brackets, split at commas outside quotes."""
    inner = value[1:-1] if value[:1] in "[{" else value
    item = rf"\s*(?:{_QUOTED})?[^,:]*(?::\s*(?:{_QUOTED})?)?[^,]*"
    return [item.strip() for item in re.findall(item, inner) if item.strip()]


def _bare(text: str) -> str:
    """A name without spaces and quotes around it."""
    text = text.strip()
    return text[1:-1] if _is_quoted(text) else text


def _is_quoted(text: str) -> bool:
    return len(text) > 1 and text[0] == text[-1] and text[0] in "'\""


def quoted(text: str) -> str:
    """One value in single quotes, with Hydra's escapes; a value in quotes already stays as it is."""
    text = text.strip()
    return text if _is_quoted(text) else _escaped(text)


def _escaped(text: str) -> str:
    escaped = re.sub(r"(\\*)'", r"\1\1\\'", text)
    return "'" + re.sub(r"(\\+)$", r"\1\1", escaped) + "'"
