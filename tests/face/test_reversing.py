"""`sodachi reverse`: a simulated culture, a file, a page that asks for nothing, and losses told."""

import re
from datetime import UTC

import numpy as np
import pytest

from sodachi.face.cli import run_command
from sodachi.face.culture_page import losses, page, tell
from sodachi.face.report import POLICY
from sodachi.recordings import reverse, simulate_culture
from sodachi.recordings.invitro import RECORDED, invitro_present

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def found():
    culture, truth = simulate_culture(1, units=32, inputs=6, sessions=20, trials=64)
    return reverse(culture, normalisation="none", early=6), truth


def test_the_page_tells_the_six_steps_and_asks_for_nothing(found):
    text = page(tell(*found))
    head = text[: text.index("<script>")]
    assert POLICY in head
    bare = re.sub(r"<script.*?</script>", "", text, flags=re.S)
    assert not re.search(r'(src|href)="', bare) and "<link" not in bare
    for title in ("1. Activity", "2 and 3. Circuit and cost", "4. Generative model",
                  "5. Learning rule", "6. Predicted learning", "Where it loses"):  # fmt: skip
        assert title in bare
    assert "against the truth of the simulator" in bare and ", true " in bare
    for name, error in found[0].errors.items():
        assert f"<td>{name}</td><td>{error:.4f}</td>" in bare


def test_losses_name_each_better_null_and_no_other(found):
    from dataclasses import replace

    beaten = replace(found[0], errors={"forecast": 0.3, "ridge": 0.2, "constant": 0.9})
    (only,) = losses(beaten)
    assert only.startswith("ridge errs less: 0.2000 against 0.3000")
    assert only in page(tell(beaten))
    won = replace(found[0], errors={"forecast": 0.1, "ridge": 0.2})
    assert losses(won) == [] and "nowhere among these nulls" in page(tell(won))


def test_what_is_not_identified_is_told(found):
    from dataclasses import replace

    text = page(tell(replace(found[0], vague={1: ("learning rate", "prior")})))
    assert "<li>cell 2: learning rate, prior</li>" in text


def test_without_a_file_a_culture_is_simulated(tmp_path, capsys, monkeypatch):
    small = simulate_culture(5, units=32, inputs=6, sessions=16, trials=64)
    monkeypatch.setattr("sodachi.face.reversing.simulate_culture", lambda *a, **k: small)
    out = tmp_path / "new" / "culture.html"
    assert run_command(["reverse", "--out", str(out), "--early", "6"]) == 0
    said = capsys.readouterr().out
    assert "no file given: a simulated culture" in said
    for step in ("1 activity", "2 circuit", "3 cost", "4 model", "5 rule", "6 forecast"):
        assert f"\n{step}" in said
    assert out.read_text(encoding="utf-8").endswith("</html>")


@pytest.mark.filterwarnings("ignore")
def test_an_nwb_file_written_by_pynwb(tmp_path, capsys):
    pynwb = pytest.importorskip("pynwb")
    from datetime import datetime

    culture, _ = simulate_culture(6, units=12, inputs=8, sessions=8, trials=64)
    file = pynwb.NWBFile("a culture", "id", datetime(2026, 1, 1, tzinfo=UTC))
    for name in ("stimuli", "session"):  # sources are not told
        file.add_trial_column(name, name)
    for k in range(culture.trials):
        file.add_trial(start_time=float(k), stop_time=k + 1.0, stimuli=culture.stimuli[k],
                       session=int(culture.sessions[k]))  # fmt: skip
    for unit in culture.responses.T.astype(int):
        times = [k + (np.arange(n) + 0.5) / (n + 1) for k, n in enumerate(unit)]
        file.add_unit(spike_times=np.concatenate(times))
    with pynwb.NWBHDF5IO(str(tmp_path / "c.nwb"), "w") as io:
        io.write(file)
    arguments = ["reverse", str(tmp_path / "c.nwb"), "--early", "4", "--out",
                 str(tmp_path / "c.html"), "--normalisation", "none"]  # fmt: skip
    assert run_command(arguments) == 0
    said = capsys.readouterr().out
    assert "c: 8 sessions of 64 trials, 12 usable units" in said
    assert "sources inferred" in said
    assert "how often each input is on" in (tmp_path / "c.html").read_text(encoding="utf-8")


@pytest.mark.skipif(not invitro_present(), reason="no folder invitro in SODACHI_DATA")
def test_an_in_vitro_file(tmp_path, capsys):
    from sodachi.data.fetch import given_folder

    folder = given_folder()
    assert folder is not None
    path = folder / "invitro" / RECORDED["mix0"].name
    out = tmp_path / "c.html"
    assert run_command(["reverse", str(path), "--culture", "3", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "mix0 3: 100 sessions of 256 trials" in said
    assert "set aside: dead" in said and out.stat().st_size > 1e6


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere.mat"], 1, "nowhere.mat: expected a file"),
        (["--normalisation", "z"], 2, "--normalisation: expected one of"),
    ],
)
def test_errors_are_one_line(arguments, code, said, capsys):
    assert run_command(["reverse", *arguments]) == code
    shown = capsys.readouterr().err
    assert said in shown and shown.count("\n") == 1
