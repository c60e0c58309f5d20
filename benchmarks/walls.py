"""Walls a newcomer meets: `sodachi --help` and `sodachi demo`, against a stated limit."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time

from benchmarks.common import result

LIMITS = {"help": 0.3, "demo": 60.0}


def wall(*words: str) -> float:
    """Return the wall time of a command in seconds; an error if it fails."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "sodachi", *words], check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> list[dict]:
    """Measure both commands (the help three times, its best; the demo once)."""
    with tempfile.TemporaryDirectory() as folder:
        times = {
            "help": min(wall("--help") for _ in range(3)),
            "demo": wall("demo", "--out", folder),
        }
    return [
        result(
            f"wall-{name}", "the stated limit", LIMITS[name] / took, f"<= {LIMITS[name]} s",
            took <= LIMITS[name], seconds=took,
        )
        for name, took in times.items()
    ]  # fmt: skip
