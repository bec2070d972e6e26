"""Being asked to stop: what a cluster does, with SIGTERM, some time before it kills."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

import jax
import numpy as np
from jax.experimental import multihost_utils


class StopRequest:
    """Remember, while inside, whether SIGTERM came, rather than die of it.

    The signal can only be caught from the main thread; inside another one, nothing is changed
    and nothing is ever requested. Ctrl-C goes on to interrupt at once.

    >>> import os
    >>> with StopRequest() as stop:
    ...     before = stop.requested()
    ...     os.kill(os.getpid(), signal.SIGTERM)
    ...     before, stop.requested()
    (False, True)
    """

    def __init__(self) -> None:
        self._requested = False
        self._installed = False
        self._previous: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGTERM, self._remember)
            self._installed = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._installed:
            # None stands for a handler that C code installed, which Python cannot put back.
            previous = signal.SIG_DFL if self._previous is None else self._previous
            signal.signal(signal.SIGTERM, previous)

    def requested(self) -> bool:
        """Whether any process of the run was asked to stop; all of them get the same answer.

        With several processes this is a collective: each must ask equally often.
        """
        if jax.process_count() == 1:
            return self._requested
        answers = multihost_utils.process_allgather(np.asarray(self._requested))
        return bool(np.any(answers))

    def _remember(self, _number: int, _frame: FrameType | None) -> None:
        self._requested = True
