"""The spliced binned-Pareto class of gluonts, timed and tried; runs in `.venv-peers` only.

    .venv-peers/bin/python scripts/benchmarks/peers_gluonts.py FUNCTION INPUTS.npz OPTIONS

Called by `peers.py`. Prints one line of JSON.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from gluonts.torch.distributions.generalized_pareto import GeneralizedPareto
from gluonts.torch.distributions.spliced_binned_pareto import SplicedBinnedPareto

Inputs = dict[str, torch.Tensor]
TAILS = ("upper_shape", "upper_scale", "lower_shape", "lower_scale")  # the order of the class


def law(x: Inputs, low: float, high: float, tail_mass: float) -> SplicedBinnedPareto:
    """Their distribution with our parameters; tails carry a trailing axis of length 1 there."""
    tails = (x[name][:, None] for name in TAILS)
    bins = x["logits"].shape[-1]
    return SplicedBinnedPareto(
        low, high, x["logits"], *tails, numb_bins=bins, tail_percentile_gen_pareto=tail_mass
    )


def times(x: Inputs, repeats: int, **grid: float) -> dict[str, float]:
    """Median milliseconds of a call, the construction from logits included, as in training."""

    def gradient() -> None:
        leaves = {k: v.clone().requires_grad_() for k, v in x.items() if k in ("logits", *TAILS)}
        law({**x, **leaves}, **grid).log_prob(x["y"], for_training=False).sum().backward()

    calls: dict[str, Callable[[], Any]] = {
        "log_prob": lambda: law(x, **grid).log_prob(x["y"], for_training=False),
        "cdf": lambda: law(x, **grid).cdf(x["y"]),
        "quantile": lambda: law(x, **grid).icdf(x["q"]),
    }
    with torch.no_grad():
        found = {name: median(call, repeats) for name, call in calls.items()}
    return {**found, "log_prob with gradient": median(gradient, repeats)}


def median(call: Callable[[], Any], repeats: int) -> float:
    """Median time of a call in milliseconds, after two to warm up."""
    call()
    call()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return 1e3 * float(np.median(seconds))


def values(x: Inputs, **grid: float) -> dict[str, list[float]]:
    """Density at the points y, and the distribution function at the quantiles of the levels q."""
    one = {k: v for k, v in x.items() if k in ("logits", *TAILS)}

    def rows(count: int) -> SplicedBinnedPareto:
        return law({k: v.expand(count, *v.shape[1:]) for k, v in one.items()}, **grid)

    with torch.no_grad():
        density = rows(len(x["y"])).log_prob(x["y"], for_training=False).exp()
        levels = rows(len(x["q"]))
        again = levels.cdf(levels.icdf(x["q"]))
    return {"density": density.tolist(), "again": again.tolist()}


def slopes(x: Inputs) -> dict[str, list[float]]:
    """Log density of their generalized Pareto class and its derivative in the shape."""
    shape = x["shape"].clone().requires_grad_()
    value = GeneralizedPareto(shape[:, None], torch.ones_like(shape)[:, None]).log_prob(x["z"])
    (slope,) = torch.autograd.grad(value.sum(), shape)
    return {"value": value.tolist(), "slope": slope.tolist()}


if __name__ == "__main__":
    function, file, options = sys.argv[1:]
    inputs = {name: torch.from_numpy(array) for name, array in np.load(file).items()}
    functions: dict[str, Callable[..., Any]] = {"times": times, "values": values, "slopes": slopes}
    print(json.dumps(functions[function](inputs, **json.loads(options))))
