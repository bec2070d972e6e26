"""From the prepared data set to padded plays that a model is trained on."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from tqdm import tqdm

from data.errors import DatasetError
from data.nfl_tracking.builder import (
    ARRAYS,
    FEATURE_NAMES,
    REPORT,
    UNKNOWN,
    NflTracking,
    feature_names,
)
from data.nfl_tracking.config import NAME
from data.tfds_builder import quiet, tf_example, tfds
from sbp_jax.nfl.examples import Examples
from sbp_jax.nfl.tracking.build_report import BuildReport
from sbp_jax.nfl.tracking.padding import Portion, pad_plays
from sbp_jax.nfl.tracking.splits import SPLITS
from sbp_jax.nfl.tracking.tables import FACT_COLUMNS, PLAY_COLUMNS

CHUNK: Final = 512
"""Records decoded at once, which bounds the memory in between."""


def load_examples(
    data_dir: Path, split: str, config: str | None = None, *, progress: bool = True
) -> Examples:
    """All plays of a split, decoded, scaled and padded.

    The same as `sbp_jax.nfl.tracking.split_plays.load_split` makes of the raw files without TFDS,
    but that the table does not name the tracking file.

    Args:
        data_dir: where the data set was prepared.
        split: "train", "valid" or "test".
        config: name of its config, such as "bdb2025"; needed only if there are several.
        progress: show a bar, if on a terminal.

    Raises:
        DatasetError: it was not prepared, or by another version of the features, or is damaged.
        BatchError: the split has no plays, or a value is not finite.
        ValueError: no split has this name.
    """
    _check_split(split)
    builder = open_dataset(data_dir, config)
    portions, plays = zip(*_decoded(builder, split, progress), strict=True)
    return Examples(pl.concat(plays), pad_plays(portions))


def open_records(data_dir: Path, split: str, config: str | None = None) -> Any:
    """The plays of a split as they were written: a sequence of dicts, decoded when asked for.

    `sequence` is (T, C) `SEQUENCE_FEATURES` in yards, seconds and radians, without padding;
    `player_id` and `player_mask` are (22,). Plays stand in the order of
    `load_examples`.

    Args:
        data_dir: where the data set was prepared.
        split: "train", "valid" or "test".
        config: name of its config; needed only if there are several.

    Raises:
        DatasetError: it was not prepared, or by another version of the features.
        ValueError: no split has this name.
    """
    _check_split(split)
    return open_dataset(data_dir, config).as_data_source(split)


def open_dataset(data_dir: Path, config: str | None = None) -> Any:
    """The TFDS builder of a prepared data set; raises as `open_records` does."""
    home = data_dir / NAME
    version = str(NflTracking.VERSION)
    there = sorted(path.parent.name for path in home.glob(f"*/{version}") if path.is_dir())
    if config is None and len(there) > 1:
        raise DatasetError(f"{home}: expected one config or its name, found {', '.join(there)}")
    name = config or (there[0] if there else "")
    if name not in there:
        found = ", ".join(sorted(str(path.relative_to(home)) for path in home.glob("*/*.*.*")))
        raise DatasetError(
            f"{home}: expected a data set {config or 'of any config'} of version {version}, found "
            f"{found or 'none'}; build it: python -m data.nfl_tracking.build --data-dir {data_dir}"
        )
    folder = home / name / version
    if not (folder / "dataset_info.json").is_file():
        raise DatasetError(f"{folder} is damaged; delete it and build again")
    with quiet():
        builder = tfds.builder_from_directory(folder)
    check_features(builder)
    return builder


def check_features(builder: Any) -> None:
    """Refuse a prepared data set whose columns are not those of this version of sbp_jax."""
    if builder.info.metadata[FEATURE_NAMES] != feature_names():
        raise DatasetError(
            f"{builder.data_path} was built with other features than this version of sbp_jax "
            "has; delete it and build again"
        )


def read_report(builder: Any) -> BuildReport:
    """The account of the build that a prepared data set came from."""
    return BuildReport.from_json(builder.info.metadata[REPORT])


def _check_split(split: str) -> None:
    if split not in SPLITS:
        raise ValueError(f"expected a split among {SPLITS}, got {split!r}")


def _decoded(builder: Any, split: str, progress: bool) -> Iterator[tuple[Portion, pl.DataFrame]]:
    with _damage_told(builder):
        serialized = builder.as_data_source(
            split, deserialize_method=tfds.decode.DeserializeMethod.RAW_BYTES
        )
    with tqdm(
        total=len(serialized),
        desc=f"reading {split}",
        unit="play",
        disable=None if progress else True,  # None: no bar unless on a terminal
    ) as bar:
        for start in range(0, len(serialized), CHUNK):
            rows = range(start, min(start + CHUNK, len(serialized)))
            with _damage_told(builder):
                records = _stack(serialized.__getitems__(list(rows)))
            yield records
            bar.update(len(rows))


@contextlib.contextmanager
def _damage_told(builder: Any) -> Iterator[None]:
    """Turn what a damaged file leads to into an error that names the data set.

    array_record raises the plainest of errors, or gives an empty record.
    """
    try:
        yield
    except (RuntimeError, OSError, IndexError, ValueError) as error:
        raise DatasetError(
            f"{builder.data_path} is damaged; delete it and build again ({error})"
        ) from error


def _stack(serialized: Sequence[bytes]) -> tuple[Portion, pl.DataFrame]:
    """Records as they lie in the files, one after the other, and which plays they are.

    They are decoded here, because TFDS does so value by value, at a third of the speed.
    """
    records = [tf_example.Example.FromString(record).features.feature for record in serialized]

    def array(name: str) -> NDArray:
        shape, dtype = ARRAYS[name]
        numbers = b"".join(record[name].bytes_list.value[0] for record in records)
        return np.frombuffer(numbers, dtype).reshape(-1, *filter(None, shape))

    values = array("sequence")
    sizes = np.array([len(record["sequence"].bytes_list.value[0]) for record in records])
    portion = Portion(
        lengths=sizes // values[0].nbytes,
        values=values,
        player_mask=array("player_mask"),
        static=array("static"),
        target=np.array([each["target"].float_list.value[0] for each in records], np.float32),
    )
    return portion, _facts(records)


def _facts(records: Sequence[Any]) -> pl.DataFrame:
    """`FACT_COLUMNS`; what the source does not tell is null again."""
    table = pl.DataFrame({name: [_scalar(each[name]) for each in records] for name in FACT_COLUMNS})
    return table.select(
        pl.col(name).cast(PLAY_COLUMNS[name]) for name in FACT_COLUMNS
    ).with_columns(pl.col(name).replace(value, None) for name, value in UNKNOWN.items())


def _scalar(feature: Any) -> int | bytes:
    return (feature.int64_list.value or feature.bytes_list.value)[0]
