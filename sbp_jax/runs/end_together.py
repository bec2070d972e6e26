"""An error in one of several processes ends all of them, each with one line.

JAX notices a process that is gone, but tells of it by a trace of its C++ code, and late where
nothing is computed together. So whoever fails says so in JAX's own key-value store before it ends,
and stays until the others have left: the first process holds the store.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, Final

import jax
from jax._src.distributed import global_state  # no public name leads to the key-value store

from sbp_jax.errors import DeviceError, TrainingInterrupted

_FAILED: Final = "sbp_jax/failed/"
_POLL_SECONDS: Final = 0.5
_LEAVE_SECONDS: Final = 10
"""How long one that fails waits for the others, one of which may be gone without a word."""


@contextlib.contextmanager
def ending_together() -> Iterator[None]:
    """Tell the other processes of an error from inside; end this process when another tells.

    Must be entered by all processes, after they have joined. An error goes on as it came, once the
    others have left; a process that learns of another's prints one line and ends at once, with
    exit status 1, whatever it is at.

    Raises:
        DeviceError: another process is gone without a word.
    """
    client: Any = global_state.client
    over, speaking = threading.Event(), threading.Lock()
    watch = threading.Thread(target=_watch, args=(client, over, speaking), daemon=True)
    watch.start()
    try:
        yield
    except TrainingInterrupted:
        raise
    except BaseException as error:
        with speaking:  # from here on only one of both threads does
            over.set()
        if _is_of_a_lost_process(error):
            raise DeviceError(
                f"another process of this run has ended; its messages say why ({error})"
            ) from error
        with contextlib.suppress(jax.errors.JaxRuntimeError):  # nobody is there to be told
            client.key_value_set(f"{_FAILED}{jax.process_index()}", "")
        _leave()
        raise
    finally:
        over.set()
        watch.join()


def _watch(client: Any, over: threading.Event, speaking: threading.Lock) -> None:
    while not over.wait(_POLL_SECONDS):
        try:
            failed = client.key_value_dir_get(_FAILED)
        except jax.errors.JaxRuntimeError:  # the first process is gone, which JAX itself tells
            return
        if failed:
            with speaking:
                if not over.is_set():
                    number = failed[0][0].removeprefix(_FAILED)
                    print(
                        f"error: process {number} of this run has ended; its messages say why",
                        file=sys.stderr,
                    )
                    _leave()
                    end_at_once(1)


def _is_of_a_lost_process(error: BaseException) -> bool:
    return isinstance(error, ValueError | jax.errors.JaxRuntimeError) and "Gloo" in str(error)


def _leave() -> None:
    """Sign off from the first process, which all must do before it may go."""
    with contextlib.suppress(TimeoutError, jax.errors.JaxRuntimeError):
        within(_LEAVE_SECONDS, jax.distributed.shutdown)


def within(seconds: float, action: Callable[[], None]) -> None:
    """Do it in a thread, which is left behind where it takes longer: TimeoutError."""
    done: Future[None] = Future()

    def act() -> None:
        try:
            action()
            done.set_result(None)
        except Exception as error:
            done.set_exception(error)

    threading.Thread(target=act, daemon=True).start()
    done.result(seconds)


def end_at_once(status: int) -> None:
    """End the process with all that it has printed, and without JAX's wait for the others."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
