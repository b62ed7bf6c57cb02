"""TensorFlow's private names are what hmexp takes them for, in the version that is installed."""

import pytest

from hmexp.compat import tensorflow as compat

pytestmark = pytest.mark.slow


def test_it_was_checked_against_this_version():
    import tensorflow as tf

    assert tf.__version__.startswith(f"{compat.CHECKED}.")


def test_a_device_says_how_much_memory_it_may_take():
    assert compat.memory_limit("/device:CPU:0") > 0
    assert compat.memory_limit("/device:GPU:99") is None
