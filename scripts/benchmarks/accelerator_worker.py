"""Compile one program for devices that are only described, and count what a step of it does.

    python -m scripts.benchmarks.accelerator_worker h100:1x1x1 network float32

Started by `accelerators.py`, with the packages of the platform on Python's path and `ENVIRONMENT`
set. The host is a CPU; nothing is run. Prints one line of JSON.
"""

import json
import sys
import time
from typing import Any, Final

import jax
from jax.experimental import topologies

from sbp_jax.models.tcn import Precision
from sbp_jax.training.parallel import Devices
from scripts.benchmarks.described import describe
from scripts.benchmarks.hlo_counts import step_counts
from scripts.benchmarks.targets import Target

ENVIRONMENT: Final = {
    "JAX_PLATFORMS": "cpu",
    "JAX_ENABLE_COMPILATION_CACHE": "false",  # seconds to compile are to be those of compiling
    # Autotuning tries candidates on a device. Without it Triton's products have no tiles, so all
    # go to cuBLAS; on a real device some may be fused with what is around them.
    "XLA_FLAGS": "--xla_gpu_autotune_level=0 --xla_gpu_enable_triton_gemm=false",
    "TPU_SKIP_MDS_QUERY": "1",
    "TPU_WORKER_HOSTNAMES": "localhost",
}


UNKNOWN_TOPOLOGY: Final = 3  # exit status


def main(target: str, program: str, precision: Precision) -> None:
    """Compile and print; ends with `UNKNOWN_TOPOLOGY` where XLA knows no such devices."""
    try:
        devices = described_devices(Target.named(target))
    except Exception as error:  # of whatever type a plugin raises
        print(error, file=sys.stderr)
        sys.exit(UNKNOWN_TOPOLOGY)
    start = time.perf_counter()
    described = describe(program, devices, precision)
    lowered = time.perf_counter()
    compiled = described.lowered.compile()
    done = time.perf_counter()
    counts = step_counts(compiled.as_text() or "")
    # XLA counts a loop's body once, so this is a step and what comes before the first; on a GPU
    # that is only described it counts nothing.
    analysis: Any = compiled.cost_analysis() or {}
    memory: Any = compiled.memory_analysis()
    found = {
        "launches": dict(counts.launches),
        "total": counts.total,
        "flops": counts.flops or float(analysis.get("flops", 0.0)),
        "bytes": counts.bytes,
        "temporaries": memory.temp_size_in_bytes,
        "examples": described.examples,
        "devices": devices.count,
        "seconds_to_lower": lowered - start,
        "seconds_to_compile": done - lowered,
    }
    print(json.dumps(found))


def described_devices(target: Target) -> Devices:
    """All devices of a target, as the training is given real ones."""
    chip = target.chip
    if chip.description is None:
        topology = topologies.get_topology_desc(platform="tpu", topology_name=target.name)
    else:
        jax.devices()  # loads plugins
        topology = topologies.get_topology_desc(
            target.name,
            platform=chip.platform,
            target_config=chip.description.read_text(),
            topology=target.topology,
        )
    return Devices(topology.devices)


if __name__ == "__main__":
    name, program_name, arithmetic = sys.argv[1:]
    main(name, program_name, "bfloat16" if arithmetic == "bfloat16" else "float32")
