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
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import jax
from jax.experimental import multihost_utils

from sbp_jax.errors import DeviceError, TrainingInterrupted
from sbp_jax.runs.end_together import end_at_once, ending_together, within
from sbp_jax.runs.ranges import Count, Whole, refuse_out_of_range

T = TypeVar("T")

AUTO = "auto"
_BIND = "JAX_COORDINATOR_BIND_ADDRESS"
_GRACE_SECONDS = 600


@dataclass(frozen=True)
class Hosts:
    """Several processes that run the same command as one; only one, if left out.

    Attributes:
        coordinator: HOST:PORT where the first process listens, the same for all of them; "auto"
            asks the cluster (SLURM, Open MPI, Cloud TPU, Kubernetes) for this and the next two.
            It listens at that address alone, unless JAX_COORDINATOR_BIND_ADDRESS names another.
        processes: how many there are, >= 1.
        process: number of this one, from 0.
        timeout: seconds, >= 1, after which a process that does not come, or gives no sign of life,
            is given up, and with it the run.
    """

    coordinator: str | None = None
    processes: Count | None = None
    process: Whole | None = None
    timeout: Count = 60

    def __post_init__(self) -> None:
        """Refuse what no process can be told by."""
        refuse_out_of_range(self, DeviceError)
        numbers = {"processes": self.processes, "process": self.process}
        missing = [name for name, number in numbers.items() if number is None]
        given = [f"{name} {number}" for name, number in numbers.items() if number is not None]
        if self.coordinator in (None, AUTO):
            if given:
                raise DeviceError(
                    f"hosts: expected coordinator HOST:PORT with {' and '.join(given)}, got "
                    f"{self.coordinator}"
                )
            return
        host, _, port = self.coordinator.rpartition(":")
        if not (host and port.isdecimal() and int(port) < 2**16):
            raise DeviceError(f"coordinator: expected HOST:PORT, got {self.coordinator!r}")
        if self.processes is None or self.process is None:
            raise DeviceError(
                f"hosts: expected {' and '.join(missing)} with coordinator "
                f"{self.coordinator}, got none"
            )
        if not self.process < self.processes:
            raise DeviceError(
                f"hosts.process: expected 0 to {self.processes - 1}, for there are "
                f"{self.processes}, got {self.process}"
            )


@contextlib.contextmanager
def joined(hosts: Hosts) -> Iterator[None]:
    """Run what is inside as one of several processes, all of which end together.

    Must come before anything else that uses JAX's devices; inside, `jax.devices` are those of all
    processes. One that is done waits for the others. One that fails ends all: each of the others
    prints one line and ends with exit status 1. A stop by SIGTERM, which all learn of, is not a
    failure.

    Raises:
        DeviceError: another process did not come in time or was told of another number of them,
            the port is taken, no cluster is found, devices were used before, or processes have
            unequal numbers of them; or, from inside, another process is gone without a word.

    >>> with joined(Hosts()):
    ...     jax.process_count()
    1
    """
    if hosts.coordinator is not None:
        _join(hosts)
    try:
        with contextlib.nullcontext() if hosts.coordinator is None else ending_together():
            if hosts.coordinator is not None:
                _check(hosts)
            yield
            wait_for_all("end of the run")
    except TrainingInterrupted:
        raise
    except BaseException as error:
        if hosts.coordinator is not None:
            # After the error has been printed, but before JAX waits for the other processes.
            atexit.register(end_at_once, _exit_status(error))
        raise


def _join(hosts: Hosts) -> None:
    # Its handler would swallow SIGTERM; training has one of its own.
    jax.config.update("jax_enable_preemption_service", False)
    initialize = partial(
        jax.distributed.initialize,
        # JAX's own time-out ends the process without an exception: it must not be the first.
        initialization_timeout=hosts.timeout + _GRACE_SECONDS,
        heartbeat_timeout_seconds=hosts.timeout,
        shutdown_timeout_seconds=hosts.timeout,
    )
    if hosts.coordinator and hosts.coordinator != AUTO:
        listens = os.environ.get(_BIND) or hosts.coordinator
        if hosts.process == 0:
            _check_free(listens)
        initialize = partial(
            initialize,
            hosts.coordinator,
            num_processes=hosts.processes,
            process_id=hosts.process,
            coordinator_bind_address=listens,
            cluster_detection_method="deactivate",  # it may leave a process only one device
        )
    try:
        within(hosts.timeout, initialize)
    except TimeoutError:
        atexit.register(end_at_once, 1)
        raise DeviceError(
            f"hosts.coordinator {hosts.coordinator}: expected {hosts.processes or 'all'} processes "
            f"within {hosts.timeout} s, got fewer"
        ) from None
    except (RuntimeError, ValueError) as error:
        raise DeviceError(f"hosts.coordinator {hosts.coordinator}: {_advice(error)}") from error


def _check_free(address: str) -> None:
    """JAX may crash where the port is taken."""
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    try:
        socket.create_server((host.strip("[]"), int(port)), family=family).close()
    except OSError as error:
        raise DeviceError(
            f"hosts.coordinator {address}: expected a free port of this host, got {error}"
        ) from error


def _check(hosts: Hosts) -> None:
    """All were told the same, and have as many devices, without which JAX's collectives fail."""
    if hosts.processes not in (None, jax.process_count()):
        raise DeviceError(
            f"hosts.processes: expected {jax.process_count()}, as process 0 was told, got "
            f"{hosts.processes}"
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
    return f"expected to join the other processes, got {text}"


def _exit_status(error: BaseException) -> int:
    return error.code if isinstance(error, SystemExit) and isinstance(error.code, int) else 1


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
