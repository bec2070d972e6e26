"""How to train: everything that changes the numbers, and nothing else."""

from dataclasses import dataclass
from typing import Annotated

from sbp_jax.errors import SettingError
from sbp_jax.models.tcn import Precision
from sbp_jax.runs.ranges import Count, Range, Seed
from sbp_jax.training.optimizer import OptimizerConfig


@dataclass(frozen=True)
class TrainConfig(OptimizerConfig):
    """How to train; everything that changes the numbers and nothing else.

    The optimizer's settings are those of `OptimizerConfig`.

    Attributes:
        epochs: passes over the training examples, >= 1.
        batch_size: examples of one optimizer step, over all devices; >= 1.
        seed: initial parameters, order of the examples, dropout; in [0, 2**31).
        virtual_shards: device counts that divide it give the same run; divides batch_size.
        length_buckets: groups of like length, at most, that examples are padded in; mini-batches
            are of one group. >= 1.
        accumulate: parts that a mini-batch is computed in, one after the other, to save memory;
            divides batch_size / virtual_shards.
        precision: of the network's arithmetic; parameters and losses are float32.
        explosion: a run stops at a loss so many times larger than 1 + the last epoch's mean; > 1.

    Raises:
        SettingError: a setting out of its range.
    """

    epochs: Count = 6
    batch_size: Count = 512
    seed: Seed = 0
    virtual_shards: Count = 64
    length_buckets: Count = 1
    accumulate: Count = 1
    precision: Precision = "float32"
    explosion: Annotated[float, Range(1, above=True)] = 1e3

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        super().__post_init__()
        if self.batch_size % self.virtual_shards:
            raise SettingError(
                f"batch_size: expected a multiple of virtual_shards = {self.virtual_shards}, "
                f"got {self.batch_size}"
            )
        if self.rows_per_step % self.accumulate:
            raise SettingError(
                f"accumulate: expected a divisor of batch_size / virtual_shards = "
                f"{self.rows_per_step}, got {self.accumulate}"
            )

    @property
    def rows_per_step(self) -> int:
        """Rows that each virtual shard contributes to a step."""
        return self.batch_size // self.virtual_shards
