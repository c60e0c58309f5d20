"""The suite on the command line: one table, JSON, exit codes, and what could not be measured."""

import json

import pytest

from sodachi.errors import DataError
from sodachi.face import suiting
from sodachi.face.cli import run_command

pytestmark = pytest.mark.unit


def result(holds):
    return {
        "measured": {"ours": {"new_last": 0.9571, "weights": 17464.0, "seeds": 2}},
        "holds": holds,
    }


@pytest.fixture(autouse=True)
def two_streams(monkeypatch):
    names = ["label-worlds", "gradual-drift"]
    monkeypatch.setattr("sodachi.face.cli._prepare", lambda: None)
    monkeypatch.setattr(suiting, "streams", lambda: names)
    monkeypatch.setattr("sodachi.claims.suite.streams", lambda: names)
    monkeypatch.setattr(suiting, "ledger", lambda: {"label-worlds": result(False)})


@pytest.mark.parametrize(("holds", "code"), [(True, 0), (False, 1), (None, 2)])
def test_every_stream_is_measured_and_the_worst_verdict_is_the_exit_code(
    monkeypatch, capsys, holds, code
):
    asked = []
    results = iter([result(True), result(holds)])
    monkeypatch.setattr(suiting, "run_claim", lambda *a: asked.append(a) or next(results))
    assert run_command(["suite", "--seeds", "1"]) == code
    assert asked == [("label-worlds", "quick", 1), ("gradual-drift", "quick", 1)]
    out = capsys.readouterr().out
    assert out.count("0.957") == 2 and out.count("17,464") == 2 and "plasticity" in out


def test_a_stream_without_its_data_is_said_and_the_others_are_shown(monkeypatch, capsys):
    def run(name, form, seeds):
        if name == "label-worlds":
            raise DataError("a.csv", "a file", "none")
        return result(True)

    monkeypatch.setattr(suiting, "run_claim", run)
    assert run_command(["suite", "--full"]) == 1
    out = capsys.readouterr().out
    assert "label-worlds: not measured: a.csv" in out and "gradual-drift: met" in out


def test_what_is_committed_is_shown_without_a_run(monkeypatch, capsys):
    monkeypatch.setattr(suiting, "run_claim", lambda *a: pytest.fail("nothing is to run"))
    assert run_command(["suite", "--show"]) == 0
    out = capsys.readouterr().out
    assert "0.957" in out and "no full result yet: gradual-drift" in out
    assert run_command(["suite", "--show", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["learner"] == "ours" and row["late"] == 0.9571 and row["dead_units"] is None


def test_to_show_is_not_to_run(capsys):
    assert run_command(["suite", "--show", "--full"]) == 2
    assert "--show" in capsys.readouterr().err
