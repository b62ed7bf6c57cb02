import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from hmexp.config.errors import UserError
from hmexp.sweeps.space import Reader, combinations, edges, example, words_of


def read(words, params=None, when=None, is_integer=None):
    return Reader(OverridesParser.create(), when or {}, lambda key: is_integer).read(params or {}, words)


def test_lists_ranges_and_fixed_words():
    request = read(["seed=3", "model=cnn3,resnet", "model.widths=[8,16],[8]", "trainer.epochs=range(1,4)"])
    assert request.fixed == ("seed=3",)
    points = list(combinations(request.space))
    assert len(points) == 2 * 2 * 3
    assert points[0] == {"model": "cnn3", "model.widths": "[8,16]", "trainer.epochs": "1"}
    assert points[1]["trainer.epochs"] == "2"  # the last parameter changes fastest, as with Hydra
    assert points[-1] == {"model": "resnet", "model.widths": "[8]", "trainer.epochs": "3"}


def test_the_command_wins_over_the_preset():
    request = read(["model.dropout=0.1,0.2"], params={"model.dropout": "0.5,0.6", "model.dense": "16,32"})
    assert {parameter.key: parameter.choices for parameter in request.space} == {
        "model.dropout": ("0.1", "0.2"),
        "model.dense": ("16", "32"),
    }
    assert read(["model.dense=8"], params={"model.dense": "16,32"}).space == ()


@pytest.mark.parametrize(
    ("word", "known", "integer", "log"),
    [
        ("a=interval(8,32)", None, True, False),
        ("a=interval(0,1)", False, False, False),
        ("a=interval(0,0.5)", None, False, False),
        ("a=tag(log,interval(1e-4,1e-2))", None, False, True),
        ("a=interval(0.5,4)", True, True, False),
    ],
)
def test_intervals(word, known, integer, log):
    (parameter,) = read([word], is_integer=known).space
    assert (parameter.integer, parameter.log, parameter.choices) == (integer, log, ())
    with pytest.raises(UserError, match=r"a: expected a list, .*hydra/sweeper=keras_tuner"):
        list(combinations((parameter,)))


def test_conditional_parameters():
    when = {"model.depth": {1: {"model.widths": "[8],[16]"}, 2: {"model.widths": "[8,16]", "model.kernel": "3,5"}}}
    request = read(["model.depth=1,2,3"], when=when)
    assert list(combinations(request.space)) == [
        {"model.depth": "1", "model.widths": "[8]"},
        {"model.depth": "1", "model.widths": "[16]"},
        {"model.depth": "2", "model.widths": "[8,16]", "model.kernel": "3"},
        {"model.depth": "2", "model.widths": "[8,16]", "model.kernel": "5"},
        {"model.depth": "3"},
    ]
    assert example(request.space) == {"model.depth": "1", "model.widths": "[8]"}


def test_conditions_of_conditions():
    when = {"optimizer": {"sgd": {"optimizer.nesterov": "true,false"}}, "optimizer.nesterov": {True: {"seed": "1,2"}}}
    points = list(combinations(read(["optimizer=adam,sgd"], when=when).space))
    assert points == [
        {"optimizer": "adam"},
        {"optimizer": "sgd", "optimizer.nesterov": "True", "seed": "1"},
        {"optimizer": "sgd", "optimizer.nesterov": "True", "seed": "2"},
        {"optimizer": "sgd", "optimizer.nesterov": "False"},
    ]


@pytest.mark.parametrize(
    ("words", "when", "line"),
    [
        (["a=1,2"], {"b": {1: {"c": "1,2"}}}, "hydra.sweeper.when: expected keys that the sweep varies, received b"),
        (["a=1,2"], {"a": {3: {"c": "1,2"}}}, r"hydra.sweeper.when.a: expected one of 1, 2, received 3"),
        (["a=interval(0,1)"], {"a": {1: {"c": "1,2"}}}, "expected a parameter with a list of values"),
        (["a=interval(3,1)"], {}, r"a: expected interval\(LOW,HIGH\) with LOW below HIGH"),
        (["a=tag(log,interval(0,1))"], {}, "above 0 on a log scale"),
    ],
)
def test_what_is_refused(words, when, line):
    with pytest.raises(UserError, match=line):
        read(words, when=when)


def test_every_value_of_a_search_is_looked_at_once():
    when = {"model.depth": {2: {"model.kernel": "3,5"}}}
    request = read(["model.depth=1,2", "model.dropout=interval(0.1,0.5)", "a=interval(2,9)"], when=when)
    assert list(map(words_of, edges(request.space))) == [
        ["model.depth=1", "model.dropout=0.1", "a=2"],
        ["model.depth=2", "model.kernel=3", "model.dropout=0.1", "a=2"],
        ["model.depth=1", "model.dropout=0.5", "a=2"],
        ["model.depth=1", "model.dropout=0.1", "a=9"],
    ]


@pytest.mark.parametrize("values", ["shuffle(range(0,50))", "shuffle(" + ",".join(map(str, range(50))) + ")"])
def test_a_shuffled_list_has_the_same_order_again(values):
    first, second = (read([f"seed={values}"]).space[0].choices for _ in range(2))
    assert first == second
    assert first != tuple(map(str, range(50)))
    assert sorted(map(int, first)) == list(range(50))
