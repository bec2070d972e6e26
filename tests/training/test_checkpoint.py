"""Checkpoints: bit-equal, kept as asked, and never mistaken for what they are not."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from sbp_jax.errors import CheckpointError
from sbp_jax.training.checkpoint import Checkpoints, check_space, needed_space
from sbp_jax.training.optimizer import OptimizerConfig, make_optimizer
from sbp_jax.training.state import TrainState, init_state

pytestmark = [
    pytest.mark.usefixtures("quick_compilation"),
    # TensorStore's other reads of a damaged checkpoint fail after ours has, heard by nobody.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

SCORE = "score"
ABOUT = {"train": {"seed": 0, "hidden": (8, 8)}, "examples": 200}


def make_state(seed=0, side=20):
    optimizer = make_optimizer(OptimizerConfig(1.0, 0.0, warmup_steps=0), total_steps=1)
    w = np.random.default_rng(seed).normal(size=(side, side)).astype(np.float32)
    return init_state({"w": jnp.asarray(w), "b": jnp.zeros(3)}, optimizer, seed)


def on_devices(state, count):
    mesh = Mesh(jax.devices()[:count], ("plays",), axis_types=(AxisType.Auto,))
    return jax.device_put(state, NamedSharding(mesh, PartitionSpec()))


def bits(state):
    plain = state._replace(key=jax.random.key_data(state.key))
    return [np.array(leaf) for leaf in jax.tree.leaves(plain)]


def steps_in(folder):
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdecimal())


@pytest.mark.parametrize(("keep_best", "kept"), [(1, [1, 4]), (2, [1, 2, 4]), (9, [0, 1, 2, 3, 4])])
def test_latest_and_best_are_kept(tmp_path, keep_best, kept):
    states = [make_state(seed) for seed in range(5)]
    history = []
    with Checkpoints(tmp_path, SCORE, keep_best=keep_best) as checkpoints:
        for epoch, score in enumerate([3.0, 1.0, 2.0, 4.0, 5.0]):
            history.append({SCORE: score})
            checkpoints.save(epoch, states[epoch], history)
        checkpoints.wait()
        assert (checkpoints.best(), checkpoints.latest()) == (1, 4)
        restored = checkpoints.restore(4, states[0])
        assert restored.history == history
        chex.assert_trees_all_equal(bits(restored.state), bits(states[4]))
        best = checkpoints.restore_params(1, states[0].params)
        np.testing.assert_array_equal(best["w"], states[1].params["w"])
    assert steps_in(tmp_path) == kept
    assert len(list(tmp_path.iterdir())) == len(kept)


@pytest.mark.parametrize("devices", [1, 8])
def test_a_state_may_be_donated_right_after_saving(tmp_path, devices):
    # Orbax writes the files later, and on CPU from the arrays' own memory.
    def other_values(state):
        change = jax.tree.map(lambda leaf: leaf * 0 - 7, (state.params, state.opt_state))
        return TrainState(*change, state.step - 1, state.key)

    overwrite = jax.jit(other_values, donate_argnums=0)
    with Checkpoints(tmp_path, SCORE) as checkpoints:
        for epoch in range(6):
            state = on_devices(make_state(epoch, side=600), devices)
            before = bits(state)
            checkpoints.save(epoch, state, [{SCORE: 0.0}])
            state = jax.block_until_ready(overwrite(overwrite(overwrite(state))))
            checkpoints.wait()
            saved = checkpoints.restore(epoch, state).state
            chex.assert_trees_all_equal(bits(saved), before)
            assert (np.asarray(state.params["w"]) == -7).all()


@pytest.mark.parametrize(("saved_on", "restored_on"), [(1, 4), (8, 2)])
def test_another_device_count_restores_the_same_bits(tmp_path, saved_on, restored_on):
    state = make_state()
    with Checkpoints(tmp_path, SCORE) as checkpoints:
        checkpoints.save(0, on_devices(state, saved_on), [{SCORE: 1.0}])
    like = on_devices(make_state(seed=5), restored_on)
    with Checkpoints(tmp_path, SCORE) as checkpoints:
        restored = checkpoints.restore(0, like).state
    chex.assert_trees_all_equal(bits(restored), bits(state))
    assert restored.params["w"].sharding == like.params["w"].sharding


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Epochs 3 (the best) and 4 of a run."""
    folder = tmp_path_factory.mktemp("run") / "checkpoints"
    with Checkpoints(folder, SCORE, about=ABOUT) as checkpoints:
        checkpoints.save(3, make_state(3), [{SCORE: 1.0}])
        checkpoints.save(4, make_state(4), [{SCORE: 1.0}, {SCORE: 2.0}])
    return folder


@pytest.mark.parametrize(
    ("about", "message"),
    [
        (ABOUT | {"examples": 201}, "another run: examples: expected 201, got 200; go on with"),
        (ABOUT | {"train": {"seed": 1, "hidden": [8, 8]}}, "train.seed: expected 1, got 0"),
        (ABOUT | {"steps": 3}, "steps: expected 3, got None"),
    ],
)
def test_a_checkpoint_about_something_else_is_refused(saved, about, message):
    with (
        Checkpoints(saved, SCORE, about=about, read_only=True) as checkpoints,
        pytest.raises(CheckpointError, match=message),
    ):
        checkpoints.restore(4, make_state())


@pytest.mark.parametrize("about", [ABOUT, None])
def test_a_checkpoint_about_the_same_is_restored(saved, about):
    with Checkpoints(saved, SCORE, about=about, read_only=True) as checkpoints:
        restored = checkpoints.restore(4, make_state())
    chex.assert_trees_all_equal(bits(restored.state), bits(make_state(4)))


def test_another_optimizer_is_named(saved):
    plain = init_state(make_state().params, optax.sgd(0.1), seed=0)
    with Checkpoints(saved, SCORE, read_only=True) as checkpoints:
        message = r"another optimizer: expected a state of 0 arrays, got \d+"
        with pytest.raises(CheckpointError, match=message):
            checkpoints.restore(4, plain)


def test_another_architecture_is_named(saved):
    with Checkpoints(saved, SCORE, read_only=True) as checkpoints:
        message = r"another architecture: parameter 'w': expected \(21, 21\), got \(20, 20\)"
        with pytest.raises(CheckpointError, match=message):
            checkpoints.restore(4, make_state(side=21))
        with pytest.raises(CheckpointError, match="5: expected a checkpoint, got none"):
            checkpoints.restore_params(5, make_state().params)


def largest(folder):
    return max(
        (path for path in folder.rglob("*") if path.is_file()), key=lambda p: p.stat().st_size
    )


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path):
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    path.write_bytes(damaged)


def empty(path):
    shutil.rmtree(path)
    path.mkdir()


DAMAGE = {
    "truncated parameters": lambda four: truncate(largest(four / "params")),
    "one byte of the parameters": lambda four: flip(largest(four / "params" / "ocdbt.process_0")),
    "garbage for optimizer state": lambda four: largest(four / "train").write_bytes(b"\xff\0" * 99),
    "no manifest": lambda four: (four / "train" / "manifest.ocdbt").unlink(),
    "truncated record": lambda four: truncate(four / "record" / "metadata"),
    "record of something else": lambda four: (four / "record" / "metadata").write_text("{}"),
    "no optimizer state": lambda four: shutil.rmtree(four / "train"),
    "emptied parameters": lambda four: empty(four / "params"),
    "truncated metrics": lambda four: truncate(four / "metrics" / "metrics"),
    "metrics of something else": lambda four: (four / "metrics" / "metrics").write_text("{}"),
    "infinite metric": lambda four: (four / "metrics" / "metrics").write_text(
        '{"score": -Infinity}'
    ),
    "emptied folder": empty,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_is_good(saved, tmp_path, damage):
    folder = tmp_path / "checkpoints"
    shutil.copytree(saved, folder)
    damage(folder / "4")
    with pytest.raises(CheckpointError) as caught, Checkpoints(folder, SCORE) as checkpoints:
        checkpoints.restore(4, make_state())
    message = str(caught.value)
    assert message.startswith(f"{folder / '4'}: ")
    assert "remove" in message
    assert "\n" not in message
    assert len(message) < 700
    shutil.rmtree(folder / "4")
    with Checkpoints(folder, SCORE) as checkpoints:
        assert checkpoints.latest() == 3
        chex.assert_trees_all_equal(
            bits(checkpoints.restore(3, make_state()).state), bits(make_state(3))
        )


@pytest.mark.parametrize("name", ["notes.txt", "9", "photos/"])
def test_a_foreign_file_or_folder_is_refused(saved, tmp_path, name):
    folder = tmp_path / "checkpoints"
    shutil.copytree(saved, folder)
    if name.endswith("/"):
        (folder / name).mkdir()
    else:
        (folder / name).write_text("mine")
    with pytest.raises(CheckpointError, match=f"nothing but checkpoints, got '{name.rstrip('/')}'"):
        Checkpoints(folder, SCORE)
    assert (folder / name).exists()


def test_a_file_is_no_folder_of_checkpoints(tmp_path):
    (tmp_path / "checkpoints").write_text("")
    with pytest.raises(CheckpointError, match="expected a folder of checkpoints, got a file"):
        Checkpoints(tmp_path / "checkpoints", SCORE)


def test_what_a_killed_run_leaves_is_removed_by_the_next_but_not_by_a_reader(saved, tmp_path):
    folder = tmp_path / "checkpoints"
    shutil.copytree(saved, folder)
    unfinished, half_deleted = folder / "5.orbax-checkpoint-tmp", folder / ".deleted" / "2"
    for path in (unfinished, half_deleted):
        (path / "params").mkdir(parents=True)
    with Checkpoints(folder, SCORE, read_only=True) as checkpoints:
        assert checkpoints.latest() == 4
        checkpoints.restore(4, make_state())
    assert unfinished.exists()
    assert half_deleted.exists()
    with Checkpoints(folder, SCORE) as checkpoints:
        assert checkpoints.latest() == 4
        checkpoints.save(5, make_state(5), [{SCORE: 3.0}])
    assert sorted(path.name for path in folder.iterdir()) == ["3", "5"]


def test_a_checkpoint_is_whole_until_it_is_out_of_sight(saved, tmp_path, monkeypatch):
    folder = tmp_path / "checkpoints"
    shutil.copytree(saved, folder)
    whole = sorted(path.relative_to(folder / "4") for path in (folder / "4").rglob("*"))
    monkeypatch.setattr("sbp_jax.training.checkpoint.empty_deleted", lambda folder: None)
    with Checkpoints(folder, SCORE) as checkpoints:
        checkpoints.save(5, make_state(5), [{SCORE: 3.0}])
    gone = folder / ".deleted" / "4"
    assert sorted(path.relative_to(gone) for path in gone.rglob("*")) == whole
    assert steps_in(folder) == [3, 5]


def test_a_score_that_is_not_finite_and_an_epoch_saved_twice_are_refused(tmp_path):
    with Checkpoints(tmp_path, SCORE) as checkpoints:
        with pytest.raises(CheckpointError, match="epoch 3: expected a finite score, got nan"):
            checkpoints.save(3, make_state(), [{SCORE: float("nan")}])
        assert checkpoints.latest() is None
        checkpoints.save(3, make_state(), [{SCORE: 1.0}])
        with pytest.raises(CheckpointError, match="epoch 3 is already saved"):
            checkpoints.save(3, make_state(), [{SCORE: 1.0}])
    with pytest.raises(ValueError, match="keep_best: expected a whole number >= 1, got 0"):
        Checkpoints(tmp_path, SCORE, keep_best=0)


def fail_to_write(monkeypatch):
    def failing(self):
        raise ValueError('Error writing "w": No space left on device')

    monkeypatch.setattr("orbax.checkpoint.CheckpointManager.wait_until_finished", failing)


def test_an_error_of_the_background_surfaces_with_the_folder(tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path, SCORE)
    message = f"{tmp_path}: an epoch could not be saved: No space left"
    with monkeypatch.context() as patch:
        fail_to_write(patch)
        with pytest.raises(CheckpointError, match=message):
            checkpoints.save(0, make_state(), [{SCORE: 1.0}])
        with pytest.raises(CheckpointError, match=message):
            checkpoints.wait()
    checkpoints.close()


def test_what_went_wrong_first_is_not_hidden_by_a_failed_save(tmp_path, monkeypatch):
    def train():
        with Checkpoints(tmp_path, SCORE):
            fail_to_write(monkeypatch)
            raise KeyError("first")

    with pytest.raises(KeyError, match="first") as caught:
        train()
    assert "No space left on device" in caught.value.__notes__[0]


def test_too_little_room_is_noticed_before_work_starts(tmp_path, monkeypatch):
    state = make_state()
    # Two of Adam's moments beside each parameter.
    assert 3 * 403 * 4 < needed_space(state, keep_best=1) / 3 < 3 * 403 * 4 + 100
    assert needed_space(state, 3) == 5 / 3 * needed_space(state, 1)
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=2_000_000))
    check_space(tmp_path / "not" / "yet", 2_000_000)
    with pytest.raises(CheckpointError, match=r"expected room .* of 2\.5 MB, got 2\.0 MB"):
        check_space(tmp_path, 2_500_000)
    (tmp_path / "old").write_bytes(bytes(600_000))  # will make way
    check_space(tmp_path, 2_500_000)


FULL_DISK = """
import resource, sys
from pathlib import Path
import jax
from sbp_jax.errors import CheckpointError
from sbp_jax.training.checkpoint import Checkpoints
from sbp_jax.training.state import TrainState

state = TrainState({"w": jax.random.normal(jax.random.key(0), (500, 500))}, (), 0, 0)
state = jax.tree.map(jax.numpy.asarray, state)
checkpoints = Checkpoints(Path(sys.argv[1]), "score")
checkpoints.save(0, state, [{"score": 2.0}])
checkpoints.wait()
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
checkpoints.save(1, state, [{"score": 1.0}])
arguments = (2, state, [{"score": 3.0}]) if sys.argv[2] == "save" else ()
try:
    getattr(checkpoints, sys.argv[2])(*arguments)
except CheckpointError as error:
    print(error)
if sys.argv[2] != "close":
    checkpoints.close()
"""


@pytest.mark.slow
@pytest.mark.parametrize("call", ["save", "wait", "close"])
def test_a_full_disk_is_one_clear_error_and_leaves_the_last_checkpoint(tmp_path, call):
    folder = tmp_path / "checkpoints"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    command = [sys.executable, "-c", FULL_DISK, str(folder), call]
    ran = subprocess.run(command, env=environment, check=True, text=True, stdout=subprocess.PIPE)
    assert ran.stdout.startswith(f"{folder}: an epoch could not be saved: ")
    assert "File too large" in ran.stdout
    assert steps_in(folder) == [0]
    with Checkpoints(folder, SCORE) as checkpoints:
        assert (checkpoints.latest(), checkpoints.best()) == (0, 0)
    assert [path.name for path in folder.iterdir()] == ["0"]
