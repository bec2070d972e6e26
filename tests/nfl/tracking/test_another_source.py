"""A source that the library does not know is one value, given from outside."""

from dataclasses import replace

import pytest

from sbp_jax.nfl.errors import LayoutError
from sbp_jax.nfl.tracking.build import BuildConfig, build_parts
from sbp_jax.nfl.tracking.columns import Column, Kind
from sbp_jax.nfl.tracking.sources import SOURCES, Layout
from sbp_jax.nfl.tracking.split_plays import load_split

from .build_seasons import contents, season_plays, write_weeks

KNOWN = SOURCES[Layout.BDB2025]
ANOTHER = replace(
    KNOWN,
    layout="another league",
    signature="gain",
    tracking_files=("frames*",),
    tracking={**KNOWN.tracking, "speed": Column(Kind.NUMBER, ("pace",))},
    plays={**KNOWN.plays, "yards": Column(Kind.NUMBER, ("gain",))},
)
PLAYS = season_plays(weeks=3, each=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = write_weeks(
        tmp_path_factory.mktemp("raw") / "season",
        PLAYS,
        edit={
            "tracking": lambda table: table.rename({"s": "pace"}),
            "plays": lambda table: table.rename({KNOWN.signature: "gain"}),
        },
    )
    for path in sorted(folder.glob("tracking*")):
        path.rename(folder / path.name.replace("tracking", "frames"))
    return folder


def test_its_plays_are_those_of_a_known_source(folder, tmp_path):
    build = build_parts(folder, tmp_path / "work", BuildConfig(layout=ANOTHER), progress=False)
    assert (build.report.layout, build.report.kept) == ("another league", len(PLAYS))
    known = build_parts(write_weeks(tmp_path / "raw", PLAYS), tmp_path / "work", progress=False)
    assert contents(build) == contents(known)
    one, other = (load_split(each, "train").plays.drop("file") for each in (build, known))
    assert one.equals(other)


def test_another_schema_of_that_name_is_read_anew(folder, tmp_path):
    slower = replace(ANOTHER, tracking={**ANOTHER.tracking, "speed": Column(Kind.NUMBER, ("dis",))})
    builds = [
        build_parts(folder, tmp_path, BuildConfig(layout=source), progress=False)
        for source in (ANOTHER, slower, ANOTHER)
    ]
    assert [build.report.from_cache for build in builds] == [0, 0, 3]
    assert contents(builds[0]) == contents(builds[2]) != contents(builds[1])


def test_a_schema_without_what_every_play_needs_is_refused():
    short = {name: column for name, column in KNOWN.tracking.items() if name != "speed"}
    with pytest.raises(ValueError, match=r"tracking: expected columns for .*, got none for speed"):
        replace(KNOWN, tracking=short)


def test_ungiven_it_is_unknown(folder, tmp_path):
    with pytest.raises(LayoutError, match="expected a plays table with exactly one of the columns"):
        build_parts(folder, tmp_path, progress=False)
