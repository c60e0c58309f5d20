"""A toy claim run in real processes: fields, resuming, seeds, the ledger, failures."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from sodachi.claims import Measured, ledger, running
from sodachi.claims.record import FIELDS, make_result, write_result
from sodachi.claims.statistics import Check
from sodachi.claims.worker import find_claim, measure, read_rows
from sodachi.errors import ClaimError

TOY = """
import os
from functools import partial
from pathlib import Path
from sodachi.claims import Claim, Protocol
from sodachi.claims.statistics import above

LOG = Path(__file__).with_suffix(".log")

def one(row, seed):
    with LOG.open("a") as out:
        out.write(f"{row} {seed} {os.getpid()} {os.environ.get('OMP_NUM_THREADS')}\\n")
    if row == "rival" and seed == 9:
        raise ValueError("seed nine breaks")
    return {"accuracy": {"ours": 0.9, "rival": 0.5}[row] + 0.01 * seed**2 * (row == "ours")}

def rows(seed, form):
    return {row: partial(one, row, seed) for row in ("ours", "rival")}

def check(m):
    return [above("ours above", m("ours", "accuracy"), m("rival", "accuracy"), 0.1)]

def protocol(seeds):
    return Protocol("toy", seeds, "ours above by .1", check)

CLAIM = Claim(
    name="toy", source={"document": "d", "sentence": "s"}, rows=rows, rivals={"rival": "r"},
    lesion={"none": "n"}, quick=protocol((0, 1)), full=protocol((0, 1, 2)),
    module="toy_claim", tuning_seeds=(7,), shown=("accuracy",),
)
"""


@pytest.fixture
def toy(tmp_path, monkeypatch):
    (tmp_path / "toy_claim.py").write_text(TOY)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    sys.modules.pop("toy_claim", None)
    yield find_claim("toy_claim")
    sys.modules.pop("toy_claim", None)


def log_lines(tmp_path):
    return [line.split() for line in (tmp_path / "toy_claim.log").read_text().splitlines()]


@pytest.mark.unit
def test_seeds_run_in_single_threaded_processes_and_are_kept(toy, tmp_path, monkeypatch):
    # The library may be edited while its tests run; what that does has a test of its own.
    monkeypatch.setattr(running, "source_digest", lambda claim: "0" * 64)
    result = running.run_claim(toy, "quick", out=tmp_path / "out.json")
    assert tuple(result) == FIELDS
    assert result["holds"] is True and result["seeds"] == [0, 1]
    assert result["measured"]["ours"] == {"accuracy": pytest.approx(0.905), "seeds": 2}
    low, high = result["target"]["checks"][0]["interval"]
    assert low < 0.405 < high
    lines = log_lines(tmp_path)
    assert len({pid for _, _, pid, _ in lines}) == 2
    assert str(os.getpid()) not in {pid for _, _, pid, _ in lines}
    assert {threads for *_, threads in lines} == {"1"}
    assert json.loads((tmp_path / "out.json").read_text()) == result

    again = running.run_claim(toy, "quick")
    assert again["measured"] == result["measured"]
    assert len(log_lines(tmp_path)) == len(lines)  # nothing was measured twice


@pytest.mark.unit
@pytest.mark.parametrize(("form", "processes"), [("quick", 1), ("full", 3)])
def test_seeds_of_a_quick_form_share_a_worker(toy, tmp_path, monkeypatch, form, processes):
    monkeypatch.setattr(running, "source_digest", lambda claim: "0" * 64)
    result = running.run_claim(toy, form, workers=1, scratch=tmp_path / "rows")
    assert result["seeds"] == list(toy.protocol(form).seeds)
    assert len({pid for _, _, pid, _ in log_lines(tmp_path)}) == processes


@pytest.mark.unit
def test_a_killed_run_resumes_where_it_was(toy, tmp_path):
    file = tmp_path / "1.jsonl"
    measure(toy, "full", 1, file)
    whole = file.read_bytes()
    first = whole.index(b"\n") + 1
    file.write_bytes(whole[: first + 9])  # killed while the second row was written
    (tmp_path / "toy_claim.log").unlink()
    measure(toy, "full", 1, file)
    assert [line[0] for line in log_lines(tmp_path)] == ["rival"]
    assert read_rows(file)["rival"]["figures"] == {"accuracy": 0.5}
    assert len(file.read_text().splitlines()) == 2


@pytest.mark.unit
def test_fewer_seeds_than_declared_are_not_judged(toy):
    measured = Measured({s: {r: f for r, f in toy.run(s, "full").items()} for s in (0, 1)})
    assert make_result(toy, "full", measured, [0.1, 0.1])["holds"] is None
    whole = Measured({s: toy.run(s, "full") for s in (0, 1, 2)})
    result = make_result(toy, "full", whole, [1.0, 1.0, 4.0])
    assert result["holds"] is True
    assert result["cost"] == {"core_seconds": 6.0, "core_seconds_per_seed": 2.0}
    worse = Measured(
        {s: {"ours": {"accuracy": 0.55}, "rival": {"accuracy": 0.5}} for s in range(3)}
    )
    assert make_result(toy, "full", worse, [1.0] * 3)["holds"] is False


@pytest.mark.unit
@pytest.mark.parametrize(("parts", "holds"), [((True, None), None), ((False, None), False)])
def test_what_cannot_be_judged_hides_no_failure(toy, parts, holds):
    checks = [Check("words", 0.0, None, part) for part in parts]
    protocol = replace(toy.full, check=lambda measured: checks)
    measured = Measured({s: toy.run(s, "full") for s in (0, 1, 2)})
    assert make_result(replace(toy, full=protocol), "full", measured, [1.0] * 3)["holds"] is holds


@pytest.mark.unit
def test_more_seeds_or_an_unknown_form_or_claim_are_refused(toy):
    for call in (
        lambda: running.run_claim(toy, "quick", 3),
        lambda: running.run_claim(toy, "quick", 0),
        lambda: running.run_claim(toy, "long"),
        lambda: running.run_claim("no-such-claim"),
        lambda: find_claim("sodachi.errors"),
    ):
        with pytest.raises(ClaimError):
            call()


@pytest.mark.unit
def test_a_seed_that_fails_is_named_with_its_reason(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(running, "source_digest", lambda claim: "0" * 64)
    with pytest.raises(ClaimError, match=r"seed 9.*seed nine breaks"):
        running._some_seeds(toy, "quick", [0, 9], tmp_path, "0" * 64)
    assert read_rows(tmp_path / "0.jsonl")


@pytest.mark.unit
def test_edited_source_measures_anew_and_is_never_mixed(toy, tmp_path):
    before = running.source_digest(toy)
    with (tmp_path / "toy_claim.py").open("a") as out:
        out.write("# another word\n")
    assert running.source_digest(toy) != before
    with pytest.raises(ClaimError, match="edited files"):
        running._some_seeds(toy, "quick", [0], tmp_path, before)
    assert not (tmp_path / "0.jsonl").exists()


@pytest.mark.unit
def test_the_ledger_reads_full_forms_only(toy, tmp_path):
    whole = Measured({s: toy.run(s, "full") for s in (0, 1, 2)})
    result = make_result(toy, "full", whole, [1.0] * 3)
    folder = tmp_path / "ledger"
    write_result(result, folder / "toy.json")
    assert ledger(folder)["toy"]["holds"] is True
    for wrong in (result | {"form": "quick"}, result | {"name": "other"}, {"name": "toy"}):
        write_result(wrong, folder / "toy.json")
        with pytest.raises(ClaimError):
            ledger(folder)
    (folder / "toy.json").write_text("{")
    with pytest.raises(ClaimError):
        ledger(folder)


@pytest.mark.unit
def test_a_claim_may_not_report_the_seeds_it_was_tuned_on(toy):
    from dataclasses import replace

    with pytest.raises(ClaimError) as error:
        replace(toy, tuning_seeds=(1, 100))
    assert error.value.got == [1]


@pytest.mark.unit
def test_the_worker_needs_no_parent(toy, tmp_path):
    file = tmp_path / "0.jsonl"
    command = [
        sys.executable,
        "-m",
        "sodachi.claims.worker",
        "toy_claim",
        "quick",
        str(tmp_path),
        "0",
    ]
    source = str(running.Path(running.__file__).parents[2])
    path = os.pathsep.join([source, str(tmp_path)])
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": path})
    assert set(read_rows(file)) == {"ours", "rival"}
