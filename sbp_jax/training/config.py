"""How to train: everything that changes the numbers, and nothing else."""

from dataclasses import dataclass
from typing import get_args

from sbp_jax.models.tcn import Precision
from sbp_jax.training.optimizer import OptimizerConfig


@dataclass(frozen=True)
class TrainConfig(OptimizerConfig):
    """How to train; everything that changes the numbers and nothing else.

    The optimizer's settings are those of `OptimizerConfig`.

    Attributes:
        epochs: passes over the training examples.
        batch_size: examples of one optimizer step, over all devices.
        seed: initial parameters, order of the examples, dropout.
        virtual_shards: device counts that divide it give the same run; divides batch_size.
        length_buckets: groups of like length, at most, that examples are padded in; mini-batches
            are of one group.
        accumulate: parts that a mini-batch is computed in, one after the other, to save memory.
        precision: of the network's arithmetic; parameters and losses are float32.
        explosion: a run stops at a loss so many times larger than 1 + the last epoch's mean.
    """

    epochs: int = 6
    batch_size: int = 512
    seed: int = 0
    virtual_shards: int = 64
    length_buckets: int = 1
    accumulate: int = 1
    precision: Precision = "float32"
    explosion: float = 1e3

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        if self.virtual_shards < 1 or self.batch_size % self.virtual_shards:
            raise ValueError(
                f"expected a batch_size divisible by virtual_shards={self.virtual_shards}, "
                f"got {self.batch_size}"
            )
        if self.epochs < 1:
            raise ValueError(f"expected at least one epoch, got {self.epochs}")
        if self.length_buckets < 1:
            raise ValueError(f"expected at least one of length_buckets, got {self.length_buckets}")
        if self.accumulate < 1 or self.rows_per_step % self.accumulate:
            raise ValueError(
                f"accumulate: expected a divisor of batch_size / virtual_shards = "
                f"{self.rows_per_step}, got {self.accumulate}"
            )
        if self.precision not in get_args(Precision):
            raise ValueError(
                f"precision: expected one of {get_args(Precision)}, got {self.precision!r}"
            )
        if not self.explosion > 1:
            raise ValueError(f"explosion: expected more than 1, got {self.explosion}")

    @property
    def rows_per_step(self) -> int:
        """Rows that each virtual shard contributes to a step."""
        return self.batch_size // self.virtual_shards
