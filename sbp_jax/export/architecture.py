"""The network that a weights file describes: its sizes, and the arrays it must therefore hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbp_jax.errors import ExportError

Shapes = dict[str, tuple[int, ...]]

_OF_TRAINING = ("dropout", "encoder_dropout")


@dataclass(frozen=True)
class Anchor:
    """A column that marks a point on the target's axis, as in `sbp_jax.models.anchors`."""

    column: int
    scale: float
    below: int
    above: int

    @property
    def width(self) -> int:
        """How many numbers the network emits for it."""
        return self.below + self.above + 1


@dataclass(frozen=True)
class KnotAnchor:
    """A point with logits at knots around it, as in `sbp_jax.models.knot_anchors`."""

    column: int | None
    scale: float
    knots: Sequence[float]
    shift_scale: float

    @property
    def width(self) -> int:
        """How many numbers the network emits for it; a shift is the last."""
        return len(self.knots) + bool(self.shift_scale)


@dataclass(frozen=True)
class Architecture:
    """Sizes of a play model; the fields mean what those of `PlayModel` mean."""

    num_outputs: int
    num_bins: int
    first_edge: float
    bin_width: float
    anchors: tuple[Anchor | KnotAnchor, ...]
    ceiling: Mapping[str, Any] | None
    arrangement: Mapping[str, Sequence[float]] | None
    free_logits: bool
    step_columns: tuple[int, ...]
    features: int
    layers: int
    kernel_size: int
    hidden: tuple[int, ...]
    residual: bool
    static_names: tuple[str, ...]
    sequence_names: tuple[str, ...]

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Architecture":
        """Read the config of a weights file."""
        fields: dict[str, Any] = {
            name: x for name, x in config["model"].items() if name not in _OF_TRAINING
        }
        fields |= {name: config[name] for name in ("static_names", "sequence_names")}
        fields["anchors"] = [
            (KnotAnchor if "knots" in anchor else Anchor)(**anchor) for anchor in fields["anchors"]
        ]
        for name, value in fields.items():
            fields[name] = tuple(value) if isinstance(value, list) else value
        return cls(**fields)

    @property
    def facts(self) -> int:
        """Columns beside the state: static ones, then those of the step that is read."""
        return len(self.static_names) + len(self.step_columns)

    @property
    def own_logits(self) -> int:
        """How many bins have a logit that depends on no anchor: all or none."""
        return self.num_bins if self.free_logits else 0

    @property
    def receptive_field(self) -> int:
        """Steps that the state depends on, counted back from the last observed one."""
        return 1 + 2 * (self.kernel_size - 1) * (2**self.layers - 1)

    def shapes(self) -> Shapes:
        """Shape of every array, by its flat name."""
        shapes: Shapes = {}
        channels = len(self.sequence_names)
        for i in range(self.layers):
            block = f"tcn/blocks_{i}"
            for name, inputs in (("first", channels), ("second", self.features)):
                shapes[f"{block}/{name}/direction"] = (self.kernel_size, inputs, self.features)
                shapes[f"{block}/{name}/length"] = (self.features,)
                shapes[f"{block}/{name}/bias"] = (self.features,)
            if channels != self.features:
                shapes[f"{block}/shortcut/kernel"] = (channels, self.features)
            channels = self.features
        inputs = self.facts + (self.features if self.layers else 0)
        widths = {f"hidden_{i}": width for i, width in enumerate(self.hidden)}
        for name, width in widths.items():
            shapes |= {f"{name}/kernel": (inputs, width), f"{name}/bias": (width,)}
            inputs = width
        unanchored = self.num_outputs - self.num_bins + self.own_logits
        outputs = {"raw": unanchored} if unanchored else {}
        if self.num_bins:
            outputs |= {f"anchor_{i}": anchor.width for i, anchor in enumerate(self.anchors)}
        for name, width in outputs.items():
            shapes |= {f"{name}/kernel": (inputs, width), f"{name}/bias": (width,)}
        return shapes


def check_shapes(flat: Mapping[str, NDArray], expected: Shapes) -> dict[str, NDArray[np.float32]]:
    """Return the arrays in float32; `ExportError` unless they are those expected, and finite.

    >>> check_shapes({"raw/bias": np.zeros(3)}, {"raw/bias": (2,)})
    Traceback (most recent call last):
    sbp_jax.errors.ExportError: parameter 'raw/bias': expected shape (2,), found (3,)
    """
    for name in sorted(flat.keys() | expected.keys()):
        shape, found = expected.get(name), np.shape(flat[name]) if name in flat else None
        if shape != found:
            raise ExportError(f"parameter {name!r}: expected shape {shape}, found {found}")
        if flat[name].dtype.kind not in "biuf" or not np.isfinite(flat[name]).all():
            raise ExportError(
                f"parameter {name!r}: expected finite numbers, found others, of {flat[name].dtype}"
            )
    return {name: flat[name].astype(np.float32) for name in expected}
