"""Families on meshes of eight devices: whatever the axes, the answers of one device."""

from contextlib import nullcontext

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from sbp_jax.distributions import Binned, Gaussian, Law, mixture_of
from sbp_jax.distributions.inversion import invert
from sbp_jax.distributions.threshold_weighted import count_crps, twcrps
from tests.distributions.edge_families import ALL

DEVICES = 8
AT = ("log_prob", "cdf", "log_cdf", "sf", "log_sf", "crps", "log_window", "pinball")
OF = ("median", "mean", "variance", "second_moment", "entropy", "knots", "thresholds", "junctions")
Y = np.linspace(-5, 6, DEVICES, dtype=np.float32)
LEVELS = np.linspace(0.01, 0.99, DEVICES, dtype=np.float32)


def thin(family, raw, y, levels):
    """A gather, a search in a table, a loop with a level that every device has."""
    params = family.constrain(raw)
    return {
        "log_prob": family.log_prob(params, y),
        "log_interval": family.log_interval(params, y, jnp.inf),
        "quantile of one level": family.quantile(params, 0.9),
    }


def everything(family, raw, y, levels):
    params = family.constrain(raw)
    found = thin(family, raw, y, levels)
    found |= {name: getattr(family, name)(params, y) for name in AT if hasattr(family, name)}
    found |= {name: getattr(family, name)(params) for name in OF if hasattr(family, name)}
    for name in found.keys() & {"thresholds", "junctions"}:  # one for all rows where they are fixed
        found[name] = jax.tree.map(
            lambda x: x if x.ndim > y.ndim else jnp.broadcast_to(x, y.shape), found[name]
        )
    return found | {
        "constrain": params,
        "quantile": family.quantile(params, levels),
        "sample": family.sample(jax.random.key(0), params),
        "tail_log_score": family.tail_log_score(params, y, 1.0, upper=False),
        "twcrps": twcrps(family, params, y, jnp.ones_like(y)),
        "count_crps": count_crps(family, params, y, jnp.ones_like(y), cell=jnp.ones_like(y)),
    }


def on(mesh, x):
    return jax.device_put(x, NamedSharding(mesh, PartitionSpec("b")))


def meshed(axes, sharded, context=True):
    """On a mesh with axes of a kind; those arguments sharded, the others whole everywhere."""

    def run(function, *arguments):
        mesh = jax.make_mesh((DEVICES,), ("b",), axis_types=(axes,))
        placed = (on(mesh, x) if i in sharded else jnp.asarray(x) for i, x in enumerate(arguments))
        if not context:
            return jax.jit(function)(*placed)
        with jax.set_mesh(mesh):
            return jax.jit(function)(*placed)

    return run


def shard_mapped(axes, sharded=(0, 1, 2)):
    """Each device its rows, with the default checks of what varies."""

    def run(function, *arguments):
        mesh = jax.make_mesh((DEVICES,), ("b",), axis_types=(axes,))
        own = tuple(PartitionSpec("b" if i in sharded else None) for i in range(len(arguments)))
        mapped = jax.shard_map(function, mesh=mesh, in_specs=own, out_specs=PartitionSpec("b"))
        placed = (
            jax.device_put(x, NamedSharding(mesh, s)) for x, s in zip(arguments, own, strict=True)
        )
        return jax.jit(mapped)(*placed)

    return run


def pmapped(function, *arguments):
    split = (x.reshape(DEVICES, 1, *x.shape[1:]) for x in arguments)
    return jax.tree.map(lambda x: x[:, 0], jax.pmap(function)(*split))


def vmapped(axes):
    def run(function, *arguments):
        mesh = jax.make_mesh((DEVICES,), ("b",), axis_types=(axes,))
        with jax.set_mesh(mesh):
            return jax.vmap(function)(*(on(mesh, x) for x in arguments))

    return run


G = Gaussian()
AUTO, EXPLICIT = AxisType.Auto, AxisType.Explicit
WAYS = {
    "auto": meshed(AUTO, (0, 1, 2)),
    "explicit": meshed(EXPLICIT, (0, 1, 2)),
    "explicit, no context": meshed(EXPLICIT, (0, 1, 2), context=False),
    "explicit, values whole": meshed(EXPLICIT, (0,)),
    "explicit, parameters whole": meshed(EXPLICIT, (1, 2)),
    "shard_map": shard_mapped(AUTO),
    "shard_map of explicit axes": shard_mapped(EXPLICIT),
    "pmap": pmapped,
    "vmap": vmapped(AUTO),
    "vmap of explicit axes": vmapped(EXPLICIT),
}
FAST = [("spliced", "explicit"), ("binned", "explicit, values whole"), ("student t", "shard_map")]


@pytest.fixture(autouse=True)
def _devices():
    if jax.device_count() < DEVICES:
        pytest.skip(f"needs {DEVICES} devices, simulated ones will do")


def raw_of(family):
    return np.random.default_rng(0).normal(size=(DEVICES, family.num_outputs)).astype(np.float32)


def check(found, expected):
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    paths = jax.tree.leaves_with_path(found)
    for (path, a), b in zip(paths, jax.tree.leaves(expected), strict=True):
        if "sample" not in str(path):  # under maps every device has the key of the first row
            np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5, err_msg=str(path))


@pytest.mark.usefixtures("quick_compilation")
@pytest.mark.parametrize(
    ("name", "way", "methods"),
    [
        *((name, way, thin) for name, way in FAST),
        *(
            pytest.param(name, way, everything, marks=pytest.mark.slow)
            for name in ALL
            for way in WAYS
        ),
    ],
)
def test_answers_are_those_of_one_device(name, way, methods):
    family = ALL[name]
    arguments = raw_of(family), Y, LEVELS

    def function(raw, y, levels):
        return methods(family, raw, y, levels)

    check(WAYS[way](function, *arguments), jax.jit(function)(*arguments))


def test_results_are_sharded_as_the_batch_is():
    mesh = jax.make_mesh((4, 2), ("b", "other"), axis_types=(EXPLICIT, EXPLICIT))
    family = Gaussian()
    rows, columns = (NamedSharding(mesh, PartitionSpec(*axes)) for axes in ("b", (None, "other")))
    raw = jax.device_put(np.zeros((8, 1, 2), np.float32), rows)
    y = jax.device_put(np.zeros((1, 6), np.float32), columns)
    params = jax.typeof(family.constrain(raw).loc)
    assert params.sharding.spec == PartitionSpec("b", None)
    found = jax.typeof(family.quantile(family.constrain(raw), jax.nn.sigmoid(y)))
    assert (found.shape, found.sharding.spec) == ((8, 6), PartitionSpec("b", "other"))
    drawn = jax.typeof(family.sample(jax.random.key(0), family.constrain(raw), (3,)))
    assert drawn.sharding.spec == PartitionSpec(None, "b", None)


def test_gradients_pass_through_a_mesh_of_explicit_axes():
    mesh = jax.make_mesh((DEVICES,), ("b",), axis_types=(EXPLICIT,))

    def loss(loc, q):
        params = Gaussian.Params(loc, 2 + jnp.zeros_like(loc))
        return jnp.sum(Gaussian().log_prob(params, Y) + Gaussian().quantile(params, q))

    expected = jax.grad(loss, (0, 1))(jnp.asarray(Y + 1), jnp.asarray(LEVELS))
    with jax.set_mesh(mesh):
        found = jax.jit(jax.grad(loss, (0, 1)))(on(mesh, Y + 1), on(mesh, LEVELS))
    check(found, expected)


def test_a_search_may_close_over_what_varies():
    mesh = jax.make_mesh((DEVICES,), ("b",), axis_types=(AUTO,))

    def logistic_median(place):
        def log_cdf(y):
            return jax.nn.log_sigmoid(y - place)

        def log_sf(y):
            return jax.nn.log_sigmoid(place - y)

        half, one = jnp.full(1, 0.5), jnp.ones(1)
        return invert(log_cdf, log_sf, half, half, -one, one)

    mapped = jax.shard_map(
        logistic_median, mesh=mesh, in_specs=PartitionSpec("b"), out_specs=PartitionSpec("b")
    )
    np.testing.assert_allclose(jax.jit(mapped)(jnp.asarray(Y)), Y, rtol=1e-5, atol=1e-6)


def without_context(_):
    return nullcontext()


CHOICES = {
    "one": np.s_[3],
    "the last by a slice": np.s_[-1:],
    "some": np.array([1, 6]),
    "a mask": Y > 0,
    "an axis more": np.s_[:, None],
    "reversed": np.s_[::-1],
}


@pytest.mark.usefixtures("quick_compilation")
@pytest.mark.parametrize(
    ("choice", "context"),
    [
        ("an axis more", jax.set_mesh),
        ("one", without_context),
        *(
            pytest.param(choice, context, marks=pytest.mark.slow)
            for choice in CHOICES
            for context in (jax.set_mesh, without_context)
        ),
    ],
)
def test_a_law_is_indexed_on_explicit_axes(choice, context):
    mesh = jax.make_mesh((DEVICES,), ("b",), axis_types=(EXPLICIT,))
    law = Law(G, G.Params(jnp.asarray(Y), jnp.ones(())))
    with context(mesh):
        found = Law(G, G.Params(on(mesh, Y), jnp.ones(())))[CHOICES[choice]].params
    check(found, law[CHOICES[choice]].params)
    kept = PartitionSpec("b", None) if choice == "an axis more" else None
    assert kept in (None, jax.typeof(found.loc).sharding.spec)


@pytest.mark.usefixtures("quick_compilation")
def test_laws_on_explicit_axes_are_mixed_and_asked_at_sharded_levels():
    mesh = jax.make_mesh((DEVICES,), ("b",), axis_types=(EXPLICIT,))

    def answers(loc, levels):
        law, other = (Law(G, G.Params(x, jnp.ones(DEVICES))) for x in (loc, jnp.asarray(Y + 1)))
        chosen = jax.jit(lambda law, at: law[at].params)(law, jnp.array([5, 0]))
        return mixture_of([law, other], [1, 2]).cdf(1.0), law.quantile(levels), chosen

    with jax.set_mesh(mesh):
        found = answers(on(mesh, Y), on(mesh, LEVELS))
    check(found, answers(jnp.asarray(Y), jnp.asarray(LEVELS)))


@pytest.mark.usefixtures("quick_compilation")
def test_a_derivative_outside_of_jit_passes_through_explicit_axes():
    mesh = jax.make_mesh((DEVICES,), ("b",), axis_types=(EXPLICIT,))
    family, logits = Binned([0.0, 1.0, 3.0]), np.zeros((DEVICES, 2), np.float32)

    def loss(logits, y):
        return jnp.sum(family.crps(family.Params(logits), y))

    expected = jax.grad(loss)(jnp.asarray(logits), Y)
    with jax.set_mesh(mesh):
        found = jax.grad(loss)(on(mesh, logits), on(mesh, Y))
    check(found, expected)
