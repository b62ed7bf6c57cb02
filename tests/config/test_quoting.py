"""Free text never has to fit Hydra's grammar."""

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser

from hmexp.config.presets import shipped_dir
from hmexp.config.quoting import free_text, plugin_modules, quote
from hmexp.config.schemas import register_schemas, to_config
from hmexp.config.verbs import RunConfig

AWKWARD = [
    "4e7112",
    "/data/H&M",
    "A,B",
    "it's",
    "a b",
    "[x]",
    "${x",
    "back\\slash\\",
    "true",
    "1e3",
    "x=y",
    "(a)",
    "~/x",
    "ü",
]


@pytest.mark.parametrize("key", sorted(key for key, kind in free_text().items() if kind is str))
@pytest.mark.parametrize("text", AWKWARD)
def test_free_text_comes_through_as_it_was_typed(key, text):
    override = OverridesParser.create().parse_override(quote(f"{key}={text}"))
    assert override.value() == text
    assert not override.is_sweep_override()


def test_lists_of_class_names():
    parse = OverridesParser.create().parse_override
    assert parse(quote("data.balance.classes=[Socks & Tights,Shoes]")).value() == ["Socks & Tights", "Shoes"]

    assert parse(quote("data.balance.classes=[Men's,Women's,'Bags, belts']")).value() == [
        *("Men's", "Women's", "Bags, belts"),
    ]


@pytest.mark.parametrize(
    ("given", "mapping"),
    [
        ("{Socks & Tights: Legwear,Bags:Accessories}", {"Socks & Tights": "Legwear", "Bags": "Accessories"}),
        ("{Men's: A, Women's: B}", {"Men's": "A", "Women's": "B"}),
        ("""{"Bags, belts": A, 'x: y': 'B, C'}""", {"Bags, belts": "A", "x: y": "B, C"}),
    ],
)
def test_maps_of_class_names(given, mapping):
    register_schemas()
    word = quote(f"data.merge.mapping={given}")
    with initialize_config_dir(str(shipped_dir("conf")), version_base="1.3"):
        config = to_config(compose("train", ["data/merge=map", word]), RunConfig)
    assert config.data.merge.mapping == mapping


@pytest.mark.parametrize("word", ["model=cnn,cnn3", "trainer.epochs=5", "run=null", "run='4e71'", "-m", "data.root="])
def test_other_words_stay_as_they_are(word):
    assert quote(word) == word


def test_plugins_are_found_before_composition():
    assert plugin_modules(["seed=1", "plugins=[a.b, c]"]) == ["a.b", "c"]
    assert plugin_modules(["seed=1"]) == []
