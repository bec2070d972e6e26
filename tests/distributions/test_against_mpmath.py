"""The spliced family at 2,000 random parameter sets and points, against 40 digits."""

import functools
from itertools import pairwise

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from mpmath import mpf

from sbp_jax.distributions import SplicedBinnedPareto
from tests.compilation import jit_as_users
from tests.distributions.exact import Exact

EDGES = (-30.0, -12.0, -5.0, -2.0, -0.5, 0.5, 1.0, 4.0, 4.25, 9.0, 20.0, 45.0)
FAMILIES = {
    "quantile": (SplicedBinnedPareto(EDGES, tail_mass=(0.02, 0.1)), 1400),
    "edge": (SplicedBinnedPareto(EDGES, tail_mass=(0.1, 0.05), splice="edge"), 400),
    "upper": (SplicedBinnedPareto(EDGES, tail_mass=(None, 0.05)), 200),
}
SHAPES = np.array([0, 1e-8, -1e-8, 1e-4, -1e-4, 0.3, -0.3, 0.9])
METHODS = ("log_prob", "log_cdf", "log_sf", "crps")
BOUNDS = {np.float32: 2e-5, np.float64: 1e-12}


def draw(family, rows):
    """Parameters and points, all of them float32 numbers, so that both precisions share them."""
    random = np.random.default_rng(rows)
    logits = random.normal(size=(rows, len(EDGES) - 1)) * random.choice([0.3, 1.0, 2.5], (rows, 1))
    empty = random.uniform(size=(rows, 1)) < 0.5
    logits[empty & (random.uniform(size=logits.shape) < 0.2)] -= 27.6  # probability 1e-12
    shape = np.where(
        random.uniform(size=(2, rows)) < 0.7,
        random.choice(SHAPES, (2, rows)),
        random.uniform(-0.4, 0.95, (2, rows)),
    )
    scale = np.exp(random.normal(1.0, 0.7, (2, rows)))
    columns = (logits, shape[0], scale[0], shape[1], scale[1])
    params = family.Params(*(x.astype(np.float32) for x in columns))
    lower, upper = (np.broadcast_to(t, rows) for t in jax.jit(family.thresholds)(params))
    kinds = [
        random.uniform(-35, 50, rows),
        random.choice(EDGES, rows),
        random.integers(-20, 40, rows),
        random.choice([-1, 1], rows) * 10 ** random.uniform(0, 6, rows),
        lower - 10 ** random.uniform(-2, 2, rows),
        upper + 10 ** random.uniform(-2, 2, rows),
        np.where(random.uniform(size=rows) < 0.5, lower, upper),
    ]
    y = np.choose(random.integers(0, len(kinds), rows), kinds).astype(np.float32)
    tiny = 10 ** random.uniform(-7, -0.3, rows)
    levels = [random.uniform(1e-3, 0.999, rows), tiny, 1 - tiny]
    q = np.choose(random.integers(0, 3, rows), levels).astype(np.float32)
    return params, y, q


@pytest.fixture(scope="module", params=FAMILIES)
def sample(request):
    family, rows = FAMILIES[request.param]
    with mpmath.workdps(40):
        params, y, q = draw(family, rows)
        laws = [Exact(family, jax.tree.map(lambda x, k=k: x[k], params)) for k in range(rows)]
        yield family, params, y, q, laws


@pytest.fixture(scope="module")
def values(sample):
    """All methods in either precision, compiled as optimised as for users."""
    family, params, y, q, _ = sample

    @jit_as_users
    def evaluate(params, y, q):
        found = {method: getattr(family, method)(params, y) for method in METHODS}
        return found | {"quantile": family.quantile(params, q)}

    found = {}
    for dtype in BOUNDS:
        with jax.enable_x64(dtype == np.float64):
            arguments = jax.tree.map(lambda x, d=dtype: jnp.asarray(x, d), (params, y, q))
            found[dtype] = evaluate(*arguments)
    return found


@pytest.fixture(scope="module")
def exact(sample):
    """A function from a method to its values at 40 digits, rounded; each computed once."""
    *_, y, q, laws = sample

    @functools.cache
    def values(method):
        points = q if method == "quantile" else y
        pairs = zip(laws, points, strict=True)
        return np.array([float(getattr(law, method)(mpf(float(x)))) for law, x in pairs])

    return values


@pytest.fixture(scope="module")
def sides(sample):
    """Log densities on both sides of a threshold that y meets, at each row."""
    *_, y, _, laws = sample
    return [jumps(law, mpf(float(x))) for law, x in zip(laws, y, strict=True)]


def check(found, want, dtype, what):
    """Assert the bound, and print (shown by `pytest -s`) what is reached."""
    np.testing.assert_allclose(found, want, rtol=BOUNDS[dtype], atol=BOUNDS[dtype])
    finite = np.isfinite(want)
    found, want = found[finite], want[finite]
    relative = np.abs(found - want) / np.maximum(1, np.abs(want))
    print(f"\n{what}, {dtype.__name__}: largest error {relative.max():.1e}")


def jumps(law, y):
    """The values on both sides of a threshold that y meets to rounding, else the one value."""
    near = 4e-6 * max(1, abs(y))
    values = [law.log_prob(y)]
    if law.a and abs(y - law.lower) < near:
        values += [law.log_prob_below(min(y, law.lower)), law.log_prob_body(y)]
    if law.b and abs(y - law.upper) < near:
        values += [law.log_prob_above(max(y, law.upper)), law.log_prob_body(y)]
    return [float(value) for value in values]


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("method", [*METHODS, "quantile"])
def test_values(method, dtype, values, exact, sides):
    found = values[dtype][method]
    assert found.dtype == dtype
    found = np.asarray(found, np.float64)
    assert not np.any(np.isnan(found))
    if method == "log_prob":
        # The density jumps at a threshold, which is itself rounded: there either side is right.
        want = np.array(
            [
                min(s, key=lambda v: 0 if v == f else abs(v - f))
                for s, f in zip(sides, found, strict=True)
            ]
        )
    else:
        want = exact(method)
    check(found, want, dtype, method)


@pytest.mark.parametrize(("method", "rows"), [("log_prob", 2000), ("log_cdf", 300), ("crps", 300)])
def test_gradients_in_float32(sample, method, rows, sides):
    """In y, in every parameter of the tails and in one logit, against differences at 40 digits."""
    family, params, y, _, laws = sample

    def total(params, y):
        value = getattr(family, method)(params, y)
        return jnp.sum(jnp.where(jnp.isfinite(value), value, 0.0))

    slopes, in_y = jax.jit(jax.grad(total, (0, 1)))(params, y)
    for leaf in jax.tree.leaves((slopes, in_y)):
        assert np.all(np.isfinite(leaf))
    step = mpf(10) ** -12
    for row, (law, x) in enumerate(zip(laws[:rows], y, strict=False)):
        point = mpf(float(x))
        # Where the density jumps there is no derivative, where f or F is 0 no finite one.
        outside = any(mpmath.isinf(x) for x in (law.log_prob(point), getattr(law, method)(point)))
        if outside or len(sides[row]) > 1:
            continue
        index = row % len(law.logits)
        found = {name: getattr(slopes, name)[row] for name in family.Params._fields}
        found["logits"] = found["logits"][index]
        pairs = {name: [law.moved(name, s, index) for s in (step, -step)] for name in found}
        ends = {
            name: [getattr(moved, method)(point) for moved in pair] for name, pair in pairs.items()
        }
        if float(x) not in EDGES:
            found["y"] = in_y[row]
            ends["y"] = [getattr(law, method)(point + s) for s in (step, -step)]
        for name, (ahead, back) in ends.items():
            want = float((ahead - back) / (2 * step))
            assert float(found[name]) == pytest.approx(want, rel=1e-4, abs=1e-5), (row, name)


def test_the_oracle_scores_as_quadrature_does():
    family, _ = FAMILIES["quantile"]
    params, y, _ = draw(family, 12)
    with mpmath.workdps(20):
        for k in range(12):
            law = Exact(family, jax.tree.map(lambda x, k=k: x[k], params))
            point = mpf(float(np.clip(y[k], -60, 60)))
            ends = [
                -mpmath.inf
                if law.lower_shape >= 0
                else law.lower + law.lower_scale / law.lower_shape,
                mpmath.inf
                if law.upper_shape >= 0
                else law.upper - law.upper_scale / law.upper_shape,
            ]
            inner = {
                law.lower,
                law.upper,
                point,
                *(e for e in law.edges if law.lower < e < law.upper),
            }
            # Beyond a finite end F is 0 or 1, and y may lie there.
            knots = sorted({min(ends[0], point), *ends, max(ends[1], point), *inner})
            total = mpf(0)
            for a, b in pairwise(knots):
                part = law.cdf if b <= point else law.sf
                total += mpmath.quad(lambda t, part=part: part(t) ** 2, [a, b])
            assert float(law.crps(point)) == pytest.approx(float(total), rel=1e-7)
