"""What a run does before anything else: join other processes, find devices, keep programs."""

import contextlib
from collections.abc import Iterator

from sbp_jax.runs.compilation_cache import use_compilation_cache
from sbp_jax.runs.hosts import Hosts, joined
from sbp_jax.runs.virtual_devices import enough_threads
from sbp_jax.training.operations import Operations
from sbp_jax.training.parallel import Devices, choose_devices


@contextlib.contextmanager
def started(operations: Operations, hosts: Hosts, *, virtual_shards: int) -> Iterator[Devices]:
    """The devices to run on, of all processes; compiled programs are kept from here on.

    Must come before anything that uses JAX's devices.

    Args:
        operations: how many devices, how to map over them, where to keep programs.
        hosts: the processes.
        virtual_shards: of the training, which the devices must be able to share evenly.

    Raises:
        DeviceError: there are not so many devices, or they do not divide the virtual shards, or
            devices were used before.
        CompilationCacheError: programs cannot be kept in the folder asked for.

    >>> with started(Operations(devices=1), Hosts(), virtual_shards=64) as devices:
    ...     devices.count, devices.backend
    (1, 'shard_map')
    """
    enough_threads()
    with joined(hosts):
        use_compilation_cache(operations.compilation_cache)
        devices = Devices(choose_devices(operations.devices), operations.backend)
        devices.own_shards(virtual_shards)
        yield devices
