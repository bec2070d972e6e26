"""A finished run as a model: what it says of plays, and folders that are none."""

import json
import re
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest

import sbp_jax
from sbp_jax.batch import BatchError
from sbp_jax.errors import InputError, RunFolderError
from sbp_jax.export import load_model
from sbp_jax.jobs import passing_score
from sbp_jax.jobs.passing_score import GAUSSIAN, PassingScore
from sbp_jax.jobs.wins import Wins
from sbp_jax.jobs.wins import main as score_wins
from sbp_jax.models.forecaster import NetworkConfig
from sbp_jax.nfl.plays import load_plays
from sbp_jax.nfl.plays.splits import SeasonSplit, split_examples
from sbp_jax.nfl.ratings.outcome import POINTS
from sbp_jax.runs.run_folder import open_run
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.heads import train_heads
from sbp_jax.training.operations import Operations
from sbp_jax.training.parallel import Devices
from sbp_jax.training.placing import place_examples

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

TRAIN = TrainConfig(epochs=2, batch_size=64, virtual_shards=8, warmup_steps=2)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tables(source, tmp_path_factory):
    return load_plays(source, seasons=(2009, 2010, 2011), cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def passing(tables, tmp_path_factory, quick_compilation_throughout):
    """A run of two of the heads, of which only the networks and the last file are there."""
    folder = tmp_path_factory.mktemp("runs") / "passing_score"
    split = SeasonSplit(train=(2009,), valid=(2010,), test=(2011,), max_snaps=8)
    config = PassingScore(
        run=folder, split=split, network=NetworkConfig(features=4, layers=1, hidden=(8,)),
        train=TRAIN,
    )  # fmt: skip
    open_run(folder, passing_score.describe_run(config, "none"))
    heads = {
        name: head
        for name, head in passing_score.make_heads(config).items()
        if name in (passing_score.SBP, GAUSSIAN)
    }
    devices = Devices(jax.devices()[:1])
    parts = split_examples(tables, split)
    placed = {
        name: place_examples(part.batch, TRAIN, devices, shuffle=name == "train")
        for name, part in parts.items()
    }
    folders = {name: folder / passing_score.FOLDERS[name] for name in heads}
    _, verdicts = train_heads(heads, placed, folders=folders, operations=Operations(devices=1))
    (folder / passing_score.FINISHED).write_text("")
    return folder, parts["test"].batch, verdicts


def test_a_run_forecasts_plays_as_it_did_itself(passing, tmp_path):
    folder, batch, verdicts = passing
    model = sbp_jax.load(folder)
    law = model(batch)
    expected = verdicts[passing_score.SBP]
    np.testing.assert_allclose(law.cdf(batch.target + 0.5), expected.pit_upper, atol=2e-6)
    np.testing.assert_allclose(law.cdf(batch.target - 0.5), expected.pit_lower, atol=2e-6)
    arrays = model(batch.sequence, mask=batch.mask, static=batch.static)
    np.testing.assert_array_equal(arrays.params.logits, law.params.logits)
    assert model.cell == 1
    assert len(model.history[0]) == 2
    assert "epoch" in model.report()
    model.save(tmp_path / "passes.npz")
    served = load_model(tmp_path / "passes.npz")
    found = served(batch.sequence, mask=batch.mask, static=batch.static)
    np.testing.assert_allclose(found.cdf(batch.target + 0.5), expected.pit_upper, atol=1e-4)


def test_another_head_goes_by_its_name(passing):
    folder, batch, verdicts = passing
    law = sbp_jax.load(folder, head=GAUSSIAN)(batch)
    upper = law.cdf(batch.target + 0.5)
    np.testing.assert_allclose(upper, verdicts[GAUSSIAN].pit_upper, atol=2e-6)
    with pytest.raises(InputError, match=r"head: expected one of SBP, Binned, .* got 'boosting'"):
        sbp_jax.load(folder, head="boosting")


def test_other_columns_than_the_run_has_are_refused(passing):
    folder, batch, _ = passing
    model = sbp_jax.load(folder)
    with pytest.raises(InputError, match=r"x: expected a Batch with \d+ static columns and steps"):
        model(batch._replace(static=batch.static[:, 1:]))
    with pytest.raises(InputError, match="mask, static: expected none with a Batch"):
        model(batch, mask=batch.mask)
    static = batch.static.copy()
    static[1, 0] = np.nan
    with pytest.raises(BatchError, match=f"nan in row 1, column '{model.columns.static[0]}'"):
        model(batch._replace(static=static))


def test_folders_that_are_no_finished_run_are_refused(passing, tmp_path):
    with pytest.raises(RunFolderError, match=r"expected a run folder, got no config\.json"):
        sbp_jax.load(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"experiment": "heavy_tails"}))
    with pytest.raises(RunFolderError, match="which keep networks, got 'heavy_tails'"):
        sbp_jax.load(tmp_path)
    shutil.copy(passing[0] / "config.json", tmp_path)
    with pytest.raises(
        RunFolderError, match=r"expected a finished run, got one without report"
    ):
        sbp_jax.load(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["settings"]["sizes"] = 3
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "report.md").write_text("")
    with pytest.raises(RunFolderError, match="other settings than ours: sizes: unknown entry"):
        sbp_jax.load(tmp_path)
    (tmp_path / "file.npz").write_text("")
    with pytest.raises(InputError, match="head: expected None with a file, got 'SBP'"):
        sbp_jax.load(tmp_path / "file.npz", head="SBP")


@pytest.fixture(scope="module")
def won(source, passing, quick_compilation_throughout):
    """The experiment on winning, beside the other run."""
    folder = passing[0].with_name("wins")
    config = Wins(
        run=folder, source=source, cache=folder.with_name("cache"), seasons=(2009, 2010, 2011),
        folds=3, network=NetworkConfig(layers=0, hidden=(8,), dropout=0.0), train=TRAIN,
        min_attempts=15, min_games=1, operations=Operations(devices=1),
    )  # fmt: skip
    score_wins(config)
    return folder


@pytest.mark.slow
def test_the_page_scores_plays_that_no_run_saw(won, source, monkeypatch):
    """The page's programs, with the games that are here."""
    monkeypatch.chdir(won.parent.parent)
    (Path.cwd() / "games").symlink_to(source)
    (Path.cwd() / "runs").symlink_to(won.parent)
    page = (ROOT / "docs/scoring.md").read_text(encoding="utf-8")
    page = page.replace("2016, 2017", "2009, 2010").replace("2018", "2011")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    namespace = {}
    with jax.numpy_rank_promotion("allow"):
        for block in blocks:
            exec(compile(block, "scoring.md", "exec"), namespace)
    model, scored = namespace["model"], namespace["scored"]
    assert scored["play_score"].is_between(0, 1).all()
    assert abs(scored["play_score"].mean() - 0.5) < 0.1
    assert model.members == 3
    assert model.cell == POINTS.step
    # The law is in points, and the mean of the folds' distribution functions.
    law, base = namespace["law"], namespace["law"].params.base
    np.testing.assert_allclose(law.cdf(1.3), law.family.base.cdf(base, 1.3).mean(axis=1), rtol=1e-5)
    assert -3 < np.median(law.median) < 3
