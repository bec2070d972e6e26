"""What settings are chosen on."""

from dataclasses import dataclass

from sbp_jax.batch import Batch


@dataclass(frozen=True)
class Problem:
    """Examples that a sweep trains on and judges by; nothing of the test plays is in it.

    Attributes:
        train: NumPy arrays.
        valid: NumPy arrays.
        fingerprint: of the data that both were made from.
    """

    train: Batch
    valid: Batch
    fingerprint: str
