"""What a run that ends in an exported model is told apart by."""

from collections.abc import Sequence
from typing import Any

from sbp_jax.export import describe
from sbp_jax.runs.experiment import deciding_settings
from sbp_jax.training.program import Head


def described_run(
    experiment: str,
    config: Any,
    fingerprint: str,
    head: Head,
    *,
    static_names: Sequence[str],
    sequence_names: Sequence[str],
) -> dict[str, Any]:
    """Everything that decides the run's numbers, and what an exported model needs.

    Args:
        experiment: its name.
        config: its settings.
        fingerprint: of the data.
        head: of the model that is exported.
        static_names: columns of the statics, in order.
        sequence_names: columns of the sequence, in order.
    """
    forecaster = head.forecaster
    return {
        "experiment": experiment,
        "settings": deciding_settings(config),
        "data": fingerprint,
        **describe(
            forecaster.network,
            forecaster.family,
            static_names=tuple(static_names),
            sequence_names=tuple(sequence_names),
        ),
    }
