"""A process whose lines are read as they come, and that ends when its time is up."""

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

NO_TIME = "no time left"


def run_until(
    deadline: float,
    command: Sequence[str],
    environment: Mapping[str, str],
    on_line: Callable[[str], None],
) -> str | None:
    """Run a command, and end it with all that it started when time is up or an exception comes.

    Args:
        deadline: of `time.monotonic`.
        command: what to run, in the present folder.
        environment: all of it.
        on_line: told every line of its output at once.

    Returns:
        None where it succeeded; `NO_TIME`; or the last line of what it complained of.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        return NO_TIME
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            start_new_session=True,  # a group, so that what it starts can be ended with it
        ) as process,
    ):
        assert process.stdout is not None
        timer = threading.Timer(left, _end, [process])
        timer.start()
        try:
            for line in process.stdout:
                on_line(line)
            status = process.wait()
        finally:
            timer.cancel()
            _end(process)
        if status == 0:
            return None
        if time.monotonic() >= deadline:
            return NO_TIME
        complaints.seek(0)
        said = complaints.read().strip().splitlines() or [f"exit status {status}"]
        return said[-1].removeprefix("error: ")[:300]


def _end(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
