"""A trained model of plays served with NumPy alone.

    model = load_model("weights.npz")
    parameters = model.parameters(sequence, mask, static)
    model.median(parameters)
    model.score(sequence, mask, static, yards)

On a machine whose cores are shared, set OPENBLAS_NUM_THREADS=1: threads that wait for a core make
NumPy's matrix products several times slower.

Legend: B examples, T steps, C columns of a step, S static columns, P raw outputs.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sbp_jax.errors import BatchError, ExportError
from sbp_jax.export import inputs
from sbp_jax.export.architecture import Architecture, check_shapes
from sbp_jax.export.check_config import check_config
from sbp_jax.export.encoder import Encoder
from sbp_jax.export.family import Parameters, defined_by
from sbp_jax.export.head import Head
from sbp_jax.export.read_family import read_family
from sbp_jax.export.weights import Config, Flat

Floats = NDArray[np.floating]
# Numbers in the largest array of one chunk, 16 MiB: with smaller ones the threads of a matrix
# product wait for each other more than they multiply, with larger ones nothing gets faster.
_CHUNK = 2**22


class NumpyModel:
    """Network and family rebuilt from a weights file; all methods take whole batches.

    Results do not depend on the padding: its content is never read and its amount free. An
    example may have no observed step.

    Args:
        flat: arrays by flat name.
        config: as `describe` makes it.

    Attributes:
        config: what the file says about the model, extra keys included.
        static_names: names of the static columns, in order.
        sequence_names: names of a step's columns, in order.
    """

    def __init__(self, flat: Flat, config: Config) -> None:
        check_config(config)
        network = Architecture.from_config(config)
        weights = check_shapes(flat, network.shapes())
        self._family = read_family(config["family"])
        if self._family.num_outputs != network.num_outputs:
            raise ExportError(
                f"config: expected {self._family.num_outputs} outputs for this family, found "
                f"{network.num_outputs}"
            )
        self._network = network
        self._encoder = Encoder(network, weights)
        self._head = Head(network, weights)
        self.config: Mapping[str, Any] = config
        self.static_names = network.static_names
        self.sequence_names = network.sequence_names

    def raw(self, sequence: ArrayLike, mask: ArrayLike, static: ArrayLike) -> NDArray[np.float32]:
        """Raw outputs (B, P) of the network.

        Args:
            sequence: (B, T, C) features of each step, observed steps first; not read by a model
                without layers and step columns.
            mask: (B, T) bool, True where observed.
            static: (B, S) facts about the example as a whole.

        Raises:
            BatchError: wrong shapes, padding before an observed step, or a value not finite.
        """
        features, observed, facts = self._checked(sequence, mask, static)
        out = np.empty((len(facts), self._network.num_outputs), np.float32)
        for rows in self._chunks(features):
            out[rows] = self._raw(features[rows], observed[rows], facts[rows])
        return out

    def parameters(self, sequence: ArrayLike, mask: ArrayLike, static: ArrayLike) -> Parameters:
        """Parameters of each example's distribution; arguments as for `raw`.

        Returns:
            Arrays (B,) or (B, bins) by name: "logits", "lower_shape", "lower_scale",
            "upper_shape", "upper_scale"; "logits"; or "loc", "scale", by family. Those of a
            family that others are made of are a dictionary of their own, "base".
        """
        return self._family.constrain(self.raw(sequence, mask, static))

    def score(
        self, sequence: ArrayLike, mask: ArrayLike, static: ArrayLike, y: ArrayLike
    ) -> Floats:
        """Score (B,) of whole-numbered outcomes: (F(y - 1/2) + F(y + 1/2)) / 2.

        Args:
            sequence: as for `raw`.
            mask: as for `raw`.
            static: as for `raw`.
            y: (B,) what came to pass, in the target's unit (yards).
        """
        features, observed, facts = self._checked(sequence, mask, static)
        outcome = inputs.numbers("y", y)
        if outcome.shape != (len(facts),):
            raise BatchError(f"y: expected shape ({len(facts)},), got {outcome.shape}")
        inputs.finite("y", outcome[:, None], ("y",), None)
        outcome = outcome.astype(np.float32)
        score = np.empty(len(facts), np.float32)
        for rows in self._chunks(features):
            raw = self._raw(features[rows], observed[rows], facts[rows])
            parameters = self._family.constrain(raw)
            ends = outcome[rows] + np.array([[-0.5], [0.5]], np.float32)
            score[rows] = self._family.cdf(parameters, ends).mean(axis=0)
        return score

    def cdf(self, parameters: Parameters, y: ArrayLike) -> Floats:
        """Distribution function at y, a number or (..., B)."""
        return _defined(self._family.cdf(parameters, np.asarray(y)), parameters)

    def quantile(self, parameters: Parameters, q: ArrayLike) -> Floats:
        """Inverse of the distribution function at q, a number or (..., B)."""
        return _defined(self._family.quantile(parameters, np.asarray(q)), parameters)

    def median(self, parameters: Parameters) -> Floats:
        """Median (B,)."""
        return self.quantile(parameters, 0.5)

    def _checked(
        self, sequence: ArrayLike, mask: ArrayLike, static: ArrayLike
    ) -> tuple[NDArray, NDArray[np.bool_], NDArray]:
        facts = inputs.columns("static", static, self.static_names, 2)
        inputs.finite("static", facts, self.static_names, None)
        if not (self._network.layers or self._network.step_columns):
            nothing = np.zeros((len(facts), 0, 0), np.float32)
            return nothing, np.zeros((len(facts), 0), np.bool_), facts
        features = inputs.columns("sequence", sequence, self.sequence_names, 3)
        if len(features) != len(facts):
            raise BatchError(
                f"sequence: expected {len(facts)} rows, as many as static, got {len(features)}"
            )
        observed = inputs.steps(mask, features.shape[:2])
        inputs.finite("sequence", features, self.sequence_names, observed)
        return features, observed, facts

    def _chunks(self, features: NDArray) -> Iterator[slice]:
        """Slices of rows for which the network needs bounded memory."""
        network = self._network
        steps = min(features.shape[1], network.receptive_field)
        channels = max(features.shape[2], network.features)
        per_row = max(steps * network.kernel_size * channels, network.num_outputs, *network.hidden)
        rows = max(1, _CHUNK // per_row)
        return (slice(at, at + rows) for at in range(0, len(features), rows))

    def _raw(
        self, features: NDArray, observed: NDArray[np.bool_], static: NDArray
    ) -> NDArray[np.float32]:
        facts = static.astype(np.float32)
        if self._network.step_columns:
            facts = np.concatenate([facts, self._now(features, observed)], axis=1)
        if not self._network.layers:
            return self._head(facts, facts)
        state = self._encoder(features, observed)
        return self._head(np.concatenate([state, facts], axis=1), facts)

    def _now(self, features: NDArray, observed: NDArray[np.bool_]) -> NDArray[np.float32]:
        """The step columns at each row's last observed step, zeros where there is none."""
        now = np.zeros((len(features), len(self._network.step_columns)), np.float32)
        rows = np.flatnonzero(observed.any(axis=1))
        last = observed[rows].sum(axis=1) - 1
        now[rows] = features[rows, last][:, list(self._network.step_columns)]
        return now


def _defined(values: Floats, parameters: Parameters) -> Floats:
    """The values, NaN of an example of whose distribution a parameter is."""
    first = next(iter(parameters.values()))
    while isinstance(first, dict):
        first = next(iter(first.values()))
    return defined_by(values, parameters, np.shape(first)[:1])
