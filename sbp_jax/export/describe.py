"""The description of a trained model that goes into its weights file."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sbp_jax.errors import ExportError
from sbp_jax.export.weights import FORMAT, Config

if TYPE_CHECKING:  # a server that imports this package must not load JAX
    from sbp_jax.distributions import Family
    from sbp_jax.models.network import Network
    from sbp_jax.models.play_model import PlayModel

# What every Flax module has, and how training computes; neither says anything about the weights.
_LEFT_OUT = ("parent", "name", "precision")


def describe(
    network: Network | PlayModel,
    family: Family,
    *,
    static_names: Sequence[str],
    sequence_names: Sequence[str],
    **extra: Any,
) -> Config:
    """Config of a weights file from which ``load_model`` rebuilds network and family.

    Args:
        network: of `make_forecaster`, or the `PlayModel` in it.
        family: what its outputs are parameters of.
        static_names: names of the static columns, in order.
        sequence_names: names of a step's columns, in order.
        extra: whatever else should stay with the weights, such as versions and fingerprints.

    Raises:
        ExportError: the network is another, which the NumPy runtime does not know, or the family
            one that no file can name.
    """
    # late, since it loads JAX
    from sbp_jax.distributions.families import describe_family, family_from

    model: Any = getattr(network, "module", network)
    if type(model).__name__ != "PlayModel":
        raise ExportError(f"network: expected one with a PlayModel, got {type(network).__name__}")
    try:
        described = describe_family(family)
        family_from(described)
    except (TypeError, ValueError) as error:
        raise ExportError(
            f"family: expected one that a file can name, as after register_family: {error}"
        ) from error
    names = [one.name for one in dataclasses.fields(model) if one.name not in _LEFT_OUT]
    fields = {name: getattr(model, name) for name in names}
    anchors = [dataclasses.asdict(anchor) for anchor in model.anchors]
    optional = {name: getattr(model, name) for name in ("ceiling", "arrangement")}
    optional = {name: x and dataclasses.asdict(x) for name, x in optional.items()}
    config = {
        "format": FORMAT,
        "model": {**fields, "anchors": anchors, **optional},
        "family": described,
        "static_names": list(static_names),
        "sequence_names": list(sequence_names),
        **extra,
    }
    # Through JSON, so that it equals what the file gives back: lists in place of tuples.
    return dict(json.loads(json.dumps(config)))
