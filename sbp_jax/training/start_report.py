"""What a run says of itself before it starts: its size, and on request its cost."""

from collections.abc import Sequence
from typing import NamedTuple

import jax

from sbp_jax.training.placing import Placed
from sbp_jax.training.state import Params, count_params


def start_line(params: Params, train: Placed) -> str:
    """Devices, precision, parameters, examples, bytes and steps of a run, in one line.

    Such as ``1 x cpu, float32, 214,563 parameters, 50,000 examples in 4 length buckets
    (1.4 GB on the devices), 30 epochs of 195 steps of 256``. Rows of a step are rows of the
    arrays, fillers included.

    Args:
        params: of the network.
        train: the training examples.
    """
    config, devices = train.config, train.devices
    kinds = sorted({device.device_kind for device in devices.mesh.devices.flat})
    buckets = len(train.shards)
    grouped = f" in {buckets} length buckets" if buckets > 1 else ""
    parts = f" in {config.accumulate} parts" if config.accumulate > 1 else ""
    return (
        f"{devices.count} x {' and '.join(kinds)}, {config.precision}, "
        f"{count_params(params):,} parameters, {train.examples:,} examples{grouped} "
        f"({in_units(train.nbytes, 'B')} on the devices), "
        f"{config.epochs} epochs of {train.steps:,} steps of {config.batch_size}{parts}"
    )


class StepCost(NamedTuple):
    """What XLA counts of one step's program.

    Attributes:
        flops: floating-point operations; None where the backend does not count.
        bytes_accessed: read and written by its operations before they are fused, so an upper
            bound of the traffic with memory; None as above.
    """

    flops: float | None
    bytes_accessed: float | None


def step_cost(lowered: jax.stages.Lowered) -> StepCost:
    """Count one step; it must be one, because XLA counts the body of a loop once.

    >>> a = jax.ShapeDtypeStruct((8, 4), "float32")
    >>> b = jax.ShapeDtypeStruct((4, 16), "float32")
    >>> step_cost(jax.jit(jax.numpy.dot).lower(a, b)).flops == 2 * 8 * 4 * 16
    True
    """
    counted = lowered.cost_analysis()
    counts = counted if isinstance(counted, dict) else {}
    return StepCost(counts.get("flops"), counts.get("bytes accessed"))


def estimate(epoch: jax.stages.Compiled, steps: Sequence[tuple[StepCost, int]]) -> str:
    """Memory and cost of an epoch on each device, in a few aligned lines.

    Args:
        epoch: the compiled epoch.
        steps: of each bucket of lengths, what one step costs and how many there are.

    Returns:
        Lines of a name and a value; ``unknown`` where the backend does not tell.
    """
    memory = epoch.memory_analysis()

    def held(kind: str) -> str:
        return in_units(getattr(memory, f"{kind}_size_in_bytes", None), "B")

    lines = {
        "arguments": held("argument"),
        "of which donated": held("alias"),
        "temporaries": held("temp"),
        "outputs": held("output"),
        "steps per epoch": f"{sum(count for _, count in steps):,}",
        "FLOPs per epoch": in_units(_total([(cost.flops, count) for cost, count in steps])),
        "traffic per epoch": in_units(
            _total([(cost.bytes_accessed, count) for cost, count in steps]), "B"
        ),
    }
    width = max(map(len, lines))
    return "\n".join(f"{name:<{width}}  {value}" for name, value in lines.items())


def in_units(value: float | None, unit: str = "") -> str:
    """Write a quantity with a decimal prefix.

    >>> in_units(1_400_000_000, "B"), in_units(512, "B"), in_units(None)
    ('1.4 GB', '512 B', 'unknown')
    """
    if value is None:
        return "unknown"
    prefixes = ("", "k", "M", "G", "T", "P")
    power = 0
    while value >= 999.95 and power < len(prefixes) - 1:
        value, power = value / 1000, power + 1
    number = f"{value:.1f}" if power else f"{value:.0f}"
    return f"{number} {prefixes[power]}{unit}".rstrip()


def _total(costs: list[tuple[float | None, int]]) -> float | None:
    known = [cost * count for cost, count in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None
