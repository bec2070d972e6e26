import re
from dataclasses import replace

import numpy as np
import pytest

from sbp_jax.evaluation import Estimate, evaluate, render
from sbp_jax.nfl.figures import (
    FIGURES,
    ReportInputs,
    write_report,
)
from sbp_jax.nfl.ratings import ScoringError, rate, render_ratings
from sbp_jax.plots import ReportError

SECTIONS = (
    "Result",
    "The passers",
    "Figures",
    "What the game so far adds",
    "Speed",
    "Data",
    "What was run",
    "How to go on",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    run = tmp_path_factory.mktemp("run")
    (run / "figures").mkdir()
    for figure in FIGURES:
        (run / figure.file).touch()
    return run


@pytest.fixture
def inputs(folder, simulated, ratings, build_report):
    y = simulated.passes["yards_gained"].to_numpy().astype(np.float64)
    games = simulated.passes["game_id"].to_numpy()
    return ReportInputs(
        title="A simulated run",
        config={"seed": 7, "train": {"epochs": 4}, "edges": [float(x) for x in range(100)]},
        data=build_report,
        evaluation=evaluate(simulated.verdicts, y, games),
        ratings=ratings,
        figures=[folder / figure.file for figure in FIGURES],
        speeds={"training_plays_per_second": 31234.5, "training_seconds": 5.25},
        history_gain=Estimate(0.0123, 0.0031),
        command="python experiments/simulated.py",
    )


def written(folder, inputs):
    path = write_report(folder, inputs)
    assert path == folder / "report.md"
    return path.read_text()


def test_every_section_is_there_in_order(folder, inputs):
    text = written(folder, inputs)
    assert text.startswith("# A simulated run\n")
    assert tuple(re.findall(r"^## (.*)$", text, flags=re.MULTILINE)) == SECTIONS
    assert not list(folder.glob(".*"))


def test_every_figure_is_linked_and_explained(folder, inputs):
    text = written(folder, inputs)
    links = re.findall(r"!\[.*\]\((.*)\)", text)
    assert links == [figure.file for figure in FIGURES]
    assert all((folder / link).is_file() for link in links)
    assert all(figure.caption in text for figure in FIGURES)


def test_what_was_given_is_said(folder, inputs):
    text = written(folder, inputs)
    assert render(inputs.evaluation) in text
    assert render_ratings(inputs.ratings) in text
    assert str(inputs.data) in text
    assert f"{inputs.evaluation['plays']:,} test plays of 16 games" in text
    assert "- training plays per second: 31,23" in text
    assert "- training seconds: 5.2" in text
    assert "train.epochs: 4\n" in text
    assert "edges: 100 entries, from 0.0 to 99.0\n" in text
    assert text.count(inputs.command) == 2


@pytest.mark.parametrize(
    ("gain", "said"),
    [
        (Estimate(0.0123, 0.0031), "+0.0123 nats a play (standard error 0.0031"),
        (Estimate(0.0123, 0.0031), "so the game so far helps."),
        (Estimate(0.0040, 0.0031), "is not shown."),
        (Estimate(-0.0040, 0.0031), "is not shown."),
        (Estimate(-0.0123, 0.0031), "does harm"),
        (Estimate(0.0123, float("nan")), "no standard error"),
        (None, "not measured"),
    ],
)
def test_the_verdict_on_the_history_follows_the_numbers(folder, inputs, gain, said):
    text = written(folder, replace(inputs, history_gain=gain))
    section = text.split("## What the game so far adds")[1].split("## Speed")[0]
    assert said in section


def test_a_point_forecast_can_be_reported_on(folder, simulated, inputs):
    y = simulated.passes["yards_gained"].to_numpy().astype(np.float64)
    evaluation = evaluate(
        simulated.verdicts, y, simulated.passes["game_id"].to_numpy(), reference="point"
    )
    text = written(folder, replace(inputs, evaluation=evaluation, figures=(), speeds={}))
    summary = text.split("## Result\n\n")[1].splitlines()[0]
    assert "log score" not in summary
    assert "mean absolute error of the median" in summary
    assert "None were drawn." in text


def test_other_figures_are_linked_too_and_missing_ones_refused(folder, inputs):
    other = folder / "my_picture.png"
    other.write_bytes(b"")
    text = written(folder, replace(inputs, figures=[other]))
    assert "### my picture\n\n![my picture](my_picture.png)" in text
    before = (folder / "report.md").read_text()
    with pytest.raises(ReportError, match=r"absent\.png, which is not there"):
        write_report(folder, replace(inputs, figures=[folder / "absent.png"]))
    assert (folder / "report.md").read_text() == before


def test_without_qualified_passers_nothing_is_written(tmp_path, inputs, plays):
    nobody = rate(plays, min_attempts=10_000)
    with pytest.raises(ScoringError, match="expected groups with enough attempts"):
        write_report(tmp_path, replace(inputs, ratings=nobody, figures=()))
    assert not list(tmp_path.iterdir())
