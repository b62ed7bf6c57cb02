import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from hmexp.config.errors import UserError
from hmexp.sweeps.space import Reader, combinations, edges, example, num_points, words_of


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
        (
            ["a=interval(0,inf)"],
            {},
            r"a: expected interval\(LOW,HIGH\) .*, received interval\(0,inf\)",
        ),
        (["a=interval(nan,1)"], {}, r"a: expected interval\(LOW,HIGH\) with LOW below HIGH"),
        (["a=range(0,5,0)"], {}, "a: expected range.* with a STEP other than 0, received range\\(0,5,0\\)"),
        (["a=range(0,1,0.0)"], {}, "a: expected range.* with a STEP other than 0"),
        (["a=range(0,inf)"], {}, "a: expected range.* of numbers"),
        (["a=range(5)", "b=range(5,0)"], {}, "b: expected values to choose from, received none"),
        (["a=range(0,1000000000)"], {}, "a: expected at most 10,000 values .*, received the 1,000,000,000 of range"),
        (["a=range(0,1,1e-300)"], {}, "received the 1e\\+300 of range"),
        (["a=range(0,-1000000000,-1)"], {}, "received the 1,000,000,000 of range"),
        (["a=shuffle(range(0,1000000000))"], {}, "received the 1,000,000,000 of shuffle"),
        (["a=sort(range(0,1000000000),reverse=true)"], {}, "received the 1,000,000,000 of sort"),
        (["a=tag(x,range(0,1000000000))"], {}, "received the 1,000,000,000 of tag"),
        (["a=float(range(0,1000000000))"], {}, "received the 1,000,000,000 of float"),
        (["a=1,2"], {"a": {1: {"b": "range(0,1000000000)"}}}, "b: expected at most 10,000 values"),
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
        ["model.depth=2", "model.kernel=5", "model.dropout=0.1", "a=2"],
        ["model.depth=1", "model.dropout=0.5", "a=2"],
        ["model.depth=1", "model.dropout=0.1", "a=9"],
    ]


@pytest.mark.parametrize("values", ["shuffle(range(0,50))", "shuffle(" + ",".join(map(str, range(50))) + ")"])
def test_a_shuffled_list_has_the_same_order_again(values):
    first, second = (read([f"seed={values}"]).space[0].choices for _ in range(2))
    assert first == second
    assert first != tuple(map(str, range(50)))
    assert sorted(map(int, first)) == list(range(50))


def test_a_range_at_the_limit_is_read():
    assert len(read(["a=range(0,10000)"]).space[0].choices) == 10_000
    assert len(read(["a=range(0,1,0.0001)"]).space[0].choices) == 10_000


@pytest.mark.parametrize(
    ("words", "when"),
    [
        ([], {}),
        (["a=1,2", "b=range(0,1,0.25)"], {}),
        (["a=1,2,3", "b=4,5"], {"a": {1: {"c": "7,8", "d": "9"}, 2: {"c": "7"}}}),
        (["a=1,2"], {"a": {1: {"b": "3,4"}}, "b": {4: {"c": "5,6,7"}}}),
    ],
)
def test_points_are_counted_without_going_through_them(words, when):
    space = read(words, when=when).space
    assert num_points(space) == len(list(combinations(space)))


def test_every_conditional_value_is_looked_at():
    space = read(["a=1,2"], when={"a": {2: {"b": "3,4"}}, "b": {4: {"c": "5,6"}}}).space
    assert [tuple(values.items()) for values in edges(space)] == [
        (("a", "1"),),
        (("a", "2"), ("b", "3")),
        (("a", "2"), ("b", "4"), ("c", "5")),
        (("a", "2"), ("b", "4"), ("c", "6")),
    ]
