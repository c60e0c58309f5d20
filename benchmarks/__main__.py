"""Run all benchmarks, or those named: ``python -m benchmarks [streams] [settling] ...``."""

from __future__ import annotations

import os
import sys
from importlib import import_module

from benchmarks.common import write

ALL = ("minibatch", "streams", "settling", "growing", "boltzmann", "restricted", "walls")


def main(names: list[str]) -> int:
    """Write and print every result; 1 if a ratio misses its target by more than three times."""
    if hasattr(os, "sched_setaffinity"):  # one core for both sides, whatever threads they start
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    unknown = set(names) - set(ALL)
    if unknown:
        print(f"benchmarks: expected any of {ALL}, got {sorted(unknown)}", file=sys.stderr)
        return 2
    bad = 0
    for name in names or ALL:
        for found in import_module(f"benchmarks.{name}").main():
            path = write(found)
            verdict = {True: "holds", False: "DOES NOT HOLD", None: "no peer"}[found["holds"]]
            ratio = "--" if found["ratio"] is None else found["ratio"]
            print(f"{found['name']:<18} {ratio:>8} x  {found['target']:<40} {verdict}")
            print(f"{'':<18} {path.name}: {found['figures']}")
            took = found["figures"].get("seconds")
            bad |= int(took is not None and ratio != "--" and ratio < 1 / 3)
    return bad


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
