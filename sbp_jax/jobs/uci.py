"""Public tables for regression: the default law beside others on the same network, and trees."""

import gc
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import jax
import numpy as np
import polars as pl
from jaxtyping import Float
from numpy.typing import NDArray

from sbp_jax.errors import InputError
from sbp_jax.jobs.uci_methods import COMPARED, METHODS, BoostedQuantiles, Split
from sbp_jax.jobs.uci_scores import render, score
from sbp_jax.runs.atomic import write_json, write_text
from sbp_jax.runs.experiment import deciding_settings, in_run
from sbp_jax.runs.extras import need_extras
from sbp_jax.runs.ranges import Count, NotEmpty, Seed, refuse_out_of_range
from sbp_jax.runs.run_folder import read_json

_SPLITS: Final = "test_splits.json"
_INNER: Final = 9  # one row of a training part in so many
_TAILS: Final = 6  # a sixth at either end of a feature is a tail split's test part


@dataclass(frozen=True)
class Uci:
    """The experiment's settings.

    Attributes:
        source: folder of the tables, NAME.parquet with columns x0, x1, ... and y, and of
            test_splits.json, for each name a list of row numbers of test parts.
        run: folder of the run.
        sets: names of the tables, one at least.
        splits: of each, the first so many, >= 1.
        tail_splits: split by the outer sixths of each feature instead: what lies beyond the
            training part's range is tested.
        inner: leave the test parts alone, and test on a ninth of each training part instead: what
            settings are chosen on.
        methods: names among `METHODS`, one at least.
        members: networks of a law, each number of them is judged; >= 1, one at least.
        seed: of the fits, in [0, 2**31).
    """

    source: Path
    run: Path = Path("runs/uci")
    sets: Annotated[tuple[str, ...], NotEmpty] = (
        "concrete",
        "energy",
        "kin8nm",
        "protein",
        "yacht",
    )
    splits: Count = 10
    tail_splits: bool = False
    inner: bool = False
    methods: Annotated[tuple[str, ...], NotEmpty] = COMPARED
    members: Annotated[tuple[Count, ...], NotEmpty] = (5, 1)
    seed: Seed = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        refuse_out_of_range(self)


def main(config: Uci) -> None:
    """Fit what is left to fit, and print the table."""
    if unknown := sorted(set(config.methods) - set(METHODS)):
        raise InputError(f"methods: expected names among {list(METHODS)}, got {unknown}")
    boosted = any(isinstance(METHODS[name], BoostedQuantiles) for name in config.methods)
    need_extras("xgboost" if boosted else None)
    for name in config.sets:
        read_table(config.source, name)  # what is missing is told before anything is fitted
    about = {
        "experiment": "uci",
        "settings": deciding_settings(config, but=("sets", "splits", "methods")),
    }
    with in_run(config.run, about):
        texts = []
        for name in config.sets:
            texts.append(render(name, list(_results(config, name))))
            print("\n" + texts[-1], flush=True)
        write_text(config.run / "table.txt", "\n".join(texts))
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
            outer = np.concatenate([order[:first], order[len(y) - last :]])
            yield Split(x, y, np.sort(order[first : len(y) - last]), outer)
        return
    for test in json.loads((config.source / _SPLITS).read_text())[name][: config.splits]:
        yield Split(x, y, np.setdiff1d(np.arange(len(y)), test), np.array(test))


def inner_split(split: Split, seed: int) -> Split:
    """A split of the training part alone."""
    rows = np.random.default_rng(seed).permutation(split.train)
    count = len(rows) // _INNER
    return split._replace(train=np.sort(rows[count:]), test=np.sort(rows[:count]))


def _results(config: Uci, name: str) -> Iterator[dict[str, Any]]:
    """What each method came to on each split, fitted unless it is kept from before."""
    splits = dict(enumerate(splits_of(config, name)))
    if config.inner:
        splits = {number: inner_split(split, number) for number, split in splits.items()}
    for method in config.methods:
        files = {number: config.run / "scores" / _file(name, number, method) for number in splits}
        left = [number for number, file in files.items() if not file.exists()]
        if left:
            found = evaluate([splits[number] for number in left], method, config)
            for number, scores in zip(left, found, strict=True):
                files[number].parent.mkdir(parents=True, exist_ok=True)
                write_json(files[number], scores)
            print(f"{name}, {method}: {len(left)} splits", flush=True)
            # Each head has programs of its own, and a process may map only so many.
            jax.clear_caches()
            gc.collect()
        for number, file in files.items():
            for members, scores in read_json(file).items():
                about = {"split": number, "method": method, "members": int(members)}
                yield {**about, **scores}


def _file(name: str, number: int, method: str) -> str:
    return f"{name}_{number}_{method.replace(' ', '_')}.json"


def evaluate(splits: list[Split], method: str, config: Uci) -> list[dict[str, dict[str, float]]]:
    """Fit on the training rows and score the test rows: of each split, by number of networks."""
    start = time.perf_counter()
    laws = METHODS[method].laws(splits, config.members, config.seed)
    seconds = (time.perf_counter() - start) / len(splits)
    return [
        {
            str(members): {**score(law, split.y[split.test]), "seconds": seconds}
            for members, law in of_split.items()
        }
        for split, of_split in zip(splits, laws, strict=True)
    ]
