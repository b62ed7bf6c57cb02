"""The order in which tests are dealt: all of them, once, the slow ones of equal parts first."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from dealt import dealt


def item(module: str, number: int, slow: bool):
    return SimpleNamespace(path=Path(module), number=number, get_closest_marker=lambda name: slow or None)


@pytest.mark.parametrize("hands", [1, 2, 3, 4])
@pytest.mark.parametrize("slow", [0, 7, 40])
def test_every_test_is_dealt_once_and_each_part_begins_with_its_slow_ones(hands, slow):
    tests = [item(f"test_{number % 5}.py", number, False) for number in range(60)]
    tests += [item(f"test_slow_{number // 4}.py", number, True) for number in range(slow)]
    order = dealt(tests, hands)
    assert sorted(map(id, order)) == sorted(map(id, tests))
    begin = 0
    for hand in range(hands):
        end = begin + (len(order) - begin) // (hands - hand)
        marks = [bool(test.get_closest_marker("slow")) for test in order[begin:end]]
        assert marks == sorted(marks, reverse=True)
        assert abs(sum(marks) - slow / hands) <= 4
        begin = end


def test_the_longest_modules_are_dealt_to_different_workers():
    tests = [item(name, 0, True) for name in ("test_a.py", "test_sweeps.py", "test_b.py", "test_train.py")]
    tests += [item("test_fast.py", number, False) for number in range(6)]
    order = [test.path.name for test in dealt(tests, 2)]
    assert order[0] == "test_train.py"
    assert order[5] == "test_sweeps.py"
