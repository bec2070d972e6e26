import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.batch import Batch
from sbp_jax.models.play_model import PlayModel
from sbp_jax.models.tcn import TCN
from sbp_jax.training.state import count_params
from scripts.benchmarks import peers
from scripts.benchmarks.plays import MOST_FRAMES, STATICS, Plays, draw_plays, pad
from scripts.benchmarks.readouts import Network
from scripts.benchmarks.roofline import Cost, Machine, cost_of, total
from scripts.benchmarks.run import (
    FAMILY,
    FORECASTER,
    Epoch,
    peer_inputs,
    peer_options,
    train_config,
)
from scripts.benchmarks.training import BenchmarkTraining, SizeError, show_target, take_turns

ECHO = """
import json, sys
import numpy as np
numbers, options = np.load(sys.argv[1])["numbers"], json.loads(sys.argv[2])
for line in sys.stdin:
    asked = json.loads(line)
    if asked["function"] == "fail":
        raise SystemExit("no such luck")
    total = float(numbers.sum()) * options["factor"] + asked["options"]["more"]
    print(json.dumps({"total": total}), flush=True)
"""


@pytest.fixture(scope="module")
def plays() -> Plays:
    return draw_plays(3000, seed=0)


def test_plays_are_as_long_as_said_and_drawn_from_the_seed(plays):
    assert np.median(plays.lengths) == pytest.approx(30, abs=1)
    assert plays.lengths.min() >= 8
    assert plays.lengths.max() <= MOST_FRAMES
    assert len(plays.frames) == plays.lengths.sum()
    for a, b in zip(plays, draw_plays(3000, seed=0), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(plays.lengths, draw_plays(3000, seed=1).lengths)


def test_the_last_frame_and_the_facts_decide_the_target(plays):
    last = plays.frames[np.cumsum(plays.lengths) - 1].astype(float)
    location = 10 + 8 * np.tanh(plays.static[:, 0] + last[:, 0]) + 3 * last[:, 1]
    noise = (plays.target - location) / (1.5 * np.exp(0.3 * last[:, 2]))
    # Quantiles of Student's law with 3 degrees of freedom: +-0.765 at a quarter and 3 quarters.
    lower, middle, upper = np.quantile(noise, [0.25, 0.5, 0.75])
    assert (lower, middle, upper) == pytest.approx((-0.765, 0, 1.5 * 0.765), abs=0.12)


def test_padding_keeps_every_frame_in_its_place():
    plays = draw_plays(5, seed=3)
    batch = pad(plays, steps=100)
    at = 0
    for row, length in enumerate(plays.lengths):
        np.testing.assert_array_equal(batch.sequence[row, :length], plays.frames[at : at + length])
        assert not batch.sequence[row, length:].any()
        assert batch.mask[row].tolist() == [True] * length + [False] * (100 - length)
        at += length


def test_cost_of_a_product_and_its_place_below_the_roofline():
    a, b = jax.ShapeDtypeStruct((64, 32), jnp.float32), jax.ShapeDtypeStruct((32, 16), jnp.float32)
    cost = cost_of(jax.jit(jnp.dot).lower(a, b))
    assert cost == Cost(2 * 64 * 32 * 16, 4 * (64 * 32 + 32 * 16 + 64 * 16), 1)
    assert total([cost, cost.times(2)]) == cost.times(3)
    machine = Machine(flops=100.0, bytes=10.0)
    assert machine.limit(Cost(flops=8.0, bytes=2.0, kernels=1)) == 40.0  # the memory bounds it
    assert (
        machine.limit(Cost(flops=80.0, bytes=2.0, kernels=1)) == 100.0
    )  # the arithmetic bounds it


@pytest.mark.slow
def test_both_readouts_compute_the_same_loss(quick_compilation):
    rng = np.random.default_rng(0)
    batch = Batch(
        jnp.asarray(rng.normal(size=(4, 12, 6)), jnp.float32),
        jnp.ones((4, 12), bool),
        jnp.asarray(rng.normal(size=(4, STATICS)), jnp.float32),
        jnp.asarray([3.0, -2.0, 0.0, 40.0]),
    )
    head = PlayModel(FAMILY.num_outputs, layers=0, hidden=(8,), dropout=0.0)
    network = Network(TCN(5, 3), head)
    params = network.init(jax.random.key(0), batch)
    dense, last = (network.loss(params, batch, readout=readout) for readout in ("all", "last"))
    assert float(dense) == pytest.approx(float(last), rel=1e-5)


class Scripted:
    """A run whose epochs are known beforehand."""

    name, plays, steps = "scripted", 1, 1

    def __init__(self, log: list[str], scores: list[float]) -> None:
        self.log, self.scores = log, iter(scores)

    def epoch(self) -> Epoch:
        self.log.append(self.name)
        return Epoch(2.0, 0.0, next(self.scores))


def test_runs_take_turns_and_time_counts_to_the_first_good_epoch(capsys):
    log: list[str] = []
    good, bad = Scripted(log, [3.5, 2.8, 3.0]), Scripted(log, [3.5, 3.4, 3.3])
    bad.name = "worse"
    history = take_turns([good, bad], 3)
    assert log == ["scripted", "worse"] * 3
    show_target([good, bad], history)
    first, second = capsys.readouterr().out.splitlines()[1:]
    assert "4.0 s, epoch 2" in first
    assert "not, best 3.300" in second


def test_refuses_what_would_measure_nothing():
    with pytest.raises(SizeError, match="plays: expected at least 2,048, got 100"):
        BenchmarkTraining(plays=100)
    with pytest.raises(SizeError, match="epochs: expected a whole number >= 1, got 0"):
        BenchmarkTraining(epochs=0)


@pytest.fixture
def own_python(monkeypatch, tmp_path: Path) -> Path:
    """This Python in the place of the peers' one."""
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (tmp_path / ".complete").touch()
    monkeypatch.setattr(peers, "FOLDER", tmp_path)
    return tmp_path


def test_a_started_script_answers_call_by_call_and_ends_with_the_block(own_python):
    script = own_python / "echo.py"
    script.write_text(ECHO)
    with peers.start(str(script), {"numbers": np.arange(4.0)}, factor=10) as call:
        assert call("add", more=1) == {"total": 61.0}
        assert call("add", more=2) == {"total": 62.0}
        with pytest.raises(peers.PeersError, match=r"echo\.py fail to run, got: no such luck"):
            call("fail")
        with pytest.raises(peers.PeersError, match="no such luck"):
            call("add", more=3)


def test_without_the_environment_nothing_is_started(monkeypatch, tmp_path):
    monkeypatch.setattr(peers, "FOLDER", tmp_path / "absent")
    with pytest.raises(peers.PeersError, match="make it with --peers"):
        peers.start("peers_torch.py", {}).__enter__()


@pytest.mark.slow
def test_the_peer_has_our_network_and_learns():
    if not (peers.FOLDER / ".complete").exists():
        pytest.skip(f"{peers.FOLDER.name} has not been made")
    train, valid = draw_plays(2048, seed=0), draw_plays(256, seed=1)
    config = train_config(6)
    example = pad(draw_plays(1, seed=0))
    ours = jax.eval_shape(lambda: FORECASTER.init(jax.random.key(0), example))
    inputs, options = peer_inputs(train, valid), peer_options(config, 2048)
    with peers.start("peers_torch.py", inputs, **options) as call:
        assert call("restart")["parameters"] == count_params(ours)
        before = call("validate")["score"]
        assert call("epoch", workers=0)["steps"] == 2048 // config.batch_size
        assert call("score", workers=0)["plays"] == 256
        call("epoch", workers=0)
        assert call("validate")["score"] < before - 0.1
