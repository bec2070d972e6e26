"""Several processes, on one host or many, that run the same command as one.

Each process is told where the first one listens, how many there are and which it is, and works on
the devices of its own host:

    python experiments/tracking.py --hosts.coordinator node1:1234 --hosts.processes 2 \
        --hosts.process 0    # on node1; with --hosts.process 1 on the other

or, under SLURM and its like, asks the cluster: ``srun ... --hosts.coordinator auto``. All of them
see the same folders. What is computed on all devices, all processes must call alike; files are
written, and tables printed, by the first.
"""

import atexit
import contextlib
import os
import re
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import jax
from jax.experimental import multihost_utils

from sbp_jax.errors import DeviceError, TrainingInterrupted

T = TypeVar("T")

AUTO = "auto"
_ADDRESS = re.compile(r".+:\d{1,5}")
_GRACE_SECONDS = 10  # that JAX, which ends the process by SIGABRT, waits longer than we do


@dataclass(frozen=True)
class Hosts:
    """Several processes that run the same command as one; only one, if left out.

    Attributes:
        coordinator: HOST:PORT where the first process listens, the same for all of them; "auto"
            asks the cluster (SLURM, Open MPI, Cloud TPU, Kubernetes) for this and the next two.
        processes: how many there are.
        process: number of this one, from 0.
        timeout: seconds after which a process that does not come, or gives no sign of life, is
            given up, and with it the run.
    """

    coordinator: str | None = None
    processes: int | None = None
    process: int | None = None
    timeout: int = 60

    def __post_init__(self) -> None:
        """Refuse what no process can be told by."""
        told = self.processes is not None and self.process is not None
        untold = self.processes is None and self.process is None
        if not (untold if self.coordinator in (None, AUTO) else told):
            raise DeviceError(
                "hosts: expected coordinator HOST:PORT, processes and process together, got "
                f"{self.coordinator}, {self.processes}, {self.process}"
            )
        if told and not 0 <= (self.process or 0) < (self.processes or 0):
            raise DeviceError(
                f"hosts.process: expected 0 to {(self.processes or 0) - 1}, for there are "
                f"{self.processes}, got {self.process}"
            )
        if self.coordinator not in (None, AUTO) and not _ADDRESS.fullmatch(self.coordinator or ""):
            raise DeviceError(f"hosts.coordinator: expected HOST:PORT, got {self.coordinator!r}")
        if self.timeout < 1:
            raise DeviceError(f"hosts.timeout: expected at least 1 second, got {self.timeout}")


@contextlib.contextmanager
def joined(hosts: Hosts) -> Iterator[None]:
    """Run what is inside as one of several processes, all of which end together.

    Must come before anything else that uses JAX's devices; inside, `jax.devices` are those of all
    processes. One that is done waits for the others. One that fails ends at once: the others then
    fail too, where they would otherwise wait for it. A stop by SIGTERM, which all learn of, is
    not a failure.

    A process that waits in vain for the others ends with one line that says so, not with an
    exception: JAX waits where none can be raised.

    Raises:
        DeviceError: the port is taken, no cluster is found, devices were used before, or processes
            have unequal numbers of them; or, from inside, another process has ended.

    >>> with joined(Hosts()):
    ...     jax.process_count()
    1
    """
    _join(hosts)
    try:
        with _explaining_lost_processes():
            if hosts.coordinator is not None:
                _check_joined(hosts)
            yield
            wait_for_all("end of the run")
    except TrainingInterrupted:
        raise
    except BaseException as error:
        if hosts.coordinator is not None:
            # After the error has been printed, but before JAX waits for the other processes.
            atexit.register(_end_at_once, _exit_status(error))
        raise


def _join(hosts: Hosts) -> None:
    if hosts.coordinator is None:
        return
    # Its handler would swallow SIGTERM; training has one of its own.
    jax.config.update("jax_enable_preemption_service", False)
    told: dict[str, Any] = {}
    if hosts.coordinator != AUTO:
        told = {
            "coordinator_address": hosts.coordinator,
            "coordinator_bind_address": hosts.coordinator,  # not on all of the host's addresses
            "num_processes": hosts.processes,
            "process_id": hosts.process,
            "cluster_detection_method": "deactivate",  # it may leave a process only one device
        }
    try:
        with _giving_up(hosts):
            jax.distributed.initialize(
                **told,
                initialization_timeout=hosts.timeout + _GRACE_SECONDS,
                heartbeat_timeout_seconds=hosts.timeout,
                shutdown_timeout_seconds=hosts.timeout,
            )
    except (RuntimeError, ValueError) as error:
        raise DeviceError(f"hosts.coordinator {hosts.coordinator}: {_advice(error)}") from error


@contextlib.contextmanager
def _giving_up(hosts: Hosts) -> Iterator[None]:
    """End the process with one line, from a thread: JAX waits where nothing can be raised."""

    def give_up() -> None:
        print(
            f"error: hosts: expected {hosts.processes or 'all'} processes to meet at "
            f"{hosts.coordinator} within {hosts.timeout} s, got fewer, or others",
            file=sys.stderr,
        )
        _end_at_once(1)

    timer = threading.Timer(hosts.timeout, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _check_joined(hosts: Hosts) -> None:
    """Refuse another count of processes, and unequal ones of devices, which no collective takes."""
    if hosts.processes not in (None, jax.process_count()):
        raise DeviceError(
            f"hosts.processes: expected {jax.process_count()}, as process 0 was told, got "
            f"{hosts.processes} by process {hosts.process}"
        )
    counts = Counter(device.process_index for device in jax.devices())
    if len(set(counts.values())) > 1:
        each = ", ".join(str(counts[process]) for process in sorted(counts))
        raise DeviceError(f"expected as many devices under each process, got {each}")


def _advice(error: Exception) -> str:
    text = str(error)
    if "must be called before" in text:
        return "expected to join before any use of JAX's devices, got devices in use"
    if "only be called once" in text:
        return "expected to join once, got a process that has joined"
    if "should be defined" in text or "must be defined" in text:
        return f"expected a cluster that tells how many processes there are, got none ({text})"
    if "start RPC server" in text:
        return "expected an address of this host with a free port, got one that cannot be used"
    return f"expected to join the other processes, got {text}"


@contextlib.contextmanager
def _explaining_lost_processes() -> Iterator[None]:
    try:
        yield
    except (ValueError, jax.errors.JaxRuntimeError) as error:
        if "Gloo" not in str(error):
            raise
        raise DeviceError(
            f"another process of this run has ended; its messages say why ({error})"
        ) from error


def _exit_status(error: BaseException) -> int:
    return error.code if isinstance(error, SystemExit) and isinstance(error.code, int) else 1


def _end_at_once(status: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def is_first() -> bool:
    """Whether this process is the one that writes and prints.

    >>> is_first()
    True
    """
    return jax.process_index() == 0


def wait_for_all(name: str) -> None:
    """Wait until every process has come to this point; all of them must.

    Args:
        name: of the point, the same in all.
    """
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices(name)


def first_does(action: Callable[[], object]) -> None:
    """Have the first process do what only one may, such as write a file, and the others wait.

    An error of the action ends the first process, and so the others.

    >>> first_does(lambda: print("written"))
    written
    """
    if is_first():
        action()
    wait_for_all("the first process has done it")


def first_then_others(action: Callable[[], T]) -> T:
    """Do what leaves something for the next, such as a cache: the first process goes ahead.

    >>> first_then_others(lambda: 3)
    3
    """
    if is_first():
        result = action()
        wait_for_all("the first process has gone ahead")
        return result
    wait_for_all("the first process has gone ahead")
    return action()
