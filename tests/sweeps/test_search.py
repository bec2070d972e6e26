"""The study of a sweep with a toy in place of training: rounds, pruning, resuming, joining."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("optuna", reason="the extra sweep is not installed")
from optuna.trial import TrialState

from sbp_jax.errors import MissingExtraError, SweepError
from sbp_jax.jobs.passing_score import PassingScore
from sbp_jax.sweeps.owner import this_process
from sbp_jax.sweeps.reclaim import reclaim
from sbp_jax.sweeps.results import complete_trials, render_best, trials_table
from sbp_jax.sweeps.search import search
from sbp_jax.sweeps.space import Choice, LogUniform, SearchSpace, Uniform
from sbp_jax.sweeps.study import (
    ask_round,
    count_ended,
    open_study,
    report_epoch,
    tell_finished,
)
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.loop import VALIDATION_SCORE
from sbp_jax.training.population import MemberFit

EPOCHS = 5
SPACE = SearchSpace(
    {"learning_rate": LogUniform(1e-4, 1e-1), "dropout": Uniform(0.0, 0.5)},
    {"layers": Choice((1, 2)), "hidden": Choice(((4,), (4, 4)))},
)
CONFIG = PassingScore(train=TrainConfig(epochs=EPOCHS))


def toy_score(layers, rate, epoch):
    return 2 + abs(np.log10(rate) + 2) + 0.1 * layers - 0.01 * epoch


class Toy:
    """Trains nothing: scores are a formula; one above 1e-2 / 0.7 diverges, if so wished."""

    def __init__(self, diverges=False, on_call=lambda: None):
        self.calls = []
        self.diverges = diverges
        self.on_call = on_call

    def __call__(self, config, members, on_epoch):
        self.calls.append((config.network.layers, config.network.hidden, members))
        self.on_call()
        histories = [[] for _ in members]
        endings = ["finished"] * len(members)
        for epoch in range(EPOCHS):
            scores = np.full(len(members), np.nan)
            for i, member in enumerate(members):
                if self.diverges and member.learning_rate > 1e-2 / 0.7 and epoch == 1:
                    endings[i] = "failed"
                if endings[i] == "finished":
                    scores[i] = toy_score(config.network.layers, member.learning_rate, epoch)
                    histories[i].append({VALIDATION_SCORE: scores[i]})
                elif endings[i] == "failed":
                    scores[i] = np.inf
            for i, stop in enumerate(on_epoch(epoch, scores)):
                if stop and epoch + 1 < EPOCHS and endings[i] == "finished":
                    endings[i] = "stopped"
        pairs = zip(histories, endings, strict=True)
        return [MemberFit({}, history, None, ending) for history, ending in pairs]


def opened(path, pruner="none", **settings):
    options = {"epochs": EPOCHS, "startup_trials": 4, "seed": 0, "about": {"x": (1, 2)}}
    return open_study(f"journal:{path / 'journal'}", "s", pruner=pruner, **options | settings)


def run_search(study, train, trials, population=4):
    search(study, SPACE, CONFIG, train, trials=trials, population=population)


def test_rounds_share_a_structure_and_end_at_the_number_asked_for(tmp_path):
    study, toy = opened(tmp_path), Toy()
    run_search(study, toy, 10)
    assert [len(members) for *_, members in toy.calls] == [4, 4, 2]
    assert {(layers, hidden) for layers, hidden, _ in toy.calls} <= {
        (layers, hidden) for layers in (1, 2) for hidden in ((4,), (4, 4))
    }
    assert all(len(set(members)) == len(members) for *_, members in toy.calls)
    complete = study.get_trials(states=(TrialState.COMPLETE,))
    assert len(complete) == len(study.trials) == 10
    for trial in complete:
        rate, layers = trial.params["learning_rate"], int(trial.params["layers"])
        curve = [toy_score(layers, rate, epoch) for epoch in range(EPOCHS)]
        assert list(trial.intermediate_values.values()) == pytest.approx(curve)
        assert trial.value == min(curve)
        assert trial.user_attrs["best_epoch"] == EPOCHS - 1
    run_search(study, Toy(on_call=lambda: pytest.fail("trained again")), 10)


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
def test_what_lags_behind_is_stopped(tmp_path, pruner):
    study, toy = opened(tmp_path, pruner), Toy()
    run_search(study, toy, 24, population=6)
    pruned = study.get_trials(states=(TrialState.PRUNED,))
    complete = study.get_trials(states=(TrialState.COMPLETE,))
    assert pruned
    assert len(pruned) + len(complete) == 24
    for trial in pruned:
        last = max(trial.intermediate_values)
        assert trial.user_attrs["epochs"] == last + 1 < EPOCHS
    mean = {
        name: np.mean([trial.intermediate_values[0] for trial in trials])
        for name, trials in (("pruned", pruned), ("complete", complete))
    }
    assert mean["pruned"] > mean["complete"]
    if pruner == "median":  # nothing that was better than half of all complete ones
        half = np.median([trial.intermediate_values[0] for trial in complete])
        assert all(min(t.intermediate_values.values()) > half - 0.05 for t in pruned)


def test_settings_that_diverge_count_and_are_named(tmp_path):
    study = opened(tmp_path)
    run_search(study, Toy(diverges=True), 12)
    assert count_ended(study) == len(study.trials) == 12
    table = trials_table(study, SPACE)
    diverged = table.filter(table["state"] == "diverged")
    assert (diverged["learning_rate"] > 1e-2 / 0.7).all()
    assert diverged["epochs"].to_list() == [2] * len(diverged)
    assert len(diverged) + len(complete_trials(table)) == 12
    assert len(diverged) > 0


def test_the_table_holds_every_trial_and_the_text_the_best(tmp_path):
    study = opened(tmp_path, "median")
    run_search(study, Toy(), 16, population=8)
    table = trials_table(study, SPACE)
    assert table["trial"].to_list() == list(range(16))
    for row in table.iter_rows(named=True):
        best = toy_score(int(row["layers"]), row["learning_rate"], row["best_epoch"])
        assert row[VALIDATION_SCORE] == pytest.approx(best)
        assert row["epochs"] == row["best_epoch"] + 1
    lines = render_best(table, 3).splitlines()
    assert len(lines) == 4
    shown = [float(line.split()[1]) for line in lines[1:]]
    complete = complete_trials(table)[VALIDATION_SCORE].sort().to_list()
    assert shown == pytest.approx(complete[:3], abs=1e-5)


VICTIM = """
import os, signal, sys
from pathlib import Path
from tests.sweeps.test_search import Toy, opened, run_search

def kill_in_the_second_round():
    if len(toy.calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

toy = Toy(on_call=kill_in_the_second_round)
run_search(opened(Path(sys.argv[1])), toy, 12)
"""


def test_killed_in_a_round_its_trials_are_run_again(tmp_path, capsys):
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    died = subprocess.run([sys.executable, "-c", VICTIM, str(tmp_path)], env=environment)
    assert died.returncode == -signal.SIGKILL
    study, toy = opened(tmp_path, seed=1), Toy()
    assert count_ended(study) == 4
    left = study.get_trials(states=(TrialState.RUNNING,))
    assert len(left) == 4
    run_search(study, toy, 12)
    assert "4 trials of a process that is no more are run again" in capsys.readouterr().out
    again = {member.learning_rate for member in toy.calls[0][2]}
    assert again == {trial.params["learning_rate"] for trial in left}
    assert count_ended(study) == 12
    assert len(study.get_trials(states=(TrialState.FAIL,))) == 4
    assert not study.get_trials(states=(TrialState.RUNNING, TrialState.WAITING))


def test_trials_of_others_are_left_alone(tmp_path):
    study = opened(tmp_path)
    for owner in (this_process() | {"host": "elsewhere", "pid": 1}, this_process()):
        study.ask().set_user_attr("owner", owner)
    study.ask()  # just begun: its process has not said who it is
    assert reclaim(study) == 0
    study.ask().set_user_attr("owner", this_process() | {"started": "earlier"})
    assert reclaim(study) == 1


def dead(trial):
    trial.set_user_attr("owner", this_process() | {"started": "earlier"})
    return trial


def test_what_two_processes_find_dead_at_once_is_queued_once(tmp_path, monkeypatch):
    study, other = opened(tmp_path), opened(tmp_path)
    for group in ask_round(study, SPACE, 3):
        [dead(trial) for trial in group]
    seen = other.get_trials(states=(TrialState.RUNNING,))
    assert reclaim(study) == 3
    monkeypatch.setattr("sbp_jax.sweeps.reclaim._running", lambda _: seen)
    assert reclaim(other) == 3
    waiting = study.get_trials(states=(TrialState.WAITING,))
    assert [trial.params for trial in waiting] == [trial.params for trial in seen]
    assert not any(trial.user_attrs for trial in waiting)


def test_settings_of_which_four_processes_died_are_given_up(tmp_path):
    study = opened(tmp_path)
    for _ in range(4):
        ((trial,),) = ask_round(study, SPACE, 1)
        assert reclaim(study) == 0
        dead(trial)
        assert reclaim(study) == 1
    assert len({tuple(trial.params.items()) for trial in study.trials}) == 1
    assert [trial.state for trial in study.trials] == [TrialState.FAIL] * 4


def test_a_trial_that_was_taken_for_a_dead_ones_is_left_to_another(tmp_path):
    study, other = opened(tmp_path), opened(tmp_path)
    (group,) = ask_round(study, SPACE, 3)
    other.tell(group[0].number, state=TrialState.FAIL)
    assert report_epoch(study, group, 0, [2.0, 3.0, np.inf], last=False) == [True, False, True]
    other.tell(group[1].number, state=TrialState.FAIL)
    for trial in group[:2]:
        tell_finished(study, trial, 2.0, 0, 1)
    states = [trial.state for trial in study.trials]
    assert states == [TrialState.FAIL, TrialState.FAIL, TrialState.PRUNED]


def test_trials_queued_by_another_process_make_a_group_of_their_own(tmp_path):
    study, other = opened(tmp_path), opened(tmp_path)
    other.enqueue_trial({"layers": "2", "hidden": "4-4"})
    other.enqueue_trial({"layers": "1", "hidden": "4"})
    groups = ask_round(study, SPACE, 4)
    structures = [
        {(trial.params["layers"], trial.params["hidden"]) for trial in group} for group in groups
    ]
    assert structures == [{("2", "4-4")}, {("1", "4")}]
    assert [len(group) for group in groups] == [3, 1]
    assert not study.get_trials(states=(TrialState.WAITING,))


def test_a_study_of_another_sweep_is_refused(tmp_path):
    opened(tmp_path)
    with pytest.raises(SweepError, match=r"study 's' is of another sweep: x: expected 3, got \[1"):
        opened(tmp_path, about={"x": 3})


@pytest.mark.parametrize(
    "storage", ["nonsense", "sqlite:////absent/folder/study.db", "journal:/absent/folder/j"]
)
def test_a_storage_that_cannot_be_opened_is_named(storage):
    with pytest.raises(SweepError, match=f"{storage}: cannot be opened: "):
        open_study(storage, "s", pruner="none", epochs=1, startup_trials=1, seed=None, about={})


def test_sqlite_by_url(tmp_path):
    url = f"sqlite:///{tmp_path / 'study.db'}"
    options = {"pruner": "median", "epochs": EPOCHS, "startup_trials": 2, "seed": 0, "about": {}}
    run_search(open_study(url, "s", **options), Toy(), 3)
    assert count_ended(open_study(url, "s", **options)) == 3


def test_without_optuna_the_command_to_install_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.delitem(sys.modules, "sbp_jax.sweeps.study")
    with pytest.raises(MissingExtraError, match=r'pip install "sbp-jax\[sweep\]"'):
        import sbp_jax.sweeps.study  # noqa: F401


def test_no_trial_is_no_table(tmp_path):
    with pytest.raises(SweepError, match="complete or pruned, got none"):
        trials_table(opened(tmp_path), SPACE)


def test_what_the_study_remembers_is_plain(tmp_path):
    assert json.dumps(opened(tmp_path).user_attrs["about"]) == '{"x": [1, 2]}'
