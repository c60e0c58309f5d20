"""Lives that are killed at random moments and resumed: ``killed_lives.py FOLDER ROWS KILLS SEED``.

Lives first ``FOLDER/whole`` uninterrupted, then lives in ``FOLDER/0``, ``FOLDER/1``, … until the
kills are used up. Each process is forked from this one, which has imported everything but not yet
started JAX: a start costs a fraction of a second. Prints a report in JSON.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from runner_toy import Rows, toy

from sodachi.runner import Life


def live(folder, rows, announce):
    folder.mkdir(exist_ok=True)
    with Life(
        folder,
        toy(),
        Rows(rows, bad=50),
        predictions=folder / "predictions.csv",
        quarantine=True,
        quarantine_bytes=10_000,
        chunk=32,
        every_rows=64,
    ) as life:
        woke = life.rows
        life.live(1)  # the program is there from here on
        os.write(announce, f"{woke}\n".encode())
        life.live()


def fork(folder, rows):
    """Start a life in a new process; return its id and the pipe on which it says it is alive."""
    heard, announce = os.pipe()
    pid = os.fork()
    if pid:
        os.close(announce)
        return pid, heard
    os.close(heard)
    try:
        live(folder, rows, announce)
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def once(folder, rows, delay=None, early=None):
    """One process's part of a life; returns its exit status and the row at which it woke."""
    pid, heard = fork(folder, rows)
    begun = time.monotonic()
    woke = None
    if early is None:
        woke = os.read(heard, 32).decode().strip()
    awake = time.monotonic() - begun
    if early is not None or delay is not None:
        time.sleep(early if early is not None else delay)
        os.kill(pid, signal.SIGKILL)  # not yet waited for: the id cannot be another's
    _, status = os.waitpid(pid, 0)
    os.close(heard)
    return os.waitstatus_to_exitcode(status), int(woke) if woke else None, awake


def main(folder, rows, kills, seed):
    rng, folder = random.Random(seed), Path(folder)
    code, _, start = once(folder / "whole", rows)
    assert code == 0, "the uninterrupted life failed"
    killed, woke_at, lives, codes = 0, [], 0, []
    while killed < kills:
        while True:
            early = rng.uniform(0, start) if rng.random() < 0.2 else None
            delay = rng.uniform(0, 0.5)
            if killed >= kills:
                early = delay = None
            code, woke, _ = once(folder / str(lives), rows, delay, early)
            woke_at += [woke] if woke is not None else []
            killed += code == -signal.SIGKILL
            if code != -signal.SIGKILL:
                codes.append(code)
                break
        lives += 1
    print(json.dumps({"killed": killed, "lives": lives, "codes": codes, "woke_at": woke_at}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
