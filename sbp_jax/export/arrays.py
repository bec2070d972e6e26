"""A model of anybody's arrays, as `sbp_jax.fit` makes one, served with NumPy alone."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sbp_jax.errors import BatchError
from sbp_jax.export import inputs
from sbp_jax.export.architecture import Architecture, check_shapes
from sbp_jax.export.check_config import check_arrays_config
from sbp_jax.export.law import NumpyLaw
from sbp_jax.export.mixture import Mixture
from sbp_jax.export.moved import Moved
from sbp_jax.export.read_arrays import Columns, read_arrays
from sbp_jax.export.read_family import read_family
from sbp_jax.export.runtime import NumpyModel
from sbp_jax.export.weights import Config, Flat

KIND: Final = "arrays"
"""What the file of such a model says that it is."""
LARGEST: Final = 1e30
"""Of a number in an input: squares of larger ones leave the range of what is computed."""


class NumpyArraysModel:
    """What `Model.save` wrote: call it on inputs for their laws.

    Inputs are scaled, networks compute in float32 as under JAX, and distributions in float64. The
    answer is that of the JAX model to the precision of float32.

    Args:
        flat: arrays (members, ...) by flat name.
        config: what the file says of them.

    Attributes:
        config: what the file says about the model.
        columns: of the inputs.
        members: how many networks there are.
    """

    def __init__(self, flat: Flat, config: Config) -> None:
        of_one = check_arrays(flat, config)
        self.config: Mapping[str, Any] = config
        self.members: int = config["members"]
        names = tuple(config["static_names"]), tuple(config["sequence_names"])
        self.columns = Columns(*names, config["named"])
        self._marked = _marked_columns(config)
        self._networks = [
            NumpyModel({name: array[i] for name, array in flat.items()}, of_one)
            for i in range(self.members)
        ]
        self._scaling = {
            name: np.asarray(value, np.float64) for name, value in config["scaling"].items()
        }
        self._base = read_family(config["family"])
        of_members = Mixture(self._base, self.members) if self.members > 1 else self._base
        self._family = Moved(of_members, 0.0, 1.0, location=True)

    def __call__(self, x: Any, *, mask: Any = None, static: Any = None) -> NumpyLaw:
        """The law of y for each row of x, in the unit of y.

        Args:
            x: table (B, S): an array or a data frame, whose columns go by name; or sequences
                (B, T, C), or a list of arrays (T_i, C).
            mask: (B, T) True where a step was observed, observed steps first; all if left out.
            static: (B, S) facts beside sequences.

        Raises:
            BatchError: other columns, sizes that disagree, or numbers that are not finite.
        """
        batch = self._scaled(*read_arrays(x, mask, static, self.columns))
        raws = [network.raw(*batch).astype(np.float64) for network in self._networks]
        found = self._base.constrain(np.stack(raws, axis=1) if self.members > 1 else raws[0])
        rows = len(raws[0])
        if self.members > 1:
            found = {"logits": np.zeros((rows, self.members)), "base": found}
        loc, scale = (np.full(rows, self._scaling[name]) for name in ("loc", "scale"))
        return NumpyLaw(self._family, {"loc": loc, "scale": scale, "base": found}, (rows,))

    def _scaled(self, sequence: Any, mask: Any, static: Any) -> tuple[Any, Any, NDArray]:
        """Inputs as the networks are given them: near one, zeros in the padding."""
        table = "x" if sequence is None else "static"
        facts = inputs.columns(table, static, self.columns.static, 2)
        self._check(table, facts, self.columns.static, None)
        if not len(facts):
            raise BatchError("x: expected at least one row, got none")
        facts = self._near_one(facts, "static", "static")
        if sequence is None:
            return None, None, facts
        steps = inputs.columns("x", sequence, self.columns.sequence, 3)
        observed = inputs.steps(mask, steps.shape[:2])
        self._check("x", steps, self.columns.sequence, observed)
        scaled = self._near_one(np.where(observed[..., None], steps, 0.0), "step", "sequence")
        return np.where(observed[..., None], scaled, np.float32(0)), observed, facts

    def _check(
        self, what: str, values: NDArray, names: tuple[str, ...], mask: NDArray | None
    ) -> None:
        """Refuse numbers that are far too large, and missing ones unless they are filled in."""
        known = np.where(np.isnan(values), 0.0, values) if self._marked else values
        inputs.finite(what, known, names, mask, LARGEST)

    def _near_one(self, values: NDArray, of: str, what: str) -> NDArray[np.float32]:
        """Scaled columns; what is missing is 0, and marked behind them where it may be."""
        loc, scale = self._scaling[f"{of}_loc"], self._scaling[f"{of}_scale"]
        scaled = ((values - loc) / scale).astype(np.float32)
        if not self._marked:
            return scaled
        missing = np.isnan(scaled)
        marks = missing[..., self._marked[what]].astype(np.float32)
        return np.concatenate([np.where(missing, np.float32(0), scaled), marks], axis=-1)


def check_arrays(flat: Flat, config: Config) -> Config:
    """Refuse arrays that are not those of the networks that the config describes.

    Returns:
        What the file would say of one of the networks: marks of missing numbers are columns.

    Raises:
        ExportError: an entry of the config is missing or out of its range; an array is missing,
            too many, of another shape, or not of finite numbers.
    """
    check_arrays_config(config)
    marked = _marked_columns(config)
    # Numbered, since a mark's name could be that of another column.
    columns = {
        f"{what}_names": [
            str(i) for i in range(len(config[f"{what}_names"]) + len(marked.get(what, ())))
        ]
        for what in ("static", "sequence")
    }
    of_one = {**config, **columns}
    shapes = Architecture.from_config(of_one).shapes()
    check_shapes(flat, {name: (config["members"], *shape) for name, shape in shapes.items()})
    return of_one


def _marked_columns(config: Config) -> dict[str, list[int]]:
    """Columns that lacked numbers in training, by "static" and "sequence"; none if not filled."""
    filling = config.get("filling") or {}
    return {
        what: [i for i, count in enumerate(counts) if count] for what, counts in filling.items()
    }
