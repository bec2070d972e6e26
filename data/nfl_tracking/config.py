"""Which source and settings a data set was made with, told by its name."""

from dataclasses import fields
from typing import Final

from sbp_jax.nfl.tracking.reading import ReadConfig
from sbp_jax.nfl.tracking.sources import Layout

NAME: Final = "nfl_tracking"

_TOLD_AS: Final = {
    "min_frames": "from",
    "max_frames": "to",
    "max_hole": "hole",
    "max_speed": "speed",
    "max_off_field": "off",
}


def config_name(layout: Layout, read: ReadConfig | None = None) -> str:
    """Name of the TFDS config: the source, and every setting that is not the usual one.

    Data sets of several settings thus lie side by side and are never taken for each other.

    >>> config_name(Layout.BDB2025)
    'bdb2025'
    >>> config_name(Layout.BDB2021, ReadConfig(max_frames=60, max_speed=12.5))
    'bdb2021_to60_speed12p5'
    """
    read, usual = read or ReadConfig(), ReadConfig()
    changed = {
        field.name: getattr(read, field.name)
        for field in fields(ReadConfig)
        if getattr(read, field.name) != getattr(usual, field.name)
    }
    told = [f"{_TOLD_AS[name]}{value:g}".replace(".", "p") for name, value in changed.items()]
    return "_".join([f"bdb{layout}", *told])
