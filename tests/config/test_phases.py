"""Which epochs train at which size, and what size val has then."""

import pytest

from hmexp.config.training import Phase, TrainerConfig


@pytest.mark.parametrize(
    ("epochs", "sizes", "phases"),
    [
        (5, None, [Phase(0)]),
        (22, [48, 64], [Phase(0, 48, 48), Phase(11, 64, None)]),
        (10, [64, 64, 96, 96, 112], [Phase(0, 64, 64), Phase(4, 96, 96), Phase(8, 112, None)]),
        (4, [48, 64, 48, 64], [Phase(0, 48, 48), Phase(1, 64, 64), Phase(2, 48, 48), Phase(3, 64, None)]),
        (1, [48, 64], [Phase(0, 64, None)]),
        (1, [32, 48, 64], [Phase(0, 48, None)]),
        (7, [64], [Phase(0, 64, None)]),
    ],
)
def test_phases_are_where_the_size_changes_and_the_last_one_evaluates_as_stored(epochs, sizes, phases):
    cfg = TrainerConfig(epochs=epochs, image_sizes=sizes)
    assert cfg.phases == phases
    for epoch in range(epochs):
        assert cfg.phase(epoch) == [phase for phase in phases if phase.first <= epoch][-1]
