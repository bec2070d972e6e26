"""What the description in a weights file must say, entry by entry.

A file may have been edited, or made by another program; numbers that no network could mean would
otherwise be served as a score.
"""

import math
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from sbp_jax.errors import ExportError

Rule = tuple[Callable[[Any], bool], str]

_FLOAT32: Final = float(np.finfo(np.float32).max)
_DEEPEST: Final = 30  # blocks of the encoder; each doubles what it sees


def _whole(lowest: int, highest: float = math.inf) -> Rule:
    upto = f" to {highest:g}" if highest < math.inf else " or more"
    return (lambda x: type(x) is int and lowest <= x <= highest), f"a whole number, {lowest}{upto}"


def _is_number(x: Any) -> bool:
    return type(x) in (int, float) and abs(x) <= sys.float_info.max


def _list_of(rule: Rule, least: int = 0) -> Rule:
    holds, expected = rule
    return (
        lambda x: isinstance(x, list) and len(x) >= least and all(map(holds, x)),
        f"a list, each {expected}" + (f", at least {least}" if least else ""),
    )


def _increasing(x: Any) -> bool:
    # In float32, as they are used.
    if not (isinstance(x, list) and all(_is_number(each) and abs(each) <= _FLOAT32 for each in x)):
        return False
    return bool(np.all(np.diff(np.asarray(x, np.float32)) > 0))


def _increasing_list(least: int) -> Rule:
    return (
        lambda x: _increasing(x) and len(x) >= least,
        f"at least {least} increasing numbers, in float32",
    )


def _pair(low: float, high: float) -> Callable[[Any], bool]:
    return lambda x: (
        isinstance(x, list)
        and len(x) == 2
        and all(_is_number(each) and low < each < high for each in x)
    )


def _masses(x: Any) -> bool:
    """Of two tails, of which one may be left out."""
    there = [each for each in x if each is not None] if isinstance(x, list) else []
    return len(there) > 0 and len(x) == 2 and all(_is_number(m) and 0 < m < 0.5 for m in there)


NUMBER: Final[Rule] = (_is_number, "a finite number")
POSITIVE: Final[Rule] = (lambda x: _is_number(x) and x > 0, "a finite number above 0")
_EDGES: Final[Rule] = _increasing_list(3)
_NAMES: Final[Rule] = (
    lambda x: _list_of((lambda y: type(y) is str, "a name"))[0](x) and len(set(x)) == len(x),
    "a list of different names",
)
_LEVEL: Final[Rule] = (lambda x: _is_number(x) and 0 < x < 1, "a number in (0, 1)")
_TRUTH: Final[Rule] = (lambda x: type(x) is bool, "true or false")
_DROPPED: Final[Rule] = (lambda x: _is_number(x) and 0 <= x < 1, "a number in [0, 1)")

_MODEL: Final[Mapping[str, Rule]] = {
    "num_outputs": _whole(1),
    "num_bins": _whole(0),
    "first_edge": NUMBER,
    "bin_width": POSITIVE,
    "anchors": (lambda x: isinstance(x, list), "a list"),
    "free_logits": _TRUTH,
    "ceiling": (lambda x: x is None or isinstance(x, dict), "null or an object"),
    "arrangement": (lambda x: x is None or isinstance(x, dict), "null or an object"),
    "step_columns": _list_of(_whole(0)),
    "features": _whole(1),
    "layers": _whole(0, _DEEPEST),
    "kernel_size": _whole(1),
    "hidden": _list_of(_whole(1)),
    "residual": _TRUTH,
    "dropout": _DROPPED,
    "encoder_dropout": _DROPPED,
}
_PLACE: Final[Mapping[str, Rule]] = {"center": NUMBER, "spread": POSITIVE}
_SHAPE_RANGE: Final[Rule] = (
    lambda x: _pair(-1, 2)(x) and x[0] < x[1],
    "two numbers in (-1, 2), the lower one first",
)
_BASE: Final[Rule] = (lambda x: isinstance(x, dict), "a family")
_MOVED: Final[Rule] = (
    lambda x: isinstance(x, dict) and x.get("name") == "Moved",
    "a family that is moved",
)
_FAMILIES: Final[Mapping[str, Mapping[str, Rule]]] = {
    "SplicedBinnedPareto": {
        "edges": _EDGES,
        "tail_mass": (
            _masses,
            "two numbers in (0, 0.5), one of them perhaps null for no tail on that side",
        ),
        "splice": (lambda x: x in ("quantile", "edge"), "quantile or edge"),
        "shape_range": _SHAPE_RANGE,
    },
    "Binned": {"edges": _EDGES},
    "Gaussian": _PLACE,
    "StudentT": {
        **_PLACE,
        "df_range": (
            lambda x: _pair(1, math.inf)(x) and x[0] < x[1],
            "two numbers above 1, the lower one first",
        ),
    },
    "GaussianMixture": {"components": _whole(1), **_PLACE},
    "HybridPareto": {"components": _whole(2), **_PLACE, "shape_range": _SHAPE_RANGE},
    "QuantileHead": {
        "levels": (
            lambda x: _list_of(_LEVEL, least=2)[0](x) and bool(np.all(np.diff(x) > 0)),
            "at least 2 increasing numbers in (0, 1)",
        ),
        **_PLACE,
    },
    "Tabulated": {"points": _whole(2), **_PLACE},
    "Moved": {"base": _BASE, **_PLACE, "location": _TRUTH},
    "Mixture": {"base": _BASE, "components": _whole(1)},
    "Tops": {"base": _MOVED, "components": _whole(1)},
}


def check_config(config: Mapping[str, Any]) -> None:
    """Refuse a description of no model that runs here.

    Raises:
        ExportError: an entry is missing, unknown or out of its range; it is named.

    >>> check_config({"static_names": ["down"], "sequence_names": [], "model": {"layers": -1}})
    Traceback (most recent call last):
    sbp_jax.errors.ExportError: config: model: expected num_outputs as a whole number, 1 or ...
    """
    _check_network(config)
    _check_family(config.get("family"))


def _check_network(config: Mapping[str, Any]) -> None:
    names = dict.fromkeys(("static_names", "sequence_names"), _NAMES)
    _check("", {name: config.get(name) for name in names}, names)
    model: Any = config.get("model")
    _check("model", model, _MODEL)
    bins = {"num_bins": _whole(0, model["num_outputs"])}
    _check("model", {"num_bins": model["num_bins"]}, bins)
    columns = len(config["sequence_names"])
    for column in model["step_columns"]:
        _check("model", {"step_columns": column}, {"step_columns": _whole(0, columns - 1)})
    facts = len(config["static_names"]) + len(model["step_columns"])
    column = _whole(0, facts - 1)
    if model["ceiling"] is not None:
        _check("ceiling", model["ceiling"], {"column": column, "scale": NUMBER})
    if model["arrangement"] is not None:
        _check_arrangement(model["arrangement"], model["num_outputs"], model["num_bins"])
    for anchor in model["anchors"]:
        _check("anchor", anchor, _anchor(anchor, column))


def check_arrays_config(config: Mapping[str, Any]) -> None:
    """Refuse what a file of `Model.save` says of its networks and inputs, likewise.

    Its family is not looked at: under JAX it may be one of the user's own.

    Raises:
        ExportError: an entry is missing or out of its range.
    """
    _check_network(config)
    rules = {
        "members": _whole(1),
        "named": _TRUTH,
        "cell": (lambda x: x is None or POSITIVE[0](x), f"null or {POSITIVE[1]}"),
    }
    _check("", {name: config.get(name) for name in rules}, rules)
    static, steps = len(config["static_names"]), len(config["sequence_names"])
    scaling = {"loc": NUMBER, "scale": POSITIVE}
    for name, rule in (("loc", NUMBER), ("scale", POSITIVE)):
        scaling[f"static_{name}"] = _row(rule, static)
        scaling[f"step_{name}"] = _row(rule, steps or 1)  # a table has one step of one column
    _check("scaling", config.get("scaling"), scaling)
    if config.get("filling") is not None:  # of missing numbers: what each column lacked in training
        counts = {"static": _row(_whole(0), static), "sequence": _row(_whole(0), steps)}
        _check("filling", config["filling"], counts)


def _row(rule: Rule, count: int) -> Rule:
    listed, expected = _list_of(rule)
    return (lambda x: listed(x) and len(x) == count), f"{expected}, {count} of them"


def _anchor(anchor: Any, column: Rule) -> Mapping[str, Rule]:
    if isinstance(anchor, dict) and "knots" not in anchor:
        return {"column": column, "scale": NUMBER, "below": _whole(0), "above": _whole(0)}
    return {
        "column": (lambda x: x is None or column[0](x), f"null or {column[1]}"),
        "scale": NUMBER,
        "knots": _increasing_list(2),
        "shift_scale": NUMBER,
    }


def _check_arrangement(arrangement: Any, numbers: int, bins: int) -> None:
    _check("arrangement", arrangement, {name: _row(NUMBER, numbers) for name in ("pace", "start")})
    if bins:
        _refuse("model", "arrangement", "null of a model with bins", arrangement)


def _check_family(family: Any) -> None:
    name = family.get("name") if isinstance(family, dict) else None
    rules = _FAMILIES.get(name) if isinstance(name, str) else None
    if rules is None:
        _refuse("family", "name", f"one of {', '.join(_FAMILIES)}", name)
    else:
        _check("family", {key: x for key, x in family.items() if key != "name"}, rules)
        if "base" in rules:
            _check_family(family["base"])


def _check(where: str, entries: Any, rules: Mapping[str, Rule]) -> None:
    if not isinstance(entries, dict):
        raise ExportError(f"config: expected {where} as an object, found {entries!r}")
    for name, (holds, expected) in rules.items():
        if name not in entries or not holds(entries[name]):
            _refuse(where, name, expected, entries.get(name, "none"))
    if unknown := sorted(entries.keys() - rules.keys()):
        _refuse(where, unknown[0], "no such entry", entries[unknown[0]])


def _refuse(where: str, name: str, expected: str, found: Any) -> None:
    place = f"{where}: " if where else ""
    shown = repr(found)
    shown = shown if len(shown) <= 200 else f"{shown[:197]}..."
    raise ExportError(f"config: {place}expected {name} as {expected}, found {shown}")
