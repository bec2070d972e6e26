"""A fitted model: from inputs to a law, and from a file back to a model."""

import functools
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from sbp_jax.arrays.inputs import Columns, read_inputs
from sbp_jax.arrays.missing import Filling, in_words, prepared
from sbp_jax.arrays.scaling import Scaling
from sbp_jax.arrays.tables import Table
from sbp_jax.batch import Batch
from sbp_jax.distributions import Law, Mixture
from sbp_jax.distributions.family import with_batch
from sbp_jax.errors import ExportError, InputError
from sbp_jax.export import describe, save_weights
from sbp_jax.export.arrays import KIND, check_arrays
from sbp_jax.export.weights import nest, read_flat
from sbp_jax.models.forecaster import Forecaster, forecaster_from
from sbp_jax.training.loop import VALIDATION_SCORE

_ROWS: Final = 8192  # asked about at once, which bounds memory


@dataclass(frozen=True, eq=False)
class Model:
    """What `fit` and `load` return: call it on inputs for their laws.

    Attributes:
        forecaster: network and family, in standard units.
        params: of all members, a pytree of (M, ...).
        columns: of the inputs.
        scaling: of inputs and target.
        cell: width of the cell that a value stands for; None for a continuous target.
        history: of each member, the metrics of each epoch.
        filling: of missing numbers; None where they are refused.
    """

    forecaster: Forecaster
    params: Any = field(repr=False)
    columns: Columns
    scaling: Scaling = field(repr=False)
    cell: float | None
    history: Sequence[Sequence[dict[str, Any]]] = field(repr=False)
    filling: Filling | None = None

    @property
    def members(self) -> int:
        """How many networks there are."""
        return int(jax.tree.leaves(self.params)[0].shape[0])

    def first(self, count: int) -> "Model":
        """The model of the first so many networks.

        Raises:
            InputError: there are not so many.
        """
        if not 1 <= count <= self.members:
            raise InputError(f"count: expected 1 to {self.members} networks, got {count}")
        params = jax.tree.map(lambda leaf: leaf[:count], self.params)
        return replace(self, params=params, history=self.history[:count])

    def __call__(self, x: Any, *, mask: Any = None, static: Table | None = None) -> Law:
        """The law of y for each row of x, in the unit of y.

        Args:
            x: as of `fit`, a data frame's columns by name; or a `Batch`, as `sbp_jax.nfl` makes
                of plays, whose target is not looked at.
            mask: likewise.
            static: likewise.

        Warns:
            UserWarning: numbers were filled in of columns that lacked none in training.

        Raises:
            InputError: other columns, sizes that disagree, or numbers that are not finite.
        """
        fill = self.filling is not None
        batch, _ = read_inputs(x, mask=mask, static=static, columns=self.columns, missing=fill)
        if self.filling is not None and (unforeseen := self._unforeseen(self.filling, batch)):
            warnings.warn(
                f"x: missing numbers, {unforeseen}, of columns that lacked none in training: "
                "filled with the training part's mean",
                stacklevel=2,
            )
        rows = range(0, len(batch.static), _ROWS)
        # Scaled by parts, since plays come in half the precision and by the hundred thousand.
        scaled = (prepared(_rows_of(batch, at), self.scaling, self.filling) for at in rows)
        parts = [_predict(self.forecaster, self.params, part) for part in scaled]
        found = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *parts)
        return self._in_unit(found)

    def _unforeseen(self, filling: Filling, batch: Batch) -> str:
        names = self.columns.static, self.columns.sequence
        both = zip(filling.unforeseen(batch), names, strict=True)
        return ", ".join(text for counts, of in both for text in in_words(counts, of))

    def _in_unit(self, params: Any) -> Law:
        """The law of parameters (B, M, ...) in standard units."""
        law = Law(self.forecaster.family, params)
        loc, scale = self.scaling.loc, self.scaling.scale
        if (loc, scale) != (0.0, 1.0):  # a run's network speaks the target's unit already
            law = law.affine(loc, scale)
        if self.members == 1:
            return Law(law.family, jax.tree.map(lambda leaf: leaf[:, 0], law.params))
        return _mixed(law)

    def report(self) -> str:
        """What was fitted, in a few lines."""
        scores = [_last_scores(one) for one in self.history]
        best = [f"{min(one) + self._shift:.4f}" for one in scores]
        epochs = [f"{int(np.argmin(one))} of {len(one) - 1}" for one in scores]
        count = sum(leaf.size for leaf in jax.tree.leaves(self.params)) // self.members
        seconds = sum(each["seconds"] for each in self.history[0])
        what = "density" if self.cell is None else f"cells of {self.cell:g}"
        steps = f" and steps of {len(self.columns.sequence)}" if self.columns.has_sequence else ""
        return (
            f"{self.members} x {count:,} parameters on {len(self.columns.static)} columns{steps}, "
            f"{type(self.forecaster.family).__name__}\n"
            f"validation log score ({what}): {', '.join(best)} nats, epoch {', '.join(epochs)}\n"
            f"trained in {seconds:.0f} s{self._filled}"
        )

    @property
    def _filled(self) -> str:
        """What the report says of missing numbers."""
        if self.filling is None:
            return ""
        of_rows = in_words(self.filling.static, self.columns.static)
        of_steps = in_words(self.filling.sequence, self.columns.sequence)
        found = ", ".join([*of_rows, *of_steps]) or "none"
        return f"\nmissing numbers of the training part, filled with means: {found}"

    @property
    def _shift(self) -> float:
        """What a log score in standard units lacks in the unit of y."""
        return float(np.log(self.scaling.scale)) if self.cell is None else 0.0

    def save(self, path: str | Path) -> None:
        """Write one file, whole or not at all, that `sbp_jax.load` reads.

        Of missing numbers its description says ``filling``: null where they are refused, else
        how many each column lacked in training, ``static`` (S,) and ``sequence`` (C,). What the
        network is given: columns less `scaling`'s location, over its scale, NaN then set to 0;
        after them, in order, for each column that lacked some, 1 where one is missing and else 0.

        Raises:
            ExportError: the network is none of this library's, the family is not registered, or
                there can be no such file.
        """
        about = describe(
            self.forecaster.network,
            self.forecaster.family,
            static_names=self.columns.static,
            sequence_names=self.columns.sequence,
            kind=KIND,
            members=self.members,
            named=self.columns.named,
            cell=None if self.cell is None else float(self.cell),
            filling=None if self.filling is None else asdict(self.filling),
            scaling={
                name: np.asarray(value).tolist() for name, value in self.scaling._asdict().items()
            },
            history=[list(one) for one in self.history],
        )
        try:
            save_weights(path, self.params, about)
        except OSError as error:
            raise ExportError(f"{path}: expected a file that can be written: {error}") from error


def load(path: str | Path) -> Model:
    """Read a model that `Model.save` wrote.

    Raises:
        ExportError: no such file, or it is none of these, or of another kind, or its arrays and
            what it says of them do not fit each other.
    """
    flat, about = read_flat(path)
    if about.get("kind") != KIND:
        raise ExportError(
            f"{path}: expected a file of Model.save, found one of kind {about.get('kind')!r}"
        )
    try:
        check_arrays(flat, about)
        scaling: dict[str, Any] = {
            name: np.asarray(value) if isinstance(value, list) else float(value)
            for name, value in about["scaling"].items()
        }
        return Model(
            forecaster=forecaster_from(about),
            params=nest(path, flat),
            columns=Columns(
                tuple(about["static_names"]), tuple(about["sequence_names"]), about["named"]
            ),
            scaling=Scaling(**scaling),
            cell=about["cell"],
            history=about["history"],
            filling=_filling_of(about.get("filling")),
        )
    except (ExportError, KeyError, TypeError, ValueError) as error:
        raise ExportError(f"{path}: describes no model: {error!r}") from error


def _last_scores(history: Sequence[dict[str, Any]]) -> list[float]:
    """Validation scores of the last training, before its first epoch (inf if fresh) and after."""
    before = history[-1].get("start_epoch", 0)
    score = history[-1].get("start_score")
    return [np.inf if score is None else score] + [
        float(each[VALIDATION_SCORE]) for each in history[before:]
    ]


def _filling_of(described: dict[str, list[int]] | None) -> Filling | None:
    if described is None:
        return None
    return Filling(tuple(described["static"]), tuple(described["sequence"]))


def _mixed(law: Law) -> Law:
    """The mean of laws along the last axis; mixtures become one of all their components."""
    family, params = law.family, law.params
    if not isinstance(family, Mixture):
        return Law(Mixture(family, law.shape[-1]), Mixture.Params(jnp.zeros(law.shape), params))

    def joined(leaf: Array) -> Array:
        return leaf.reshape(*leaf.shape[:1], -1, *leaf.shape[3:])

    logits = jax.nn.log_softmax(params.logits, axis=-1)
    each = with_batch(family.base, params.base, logits.shape)  # tops of one network share a shape
    every = Mixture(family.base, law.shape[-1] * family.components)
    return Law(every, jax.tree.map(joined, Mixture.Params(logits, each)))


def _rows_of(batch: Batch, start: int) -> Batch:
    return Batch(*(leaf[start : start + _ROWS] for leaf in batch))


@functools.partial(jax.jit, static_argnums=0)
def _predict(forecaster: Forecaster, params: Any, batch: Batch) -> Any:
    """Parameters (B, M, ...) of the members' laws."""
    laws = jax.vmap(forecaster.predict, (0, None))(params, batch)
    return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, 1), laws)
