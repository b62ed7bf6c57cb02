"""What a field says of its values holds for every schema: numbers in a finite range, text that can be a name."""

import math
from dataclasses import MISSING, fields, is_dataclass
from typing import get_args, get_origin

import pytest

from hmexp.config.errors import UserError
from hmexp.config.fields import RANGE, TEXT, Section, bare_type, hints, number
from hmexp.config.schemas import GROUPS, VERBS
from hmexp.config.strategies import Fractions
from hmexp.config.sweep import GridConfig, KerasTunerConfig, ProcessConfig

SCHEMAS = {
    *(schema for options in GROUPS.values() for schema in options.values()),
    *VERBS.values(),
    *(Fractions, GridConfig, KerasTunerConfig, ProcessConfig),
}
NUMBERS = [
    (schema, each.name)
    for schema in sorted(SCHEMAS, key=lambda schema: schema.__name__)
    for each in fields(schema)
    if {bare_type(hints(schema)[each.name]), *get_args(bare_type(hints(schema)[each.name]))} & {int, float}
    and each.name not in ("cap", "floor")  # a number or a word, with a rule of their own
]


def made(schema, **values):
    """An instance with all that it needs."""
    needed = {}
    for each in fields(schema):
        if each.default is MISSING and each.default_factory is MISSING:
            needed[each.name] = "x"
    return schema(**needed | values)


@pytest.mark.parametrize(("schema", "name"), NUMBERS, ids=lambda value: getattr(value, "__name__", value))
def test_every_number_has_a_range_and_refuses_what_means_nothing(schema, name):
    each = next(each for each in fields(schema) if each.name == name)
    assert RANGE in each.metadata, f"{schema.__name__}.{name} has no range"
    is_list = get_origin(bare_type(hints(schema)[name])) is list
    for value in (math.inf, -math.inf, math.nan, 1e21, -1e21, 10**30, -(10**30)):
        with pytest.raises(UserError, match=name) as caught:
            made(schema, **{name: [value] if is_list else value})
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "value", ["a\0b", "a\nb", "\x1b[31m", "x" * 300, "\ud800"], ids=["nul", "newline", "escape", "long", "surrogate"]
)
def test_text_that_can_be_no_name_is_refused(value):
    refused = 0
    for schema in SCHEMAS:
        for each in (each for each in fields(schema) if TEXT in each.metadata):
            kind = get_origin(bare_type(hints(schema)[each.name])) or str
            given = {str: value, list: [value], dict: {"a": value}}[kind]
            with pytest.raises(UserError, match=each.name):
                made(schema, **{each.name: given})
            refused += 1
    assert refused > 30


def test_a_home_that_nobody_has_is_said_in_a_line():
    from hmexp.config.data import FolderData

    with pytest.raises(UserError, match=r"data\.root: expected a path of a user that this machine knows"):
        FolderData(root="~nobody-of-that-name/x")


def test_a_schema_of_a_plugin_gets_the_same():
    from dataclasses import dataclass

    @dataclass
    class Own(Section, key="model"):
        blur: float = number(0.5, ge=0, lt=1, noun="a share")

    assert is_dataclass(Own)
    with pytest.raises(UserError, match=r"model\.blur: expected a share from 0 to below 1, received 1"):
        Own(blur=1)
    with pytest.raises(ValueError, match="two finite bounds"):
        number(1, ge=0)
