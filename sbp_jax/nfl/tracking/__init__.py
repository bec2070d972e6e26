"""Raw NFL tracking files to frames, features and data sets ready for a device.

`open_folder` and `read_tracking_file` bring any layout into one form, `sequence_features` makes
columns of it, `build_parts` does both for a whole folder, resumably. Nothing here imports JAX;
`sbp_jax.nfl.tracking.split_plays`, which makes batches for a device of the parts, does.
"""

from sbp_jax.nfl.errors import (
    BuildError,
    LayoutError,
    NoTrackingError,
    TrackingError,
    TrackingFileError,
)
from sbp_jax.nfl.tracking.build import BuildConfig, build_parts
from sbp_jax.nfl.tracking.build_report import BuildReport
from sbp_jax.nfl.tracking.features import Sequences, sequence_features
from sbp_jax.nfl.tracking.play_frames import PlayFrames, Role
from sbp_jax.nfl.tracking.reading import ReadConfig, Reading, open_folder, read_tracking_file
from sbp_jax.nfl.tracking.scaling import scale_sequence
from sbp_jax.nfl.tracking.static import tracking_static

__all__ = [
    "BuildConfig",
    "BuildError",
    "BuildReport",
    "LayoutError",
    "NoTrackingError",
    "PlayFrames",
    "ReadConfig",
    "Reading",
    "Role",
    "Sequences",
    "TrackingError",
    "TrackingFileError",
    "build_parts",
    "open_folder",
    "read_tracking_file",
    "scale_sequence",
    "sequence_features",
    "tracking_static",
]
