"""Public tables for regression: the default law beside others on the same network."""

import gc
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import jax
import numpy as np
import polars as pl
from jaxtyping import Float, Int
from numpy.typing import NDArray

import sbp_jax
from sbp_jax.arrays.choose_family import FamilyLike
from sbp_jax.distributions import (
    Binned,
    Gaussian,
    GaussianMixture,
    Law,
    QuantileHead,
    StudentT,
)
from sbp_jax.errors import InputError
from sbp_jax.runs.atomic import write_json, write_text
from sbp_jax.runs.experiment import deciding_settings, in_run
from sbp_jax.runs.run_folder import read_json
from sbp_jax.training.objective import ObjectiveName

SBP: Final = "SBP"
LEVELS: Final = (0.005, 0.01, 0.025, *(k / 20 for k in range(1, 20)), 0.975, 0.99, 0.995)
_COVERAGES: Final = (0.5, 0.9, 0.99)
_SPLITS: Final = "test_splits.json"
_BINS: Final = 60
_TAILS: Final = 6  # a sixth at either end of a feature is a tail split's test part
_ROWS: Final = 512  # scored at once, which bounds the memory of a mixture's CRPS


class Method(NamedTuple):
    """A family and what it is trained by; None leaves both to `fit`."""

    family: FamilyLike | None
    objective: ObjectiveName | None


def binned(y: Float[NDArray, " B"]) -> Binned:
    """A histogram of as many rows a bin, two spreads wider than the target on either side."""
    edges = np.unique(np.quantile(y, np.linspace(0, 1, _BINS + 1)))
    return Binned(np.concatenate([[edges[0] - 2], edges, [edges[-1] + 2]]))


METHODS: Final[Mapping[str, Method]] = {
    SBP: Method(None, None),
    "Binned": Method(binned, "density_nll"),
    "Gaussian": Method(Gaussian(), "density_nll"),
    "Student t": Method(StudentT(), "density_nll"),
    "Gaussian mixture": Method(GaussianMixture(5), "density_nll"),
    "quantiles": Method(QuantileHead(LEVELS), "pinball"),
}


@dataclass(frozen=True)
class Uci:
    """The experiment's settings.

    Attributes:
        source: folder of the tables, NAME.parquet with columns x0, x1, ... and y, and of
            test_splits.json, for each name a list of row numbers of test parts.
        run: folder of the run.
        sets: names of the tables.
        splits: of each, the first so many.
        tail_splits: split by the outer sixths of each feature instead: what lies beyond the
            training part's range is tested.
        methods: names among `METHODS`.
        members: networks of each fit.
        seed: of the fits.
    """

    source: Path
    run: Path = Path("runs/uci")
    sets: tuple[str, ...] = ("concrete", "energy", "kin8nm", "protein", "yacht")
    splits: int = 10
    tail_splits: bool = False
    methods: tuple[str, ...] = tuple(METHODS)
    members: tuple[int, ...] = (1, 5)
    seed: int = 0


class Split(NamedTuple):
    """A table in two parts."""

    x: Float[NDArray, "B S"]
    y: Float[NDArray, " B"]
    test: Int[NDArray, " b"]

    @property
    def train(self) -> Int[NDArray, " n"]:
        """Rows that are not tested."""
        return np.setdiff1d(np.arange(len(self.y)), self.test)


def main(config: Uci) -> None:
    """Fit what is left to fit, and print the table."""
    if unknown := sorted(set(config.methods) - set(METHODS)):
        raise InputError(f"methods: expected names among {list(METHODS)}, got {unknown}")
    for name in config.sets:
        read_table(config.source, name)  # what is missing is told before anything is fitted
    about = {
        "experiment": "uci",
        "settings": deciding_settings(config, but=("sets", "splits", "methods", "members")),
    }
    with in_run(config.run, about):
        found = {name: list(_results(config, name)) for name in config.sets}
        text = "\n".join(render(name, rows) for name, rows in found.items())
        write_text(config.run / "table.txt", text)
        print("\n" + text)
        print(config.run / "table.txt")


def read_table(source: Path, name: str) -> tuple[Float[NDArray, "B S"], Float[NDArray, " B"]]:
    """Features and target of a table.

    Raises:
        InputError: there is no such file, or it has no column y.
    """
    path = source / f"{name}.parquet"
    if not path.exists():
        raise InputError(f"{path}: expected a table, got no such file")
    table = pl.read_parquet(path)
    if "y" not in table.columns:
        raise InputError(f"{path}: expected a column y, got {table.columns}")
    return table.drop("y").to_numpy().astype(np.float64), table["y"].to_numpy().astype(np.float64)


def splits_of(config: Uci, name: str) -> Iterator[Split]:
    """The splits of a table, in their order."""
    x, y = read_table(config.source, name)
    if config.tail_splits:
        for column in range(x.shape[1]):
            order = np.argsort(x[:, column], kind="stable")
            first = -(-len(y) // _TAILS)
            last = len(y) - 5 * len(y) // _TAILS
            yield Split(x, y, np.concatenate([order[:first], order[len(y) - last :]]))
        return
    for test in json.loads((config.source / _SPLITS).read_text())[name][: config.splits]:
        yield Split(x, y, np.array(test))


def _results(config: Uci, name: str) -> Iterator[dict[str, Any]]:
    """What each method came to on each split, fitted unless it is kept from before."""
    for number, split in enumerate(splits_of(config, name)):
        for method in config.methods:
            for members in config.members:
                kind = "tail" if config.tail_splits else "split"
                file = f"{name}_{kind}{number}_{method.replace(' ', '_')}_{members}.json"
                path = config.run / "scores" / file
                if not path.exists():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    scores = evaluate(split, METHODS[method], members, config.seed)
                    write_json(path, scores)
                    # Each fit has programs of its own, and a process may map only so many.
                    jax.clear_caches()
                    gc.collect()
                    print(f"{file}: log score {scores['log_score']:.3f}", flush=True)
                yield {"method": method, "members": members, **read_json(path)}


def evaluate(split: Split, method: Method, members: int, seed: int) -> dict[str, float]:
    """Fit on the training rows and score the test rows, in the unit of the target."""
    start = time.perf_counter()
    model = sbp_jax.fit(
        split.x[split.train],
        split.y[split.train],
        family=method.family,
        objective=method.objective,
        members=members,
        seed=seed,
        progress=False,
    )
    seconds = time.perf_counter() - start
    y = split.y[split.test]
    law = model(split.x[split.test])
    log_score = -np.asarray(law.log_prob(y), np.float64)
    finite = np.isfinite(log_score)
    scores = {
        "log_score": float(log_score.mean()),
        "infinite": float(1 - finite.mean()),
        "crps": float(np.mean(_in_parts(law, y, lambda part, given: part.crps(given)))),
        "rmse": float(np.sqrt(np.mean((np.asarray(law.mean) - y) ** 2))),
        "seconds": seconds,
    }
    for share in _COVERAGES:
        low, high = np.asarray(law.interval(share)).T
        scores[f"coverage_{share:g}"] = float(np.mean((low <= y) & (y <= high)))
    return scores


def _in_parts(law: Law, y: NDArray, score: Callable[[Law, NDArray], Any]) -> NDArray:
    """A score of a few rows at a time."""
    starts = range(0, len(y), _ROWS)
    parts = (score(law[slice(at, at + _ROWS)], y[at : at + _ROWS]) for at in starts)
    return np.concatenate([np.asarray(part) for part in parts])


def render(name: str, rows: list[dict[str, Any]]) -> str:
    """A table of means over splits, standard errors in brackets."""
    table = pl.DataFrame(rows)
    splits = len(rows) // table.n_unique(["method", "members"])
    lines = [
        f"{name}: mean over {splits} splits, its standard error in brackets; log score in nats of "
        "the density",
        f"{'':<20}{'networks':>9}{'log score':>16}{'CRPS':>16}{'RMSE':>16}"
        f"{'in 50 %':>9}{'in 90 %':>9}{'in 99 %':>9}{'infinite':>10}{'seconds':>9}",
    ]
    for (method, members), group in table.group_by("method", "members", maintain_order=True):
        columns = {column: group[column].to_numpy() for column in group.columns}
        cells = [_with_error(columns[column]) for column in ("log_score", "crps", "rmse")]
        shares = [columns[f"coverage_{share:g}"].mean() for share in _COVERAGES]
        lines.append(
            f"{method!s:<20}{members!s:>9}" + "".join(f"{cell:>16}" for cell in cells)
            + "".join(f"{share:>9.3f}" for share in shares)
            + f"{columns['infinite'].mean():>10.4f}{columns['seconds'].mean():>9.0f}"
        )  # fmt: skip
    return "\n".join(lines) + "\n"


def _with_error(values: Float[NDArray, " splits"]) -> str:
    count = len(values)
    error = f" ({values.std(ddof=1) / np.sqrt(count):.3f})" if count > 1 else ""
    return f"{values.mean():.3f}{error}"
