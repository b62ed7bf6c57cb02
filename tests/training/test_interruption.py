"""Ctrl-C and SIGTERM where they must not cut something in two."""

import signal
import threading

import pytest

from hmexp.training.interruption import Interruption, shielded


def test_a_signal_waits_for_the_end_of_the_block():
    done = []
    with Interruption().listening() as interruption, pytest.raises(KeyboardInterrupt), shielded():
        signal.raise_signal(signal.SIGTERM)
        done.append("rest of the block")
        assert not interruption.requested
    assert done
    assert interruption.requested


def test_a_signal_is_answered_where_the_block_fails():
    with Interruption().listening(), pytest.raises(KeyboardInterrupt), shielded():
        signal.raise_signal(signal.SIGINT)
        raise OSError("disk full")


def test_a_second_signal_does_not_wait():
    done = []
    with Interruption().listening(), pytest.raises(KeyboardInterrupt), shielded():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        done.append("rest of the block")
    assert not done


def test_who_listens_outside_decides():
    """Where the first request is only remembered, it is after the block, too."""
    with Interruption().listening() as interruption, interruption.deferred():
        with shielded():
            signal.raise_signal(signal.SIGINT)
        assert interruption.requested


def test_handlers_are_back_after_the_block():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with shielded():
        assert signal.getsignal(signal.SIGINT) is not before[0]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_other_threads_get_no_signals_and_need_no_shield():
    done = []

    @shielded()
    def call() -> None:
        done.append(threading.current_thread().name)

    thread = threading.Thread(target=call, name="another")
    thread.start()
    thread.join()
    assert done == ["another"]
