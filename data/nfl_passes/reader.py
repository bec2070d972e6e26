"""From the prepared data set to the batch that a model is trained on."""

from pathlib import Path

import numpy as np
from tqdm import tqdm

from data.errors import DatasetError
from data.nfl_passes.builder import FEATURE_NAMES, NflPasses, feature_names
from data.nfl_passes.config import DEFAULT_SEASONS, SPLITS
from sbp_jax.batch import Batch, check_batch
from sbp_jax.nfl.plays.splits import SeasonSplit

CHUNK = 1024  # records decoded at once, which bounds the memory in between


def load_batch(
    data_dir: Path | str,
    split: str,
    seasons: SeasonSplit = DEFAULT_SEASONS,
    *,
    progress: bool = True,
) -> Batch:
    """All examples of a split, padded: what `sbp_jax.nfl.plays.splits.split_examples` makes.

    Args:
        data_dir: where the data set was prepared.
        split: "train", "valid" or "test".
        seasons: those that it was prepared with.
        progress: show a bar, if on a terminal.

    Raises:
        DatasetError: it was not prepared, or by another version of the features.
        ValueError: no split has this name.
    """
    if split not in SPLITS:
        raise ValueError(f"expected a split among {SPLITS}, got {split!r}")
    builder = NflPasses.for_seasons(seasons, data_dir=data_dir)
    if not builder.is_prepared():
        raise DatasetError(
            f"no data set of these seasons in {builder.data_path}; build it: "
            f"python -m data.nfl_passes.build --data-dir {data_dir}"
        )
    check_features(builder)
    records = builder.as_data_source(split)
    names = feature_names()
    batch = Batch(
        sequence=np.zeros((len(records), seasons.max_snaps, len(names["sequence"])), np.float16),
        mask=np.zeros((len(records), seasons.max_snaps), np.bool_),
        static=np.zeros((len(records), len(names["static"])), np.float32),
        target=np.zeros(len(records), np.float32),
    )
    with tqdm(
        total=len(records),
        desc=f"reading {split}",
        unit="pass",
        disable=None if progress else True,  # None: no bar unless on a terminal
    ) as bar:
        for start in range(0, len(records), CHUNK):
            rows = range(start, min(start + CHUNK, len(records)))
            for row, example in zip(rows, records.__getitems__(list(rows)), strict=True):
                steps = len(example["sequence"])
                batch.sequence[row, :steps] = example["sequence"]
                batch.mask[row, :steps] = True
                batch.static[row] = example["static"]
                batch.target[row] = example["target"]
            bar.update(len(rows))
    check_batch(batch, sequence_names=tuple(names["sequence"]), static_names=tuple(names["static"]))
    return batch


def check_features(builder: NflPasses) -> None:
    """Refuse a prepared data set whose columns are not those of this version of sbp_jax."""
    if builder.info.metadata[FEATURE_NAMES] != feature_names():
        raise DatasetError(
            f"{builder.data_path} was built with other features than this version of sbp_jax "
            "has; delete it and build again"
        )
