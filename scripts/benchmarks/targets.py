"""Accelerators that XLA compiles for without one at hand, and what they can do at most.

All limits that step times are computed from stand here. They are those of data sheets, so a step
takes longer than they allow: it is no measurement. A start is the time that a host needs to hand a
kernel to the device while the one before runs; command buffers lower it. A TPU's program runs by
itself, and what is counted there is the pause between its operations, an assumption.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple, Self

from sbp_jax.errors import DeviceError
from sbp_jax.models.tcn import Precision

Platform = Literal["cuda", "tpu"]


class Chip(NamedTuple):
    """One device.

    Attributes:
        platform: of its packages.
        start: seconds to start an operation.
        flops: a second, of matrix products as JAX computes them by default in each precision.
        bytes: a second, read from and written to its memory.
        description: file that describes it to XLA; None where XLA knows it by name.
    """

    platform: Platform
    start: float
    flops: Mapping[Precision, float]
    bytes: float
    description: Path | None = None


CHIPS: Final[Mapping[str, Chip]] = {
    # H100 SXM: float32 products go through TF32, without sparsity; 5 us is the usual figure.
    "h100": Chip(
        "cuda",
        5e-6,
        {"float32": 495e12, "bfloat16": 989e12},
        3.35e12,
        Path(__file__).with_name("h100.textproto"),
    ),
    # TPU v5e: float32 products are one pass in bfloat16 by default.
    "v5e": Chip("tpu", 0.5e-6, {"float32": 197e12, "bfloat16": 197e12}, 819e9),
}


@dataclass(frozen=True)
class Target:
    """Devices to compile for.

    Attributes:
        name: chip and topology: of GPUs slices x hosts x devices, of TPUs the chips' grid.
        chip: what can be known of one of them.
        topology: the part of the name after the colon.
    """

    name: str
    chip: Chip
    topology: str

    @classmethod
    def named(cls, name: str) -> Self:
        """The target of a name such as ``h100:1x1x8``.

        Raises:
            DeviceError: no such chip, or no topology. Whether it knows the topology XLA says.
        """
        chip, _, topology = name.partition(":")
        if chip not in CHIPS or not topology:
            raise DeviceError(
                f"targets: expected {' or '.join(CHIPS)}, a colon and a topology, such as "
                f"{' or '.join(DEFAULT_TARGETS)}, got {name!r}"
            )
        return cls(name, CHIPS[chip], topology)


DEFAULT_TARGETS: Final = ("h100:1x1x1", "h100:1x1x8", "v5e:2x2x1")
