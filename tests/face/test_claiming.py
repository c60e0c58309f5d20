"""The claims on the command line: exact fields, exit codes, and no full result passed off."""

import json

import pytest

from sodachi.claims import Claim, Protocol
from sodachi.claims.record import FIELDS
from sodachi.face import claiming
from sodachi.face.cli import run_command

pytestmark = pytest.mark.unit

FULL = Protocol("ten seeds", (10, 11), "not below", lambda measured: [])
CLAIM = Claim(
    name="learns",
    source={"document": "a document", "sentence": "It learns."},
    rows=lambda seed, form: {},
    rivals={"twin": "backprop"},
    lesion={"none": "nothing"},
    quick=FULL,
    full=FULL,
    module="none",
)


CHECK = {"words": "last - first", "value": 0.01, "interval": [-0.02, 0.04], "holds": False}


def result(holds, form="quick"):
    return {
        "name": "learns",
        "source": dict(CLAIM.source),
        "form": form,
        "measured": {"ours": {"accuracy": 0.9571, "seeds": 2}},
        "interval": {"ours": {"accuracy": [0.951, 0.963]}},
        "target": {"words": "not below", "protocol": "ten seeds", "checks": [CHECK]},
        "rivals": dict(CLAIM.rivals),
        "lesion": dict(CLAIM.lesion),
        "holds": holds,
        "seeds": [10, 11],
        "cost": {"core_seconds": 4.0, "core_seconds_per_seed": 2.0},
        "commit": "abc",
        "machine": {},
    }


@pytest.fixture(autouse=True)
def one_claim(monkeypatch):
    monkeypatch.setattr("sodachi.face.cli._prepare", lambda: None)
    monkeypatch.setattr(claiming, "list_claims", lambda: [CLAIM])
    monkeypatch.setattr(claiming, "ledger", dict)


@pytest.mark.parametrize(("holds", "code"), [(True, 0), (False, 1), (None, 2)])
def test_the_exit_code_is_the_verdict(monkeypatch, capsys, holds, code):
    asked = []
    monkeypatch.setattr(claiming, "run_claim", lambda *a: asked.append(a) or result(holds))
    assert run_command(["claim", "learns", "--quick", "--seeds", "2"]) == code
    assert asked == [("learns", "quick", 2)]
    said = capsys.readouterr().out
    assert {0: "met", 1: "NOT MET", 2: "not comparable"}[code] in said
    assert "ours: accuracy 0.957 [0.951, 0.963]" in said
    assert "NOT MET: last - first: 0.01 [-0.02, 0.04]" in said
    assert run_command(["claim", "learns", "--json"]) == code
    assert json.loads(capsys.readouterr().out) == result(holds)
    assert asked[1] == ("learns", "full", None)


def test_an_unknown_claim_is_one_line_and_2(capsys):
    assert run_command(["claim", "walks-on-water", "--quick"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("sodachi: claim: expected one of never-stops-learning")
    assert said.count("\n") == 1


def test_a_claim_without_a_full_result_says_so(capsys):
    assert run_command(["claims"]) == 0
    assert "learns: no full result yet" in capsys.readouterr().out
    assert run_command(["claims", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert tuple(listed) == FIELDS and listed["holds"] is None and listed["seeds"] == []


@pytest.mark.parametrize(("holds", "word"), [(True, "met"), (False, "NOT MET")])
def test_a_full_result_is_shown_as_it_fell(monkeypatch, capsys, holds, word):
    monkeypatch.setattr(claiming, "ledger", lambda: {"learns": result(holds, "full")})
    assert run_command(["claims"]) == 0
    assert capsys.readouterr().out.startswith(f"learns: {word}\n")
    assert run_command(["claims", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [result(holds, "full")]
