"""Preparing the data set: once, whole or not at all."""

from pathlib import Path
from typing import Final

from data.errors import DatasetError
from data.nfl_tracking.builder import FINGERPRINT, NflTracking
from data.nfl_tracking.config import config_name
from data.nfl_tracking.reader import check_features
from data.tfds_builder import alone
from sbp_jax.nfl.tracking.build import BuildConfig
from sbp_jax.nfl.tracking.season_files import find_source
from sbp_jax.nfl.tracking.sources import Layout, Source

MANUAL_DIR: Final = Path("downloads", "manual")
"""Where TFDS, in the folder of data sets, looks for files that it cannot download."""


def prepare(
    data_dir: Path,
    source: Path | None = None,
    *,
    work: Path | None = None,
    config: BuildConfig | None = None,
    progress: bool = True,
) -> tuple[NflTracking, bool]:
    """Prepare the data set, unless it is there.

    A data set that can be seen is complete: see `ArrayRecordBuilder.prepare`. What a killed
    process left is removed here; tracking files that it had read are not read again.

    Args:
        data_dir: folder of data sets, as TFDS means it.
        source: folder of raw files; None means the one in TFDS's manual directory,
            ``data_dir/downloads/manual/bdb2025`` for the Big Data Bowl 2025.
        work: folder of parts that were read already; None means the user's cache folder.
        config: the layout of the files, and which plays are kept.
        progress: show bars, if on a terminal.

    Returns:
        The builder, and whether it had anything to do.

    Raises:
        TrackingError: the raw files cannot be read.
        DatasetError: the data set is there, of other plays or damaged; or the source has no name.
    """
    config = config or BuildConfig()
    if isinstance(config.layout, Source):
        raise DatasetError(
            "config.layout: expected a Layout, which a data set is named for, got a source of its "
            f"own, {config.layout.layout!r}; read it with sbp_jax.nfl.tracking.build_parts"
        )
    folder = source or _manual_folder(data_dir, config.layout)
    layout = config.layout or Layout(find_source(folder).layout)
    with alone(data_dir / NflTracking.name):
        builder = NflTracking.for_source(
            layout, config.read, data_dir=data_dir, source=folder, work=work, progress=progress
        )
        if builder.is_prepared():
            check_features(builder)
            found = builder.info.metadata[FINGERPRINT]
            if found != (now := builder.read_source().report.fingerprint):
                raise DatasetError(
                    f"{builder.data_path} holds other plays (fingerprint {found}, the source has "
                    f"{now}); delete it, or give another --data-dir"
                )
            return builder, False
        builder.prepare()
        return builder, True


def _manual_folder(data_dir: Path, layout: Layout | None) -> Path:
    names = [config_name(each) for each in ([layout] if layout else Layout)]
    there = [name for name in names if (data_dir / MANUAL_DIR / name).is_dir()]
    if len(there) == 1:
        return data_dir / MANUAL_DIR / there[0]
    found = ", ".join(there) or "none"
    raise DatasetError(
        f"{data_dir / MANUAL_DIR}: expected one folder of raw files among {', '.join(names)}, "
        f"found {found}; give --source, or --layout"
    )
