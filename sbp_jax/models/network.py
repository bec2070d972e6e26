"""What a network must be able to do, and what it may."""

from collections.abc import Mapping
from typing import Any, Protocol, Self, runtime_checkable

from jaxtyping import Array, Float, PRNGKeyArray

from sbp_jax.batch import Batch
from sbp_jax.models.tcn import Precision, Readout


class Network(Protocol):
    """Anything with these two methods, both pure; it trains, forecasts and scores.

    A network that is dropped out, varied in a population, computed in another precision or read
    at every step is an `AdjustableNetwork`.
    """

    def init(self, key: PRNGKeyArray, example: Batch) -> Any:
        """Fresh parameters, a pytree; of the example, one row, only shapes count."""

    def apply(self, params: Any, batch: Batch) -> Float[Array, "B outputs"]:
        """Raw outputs, as many as the family asks for."""


@runtime_checkable
class AdjustableNetwork(Protocol):
    """A network that knows training from forecasting, and has settings of its own.

    Attributes:
        varied: name of each number that members of a population may differ in, and the half-open
            range it must lie in.
    """

    @property
    def varied(self) -> Mapping[str, tuple[float, float]]:
        """Ranges of the numbers that may be traced."""

    def init(self, key: PRNGKeyArray, example: Batch) -> Any:
        """As of a `Network`."""

    def apply(
        self, params: Any, batch: Batch, *, readout: Readout = "last"
    ) -> Float[Array, "... outputs"]:
        """As of a `Network`, or with ``readout="all"`` at every step, (B, T, outputs)."""

    def apply_train(
        self, params: Any, batch: Batch, key: PRNGKeyArray, *, readout: Readout = "last"
    ) -> Float[Array, "... outputs"]:
        """As `apply`, as in training: with what the key draws."""

    def computing_in(self, precision: Precision) -> Self:
        """The same, computed in another precision; parameters stay float32."""

    def with_settings(self, **numbers: Any) -> Self:
        """The same with some of the `varied` numbers, which may be traced."""
