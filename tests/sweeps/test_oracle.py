import json

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from hmexp.config.sweep import KerasTunerConfig
from hmexp.sweeps.search import num_hyperband_trials
from hmexp.sweeps.space import Reader

pytestmark = pytest.mark.slow


def space(words, when=None):
    return Reader(OverridesParser.create(), when or {}, lambda key: None).read({}, words).space


def make(words, when=None, epochs=9, **settings):
    from hmexp.sweeps.oracle import Oracle

    return Oracle(KerasTunerConfig(**settings), space(words, when), higher_is_better=True, epochs=epochs)


def test_values_are_words_of_the_command_line():
    oracle = make(["a=[8,16],[8]", "b=0,0.1,0.3", "c=interval(4,9)", "d=tag(log,interval(1e-4,1e-2))"], oracle="random")
    for number in range(12):
        point = oracle.ask(number)
        values = point.parameters
        assert values["a"] in ("[8,16]", "[8]")
        assert values["b"] in ("0", "0.1", "0.3")
        assert 4 <= int(values["c"]) <= 9
        assert 1e-4 <= float(values["d"]) <= 1e-2
        oracle.tell(number, 0.5)


@pytest.mark.parametrize("kind", ["random", "bayesian", "hyperband"])
def test_conditional_parameters_exist_only_where_they_should(kind):
    when = {"depth": {1: {"widths": "[8],[16]"}, 2: {"widths": "[8,16],[16,32]", "kernel": "3,5"}}}
    oracle = make(["depth=1,2", "rate=interval(0.1,0.9)"], when, oracle=kind, max_trials=15, num_initial_points=4)
    seen = set()
    for number in range(8 if kind == "bayesian" else 15):
        point = oracle.ask(number)
        values = point.parameters
        assert ("kernel" in values) == (values["depth"] == "2")
        assert ("," in values["widths"]) == (values["depth"] == "2")
        seen.add(values["depth"])
        oracle.tell(number, float(values["rate"]))
    assert seen == {"1", "2"}


@pytest.mark.parametrize("kind", ["random", "bayesian", "hyperband"])
def test_a_reloaded_oracle_goes_on(kind):
    words = ["a=1,2,3,4", "b=interval(0.0,1.0)"]
    settings = {"oracle": kind, "max_trials": 9, "num_initial_points": 3, "factor": 3}
    first = make(words, **settings)
    for number in range(4):
        first.ask(number)
    first.tell(1, 0.4)
    first.tell(0, None)
    state = json.loads(json.dumps(first.state()))
    second = make(words, **settings)
    second.load(state)
    again = second.state()
    for each in (state, again):
        each["oracle"]["tried_so_far"].sort()  # a set
    assert again == state
    second.tell(2, 0.7)
    second.tell(3, 0.2)
    for number in range(4, 8):
        assert second.ask(number) is not None
        second.tell(number, 0.1 * number)


def test_the_bayesian_oracle_proposes_nothing_twice_and_ends():
    oracle = make(["a=1,2,3", "b=x,y"], oracle="bayesian", max_trials=50, num_initial_points=2)
    points = []
    while (point := oracle.ask(len(points))) is not None:
        points.append(tuple(point.parameters.values()))
        oracle.tell(len(points) - 1, float(points[-1][0]))
    assert len(points) == len(set(points)) <= 6
    assert len(points) >= 4


def test_the_bayesian_oracle_finds_more_than_chance():
    best = {}
    for kind in ("random", "bayesian"):
        values = []
        for seed in range(2):
            oracle = make(["a=interval(0.0,1.0)", "b=interval(0.0,1.0)"], oracle=kind, max_trials=14, seed=seed,
                          num_initial_points=4)  # fmt: skip
            found = []
            for number in range(14):
                point = oracle.ask(number).parameters
                found.append(-((float(point["a"]) - 0.3) ** 2) - (float(point["b"]) - 0.8) ** 2)
                oracle.tell(number, found[-1])
            values.append(max(found))
        best[kind] = sum(values)
    assert best["bayesian"] > best["random"]


@pytest.mark.parametrize(("epochs", "factor"), [(1, 3), (4, 2), (9, 3), (10, 3)])
def test_trials_of_hyperband_are_known_before(epochs, factor):
    oracle = make(["a=interval(0.0,1.0)"], epochs=epochs, oracle="hyperband", factor=factor)
    number = 0
    while oracle.ask(number) is not None:
        oracle.tell(number, float(number))
        number += 1
    assert number == num_hyperband_trials(epochs, factor)


def test_hyperband_goes_on_with_the_best_from_their_checkpoints():
    oracle = make(["a=interval(0.0,1.0)"], epochs=9, oracle="hyperband", factor=3)
    points = []
    while (point := oracle.ask(len(points))) is not None:
        points.append(point)
        oracle.tell(len(points) - 1, float(point.parameters["a"]))
    assert [point.parameters["trainer.stop_after"] for point in points].count("9") == 6
    children = [point for point in points if point.parent is not None]
    assert len(children) == 6
    for child in children:
        assert child.parameters["a"] == points[child.parent].parameters["a"]
    first_round = sorted((float(point.parameters["a"]), number) for number, point in enumerate(points[:9]))
    assert {child.parent for child in children[:3]} == {number for _, number in first_round[-3:]}


def test_a_stock_tuner_searches_the_same_space(tmp_path):
    import keras_tuner
    import numpy as np

    from hmexp.sweeps import hypermodel

    params = {"model.depth": "1,2", "optimizer.learning_rate": "tag(log,interval(1e-3,1e-1))"}
    when = {
        "model.depth": {1: {"model.widths": "[4],[8]"}, 2: {"model.widths": "[4,8]", "model.dense": "interval(8,9)"}}
    }
    model = hypermodel(["model=cnn", "data.image_size=16", "optimizer=sgd"], params, num_classes=3, when=when)
    tuner = keras_tuner.RandomSearch(
        model, objective="val_accuracy", max_trials=4, seed=1, directory=tmp_path, project_name="stock"
    )
    targets = np.arange(60) % 3
    noise = np.random.default_rng(0).integers(0, 60, (60, 16, 16, 3))
    pictures = (noise + 80 * targets[:, None, None, None]).astype(np.uint8)
    tuner.search(pictures, targets, validation_data=(pictures, targets), epochs=2, verbose=0)
    trials = tuner.oracle.get_best_trials(4)
    assert [trial.status for trial in trials] == ["COMPLETED"] * 4
    (best,) = tuner.get_best_models(1)
    assert best.input_shape == (None, 16, 16, 3)
    assert best.output_shape == (None, 3)
