import numpy as np
import polars as pl
import pytest

from sbp_jax.nfl.figures import CELLS, telling_plays
from sbp_jax.nfl.figures.telling_plays import BIMODAL, KINDS, bimodality
from sbp_jax.plots import ReportError

OUTCOMES = ("complete", "interception", "pass_touchdown", "yards_gained")


def known(simulated, row):
    play = simulated.passes.row(row, named=True)
    return play | {"room": play["yards_to_endzone"] - play["air_yards"]}


def test_each_pick_is_of_its_kind(simulated):
    picks = telling_plays(simulated.passes, simulated.forecast.pmf)
    assert [pick.title for pick in picks] == [kind.title for kind in (*KINDS, BIMODAL)]
    assert len({pick.row for pick in picks}) == 4
    for kind, pick in zip(KINDS, picks, strict=False):
        play = known(simulated, pick.row)
        for name, (lowest, highest) in kind.ranges.items():
            assert lowest <= play[name] <= highest, (kind.title, name)


def test_the_last_pick_is_the_most_bimodal_and_has_two_modes(simulated):
    pmf = simulated.forecast.pmf
    row = telling_plays(simulated.passes, pmf)[-1].row
    assert bimodality(pmf)[row] == bimodality(pmf).max()
    yards = np.arange(CELLS[0], CELLS[1] + 1)
    near, far = pmf[row, np.abs(yards) <= 2].sum(), pmf[row, yards >= 15].sum()
    assert near > 0.3
    assert far > 0.3
    assert pmf[row, (yards > 2) & (yards < 15)].sum() < 0.05


def test_bimodality_of_known_shapes():
    yards = np.arange(CELLS[0], CELLS[1] + 1)
    halves = np.where((yards == 0) | (yards == 40), 0.5, 0.0)
    between = (yards == 8).astype(float)
    np.testing.assert_allclose(bimodality(np.stack([halves, between])), [0.5, -1.0])


def test_outcomes_do_not_matter(simulated):
    changed = simulated.passes.with_columns(
        *(pl.col(name).reverse() for name in OUTCOMES),
    )
    before = telling_plays(simulated.passes, simulated.forecast.pmf)
    assert telling_plays(changed, simulated.forecast.pmf) == before
    assert telling_plays(simulated.passes.drop(OUTCOMES), simulated.forecast.pmf) == before


def test_the_typical_play_is_not_an_odd_one(simulated):
    """Of nine equal forecasts and one that differs, one of the nine is shown."""
    play = {"air_yards": [5] * 10, "yards_to_endzone": [60] * 10}
    pmf = np.repeat(simulated.forecast.pmf[:1], 10, axis=0)
    pmf[0] = np.roll(pmf[0], 20)
    assert telling_plays(pl.DataFrame(play), pmf)[0].row != 0


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_a_small_set_gives_as_many_picks_as_it_has_plays(simulated, count):
    passes = simulated.passes.head(count)
    picks = telling_plays(passes, simulated.forecast.pmf[:count])
    assert len(picks) == min(4, count)
    assert len({pick.row for pick in picks}) == len(picks)


def test_where_a_kind_is_absent_the_nearest_play_stands_in(simulated):
    passes = simulated.passes.filter(pl.col("air_yards") <= 22)
    pmf = simulated.forecast.pmf[(simulated.passes["air_yards"] <= 22).to_numpy()]
    picks = {pick.title: pick.row for pick in telling_plays(passes, pmf)}
    assert passes["air_yards"][picks["A deep throw"]] == 22


def test_unknown_air_yards_are_shown_only_where_nothing_is_known(simulated):
    unknown = simulated.passes.with_columns(
        air_yards=pl.when(pl.int_range(pl.len()) < 1400).then(None).otherwise("air_yards")
    )
    picks = telling_plays(unknown, simulated.forecast.pmf)
    assert all(pick.row >= 1400 for pick in picks[:3])
    nothing = unknown.head(10)
    assert len(telling_plays(nothing, simulated.forecast.pmf[:10])) == 4


@pytest.mark.parametrize("rows", [0, 3])
def test_what_does_not_fit_is_refused(simulated, rows):
    with pytest.raises(ReportError, match=f"got {rows} plays and probabilities of shape"):
        telling_plays(simulated.passes.head(rows), simulated.forecast.pmf[:2])
