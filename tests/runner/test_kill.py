"""kill -9 at random moments: a resumed life is the uninterrupted one, byte for byte.

50 kills here; set SODACHI_KILLS for more. A fifth of them fall anywhere in the start of a process
(waking, tracing, sweeping), the others in the half second after it has begun to learn.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sodachi.runner import load
from sodachi.runner.life import CHECKPOINT
from sodachi.runner.records import QUARANTINE

HERE = Path(__file__).parent
KILLS, ROWS = int(os.environ.get("SODACHI_KILLS", "50")), 16_000


@pytest.fixture(scope="module")
def lives(tmp_path_factory):
    """The folder of all lives, and the report of the process that killed them."""
    folder = tmp_path_factory.mktemp("lives")
    environment = os.environ | {
        "JAX_PLATFORMS": "cpu",
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path_factory.mktemp("cache")),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1] / "src")]),
    }
    command = [sys.executable, str(HERE / "killed_lives.py"), str(folder), str(ROWS), str(KILLS)]
    done = subprocess.run(
        [*command, "3"], env=environment, capture_output=True, text=True, timeout=60 + 10 * KILLS
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder, json.loads(done.stdout)


@pytest.mark.slow
def test_every_life_ended_well_after_all_the_kills(lives):
    _, report = lives
    assert report["killed"] >= KILLS
    assert report["codes"] == [0] * report["lives"]
    # The kills fell in the middle of lives: processes woke many different checkpoints further on.
    assert len({row // 64 for row in report["woke_at"]}) >= KILLS // 4


@pytest.mark.slow
@pytest.mark.parametrize("name", [CHECKPOINT, "predictions.csv", QUARANTINE])
def test_files_equal_those_of_the_uninterrupted_life(lives, name):
    folder, report = lives
    whole = (folder / "whole" / name).read_bytes()
    assert len(whole) > 1000
    for life in range(report["lives"]):
        killed = (folder / str(life) / name).read_bytes()
        assert len(killed) == len(whole)
        assert sum(a != b for a, b in zip(killed, whole, strict=True)) == 0


@pytest.mark.slow
def test_predictions_name_each_good_row_exactly_once(lives):
    folder, _ = lives
    lines = (folder / "0" / "predictions.csv").read_text().splitlines()
    assert lines[0] == "row,prediction"
    expected = [i for i in range(ROWS) if i % 50 != 49]
    assert [int(line.split(",")[0]) for line in lines[1:]] == expected


@pytest.mark.slow
def test_nothing_stray_is_left_and_all_rows_are_accounted_for(lives):
    folder, report = lives
    expected = sorted([CHECKPOINT, QUARANTINE, "lock", "predictions.csv"])
    for life in range(report["lives"]):
        assert sorted(p.name for p in (folder / str(life)).iterdir()) == expected
        saved = load(folder / str(life) / CHECKPOINT)
        assert saved.offset == saved.extra["rows"] == ROWS
        assert saved.extra["learned"] + sum(saved.extra["quarantine"].values()) == ROWS
