"""kill -9 in the middle of a life, resumed, and compared with a life that nothing happened to.

Run as a module it is the process that lives: ``python -m sodachi.face.surviving FOLDER SEED ROWS``
says how far it is after every chunk.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

import sodachi
from sodachi.errors import CheckpointError

ROWS = 6000  # samples of a life: about a second, so that the kill has a middle to fall in
CHUNK, EVERY = 128, 512  # samples in a compiled call, and between checkpoints


class Survival(NamedTuple):
    """What came of the kill: where it fell, where life went on, and both final files' SHA-256."""

    rows: int
    killed_at: int
    resumed_at: int
    uninterrupted: str
    resumed: str

    @property
    def identical(self) -> bool:
        """Whether not one byte of weights, activity, random keys or figures differs."""
        return self.uninterrupted == self.resumed

    @property
    def words(self) -> str:
        """The finding in one sentence."""
        verdict = "identical" if self.identical else "DIFFERENT"
        return (
            f"killed with kill -9 after sample {self.killed_at:,} of {self.rows:,}, resumed at "
            f"{self.resumed_at:,}: SHA-256 {self.uninterrupted[:12]} uninterrupted, "
            f"{self.resumed[:12]} resumed: {verdict}"
        )


def survive(folder: Path, seed: int, rows: int = ROWS) -> Survival:
    """Live twice, once killed at a random moment and resumed; return how the two ends compare.

    Each life is a process of its own in a folder of its own under ``folder``.

    Raises
    ------
    CheckpointError
        If a process fails, or the kill came too late to hit anything.
    """
    whole, killed = folder / "uninterrupted", folder / "killed"
    _finish(whole, seed, rows)
    moment = np.random.default_rng()  # nobody's seed: the end must not depend on when
    hit = _kill(killed, seed, rows, int(moment.uniform(0.2, 0.7) * rows), moment.uniform(0, 0.02))
    woke = _finish(killed, seed, rows)
    return Survival(rows, hit, woke, digest(whole), digest(killed))


def digest(folder: Path) -> str:
    """Return the SHA-256 of a life's checkpoint: every bit that the rest of it depends on."""
    from sodachi.runner.life import CHECKPOINT

    try:
        return hashlib.sha256((folder / CHECKPOINT).read_bytes()).hexdigest()
    except OSError as error:
        raise CheckpointError(str(folder), "a checkpoint", error.strerror or error) from error


def _start(folder: Path, seed: int, rows: int) -> subprocess.Popen:
    source = str(Path(sodachi.__file__).parents[1])
    path = os.pathsep.join(p for p in (source, os.environ.get("PYTHONPATH", "")) if p)
    command = [sys.executable, "-m", "sodachi.face.surviving", str(folder), str(seed), str(rows)]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    )


def _finish(folder: Path, seed: int, rows: int) -> int:
    """Live to the end; return the sample at which the process began."""
    process = _start(folder, seed, rows)
    said, errors = process.communicate()
    if process.returncode != 0 or not said:
        last = errors.strip().splitlines()[-1:] or ["nothing said"]
        raise CheckpointError("life in a process", "exit code 0", last[0])
    return int(said.split()[0])


def _kill(folder: Path, seed: int, rows: int, target: int, wait: float) -> int:
    """Kill a life ``wait`` seconds after sample ``target``; return the last sample it told of."""
    process = _start(folder, seed, rows)
    assert process.stdout is not None
    told = 0
    for line in process.stdout:
        told = int(line)
        if told >= target:
            break
    time.sleep(wait)
    process.kill()
    process.communicate()
    if process.returncode != -signal.SIGKILL:
        got = f"exit code {process.returncode} at sample {told}"
        raise CheckpointError("life in a process", "a life to kill", got)
    return told


def _live(folder: Path, seed: int, rows: int) -> None:
    """Live in this process, saying the sample at the start and after every chunk."""
    from sodachi.face.cache import use_cache

    use_cache()
    from sodachi.face.racing import OURS, RACERS
    from sodachi.runner import Life
    from sodachi.worlds import RewiredDigits

    ours = RACERS[OURS]
    with Life(
        folder,
        ours.make(),
        RewiredDigits(seed=seed),
        seed=seed,
        ticks_before=ours.before,
        ticks_after=ours.after,
        chunk=CHUNK,
        every_rows=EVERY,
        on_chunk=lambda life, _: print(life.rows, flush=True),
    ) as life:
        print(life.rows, flush=True)
        life.live(rows - life.rows)


if __name__ == "__main__":
    _live(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
