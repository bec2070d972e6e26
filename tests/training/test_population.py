"""A population against separate runs of its members, and what becomes of those that end early."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from sbp_jax.batch import Batch
from sbp_jax.distributions import Gaussian, SplicedBinnedPareto
from sbp_jax.models.forecaster import NetworkConfig, make_forecaster
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.hyperparameters import Hyperparameters, stack
from sbp_jax.training.loop import VALIDATION_SCORE, fit
from sbp_jax.training.parallel import Devices
from sbp_jax.training.placing import place_examples
from sbp_jax.training.population import fewer_slots, fit_population
from sbp_jax.training.population_program import PopulationProgram, Recipe, programs_of
from sbp_jax.training.program import Head

pytestmark = pytest.mark.usefixtures("quick_compilation")

NETWORK = NetworkConfig(features=4, layers=1, hidden=(6,))
CONFIG = TrainConfig(epochs=3, batch_size=32, virtual_shards=4, warmup_steps=3, length_buckets=2)
MEMBERS = [
    Hyperparameters(3e-2, 1e-2, 0.02, seed=0, network={"dropout": 0.2, "encoder_dropout": 0.1}),
    Hyperparameters(1e-2, 0.5, 0.1, seed=3, network={"dropout": 0.5, "encoder_dropout": 0.0}),
    Hyperparameters(3e-3, 0.0, 0.01, seed=1, network={"dropout": 0.0, "encoder_dropout": 0.4}),
]


def spliced(tail_mass=0.05):
    return SplicedBinnedPareto(np.arange(-8.5, 9), tail_mass, "edge")


def examples(rows, seed):
    """Half of the sequences short, so that there are two buckets."""
    rng = np.random.default_rng(seed)
    static = rng.normal(size=(rows, 2)).astype(np.float32)
    lengths = np.where(np.arange(rows) % 2, rng.integers(0, 4, rows), 9)
    return Batch(
        rng.normal(size=(rows, 9, 2)).astype(np.float32),
        np.arange(9)[None] < lengths[:, None],
        static,
        np.round(3 * static[:, 0] + rng.standard_t(3, size=rows)).astype(np.float32),
    )


def placed(devices, config=CONFIG):
    return {
        "train": place_examples(examples(150, 0), config, devices, shuffle=True),
        "valid": place_examples(examples(60, 1), config, devices, shuffle=False),
    }


def augment(key, batch):
    """Random signs of a static column, so that its key matters."""
    sign = jax.random.choice(key, np.array([-1.0, 1.0], np.float32), (len(batch.target), 1))
    return batch._replace(static=batch.static * sign)


def run_alone(member, folder, devices, config):
    """The member as a user would train it."""
    forecaster = make_forecaster(replace(NETWORK, **member.network), spliced(member.tail_mass))
    config = replace(
        config,
        learning_rate=member.learning_rate,
        weight_decay=member.weight_decay,
        seed=member.seed,
    )
    head = Head(forecaster, "base_plus_tail", augment, cell=1.0)
    return fit(head, **placed(devices, config), folder=folder, progress=False)


def check_against_runs_of_their_own(folder, mapping, devices, config, compared):
    fits = fit_population(
        Head(make_forecaster(NETWORK, spliced()), "base_plus_tail", augment, cell=1.0),
        MEMBERS,
        mapping=mapping,
        **placed(Devices(jax.devices()[:devices]), config),
    )
    clock = {"seconds", "examples_per_second"}
    for i in compared:
        one = Devices(jax.devices()[:1], "pmap")
        alone = run_alone(MEMBERS[i], folder / str(i), one, config)
        assert [set(m) for m in fits[i].history] == [set(m) for m in alone.history]
        for found, expected in zip(fits[i].history, alone.history, strict=True):
            for name in expected.keys() - clock:
                assert found[name] == pytest.approx(expected[name], rel=1e-4), name
        assert fits[i].best_epoch == alone.best_epoch
        assert fits[i].ending == "finished"
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-2, atol=2e-3),
            fits[i].params,
            alone.params,
        )


def test_members_equal_runs_of_their_own(tmp_path):
    """Three members on two devices, so that a filler is with them."""
    config = replace(CONFIG, epochs=2, length_buckets=1)
    check_against_runs_of_their_own(tmp_path, "vmap", 2, config, compared=[1])


@pytest.mark.slow
@pytest.mark.parametrize(("mapping", "devices"), [("scan", 1), ("vmap", 1), ("scan", 4)])
def test_members_equal_runs_of_their_own_however_they_are_mapped(tmp_path, mapping, devices):
    """Two length buckets."""
    check_against_runs_of_their_own(tmp_path, mapping, devices, CONFIG, compared=[0, 1, 2])


def test_members_with_examples_of_their_own_equal_those_that_share_them():
    """Unequal numbers of them; three members on two devices, so that a filler is with them."""
    config = replace(CONFIG, epochs=2, length_buckets=1)
    devices = Devices(jax.devices()[:2])
    parts = [(examples(size, i), examples(40, 9 + i)) for i, size in enumerate([300, 100, 290])]
    train, valid = (
        [place_examples(part[k], config, devices, shuffle=k == 0) for part in parts] for k in (0, 1)
    )
    fits = fit_population(HEAD, FATES[:3], train=train, valid=valid)
    for i in (0, 2):  # as many steps in an epoch, so that the learning rate falls alike
        [alone] = fit_population(HEAD, [FATES[i]], train=train[i], valid=valid[i])
        assert scores_of(fits[i]) == pytest.approx(scores_of(alone), rel=1e-4)
    assert len({scores_of(each)[0] for each in fits}) == 3
    with pytest.raises(ValueError, match="train: expected examples of 3 members, got of 2"):
        fit_population(HEAD, FATES[:3], train=train[:2], valid=valid)


def test_a_like_training_compiles_nothing_anew():
    mesh = Devices(jax.devices()[:1]).mesh
    recipe = Recipe(HEAD, CONFIG, mesh, "vmap", 10, False, False, shapes=((4, 30, 2),))
    like = replace(
        recipe,
        head=Head(
            make_forecaster(replace(NETWORK, layers=0), Gaussian(0.0, 3.0)),
            "interval_nll",
            cell=1.0,
        ),
    )
    assert programs_of(recipe) is programs_of(like)
    for other in ({"total_steps": 11}, {"shapes": ((4, 30, 3),)}):
        assert programs_of(replace(recipe, **other)) is not programs_of(recipe)


# Three that learn, and one that fails in its first epoch.
FATES = [Hyperparameters(rate, 0.0, seed=i) for i, rate in enumerate([0.1, 0.03, 0.01, 1e20])]
FORECASTER = make_forecaster(replace(NETWORK, layers=0), Gaussian(0.0, 3.0))
HEAD = Head(FORECASTER, "interval_nll", cell=1.0)


def scores_of(member):
    return [metrics[VALIDATION_SCORE] for metrics in member.history]


def fit_fates(**settings):
    config = replace(CONFIG, length_buckets=1, warmup_steps=0, explosion=5.0)
    devices = Devices(jax.devices()[:1])
    return fit_population(HEAD, FATES, **placed(devices, config), **settings)


@pytest.fixture(scope="module")
def fates(quick_compilation_throughout):
    """What becomes of the members if nobody is stopped, and the scores of each epoch."""
    told = []
    fits = fit_fates(on_epoch=lambda epoch, scores: told.append((epoch, scores.copy())))
    return fits, told


def naive_score(params, batch):
    """Mean log score of the cell, from the examples as they were before they were placed."""
    forecast = FORECASTER.predict(params, Batch(*map(jax.numpy.asarray, batch)))
    y = batch.target
    return -float(np.mean(FORECASTER.family.log_interval(forecast, y - 0.5, y + 0.5)))


def test_members_that_fail_do_not_stop_the_others(fates):
    fits, told = fates
    assert [member.ending for member in fits] == ["finished"] * 3 + ["failed"]
    assert [epoch for epoch, _ in told] == [0, 1, 2]
    for epoch, scores in told:
        for member, score in zip(fits, scores, strict=True):
            expected = (
                member.history[epoch][VALIDATION_SCORE] if epoch < len(member.history) else np.inf
            )
            assert score == expected
    assert fits[3].best_epoch is None
    assert fits[3].history == []
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(fits[3].params))


def test_the_parameters_are_those_of_the_best_epoch(fates):
    fits, _ = fates
    valid = examples(60, 1)
    for member in fits[:3]:
        scores = scores_of(member)
        assert member.best_epoch == int(np.argmin(scores))
        assert naive_score(member.params, valid) == pytest.approx(min(scores), rel=1e-5)


@pytest.mark.slow
def test_the_rest_goes_on_in_a_smaller_program(fates, monkeypatch):
    sizes, told = [], []
    take = PopulationProgram.take

    def counted(self, population, slots):
        sizes.append(len(slots))
        return take(self, population, slots)

    monkeypatch.setattr(PopulationProgram, "take", counted)

    def stop_two(epoch, scores):
        told.append(scores.copy())
        return [epoch == 0, epoch == 1, False, False]

    fits = fit_fates(on_epoch=stop_two)
    assert [member.ending for member in fits] == ["stopped", "stopped", "finished", "failed"]
    assert sizes == [2, 1]
    assert [len(member.history) for member in fits[:3]] == [1, 2, 3]
    assert np.isnan(told[1][0])
    assert np.isinf(told[1][3])
    valid = examples(60, 1)
    for member, whole in zip(fits[:3], fates[0][:3], strict=True):
        expected = scores_of(whole)[: len(member.history)]
        assert scores_of(member) == pytest.approx(expected, rel=1e-4)
        best = member.history[member.best_epoch][VALIDATION_SCORE]
        assert naive_score(member.params, valid) == pytest.approx(best, rel=1e-5)


@pytest.mark.parametrize(
    ("trained", "devices", "slots"), [(9, 1, 16), (8, 1, 8), (1, 1, 1), (1, 4, 4), (0, 1, 1)]
)
def test_slots_halve(trained, devices, slots):
    assert fewer_slots(16, trained, devices) == slots


@pytest.mark.slow
def test_flags_must_be_as_many_as_members():
    with pytest.raises(ValueError, match="on_epoch: expected 4 flags, got 1"):
        fit_fates(on_epoch=lambda *_: [False])


@pytest.mark.parametrize(
    ("objective", "changes", "message"),
    [
        ("interval_nll", {"tail_mass": 0.1}, "tail_mass: expected None, as Gaussian has none"),
        ("crps", {"smoothing": 0.1}, "smoothing: expected None, as crps has none"),
    ],
)
def test_numbers_without_a_use_are_refused(objective, changes, message):
    members = [replace(FATES[0], **changes)]
    with pytest.raises(ValueError, match=message):
        fit_population(
            Head(FORECASTER, objective, cell=1.0), members, **placed(Devices(jax.devices()[:1]))
        )


def test_numbers_are_of_all_members_or_of_none():
    with pytest.raises(ValueError, match=r"tail_mass: .* got None of member 1"):
        stack([Hyperparameters(tail_mass=0.1), Hyperparameters()], CONFIG)
    with pytest.raises(ValueError, match="members: expected at least one"):
        stack([], CONFIG)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("learning_rate", 0.0),
        ("weight_decay", -1.0),
        ("weight_decay", float("nan")),
        ("tail_mass", 0.5),
        ("smoothing", 0.5),
        ("seed", 0.5),
        ("seed", -1),
    ],
)
def test_numbers_out_of_range_are_refused(name, value):
    with pytest.raises(ValueError, match=f"^{name}: expected None or a .*, got {value}"):
        Hyperparameters(**{name: value})
