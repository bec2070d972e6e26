"""Random play models of many shapes, and the files they are served from."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest

from sbp_jax.batch import Batch
from sbp_jax.distributions import Binned, Gaussian, SplicedBinnedPareto
from sbp_jax.export import NumpyModel, describe, load_model, save_weights
from sbp_jax.models.anchors import Anchor
from sbp_jax.models.ceiling import Ceiling
from sbp_jax.models.knot_anchors import KnotAnchor
from sbp_jax.models.play_model import PlayModel

EDGES = tuple(np.arange(-10.5, 61.5))
STATIC_NAMES = ("air_yards", "to_goal", "down", "clock", "score")
ANCHORS = (
    Anchor(column=0, scale=10.0, below=12, above=30),
    Anchor(1, 100.0, 20, 3),
    Anchor(len(STATIC_NAMES), 10.0, 5, 5),  # the first step column, for models that have one
)
KNOTS = (  # what a model of the tracked series has in place of logits of its own
    KnotAnchor(len(STATIC_NAMES), 10.0, (-9.0, -2.5, 0.0, 1.0, 12.0), shift_scale=3.0),
    KnotAnchor(None, 1.0, (-5.0, -1.0, 0.0, 1.0, 40.0)),
)
CEILING = Ceiling(column=1, scale=100.0)
FAMILIES: dict[str, Any] = {
    "edge": SplicedBinnedPareto(EDGES, (0.05, 0.03), "edge"),
    "quantile": SplicedBinnedPareto(EDGES, 0.05, "quantile", (-0.4, 0.9)),
    "binned": Binned(EDGES),
    "gaussian": Gaussian(center=7.0, spread=10.0),
}


class Pair(NamedTuple):
    """A JAX model, and the same model read back from its weights file."""

    model: PlayModel
    params: dict
    family: Any
    served: NumpyModel


def random_batch(rows: int, steps: int, channels: int, *, seed: int = 0) -> Batch:
    """Rows of 0 to `steps` observed steps in float16, garbage in the padding."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, steps + 1, rows)
    lengths[:2] = 0, steps
    mask = np.arange(steps) < lengths[:, None]
    sequence = np.where(mask[..., None], rng.normal(size=(rows, steps, channels)), np.nan)
    static = rng.normal(size=(rows, len(STATIC_NAMES))).astype(np.float32)
    static[:, 0] = rng.integers(-5, 60, rows) / 10
    static[:, 1] = rng.integers(1, 100, rows) / 100
    return Batch(sequence.astype(np.float16), mask, static, np.zeros(rows, np.float32))


def random_pair(
    path: Path,
    family_name: str = "edge",
    *,
    channels: int = 7,
    anchors: int = 0,
    knots: bool = False,
    seed: int = 0,
    **fields: Any,
) -> Pair:
    """Random parameters, far enough from their start that every part matters; saved, loaded."""
    family = FAMILIES[family_name]
    binned = family_name != "gaussian"
    model = PlayModel(
        num_outputs=family.num_outputs,
        num_bins=len(EDGES) - 1 if binned else 0,
        first_edge=EDGES[0],
        anchors=KNOTS if knots else ANCHORS[:anchors],
        free_logits=not knots,
        ceiling=CEILING if knots else None,
        **{"features": 8, "layers": 3, "hidden": (24, 16), **fields},
    )
    # Shapes alone, since initialising would compile each of many small functions.
    variables = jax.eval_shape(model.init, jax.random.key(0), random_batch(2, 4, channels))
    rng = np.random.default_rng(seed)
    params = jax.tree.map(lambda leaf: _random_array(rng, leaf.shape), variables["params"])
    names = [f"feature_{i}" for i in range(channels)]
    save_weights(
        path, params, describe(model, family, static_names=STATIC_NAMES, sequence_names=names)
    )
    served = load_model(path)
    assert isinstance(served, NumpyModel)
    return Pair(model, params, family, served)


def _random_array(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """A kernel that keeps its input's size, or a bias or a length."""
    inputs = np.prod(shape[:-1]) if len(shape) > 1 else 4
    return (rng.normal(size=shape) * np.sqrt(2 / inputs)).astype(np.float32)


@pytest.fixture
def make_batch() -> Callable[..., Batch]:
    """`random_batch`."""
    return random_batch


@pytest.fixture
def make_pair(tmp_path: Path) -> Callable[..., Pair]:
    """`random_pair`, its file in a temporary folder."""
    return functools.partial(random_pair, tmp_path / "weights.npz")


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A small model with everything: layers, a shortcut, anchors, tails."""
    return random_pair(tmp_path_factory.mktemp("pair") / "weights.npz", anchors=2)
