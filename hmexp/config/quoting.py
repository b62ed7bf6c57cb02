"""Free text (ids, paths, class names) made fit for Hydra's grammar, so that a user never has to quote it.

Without this, `run=4e71` is a float, `data.root=/data/H&M` a syntax error and `compare=A,B` a sweep.
"""

import re
from dataclasses import fields, is_dataclass
from functools import cache
from typing import get_origin

from hmexp.config.fields import TEXT, bare_type, hints
from hmexp.config.record import PathsConfig

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
    kind = free_text().get(name)
    if kind is str:
        return f"{key}={quoted(value)}"
    if kind is list and _within(value, "[]"):
        return f"{key}=[{','.join(quoted(item) for item in _items(value))}]"
    if kind is dict and _within(value, "{}"):
        # The keys of a dictionary cannot be quoted in Hydra's grammar; the arguments of a resolver can.
        return f"{key}=${{{CLASS_MAP}:{','.join(_escaped(item) for item in _items(value))}}}"
    return word


def free_text() -> dict[str, type]:
    """Keys whose values are free text, as the fields of the schemas say -> str, or list or dict of it."""
    from hmexp.config.schemas import GROUPS, VERBS

    schemas = [*VERBS.values(), *(schema for options in GROUPS.values() for schema in options.values())]
    return {key: kind for schema in schemas for key, kind in _texts_of(schema).items()}


@cache
def _texts_of(schema: type) -> dict[str, type]:
    """The free text of one schema and of the sections in it that are always the same."""
    found: dict[str, type] = {}
    place = getattr(schema, "section_key", "")
    for each in fields(schema):
        kind = bare_type(hints(schema)[each.name])
        if TEXT in each.metadata:
            found[f"{place}.{each.name}" if place else each.name] = get_origin(kind) or str
        elif isinstance(kind, type) and is_dataclass(kind):
            found |= _texts_of(kind)
    return found


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
