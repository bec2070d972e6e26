"""The benchmark on tables, on one that is drawn."""

import json

import numpy as np
import polars as pl
import pytest

from sbp_jax.distributions import Gaussian
from sbp_jax.errors import InputError
from sbp_jax.jobs import uci, uci_methods
from sbp_jax.jobs.uci import Uci, main, splits_of
from sbp_jax.jobs.uci_methods import LEVELS, SBP, BoostedQuantiles
from sbp_jax.models.forecaster import NetworkConfig

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

METHODS = ("Student t", "Gaussian", "boosted quantiles")  # the default compiles for long


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 2))
    y = x[:, 0] + 0.3 * rng.normal(size=90)
    pl.DataFrame({"x0": x[:, 0], "x1": x[:, 1], "y": y}).write_parquet(folder / "drawn.parquet")
    splits = {"drawn": [list(range(9)), list(range(9, 18))]}
    (folder / "test_splits.json").write_text(json.dumps(splits))
    return folder


@pytest.fixture(scope="module")
def finished(source, tmp_path_factory):
    pytest.importorskip("xgboost", reason="xgboost is not installed")
    config = Uci(
        source,
        tmp_path_factory.mktemp("run") / "uci",
        sets=("drawn",),
        methods=METHODS,
        members=(2, 1),
    )
    fit_each = uci_methods.sbp_jax.fit_each
    small = NetworkConfig(layers=0, hidden=(8,), dropout=0.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            uci_methods.sbp_jax,
            "fit_each",
            lambda *a, **k: fit_each(*a, **k, network=small, epochs=4),
            raising=False,
        )
        main(config)
        yield config


def test_every_method_is_scored_on_every_split(finished):
    text = (finished.run / "table.txt").read_text()
    assert "drawn: mean over 2 splits" in text
    rows = [line[:27].split() for line in text.splitlines()[2:]]
    networks = [[*name.split(), count] for name in METHODS[:2] for count in "21"]
    assert rows == [*networks, ["boosted", "quantiles", "1"]]
    scores = sorted(path.name for path in (finished.run / "scores").iterdir())
    assert scores == sorted(
        f"drawn_{i}_{m.replace(' ', '_')}.json" for i in range(2) for m in METHODS
    )
    for name in scores:
        for found in json.loads((finished.run / "scores" / name).read_text()).values():
            assert np.isfinite(list(found.values())).all()
            assert found["infinite"] == 0
            assert found["coverage_0.5"] <= found["coverage_0.9"] <= found["coverage_0.99"]


def test_differences_are_split_by_split(finished):
    text = (finished.run / "table.txt").read_text().splitlines()
    assert text[2][43:60].strip() == "-"  # from itself

    def scores(method, members):
        files = [finished.run / "scores" / f"drawn_{i}_{method}.json" for i in range(2)]
        return np.array([json.loads(file.read_text())[members]["log_score"] for file in files])

    difference = scores("Gaussian", "2") - scores("Student_t", "2")
    error = difference.std(ddof=1) / np.sqrt(2)
    assert text[4][43:60].strip() == f"{difference.mean():+.3f} ({error:.3f})"


def test_again_nothing_is_fitted(finished, monkeypatch, capsys):
    monkeypatch.setattr(uci, "evaluate", lambda *a: pytest.fail("fitted again"))
    main(finished)
    assert "Gaussian" in capsys.readouterr().out


def test_boosted_quantiles_are_a_law_of_every_row():
    pytest.importorskip("xgboost", reason="xgboost is not installed")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 1))
    y = np.where(x[:, 0] > 0, 5.0, 0.0) + rng.normal(size=2000)
    split = uci_methods.Split(x, y, np.arange(200, 2000), np.arange(200))
    law = BoostedQuantiles().laws([split], (5,), 0)[0][1]
    exact = Gaussian().quantile(Gaussian.Params(5.0, 1.0), np.array(LEVELS))
    found = np.median(np.asarray(law[x[:200, 0] > 0].quantile(LEVELS)), axis=0)
    np.testing.assert_allclose(found[3:-3], exact[3:-3], atol=0.35)
    assert np.isfinite(law.log_prob(1e6)).all()


def test_tail_splits_are_the_outer_sixths_of_each_feature(source):
    found = list(splits_of(Uci(source, tail_splits=True), "drawn"))
    assert len(found) == 2
    for column, split in enumerate(found):
        assert len(split.test) == 30
        inner, outer = split.x[split.train, column], split.x[split.test, column]
        assert ((outer < inner.min()) | (outer > inner.max())).all()


def test_inner_splits_leave_the_test_parts_alone(source):
    outer = list(splits_of(Uci(source), "drawn"))
    for number, split in enumerate(outer):
        inner = uci.inner_split(split, number)
        assert len(inner.test) == 9
        assert set(inner.train) | set(inner.test) == set(split.train)
        assert not set(inner.train) & set(inner.test)


def test_what_is_not_there_is_named_before_anything_is_fitted(source, tmp_path):
    with pytest.raises(InputError, match=r"none\.parquet: expected a table, got no such file"):
        main(Uci(source, tmp_path / "run", sets=("none",), methods=(SBP,)))
    with pytest.raises(InputError, match=r"methods: expected names among .*, got \['Cauchy'\]"):
        main(Uci(source, tmp_path / "run", sets=("drawn",), methods=("Cauchy",)))
    assert not (tmp_path / "run").exists()
