"""The padded cache is what scaling says, and never half there."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sbp_jax.errors import BatchError
from sbp_jax.nfl.errors import BuildError, TrackingError
from sbp_jax.nfl.tracking import padded_cache
from sbp_jax.nfl.tracking.features import EXTRA_FEATURES, PLAYER_COLUMNS, SEQUENCE_FEATURES
from sbp_jax.nfl.tracking.padded_cache import Records, load_padded, padded_folder
from sbp_jax.nfl.tracking.scaling import scale_sequence
from sbp_jax.nfl.tracking.static import TRACKING_STATIC

from .build_seasons import files_under

ROOT = Path(__file__).parents[3]
EDGES = (10, 20, 30)


def records_of(lengths, seed=0):
    """Random plays; some players are absent."""
    rng = np.random.default_rng(seed)
    lengths = np.array(lengths)
    values = rng.normal(0, 3, (lengths.sum(), len(SEQUENCE_FEATURES))).astype(np.float16)
    mask = rng.random((len(lengths), 22)) < 0.9
    values[:, :PLAYER_COLUMNS] *= np.repeat(np.repeat(mask, 8, axis=1), lengths, axis=0)
    return Records(
        lengths=lengths,
        values=values,
        player_mask=mask,
        static=rng.normal(size=(len(lengths), len(TRACKING_STATIC))).astype(np.float32),
        target=rng.integers(-9, 60, len(lengths)).astype(np.float32),
        plays=pl.DataFrame({"play_id": rng.integers(0, 10**6, len(lengths))}),
    )


PORTIONS = [records_of([9, 10, 25], 1), records_of([30, 4], 2)]


def refuse():
    pytest.fail("the cache was there and whole")


@pytest.fixture
def folder(tmp_path):
    return padded_folder(tmp_path, "bdb-train", "fingerprint", EDGES)


def load(folder, portions=PORTIONS):
    return load_padded(folder, EDGES, lambda: portions)


def assert_same(first, second):
    assert len(first.buckets) == len(second.buckets)
    for one, other in zip(first.buckets, second.buckets, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)
    for a, b in zip(first.rows, second.rows, strict=True):
        np.testing.assert_array_equal(a, b)
    assert first.plays.equals(second.plays)


def test_every_play_is_scaled_and_padded(folder):
    examples = load(folder)
    assert [bucket.mask.shape for bucket in examples.buckets] == [(3, 10), (2, 30)]
    assert [rows.tolist() for rows in examples.rows] == [[0, 1, 4], [2, 3]]
    batch, row = examples.padded(), 0
    for portion in PORTIONS:
        starts = np.concatenate([[0], np.cumsum(portion.lengths)])
        for play, length in enumerate(portion.lengths):
            values = portion.values[starts[play] : starts[play + 1]]
            scaled = scale_sequence(values, portion.player_mask[play])
            np.testing.assert_array_equal(batch.sequence[row, :length], scaled)
            assert not batch.sequence[row, length:].any()
            assert batch.mask[row].tolist() == [True] * length + [False] * (30 - length)
            np.testing.assert_array_equal(batch.static[row], portion.static[play])
            assert batch.target[row] == portion.target[play]
            row += 1
    assert batch.sequence.dtype == np.float16
    assert examples.plays.equals(pl.concat([portion.plays for portion in PORTIONS]))


def test_it_is_written_once_and_mapped(folder):
    first = load(folder)
    before = files_under(folder.parent)
    second = load_padded(folder, EDGES, refuse)
    assert_same(first, second)
    assert files_under(folder.parent) == before
    assert isinstance(second.buckets[0].sequence, np.memmap)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: os.truncate(folder / "sequence-010.npy", 500),
        lambda folder: (folder / "lengths.npy").unlink(),
        lambda folder: (folder / "plays.parquet").write_bytes(b"PAR1"),
        lambda folder: (folder / "account.json").write_text("nonsense"),
        lambda folder: (folder / "account.json").write_text("[1]"),
        lambda folder: (folder / "account.json").unlink(),
    ],
    ids=["cut", "gone", "garbled", "no account", "another account", "unfinished"],
)
def test_a_damaged_cache_is_made_again(folder, damage):
    whole = load(folder)
    # A copy is damaged: cutting a file that is mapped into memory kills the process.
    copy = shutil.copytree(folder, folder.with_name("copy"))
    damage(copy)
    assert_same(load(copy), whole)
    assert_same(load_padded(copy, EDGES, refuse), whole)


def test_an_interrupted_cache_is_not_there(folder):
    def interrupted():
        yield PORTIONS[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_padded(folder, EDGES, interrupted)
    assert not list(folder.parent.glob("*/"))
    assert len(load(folder)) == 5


KILLED = """
import os, signal, sys
from pathlib import Path
from sbp_jax.nfl.tracking.padded_cache import load_padded
from tests.nfl.tracking.test_build_padded import EDGES, PORTIONS
def records():
    yield PORTIONS[0]
    os.kill(os.getpid(), signal.SIGKILL)
load_padded(Path(sys.argv[1]), EDGES, records)
"""


def test_a_killed_cache_is_not_there_either(folder):
    done = subprocess.run([sys.executable, "-c", KILLED, folder], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    (unfinished,) = folder.parent.glob(".unfinished*")
    assert not folder.exists()
    assert len(load(folder)) == 5
    assert not unfinished.exists()


def test_another_data_set_or_version_is_another_cache(tmp_path, monkeypatch):
    folders = {
        padded_folder(tmp_path, name, fingerprint, edges)
        for name, fingerprint, edges in (
            ("a", "x", EDGES),
            ("b", "x", EDGES),
            ("a", "y", EDGES),
            ("a", "x", EDGES[1:]),
        )
    }
    monkeypatch.setattr(padded_cache, "PADDED_VERSION", padded_cache.PADDED_VERSION + 1)
    folders.add(padded_folder(tmp_path, "a", "x", EDGES))
    monkeypatch.setattr(padded_cache, "SCALES", {**padded_cache.SCALES, "x": 11.0})
    folders.add(padded_folder(tmp_path, "a", "x", EDGES))
    assert len(folders) == 6


def test_what_no_model_may_see_is_refused(folder):
    bad = records_of([5, 6])
    bad.values[7, SEQUENCE_FEATURES.index(EXTRA_FEATURES[1])] = np.nan
    with pytest.raises(BatchError, match=r"row 1, step 2, column 'separation'"):
        load(folder, [bad])
    with pytest.raises(BatchError, match="got an empty set"):
        load(folder, [])
    with pytest.raises(TrackingError, match="a play of 31 frames in row 1"):
        load(folder, [records_of([5, 31])])
    assert not list(folder.parent.glob("*/"))


def test_a_cache_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(BuildError, match=r"cannot be made .*; give another folder"):
        load(padded_folder(tmp_path / "cache", "name", "fingerprint", EDGES))
