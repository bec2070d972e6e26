"""A pool of threads is made for virtual devices, and for nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from sbp_jax.errors import DeviceError
from sbp_jax.runs.virtual_devices import enough_threads

PROGRAM = """
import os
import jax
from sbp_jax.runs.virtual_devices import enough_threads
enough_threads()
assert jax.device_count() == 3
print(os.environ["NPROC"], len(os.listdir("/proc/self/task")) > 32)
"""


def test_it_takes_effect_before_devices_are_used():
    """Though JAX is imported by then."""
    if not Path("/proc/self/task").exists():
        pytest.skip("this system does not show a process's threads")
    environment = {name: value for name, value in os.environ.items() if name != "NPROC"}
    environment |= {
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "XLA_FLAGS": "--xla_force_host_platform_device_count=3",
        "JAX_PLATFORMS": "cpu",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "32 True\n"


def test_once_devices_are_used_it_says_what_to_set(monkeypatch):
    jax.devices()
    monkeypatch.delenv("NPROC", raising=False)
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=8")
    with pytest.raises(DeviceError, match=r"8 virtual devices: .*run with NPROC=32"):
        enough_threads()
    assert "NPROC" not in os.environ


@pytest.mark.parametrize("flags", ["", "--xla_force_host_platform_device_count=1"])
def test_one_device_keeps_its_own_threads(monkeypatch, flags):
    monkeypatch.delenv("NPROC", raising=False)
    monkeypatch.setenv("XLA_FLAGS", flags)
    enough_threads()
    assert "NPROC" not in os.environ


def test_what_the_user_set_stays(monkeypatch):
    monkeypatch.setenv("NPROC", "5")
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=8")
    enough_threads()
    assert os.environ["NPROC"] == "5"
