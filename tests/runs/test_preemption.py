"""SIGTERM is remembered; that all processes of a run do so alike: test_hosts.py."""

import os
import signal
import threading

import pytest

from sbp_jax.runs.preemption import StopRequest


def test_the_signal_is_remembered_and_the_handler_put_back():
    heard = []
    usual = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    interrupt = signal.getsignal(signal.SIGINT)
    try:
        with StopRequest() as stop:
            assert signal.getsignal(signal.SIGINT) is interrupt
            assert not stop.requested()
            os.kill(os.getpid(), signal.SIGTERM)
            assert stop.requested()
            assert stop.requested()
        assert heard == []
        os.kill(os.getpid(), signal.SIGTERM)
        assert heard == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, usual)


def test_the_handler_is_put_back_after_an_error():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyError), StopRequest():
        raise KeyError
    assert signal.getsignal(signal.SIGTERM) is before


def test_another_thread_changes_nothing():
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def run():
        with StopRequest() as stop:
            seen.extend([signal.getsignal(signal.SIGTERM), stop.requested()])

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [before, False]
    assert signal.getsignal(signal.SIGTERM) is before
