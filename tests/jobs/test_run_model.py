"""A finished run as a model: what the page says of it, and folders that are none."""

import json
import re
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest

import sbp_jax
from sbp_jax.errors import CheckpointError, InputError, RunFolderError
from sbp_jax.jobs import compare_objectives, passing_score
from sbp_jax.jobs.passing_score import FINISHED, PassingScore
from sbp_jax.jobs.wins import Wins
from sbp_jax.jobs.wins import main as score_wins
from sbp_jax.models.forecaster import NetworkConfig
from sbp_jax.nfl.plays.splits import SeasonSplit
from sbp_jax.nfl.ratings.outcome import POINTS
from sbp_jax.runs.run_folder import open_run
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.operations import Operations

TRAIN = TrainConfig(epochs=2, batch_size=64, virtual_shards=8, warmup_steps=2)
SEASONS = (2009, 2010, 2011)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def empty(tmp_path):
    """A run that says it is finished and holds no network."""
    folder = tmp_path / "run"
    open_run(folder, passing_score.describe_run(PassingScore(train=TRAIN), "none"))
    (folder / FINISHED).write_text("")
    return folder


def changed(folder, change):
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))


def test_folders_that_hold_no_networks_are_refused(empty, tmp_path):
    with pytest.raises(RunFolderError, match=r"expected a run folder, got no config\.json"):
        sbp_jax.load(tmp_path)
    with pytest.raises(CheckpointError, match="expected checkpoints, got no such folder"):
        sbp_jax.load(empty)
    changed(empty, lambda config: config["settings"].update(sizes=3))
    with pytest.raises(RunFolderError, match="other settings than ours: sizes: unknown entry"):
        sbp_jax.load(empty)
    (empty / FINISHED).unlink()
    with pytest.raises(RunFolderError, match=r"expected a finished run, got one without report"):
        sbp_jax.load(empty)
    for name in ("heavy_tails", "sweep", None):
        changed(empty, lambda config, name=name: config.update(experiment=name))
        with pytest.raises(RunFolderError, match=f"which keep networks, got {name!r}"):
            sbp_jax.load(empty)


def test_a_head_is_one_of_the_run(empty, tmp_path):
    with pytest.raises(InputError, match=r"head: expected one of SBP, Binned, .* got 'boosting'"):
        sbp_jax.load(empty, head="boosting")
    (tmp_path / "file.npz").write_text("")
    with pytest.raises(InputError, match="head: expected None with a file, got 'SBP'"):
        sbp_jax.load(tmp_path / "file.npz", head="SBP")


@pytest.fixture(scope="module")
def runs(source, tmp_path_factory, quick_compilation_throughout):
    """A folder with games and both runs, as the page has them."""
    home = tmp_path_factory.mktemp("home")
    (home / "games").symlink_to(source)
    small = {"source": source, "cache": home / "cache", "train": TRAIN}
    small["operations"] = Operations(devices=1)
    passing_score.main(
        PassingScore(
            run=home / "runs/passing_score",
            split=SeasonSplit(train=(2009,), valid=(2010,), test=(2011,)),
            network=NetworkConfig(features=4, layers=1, hidden=(8,)),
            min_attempts=10,
            **small,
        )
    )
    wins = Wins(run=home / "runs/wins", seasons=SEASONS, folds=3, min_attempts=15, min_games=1)
    score_wins(replace(wins, network=NetworkConfig(layers=0, hidden=(8,), dropout=0.0), **small))
    return home


@pytest.mark.slow
def test_the_page_scores_plays_that_no_run_saw(runs, monkeypatch):
    """The page's programs, with the games that are here."""
    monkeypatch.chdir(runs)
    page = (ROOT / "docs/scoring.md").read_text(encoding="utf-8")
    page = page.replace("2016, 2017", "2009, 2010").replace("2018", "2011")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    namespace = {}
    with jax.numpy_rank_promotion("allow"):
        for block in blocks:
            exec(compile(block, "scoring.md", "exec"), namespace)
    model, scored, law = (namespace[name] for name in ("model", "scored", "law"))
    assert scored["play_score"].is_between(0, 1).all()
    assert abs(scored["play_score"].mean() - 0.5) < 0.1
    # The law is in points, and the mean of the folds' distribution functions.
    assert (model.members, model.cell) == (3, POINTS.step)
    of_folds = law.family.base.cdf(law.params.base, 1.3)
    np.testing.assert_allclose(law.cdf(1.3), of_folds.mean(axis=1), rtol=1e-5)
    assert -3 < np.median(law.median) < 3


@pytest.mark.slow
@pytest.mark.parametrize("head", ["Gaussian", "Binned"])
def test_rivals_go_by_their_names(runs, head):
    model = sbp_jax.load(runs / "runs/passing_score", head=head)
    assert type(model.forecaster.family).__name__ == head


@pytest.mark.slow
def test_settings_that_were_compared_go_by_their_names(source, tmp_path, monkeypatch):
    monkeypatch.setattr(compare_objectives, "SETTINGS", (compare_objectives.FIRST,))
    compare_objectives.main(
        compare_objectives.CompareObjectives(
            run=tmp_path / "run", source=source, cache=tmp_path / "cache", train=TRAIN,
            split=SeasonSplit(train=(2009,), valid=(2010,), test=(2011,)),
            network=NetworkConfig(features=4, layers=1, hidden=(8,)),
            operations=Operations(devices=1),
        )
    )  # fmt: skip
    model = sbp_jax.load(tmp_path / "run")
    assert model.forecaster.family == compare_objectives.FIRST.family
    other = sbp_jax.load(tmp_path / "run", head="Binned, cell")
    assert type(other.forecaster.family).__name__ == "Binned"


@pytest.mark.slow
def test_training_goes_on_from_a_run(runs, source):
    start = sbp_jax.load(runs / "runs/wins")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, len(start.columns.static)))
    further = sbp_jax.fit(x, rng.integers(-20, 20, 64) / 10, start=start, epochs=1, progress=False)
    assert (further.members, further.cell) == (3, POINTS.step)
    assert [each["epoch"] for each in further.history[0]] == [0, 1, 2]
