"""The parts that a simulated play is made of."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbp_jax.nfl.simulator.config import SimulateConfig
from sbp_jax.nfl.simulator.coverage import NOBODY, Scheme, Task
from sbp_jax.nfl.simulator.league import INDEX, POSITIONS, choose_players, make_league
from sbp_jax.nfl.simulator.motion import Simulation
from sbp_jax.nfl.simulator.routes import Route
from sbp_jax.nfl.simulator.schedule import PASS, schedule_week
from sbp_jax.nfl.simulator.script import select, write_scripts
from sbp_jax.nfl.simulator.simulated_outcome import ThrowFacts
from sbp_jax.nfl.simulator.steering import accelerate, at_most, towards
from sbp_jax.nfl.simulator.throw import as_written, choose_targets, throw_facts

CONFIG = SimulateConfig(plays=600, weeks=1, seed=1, run_share=0.1, sack_share=0.1, spike_share=0.05)


@pytest.fixture(scope="module")
def script():
    rng = np.random.default_rng(5)
    _, plays = schedule_week(rng, CONFIG, 1)
    return write_scripts(rng, make_league(0), plays)


@pytest.fixture(scope="module")
def track(script):
    simulation = Simulation(np.random.default_rng(6), script, 0, 0)
    simulation.run_to_throw()
    return simulation.track


velocities = st.complex_numbers(max_magnitude=11, allow_nan=False)


@given(now=velocities, wanted=velocities, limit=st.floats(0.1, 9))
def test_acceleration_has_a_limit_and_speed_none_but_the_wanted(now, wanted, limit):
    after = accelerate(np.array([now]), np.array([wanted]), np.array([limit]))[0]
    assert abs(after - now) <= 0.1 * limit + 1e-9
    assert abs(after) <= max(abs(now), abs(wanted)) + 1e-9
    assert abs(after - wanted) <= abs(now - wanted) + 1e-9


@given(wanted=velocities, speed=st.floats(0, 11))
def test_a_velocity_is_cut_in_its_own_direction(wanted, speed):
    cut = at_most(np.array([wanted]), speed)[0]
    assert abs(cut) == pytest.approx(min(abs(wanted), speed), abs=1e-9)
    assert (cut * np.conj(wanted)).imag == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("distance", [0.5, 3.0, 20.0])
def test_who_goes_to_a_point_stops_there(distance):
    position, velocity = np.zeros(1, complex), np.zeros(1, complex)
    goal, beyond = np.array([distance * np.exp(0.7j)]), 0.0
    for _ in range(80):
        velocity = accelerate(velocity, towards(goal - position, 9.0), np.array([7.0]))
        position = position + 0.1 * velocity
        beyond = max(beyond, abs(position[0]) - distance)
    assert abs(goal[0] - position[0]) < 0.05
    assert abs(velocity[0]) < 0.05
    assert beyond < 0.4


@given(seed=st.integers(0, 2**32))
def test_nobody_plays_twice_and_everybody_his_position(seed):
    rng, league = np.random.default_rng(seed), make_league(0)
    names = ["CB", "WR", "CB", "CB", "CB", "ILB", "ILB", "C", "QB", "TE", "TE"]
    position = np.array([[INDEX[name] for name in names]] * 20)
    team = rng.integers(0, 32, 20)
    chosen = choose_players(rng, team, position)
    assert all(len(set(row)) == 11 for row in chosen.tolist())
    assert np.array_equal(league.position[chosen], position)
    assert np.array_equal(league.team[chosen], np.repeat(team[:, None], 11, axis=1))


def test_players_are_within_human_limits():
    league = make_league(12)
    assert league.top_speed.max() <= 10.2
    assert league.acceleration.max() <= 7.8
    by_position = {
        position.name: league.top_speed[league.position == code].mean()
        for code, position in enumerate(POSITIONS)
    }
    assert max(by_position, key=by_position.get) in ("WR", "CB")
    assert min(by_position, key=by_position.get) in ("T", "G", "C")


def test_formations_have_both_sides_apart_and_splits(script):
    spot = script.lineup.spot
    assert spot.real[:, :11].max() < 0 < spot.real[:, 11:].min()
    assert np.abs(spot.imag).max() < 160 / 6
    passes = script.plays.kind == PASS
    across = spot.imag[passes, 6:] - script.plays.ball_y[passes, None]
    assert np.all(across[:, :5].max(axis=1) > 4)
    assert np.all(across[:, :5].min(axis=1) < -4)
    positions = make_league(0).position[script.lineup.player]
    assert np.all((positions[:, :11] == INDEX["QB"]).sum(axis=1) == 1)
    assert np.array_equal(positions[:, 1:6], [[INDEX[p] for p in "TGCGT"]] * len(positions))


def test_every_defender_has_a_task_that_fits_the_scheme(script):
    defense, lineup = script.defense, script.lineup
    rushers = (defense.task == Task.RUSH).sum(axis=1)
    assert set(rushers) == {3, 4, 5, 6}
    in_man = np.isin(defense.scheme, (Scheme.COVER_0, Scheme.COVER_1))
    covering = defense.task == Task.MAN
    assert np.all(covering.sum(axis=1) == np.where(in_man, 5, 0))
    for play in np.flatnonzero(in_man):
        assert sorted(defense.man[play, covering[play]]) == [0, 1, 2, 3, 4]
    assert np.array_equal(rushers == 6, defense.scheme == Scheme.COVER_0)
    # Corners take the outermost men.
    for corner, outermost in ((7, lineup.from_left[:, 0]), (8, lineup.from_left[:, 4])):
        assert np.array_equal(defense.man[in_man, corner], outermost[in_man])


def test_blockers_and_rushers_belong_together(script):
    defense = script.defense
    for play, (blockers, tasks) in enumerate(zip(defense.blocker, defense.task, strict=True)):
        blocked = np.flatnonzero(blockers != NOBODY)
        assert np.all(tasks[blocked] == Task.RUSH)
        assert len(set(blockers[blocked])) == len(blocked)
        assert np.array_equal(defense.rusher[play, blockers[blocked]], blocked)
        assert (defense.rusher[play] != NOBODY).sum() == len(blocked)
        free = (tasks == Task.RUSH).sum() - len(blocked)
        assert free <= 1


def test_the_mirror_image_of_a_script_is_played_as_the_mirror_image(script, track):
    def mirror(fields):
        return type(fields)(
            *(
                mirror(x) if isinstance(x, tuple) else x.conj() if np.iscomplexobj(x) else x
                for x in fields
            )
        )

    mirrored = mirror(script)
    mirrored = mirrored._replace(plays=mirrored.plays._replace(ball_y=-script.plays.ball_y))
    simulation = Simulation(np.random.default_rng(6), mirrored, 0, 0)
    simulation.run_to_throw()
    np.testing.assert_allclose(simulation.track.position, track.position.conj(), atol=1e-6)


def test_plays_do_not_depend_on_those_beside_them(script, track):
    index = np.array([17, 4, 230])
    simulation = Simulation(np.random.default_rng(6), select(script, index), 0, 0)
    simulation.run_to_throw()
    alone = simulation.track
    for row, play in enumerate(index):
        ours = slice(alone.offsets[row], alone.offsets[row + 1])
        theirs = slice(track.offsets[play], track.offsets[play + 1])
        np.testing.assert_allclose(alone.position[ours], track.position[theirs], atol=1e-9)


def test_routes_break_where_the_tree_says(script, track):
    routes, start = script.routes, script.lineup.spot[:, 6:11]
    passes = (script.plays.kind == PASS)[:, None]
    outside = np.sign(start.imag - script.plays.ball_y[:, None])
    wide = script.lineup.alignment == 2
    legs = routes.end - routes.turn
    inward, outward = -np.sign(legs.imag) * outside, np.sign(legs.imag) * outside
    for route, sign in (
        (Route.SLANT, inward),
        (Route.IN, inward),
        (Route.POST, inward),
        (Route.OUT, outward),
        (Route.CORNER, outward),
    ):
        chosen = passes & wide & (routes.route == route)
        assert chosen.any(), route
        assert np.all(sign[chosen] == 1), route
    settled = passes & wide & (routes.route == Route.HITCH)
    settled &= (routes.frames >= 32)[:, None] & (routes.frames < 34)[:, None]
    play, receiver = np.nonzero(settled)
    assert play.size > 5
    missed = np.abs(track.position[track.throw[play], 6 + receiver] - routes.end[play, receiver])
    assert np.median(missed) < 1


def test_before_a_sack_a_rusher_arrives(script, track):
    position = track.position[track.throw]
    reach = np.abs(position[:, 11:] - position[:, :1]).min(axis=1)
    sacks, passes = script.plays.kind == 2, script.plays.kind == PASS
    assert np.median(reach[sacks]) < 1.7 < 2.5 < np.median(reach[passes])


def test_targets_run_routes_and_are_mostly_open(script, track):
    passes = script.plays.kind == PASS
    some = select(script, passes)
    position = track.position[track.throw][passes]
    target = choose_targets(np.random.default_rng(0), some, position)
    assert set(target) <= set(range(6, 11))
    rows = np.arange(target.size)
    assert not np.any(some.routes.route[rows, target - 6] == Route.BLOCK)
    separation = np.abs(position[:, 6:11, None] - position[:, None, 11:]).min(axis=-1)
    runs = some.routes.route != Route.BLOCK
    at_random = np.average(np.minimum(separation, 4), weights=runs / runs.sum(1, keepdims=True))
    assert np.minimum(separation[rows, target - 6], 4).mean() > at_random + 0.2


def test_facts_of_a_throw_worked_by_hand(script):
    plays = select(script.plays, slice(2))._replace(
        to_right=np.array([True, False]), to_endzone=np.array([40, 40])
    )
    position = np.full((2, 22), -60 + 0j)
    position[:, 0] = -5  # passer
    position[:, 8] = 7 + 9j  # target: 12 yards ahead of him and 9 to the left
    position[:, 11] = 7 + 7j  # two yards off, just near
    position[:, 12] = 9.01 + 9j  # no longer
    position[:, 13] = -5 - 3j
    velocity = np.zeros((2, 22), complex)
    velocity[:, 8] = 4 - 3j
    written = as_written(position, velocity, plays.line, plays.to_right)
    assert written.x[:, 8].tolist() == [7700, 4300]
    assert written.s[:, 8].tolist() == [500, 500]
    # From +y clockwise: 90 degrees and 36.87 more, and the opposite.
    assert written.direction[:, 8].tolist() == [12687, 30687]
    facts = throw_facts(written, plays, np.array([8, 8]))
    expected = ThrowFacts(7.0, 4.0, 2.0, 1.0, 3.0, 15.0, 40.0)
    for name, found, value in zip(ThrowFacts._fields, facts, expected, strict=True):
        np.testing.assert_allclose(found, value, atol=1e-3, err_msg=name)
    assert facts.defenders_near.tolist() == [1, 1]


def test_bodies_make_room_for_each_other(track):
    gap = np.abs(track.position[::5, :, None] - track.position[::5, None])
    gap += 99 * np.eye(22)
    closest = gap.reshape(len(gap), -1).min(axis=1)
    assert np.quantile(closest, 0.1) > 0.25
    assert np.median(closest) > 0.6
