"""Prepare tracked passes of the NFL as a TFDS data set; TensorFlow is not needed.

    python -m data.nfl_tracking.build --data-dir DIR [--source FOLDER] [--work FOLDER]

Run it from the root of the repository. FOLDER holds the files of a Big Data Bowl as Kaggle gives
them; left out, it is DIR/downloads/manual/bdb2025 or the like. DIR/nfl_tracking/ is written whole
or not at all. Stopped, it goes on from the last tracking file that was read whole; run again, it
checks that the same plays are there and does nothing.
"""

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import tyro

from sbp_jax.errors import SbpJaxError
from sbp_jax.nfl.tracking.build import BuildConfig
from sbp_jax.nfl.tracking.reading import ReadConfig
from sbp_jax.nfl.tracking.sources import Layout


@dataclass(frozen=True)
class BuildTracking:
    """What to prepare, and where.

    Attributes:
        data_dir: folder of TFDS data sets.
        source: folder of raw files; one in the manual directory if left out.
        work: where features of files read so far are kept; a folder of the user's cache if left
            out.
        layout: of the raw files; told by the columns of the plays table if left out.
        read: which plays are kept.
    """

    data_dir: Path
    source: Path | None = None
    work: Path | None = None
    layout: Layout | None = None
    read: ReadConfig = field(default_factory=ReadConfig)


def main(config: BuildTracking) -> None:
    """Prepare the data set and print the account of it."""
    # Imported late, so that a missing extra is an error of one line like any other.
    from data.nfl_tracking.prepare import prepare
    from data.nfl_tracking.reader import read_report

    start = time.perf_counter()
    builder, written = prepare(
        config.data_dir,
        config.source,
        work=config.work,
        config=BuildConfig(config.read, config.layout),
    )
    seconds = time.perf_counter() - start
    print(read_report(builder))
    print(f"{builder.data_path}: {'written' if written else 'already there'}, {seconds:.1f} s")
    for name, split in builder.info.splits.items():
        print(f"  {name:5} {split.num_examples:>9,} plays {split.num_bytes:>13,} bytes")


if __name__ == "__main__":
    try:
        main(tyro.cli(BuildTracking, description=__doc__))
    except (SbpJaxError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped; nothing half-written is left, and what was read whole is kept")
