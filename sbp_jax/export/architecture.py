"""The network that a weights file describes: its sizes, and the arrays it must therefore hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbp_jax.errors import ExportError

Shapes = dict[str, tuple[int, ...]]


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
    knots: tuple[float, ...]
    shift_scale: float

    @property
    def width(self) -> int:
        """How many numbers the network emits for it; a shift is the last."""
        return len(self.knots) + bool(self.shift_scale)


@dataclass(frozen=True)
class Ceiling:
    """The column of what the target cannot exceed, as in `sbp_jax.models.ceiling`."""

    column: int
    scale: float


@dataclass(frozen=True)
class Architecture:
    """Sizes of a play model; the fields mean what those of `PlayModel` mean."""

    num_outputs: int
    num_bins: int
    first_edge: float
    bin_width: float
    anchors: tuple[Anchor | KnotAnchor, ...]
    ceiling: Ceiling | None
    free_logits: bool
    step_columns: tuple[int, ...]
    features: int
    layers: int
    kernel_size: int
    hidden: tuple[int, ...]
    static_names: tuple[str, ...]
    sequence_names: tuple[str, ...]

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Architecture":
        """Read the config of a weights file; `ExportError` names what is missing or odd."""
        model = field(config, "model", dict)
        architecture = cls(
            num_outputs=_count(model, "num_outputs", 1),
            num_bins=_count(model, "num_bins", 0),
            first_edge=number(model, "first_edge"),
            bin_width=number(model, "bin_width"),
            anchors=tuple(_anchor(anchor) for anchor in field(model, "anchors", list)),
            ceiling=_ceiling(model.get("ceiling")),
            free_logits=model.get("free_logits", True) is True,
            # Files written before there were such columns name neither them nor the two above.
            step_columns=_tuple_of(int, {"step_columns": [], **model}, "step_columns"),
            features=_count(model, "features", 1),
            layers=_count(model, "layers", 0),
            kernel_size=_count(model, "kernel_size", 1),
            hidden=_tuple_of(int, model, "hidden"),
            static_names=_tuple_of(str, config, "static_names"),
            sequence_names=_tuple_of(str, config, "sequence_names"),
        )
        architecture._check()
        return architecture

    def _check(self) -> None:
        """Raise where single entries are possible but not together."""
        if not self.bin_width > 0:
            raise ExportError(f"config: expected 'bin_width' above 0, found {self.bin_width}")
        if self.num_bins > self.num_outputs:
            raise ExportError(
                f"config: expected 'num_bins' of at most {self.num_outputs} outputs, found "
                f"{self.num_bins}"
            )
        steps = len(self.sequence_names)
        if not all(0 <= column < steps for column in self.step_columns):
            raise ExportError(
                f"config: expected 'step_columns' in 0..{steps - 1}, found {self.step_columns}"
            )
        named = {"an anchor": [a.column for a in self.anchors if a.column is not None]}
        named["the ceiling"] = [self.ceiling.column] if self.ceiling else []
        for whose, columns in named.items():
            for column in columns:
                if column >= self.facts:
                    raise ExportError(
                        f"config: expected {whose}'s column in 0..{self.facts - 1}, found {column}"
                    )

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
    """Return the arrays in float32; `ExportError` unless they are those expected.

    >>> check_shapes({"raw/bias": np.zeros(3)}, {"raw/bias": (2,)})
    Traceback (most recent call last):
    sbp_jax.errors.ExportError: parameter 'raw/bias': expected shape (2,), found (3,)
    """
    for name, shape in expected.items():
        if name not in flat:
            raise ExportError(f"parameter {name!r}: expected shape {shape}, found none")
        if flat[name].shape != shape:
            raise ExportError(
                f"parameter {name!r}: expected shape {shape}, found {flat[name].shape}"
            )
    if unknown := sorted(flat.keys() - expected.keys()):
        raise ExportError(f"parameter {unknown[0]!r}: found, but the config has no place for it")
    return {name: flat[name].astype(np.float32) for name in expected}


def field(config: Mapping[str, Any], name: str, kind: type | tuple[type, ...]) -> Any:
    """Entry of a config; `ExportError` unless it is there and of that type."""
    value = config.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        expected = " or ".join(one.__name__ for one in kinds)
        raise ExportError(f"config: expected {name!r} as {expected}, found {value!r}")
    return value


def number(config: Mapping[str, Any], name: str) -> float:
    """Entry of a config that is a number."""
    return float(field(config, name, (int, float)))


def _count(config: Mapping[str, Any], name: str, lowest: int) -> int:
    value: int = field(config, name, int)
    if value < lowest:
        raise ExportError(f"config: expected {name!r} of at least {lowest}, found {value}")
    return value


def _tuple_of(
    kind: type | tuple[type, ...], config: Mapping[str, Any], name: str
) -> tuple[Any, ...]:
    values: list[Any] = field(config, name, list)
    if not all(isinstance(value, kind) for value in values):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        expected = " or ".join(one.__name__ for one in kinds)
        raise ExportError(f"config: expected {name!r} as list of {expected}, found {values}")
    return tuple(values)


def _anchor(config: Any) -> Anchor | KnotAnchor:
    if not isinstance(config, dict):
        raise ExportError(f"config: expected an anchor as dict, found {config!r}")
    if "knots" not in config:
        return Anchor(
            column=_count(config, "column", 0),
            scale=number(config, "scale"),
            below=_count(config, "below", 0),
            above=_count(config, "above", 0),
        )
    return KnotAnchor(
        column=None if config.get("column") is None else _count(config, "column", 0),
        scale=number(config, "scale"),
        knots=tuple(map(float, _tuple_of((int, float), config, "knots"))),
        shift_scale=number(config, "shift_scale"),
    )


def _ceiling(config: Any) -> Ceiling | None:
    if config is None:
        return None
    if not isinstance(config, dict):
        raise ExportError(f"config: expected 'ceiling' as dict, found {config!r}")
    return Ceiling(column=_count(config, "column", 0), scale=number(config, "scale"))
