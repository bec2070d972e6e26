"""The benchmark on tables, on one that is drawn."""

import json

import numpy as np
import polars as pl
import pytest

from sbp_jax.errors import InputError
from sbp_jax.jobs import uci
from sbp_jax.jobs.uci import SBP, Uci, main, splits_of
from sbp_jax.models.forecaster import NetworkConfig

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")


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
    config = Uci(
        source,
        tmp_path_factory.mktemp("run") / "uci",
        sets=("drawn",),
        methods=(SBP, "Gaussian"),
        members=(2,),
    )
    fit = uci.sbp_jax.fit
    small = NetworkConfig(layers=0, hidden=(8,), dropout=0.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            uci.sbp_jax, "fit", lambda *a, **k: fit(*a, **k, network=small, epochs=4), raising=False
        )
        main(config)
        yield config


def test_every_method_is_scored_on_every_split(finished):
    text = (finished.run / "table.txt").read_text()
    assert "drawn: mean over 2 splits" in text
    assert [line.split()[0] for line in text.splitlines()[2:]] == [SBP, "Gaussian"]
    scores = sorted(path.name for path in (finished.run / "scores").iterdir())
    assert scores == [f"drawn_split{i}_{m}_2.json" for i in range(2) for m in ("Gaussian", SBP)]
    for name in scores:
        found = json.loads((finished.run / "scores" / name).read_text())
        assert np.isfinite(list(found.values())).all()
        assert found["infinite"] == 0
        assert found["coverage_0.5"] <= found["coverage_0.9"] <= found["coverage_0.99"]


def test_again_nothing_is_fitted(finished, monkeypatch, capsys):
    monkeypatch.setattr(uci, "evaluate", lambda *a: pytest.fail("fitted again"))
    main(finished)
    assert "Gaussian" in capsys.readouterr().out


def test_tail_splits_are_the_outer_sixths_of_each_feature(source):
    found = list(splits_of(Uci(source, tail_splits=True), "drawn"))
    assert len(found) == 2
    for column, split in enumerate(found):
        assert len(split.test) == 30
        inner, outer = split.x[split.train, column], split.x[split.test, column]
        assert ((outer < inner.min()) | (outer > inner.max())).all()


def test_what_is_not_there_is_named_before_anything_is_fitted(source, tmp_path):
    with pytest.raises(InputError, match=r"none\.parquet: expected a table, got no such file"):
        main(Uci(source, tmp_path / "run", sets=("none",)))
    with pytest.raises(InputError, match=r"methods: expected names among .*, got \['Cauchy'\]"):
        main(Uci(source, tmp_path / "run", sets=("drawn",), methods=("Cauchy",)))
    assert not (tmp_path / "run").exists()
