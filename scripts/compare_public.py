"""What the public spliced binned-Pareto gives where the answer is known, beside this project's.

    python scripts/compare_public.py

Makes `.venv-peers` with PyTorch and gluonts 0.17 the first time (a gigabyte), then takes seconds.
Three questions, to both classes with the same numbers in float32:

- does the density integrate to one, for bins of width 0.5, 1 and 2;
- does F(Q(q)) = q hold, at 999 levels;
- is the derivative of the generalized Pareto log density in its shape right near shape 0, against
  the limit z^2 / 2 - z at shape 0 and 50 digits elsewhere.
"""

import argparse
import sys

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
from benchmarks import peers

from sbp_jax.distributions import SplicedBinnedPareto, genpareto
from sbp_jax.errors import SbpJaxError

BINS = 40
TAIL_MASS = 0.05


def integral(y: np.ndarray, density: np.ndarray) -> float:
    """By the trapezoidal rule, on a grid fine enough for an error of a few 1e-4."""
    return float(np.trapezoid(np.asarray(density, np.float64), np.asarray(y, np.float64)))


def distribution(width: float) -> tuple[SplicedBinnedPareto, SplicedBinnedPareto.Params]:
    """A family with bins of a width, and one set of parameters."""
    edges = np.arange(BINS + 1) * width - 10.0
    family = SplicedBinnedPareto(edges, TAIL_MASS)
    logits = 1.5 * jax.random.normal(jax.random.key(0), (1, BINS))
    shape, scale = jnp.full(1, 0.2), jnp.full(1, width * BINS / 20)
    return family, family.Params(logits, shape, scale, shape, scale)


def integrals_and_round_trips() -> None:
    """The first two questions."""
    print("bins of width                                 0.5        1        2")
    rows: dict[str, list[float]] = {}
    for width in (0.5, 1.0, 2.0):
        family, params = distribution(width)
        far = 10 ** np.linspace(0, 5, 20_000)
        inner = np.linspace(family.edges[0] - 1, family.edges[-1] + 1, 100_000)
        y = np.unique(
            np.concatenate([family.edges[0] - far, inner, family.edges[-1] + far])
        ).astype(np.float32)
        q = np.linspace(0.001, 0.999, 999).astype(np.float32)
        arrays = {name: np.asarray(value) for name, value in params._asdict().items()}
        theirs = peers.run(
            "values",
            {**arrays, "y": y, "q": q},
            low=family.edges[0],
            high=family.edges[-1],
            tail_mass=TAIL_MASS,
        )
        ours = np.exp(jax.jit(family.log_prob)(params, y[:, None]))[:, 0]
        again = jax.jit(lambda q, f=family, p=params: f.cdf(p, f.quantile(p, q)))(q[:, None])[:, 0]
        for name, value in (
            ("integral of the density, sbp-jax", integral(y, ours)),
            ("integral of the density, gluonts", integral(y, theirs["density"])),
            ("largest |F(Q(q)) - q|, sbp-jax", float(np.max(np.abs(again - q)))),
            ("largest |F(Q(q)) - q|, gluonts", float(np.max(np.abs(theirs["again"] - q)))),
        ):
            rows.setdefault(name, []).append(value)
    for name, found in rows.items():
        form = "{:9.4f}" if "integral" in name else "{:9.1e}"
        print(f"{name:<40}" + "".join(form.format(value) for value in found))


def slopes() -> None:
    """The third question."""
    shape = np.array([0.0, 1e-8, 1e-6, 1e-4, 1e-2, 0.3], np.float32)
    z = np.full_like(shape, 3.0)
    theirs = peers.run("slopes", {"shape": shape[1:], "z": z[1:]})  # it refuses a shape of 0
    ours = jax.jit(jax.vmap(jax.grad(genpareto.logpdf, 1)))(z, shape, np.ones_like(shape))
    with mpmath.workdps(50):
        exact = [float(mpmath.diff(_log_density, mpmath.mpf(float(s)))) for s in shape]
    print("\nd log density / d shape at z = 3, scale 1")
    print("shape       exact      sbp-jax      gluonts")
    found = ["   refused", *(f"{value:>10.5g}" for value in theirs["slope"])]
    for row in zip(shape, exact, ours, found, strict=True):
        print(f"{row[0]:<8.0e}{row[1]:>10.5g}   {row[2]:>10.5g}   {row[3]}")


def _log_density(shape: mpmath.mpf) -> mpmath.mpf:
    if shape == 0:
        return -mpmath.mpf(3)
    return -(1 + 1 / shape) * mpmath.log(1 + 3 * shape)


def main() -> None:
    """Ask all three."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    peers.make()
    integrals_and_round_trips()
    slopes()


if __name__ == "__main__":
    try:
        main()
    except SbpJaxError as error:
        sys.exit(f"error: {error}")
