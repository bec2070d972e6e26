"""Threads for devices that a CPU only pretends to have.

Collectives of several of them deadlock in a pool of fewer threads; one device alone runs a fifth
slower in a large pool. XLA makes the pool, of `NPROC` threads, with the first use of a device.
"""

import os
import re

import jax

from sbp_jax.errors import DeviceError

THREADS = "NPROC"
ENOUGH = "32"


def enough_threads() -> None:
    """Have XLA make a pool of `ENOUGH` threads where several virtual CPU devices are asked for.

    Changes nothing where `NPROC` is set. Must come before anything that uses JAX's devices.

    Raises:
        DeviceError: they are asked for, and were used before.

    >>> enough_threads()
    """
    if THREADS in os.environ or _virtual_devices() < 2:
        return
    try:
        # JAX refuses to change this once its devices are in use, which nothing else tells.
        asked = jax.config.values["jax_num_cpu_devices"]
        for count in (asked + 1, asked):
            jax.config.update("jax_num_cpu_devices", count)
    except RuntimeError:
        raise DeviceError(
            f"{_virtual_devices()} virtual devices: expected {THREADS} set before JAX's devices "
            f"are used, got none; run with {THREADS}={ENOUGH}"
        ) from None
    os.environ[THREADS] = ENOUGH


def _virtual_devices() -> int:
    flags = re.findall(
        r"--xla_force_host_platform_device_count=(\d+)", os.environ.get("XLA_FLAGS", "")
    )
    return max(int(flags[-1]) if flags else 1, jax.config.values["jax_num_cpu_devices"])
