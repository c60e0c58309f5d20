"""`sodachi learn` as a user meets it: scores, files, kill -9, and what it refuses."""

import contextlib
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from sodachi.face.cli import run_command

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Live in a folder of our own, with a compilation cache of our own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sodachi.face.cli._prepare", lambda: None)
    return tmp_path


def write_table(path, count=600, start=0, header=True):
    rng = np.random.default_rng(0)
    lines = ["size,colour,kind"] if header else []
    for i in range(start + count):
        size, colour = rng.normal(), ("red", "green", "blue")[rng.integers(3)]
        kind = "big" if size > 0 else "small"
        if i >= start:
            lines.append(f"{size:.6g},{colour},{kind}" if i % 97 else f"{size:.6g},{colour}")
    with path.open("a") as file:
        file.write("\n".join(lines) + "\n")


def learn(*more):
    return run_command(["learn", "t.csv", "--target", "kind", "--predictions", "out.csv", *more])


def test_it_learns_prints_and_writes_every_prediction(home, capsys):
    write_table(home / "t.csv")
    assert learn() == 0
    said = capsys.readouterr().out
    accuracy = float(said.split("accuracy ")[1].split()[0])
    assert said.startswith("600 rows, classification of kind") and accuracy > 0.8
    assert "7 broken rows put aside" in said
    lines = (home / "out.csv").read_text().splitlines()
    assert lines[0] == "row,prediction,truth,correct" and len(lines) == 1 + 600 - 7
    right = [line.split(",")[3] == "1" for line in lines[1:]]
    assert f"{np.mean(right):.3f}" == f"{accuracy:.3f}"
    quarantine = (home / "t.life" / "quarantine.csv").read_text().splitlines()
    assert quarantine[1] == '0,"expected 3 fields, got 2"' and len(quarantine) == 8


def test_more_rows_go_on_from_where_it_was_to_the_same_bytes(home, capsys):
    write_table(home / "t.csv", 600)
    assert learn() == 0
    whole = {name: (home / name).read_bytes() for name in ("out.csv", "t.life/life.safetensors")}
    for name in whole:
        (home / name).unlink()
    (home / "t.csv").unlink()
    write_table(home / "t.csv", 250)
    assert learn() == 0
    write_table(home / "t.csv", 350, start=250, header=False)
    capsys.readouterr()
    assert learn() == 0
    assert "resumed at row 250; lived 350 more" in capsys.readouterr().out
    assert (home / "out.csv").read_bytes() == whole["out.csv"]


def test_kill_9_between_files_and_checkpoint_loses_and_repeats_nothing(home):
    write_table(home / "t.csv", 1200)
    assert learn("--folder", "whole") == 0
    expected = (home / "out.csv").read_bytes()
    (home / "out.csv").unlink()
    code = (
        "import os, signal, sys\n"
        "from sodachi.face import kept\n"
        "from sodachi.face.cli import run_command\n"
        "kept.CHECKPOINT_SECONDS, kept.CHUNK_ROWS, saves = -1.0, 128, []\n"
        "real = kept.save\n"
        "def save(*given):\n"
        "    saves.append(1)\n"
        "    if len(saves) == 4:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    real(*given)\n"
        "kept.save = save\n"
        "run_command(['learn', 't.csv', '--target', 'kind', '--predictions', 'out.csv',"
        " '--folder', 'killed'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        timeout=120,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "SODACHI_CACHE": "off",
        },
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    written = len((home / "out.csv").read_bytes().splitlines())
    assert 400 < written < 600  # four chunks are on the disk, the checkpoint knows three
    assert learn("--folder", "killed") == 0
    assert (home / "out.csv").read_bytes() == expected
    killed, whole = (home / f / "life.safetensors" for f in ("killed", "whole"))
    assert killed.read_bytes() == whole.read_bytes()


def test_a_second_process_is_refused_while_one_lives_there(home, capsys):
    from sodachi.runner.lock import FolderLock

    write_table(home / "t.csv", 50)
    (home / "t.life").mkdir()
    with FolderLock(home / "t.life"):
        assert learn() == 1
    assert "expected a folder no other process uses" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (["--seed", "1"], 2, "--seed: expected 0 as when this life began"),
        (["--task", "regression"], 2, "--task: expected classification as when this life began"),
    ],
)
def test_another_request_is_refused_and_leaves_the_life_alone(home, capsys, change, code, message):
    write_table(home / "t.csv", 50)
    assert learn() == 0
    before = (home / "t.life" / "life.safetensors").read_bytes(), (home / "out.csv").read_bytes()
    assert learn(*change) == code
    assert message in capsys.readouterr().err
    after = (home / "t.life" / "life.safetensors").read_bytes(), (home / "out.csv").read_bytes()
    assert after == before


def test_changed_rows_and_a_damaged_checkpoint_are_refused(home, capsys):
    write_table(home / "t.csv", 50)
    assert learn() == 0
    text = (home / "t.csv").read_text()
    (home / "t.csv").write_text(text.replace("red", "rot"))
    assert learn() == 2
    assert "expected the file of this life" in capsys.readouterr().err
    (home / "t.csv").write_text(text)
    checkpoint = home / "t.life" / "life.safetensors"
    data = bytearray(checkpoint.read_bytes())
    data[len(data) // 2] ^= 1
    checkpoint.write_bytes(data)
    assert learn() == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "more", "code", "message"),
    [
        (None, [], 2, "file: expected an existing CSV file, got t.csv"),
        ("", [], 1, "expected a header line and rows, got an empty file"),
        ("size,kind\n", [], 1, "expected rows under the header, got none"),
        ("size,sort\n1,a\n", [], 2, "--target: expected one of size, sort, got kind"),
        ("size,kind\n1,a\n2,a\n", [], 1, "expected two classes or more, got only 'a'"),
        (b"size,kind\n1,\xe9\n2,b\n", [], 1, "expected UTF-8 text, got byte 0xe9"),
        ("size,kind\n1,a\n2,b\n", ["--task", "both"], 2, "--task: expected classification or"),
        ("size,kind\n1,a\n2,b\n", ["--predictions", "no/where.csv"], 2, "--predictions: expected"),
        ("size,kind\n1,a\n2,b\n", ["--predictions", "t.csv"], 2, "expected another file"),
        ("size,kind\n1,a\n2,b\n", ["--folder", "t.csv"], 2, "--folder: expected a folder"),
    ],
)
def test_what_cannot_be_learned_is_one_line_and_a_code(home, capsys, text, more, code, message):
    if text is not None:
        (home / "t.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert run_command(["learn", "t.csv", "--target", "kind", *more]) == code
    said = capsys.readouterr()
    assert said.err.startswith("sodachi: ") and message in said.err
    assert said.err.count("\n") == 1 and said.out == ""
    assert not (home / "t.life").exists()


def test_numbers_are_regressed_with_their_own_columns(home, capsys):
    lines = ["x,y"] + [f"{i % 50},{3.5 * (i % 50)}" for i in range(400)]
    (home / "n.csv").write_text("\n".join(lines))
    assert run_command(["learn", "n.csv", "--target", "y", "--predictions", "n.out"]) == 0
    said = capsys.readouterr().out
    assert "regression of y: MAE" in said and float(said.split("R² ")[1].split()[0]) > 0.5
    assert (home / "n.out").read_text().startswith("row,prediction,truth,error\n")


def test_a_terminal_gets_a_live_line_and_a_pipe_plain_ones(home, capsys):
    from sodachi.face.learn import Reporter

    with Reporter(live=True) as report:
        report(5, "accuracy 1")
    capsys.readouterr()
    with Reporter(live=False) as report:
        for row in (256, 1024, 1280, 2048):
            report(row, "accuracy 1")
    assert capsys.readouterr().out == "row 1,024  accuracy 1\nrow 2,048  accuracy 1\n"


# --- columns and classes that come and go --------------------------------------------------------


def write_months(home, rows=200):
    """Three months of a station: a sensor is replaced, then a class comes; JSON at the end."""
    rng = np.random.default_rng(3)
    size = rng.normal(size=(3, rows))
    kind = np.where(size > 0, "big", "small")
    kind[2, np.abs(size[2]) > 1.5] = "odd"
    months = ["size,colour,kind", "width,colour,kind"]
    for month, header in enumerate(months):
        lines = [
            f"{s * (1 + month):.6g},red,{k}" for s, k in zip(size[month], kind[month], strict=True)
        ]
        (home / f"{month}.csv").write_text("\n".join([header, *lines]) + "\n")
    made = []
    for i, (s, k) in enumerate(zip(size[2], kind[2], strict=True)):
        keys = {"width": round(2 * s, 5), "kind": k} | ({"weight": round(s, 4)} if i >= 100 else {})
        made.append(json.dumps(keys) if i % 50 else "{")
    (home / "2.jsonl").write_text("\n".join(made) + "\n")


def live(*files, more=()):
    where = ["--target", "kind", "--predictions", "out.csv", "--folder", "life"]
    return run_command(["learn", *files, *where, *more])


def test_columns_and_classes_emerge_and_vanish_and_the_end_says_when(home, capsys):
    write_months(home)
    assert live("0.csv", "1.csv", "2.jsonl") == 0
    said = capsys.readouterr().out
    assert "4 broken rows put aside" in said
    assert "column width emerged at row 200\n" in said
    assert "column size: not since row 199\n" in said
    assert "column weight emerged at row 501\n" in said
    assert "class odd emerged at row 4" in said and "column colour: not since row 399" in said
    right = [line.endswith(",1") for line in (home / "out.csv").read_text().splitlines()[1:]]
    assert np.mean(right[50:200]) > 0.8 and np.mean(right[250:400]) > 0.8


def test_month_by_month_or_at_once_gives_the_same_bytes(home, capsys):
    write_months(home)
    # All classes are known at birth only where all files are there at birth.
    assert live("0.csv") == 0
    assert live("0.csv", "1.csv") == 0
    assert live("0.csv", "1.csv", "2.jsonl") == 0
    said = capsys.readouterr().out
    assert "resumed at row 200" in said and "resumed at row 400" in said
    assert "class odd emerged at row" in said
    by_month = (home / "out.csv").read_bytes()
    with (home / "2.jsonl").open("a") as file:
        file.write('{"width": 1.0, "kind": "big", "height": 2}\n')
    assert live("0.csv", "1.csv", "2.jsonl") == 0
    assert "column height emerged at row 600" in capsys.readouterr().out
    assert (home / "out.csv").read_bytes().startswith(by_month)


def test_a_kill_while_things_emerge_resumes_to_the_same_bytes(home, monkeypatch):
    from sodachi.face import kept

    write_months(home)
    files = ("0.csv", "1.csv", "2.jsonl")
    assert live(*files) == 0
    names = ("out.csv", "life/life.safetensors", "life/quarantine.csv")
    whole = {name: (home / name).read_bytes() for name in names}
    for name in names:
        (home / name).unlink()
    monkeypatch.setattr(kept, "CHECKPOINT_SECONDS", -1.0)
    monkeypatch.setattr(kept, "CHUNK_ROWS", 90)
    save, saves = kept.save, []

    def dies(*given):
        save(*given)
        saves.append(1)
        if len(saves) in (3, 5):
            raise KeyboardInterrupt

    monkeypatch.setattr(kept, "save", dies)
    for _ in range(2):
        with contextlib.suppress(KeyboardInterrupt):
            live(*files)
    assert len(saves) >= 5 and live(*files) == 0
    assert {name: (home / name).read_bytes() for name in names} == whole


def test_fixed_puts_what_is_new_aside_and_names_it(home, capsys):
    write_months(home)
    assert live("0.csv", more=["--fixed"]) == 0
    assert live("0.csv", "1.csv", more=["--fixed"]) == 0
    assert "200 broken rows put aside" in capsys.readouterr().out
    last = (home / "life" / "quarantine.csv").read_text().splitlines()[-1]
    assert "column width: expected a column that was there at birth" in last
    assert live("0.csv", "1.csv") == 2
    assert "--fixed: expected True as when this life began" in capsys.readouterr().err


def test_files_in_another_order_or_grown_in_the_middle_are_refused(home, capsys):
    write_months(home)
    assert live("0.csv", "1.csv") == 0
    assert live("1.csv", "0.csv") == 2
    with (home / "0.csv").open("a") as file:
        file.write("1,red,big\n")
    assert live("0.csv", "1.csv") == 2
    assert capsys.readouterr().err.count("only the last may be longer") == 2
