"""A network and a family of distributions as one predictive model, without its parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any, ClassVar

from jaxtyping import Array, Float, PRNGKeyArray

from sbp_jax.batch import Batch, check_padding_last
from sbp_jax.distributions import Family, HasBins, Law, family_from
from sbp_jax.models.anchors import Anchor
from sbp_jax.models.arrangement import Arrangement
from sbp_jax.models.ceiling import Ceiling
from sbp_jax.models.flax_network import FlaxNetwork
from sbp_jax.models.knot_anchors import KnotAnchor
from sbp_jax.models.network import AdjustableNetwork, Network
from sbp_jax.models.play_model import PlayModel
from sbp_jax.models.tcn import Precision, Readout
from sbp_jax.runs.ranges import Count, Share, Whole, refuse_out_of_range


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of the network.

    Attributes:
        features: channels of the TCN, >= 1.
        layers: blocks of the TCN; 0 leaves the series out.
        kernel_size: taps of each convolution, >= 1.
        hidden: widths of the perceptron's layers, each >= 1.
        residual: a hidden layer as wide as the one before adds to it, instead of replacing it.
        dropout: probability of dropping a unit of the state or of a hidden layer, in training;
            in [0, 1).
        encoder_dropout: probability of dropping a channel within the TCN, in training; in [0, 1).

    Raises:
        SettingError: a size out of its range.
    """

    varied: ClassVar[Mapping[str, tuple[float, float]]] = PlayModel.varied

    features: Count = 16
    layers: Whole = 5
    kernel_size: Count = 3
    hidden: tuple[Count, ...] = (128, 128)
    residual: bool = False
    dropout: Share = 0.2
    encoder_dropout: Share = 0.1

    def __post_init__(self) -> None:
        """Refuse what makes no network."""
        refuse_out_of_range(self)


@dataclass(frozen=True)
class Forecaster:
    """Pure functions from parameters and a batch to distributions.

    Attributes:
        network: any `Network`; an `AdjustableNetwork` for all but the plainest use.
        family: what its raw outputs are parameters of.
    """

    network: Network
    family: Family

    def init(self, key: PRNGKeyArray, example: Batch) -> Any:
        """Fresh parameters, a pytree; of the example only shapes count."""
        return self.network.init(key, example)

    def apply(
        self, params: Any, batch: Batch, *, readout: Readout = "last"
    ) -> Float[Array, "... outputs"]:
        """Raw outputs (B, num_outputs), or (B, T, num_outputs) with ``readout="all"``.

        Raises:
            BatchError: an observed step follows padding, where that is not traced.
        """
        check_padding_last(batch.mask)
        if readout == "last":
            return self.network.apply(params, batch)
        return self._adjustable("a readout of all steps").apply(params, batch, readout=readout)

    def apply_train(
        self, params: Any, batch: Batch, key: PRNGKeyArray, *, readout: Readout = "last"
    ) -> Float[Array, "... outputs"]:
        """Raw outputs as of `apply`, as in training; a plain network is the same there.

        Raises:
            BatchError: an observed step follows padding, where that is not traced.
        """
        check_padding_last(batch.mask)
        if isinstance(self.network, AdjustableNetwork):
            return self.network.apply_train(params, batch, key, readout=readout)
        return self.apply(params, batch, readout=readout)

    def computing_in(self, precision: Precision) -> "Forecaster":
        """The same, but for the precision of the network's arithmetic.

        Raises:
            TypeError: a plain network was asked for another precision than float32.
        """
        if precision == "float32" and not isinstance(self.network, AdjustableNetwork):
            return self
        network = self._adjustable(f"precision {precision}").computing_in(precision)
        return replace(self, network=network)

    def with_settings(self, **numbers: Any) -> "Forecaster":
        """The same with some numbers of the network, which may be traced.

        Raises:
            TypeError: it has no such numbers.
        """
        if not numbers:
            return self
        network = self._adjustable(f"settings {sorted(numbers)}")
        if unknown := sorted(numbers.keys() - network.varied.keys()):
            raise TypeError(
                f"network: expected settings of {sorted(network.varied)}, got {unknown}"
            )
        return replace(self, network=network.with_settings(**numbers))

    def predict(self, params: Any, batch: Batch) -> Any:
        """Parameters of each example's distribution, a pytree of (B, ...)."""
        return self.family.constrain(self.apply(params, batch))

    def law(self, params: Any, batch: Batch) -> Law:
        """Each example's distribution: `predict` with the family, which says what it means."""
        return Law(self.family, self.predict(params, batch))

    def _adjustable(self, purpose: str) -> AdjustableNetwork:
        if isinstance(self.network, AdjustableNetwork):
            return self.network
        name = type(self.network).__name__
        raise TypeError(f"network: expected an AdjustableNetwork for {purpose}, got {name}")


def make_forecaster(
    config: NetworkConfig,
    family: Family,
    anchors: tuple[Anchor | KnotAnchor, ...] = (),
    step_columns: tuple[int, ...] = (),
    *,
    ceiling: Ceiling | None = None,
    free_logits: bool = True,
    bins_from: float | None = None,
    arrangement: Arrangement | None = None,
) -> Forecaster:
    """Join a network of the given sizes to a family.

    Args:
        config: sizes; what a subclass has more is for its own use.
        family: fixes the number of outputs; binned families get logits tied to the anchors.
        anchors: ignored by families without bins.
        step_columns: columns of the series that the perceptron sees directly.
        ceiling: what the target cannot exceed; ignored by families without bins.
        free_logits: False leaves the bins to the anchors alone; ignored likewise.
        bins_from: where anchors count from, if they count in bins, which then need not be equally
            wide; None for anchors, and a ceiling, in the target's unit.
        arrangement: pace and start of the family's raw numbers; None for the outputs as they
            are. Not for families with bins, whose logits may have anchors.

    Raises:
        ValueError: anchors or a ceiling were given in the target's unit and the bins are not
            equally wide, a ceiling was given to anchors that count in bins, or nothing is left
            that the bins' logits could come from.
    """
    sizes = {one.name: getattr(config, one.name) for one in fields(NetworkConfig)}
    sizes["step_columns"] = step_columns
    if arrangement is not None and (
        isinstance(family, HasBins) or len(arrangement.pace) != family.num_outputs
    ):
        raise ValueError(
            f"arrangement: expected a family without bins and with {len(arrangement.pace)} raw "
            f"numbers, got {family!r} with {family.num_outputs}"
        )
    if not isinstance(family, HasBins):
        model = PlayModel(num_outputs=family.num_outputs, arrangement=arrangement, **sizes)
        return Forecaster(FlaxNetwork(model), family)
    edges = family.edges
    if bins_from is not None:
        if ceiling is not None:
            raise ValueError(
                f"ceiling: expected None with anchors that count in bins, got {ceiling}"
            )
        edges = _counted(edges, bins_from)
    width = (edges[-1] - edges[0]) / (len(edges) - 1)
    if not (anchors or free_logits):
        raise ValueError("free_logits: expected True where there are no anchors, got False")
    if (anchors or ceiling) and any(abs(b - a - width) > 1e-6 * width for a, b in pairwise(edges)):
        raise ValueError("anchors: expected a family with bins of equal width, got uneven edges")
    model = PlayModel(
        num_outputs=family.num_outputs,
        num_bins=len(edges) - 1,
        first_edge=edges[0],
        bin_width=width,
        anchors=anchors,
        ceiling=ceiling,
        free_logits=free_logits,
        **sizes,
    )
    return Forecaster(FlaxNetwork(model), family)


def _counted(edges: tuple[float, ...], origin: float) -> tuple[float, ...]:
    """Edges of as many bins of width 1 that lie about 0 as the given ones lie about `origin`."""
    at = sum(edge <= origin for edge in edges[1:-1])
    return tuple(float(i - at) for i in range(len(edges)))


def forecaster_from(config: Mapping[str, Any]) -> Forecaster:
    """Rebuild a forecaster from the description that `sbp_jax.export.describe` made of it.

    Raises:
        ValueError: the description names an unknown family.
    """
    fields, family = dict(config["model"]), family_from(config["family"])
    fields["anchors"] = tuple(_anchor(anchor) for anchor in fields["anchors"])
    if fields["ceiling"] is not None:
        fields["ceiling"] = Ceiling(**fields["ceiling"])
    if fields["arrangement"] is not None:
        listed = fields["arrangement"]
        fields["arrangement"] = Arrangement(**{key: tuple(x) for key, x in listed.items()})
    for name in ("hidden", "step_columns"):
        fields[name] = tuple(fields[name])
    return Forecaster(FlaxNetwork(PlayModel(**fields)), family)


def _anchor(described: Mapping[str, Any]) -> Anchor | KnotAnchor:
    if "knots" not in described:
        return Anchor(**described)
    return KnotAnchor(**{**described, "knots": tuple(described["knots"])})
