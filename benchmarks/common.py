"""What every benchmark shares: a fair clock, the machine, and the form of a result."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def seconds(once: Callable[[], object], repeats: int = 7) -> float:
    """Return the median wall time of a call, in seconds, after one call to warm up."""
    once()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        once()
        times.append(time.perf_counter() - start)
    return sorted(times)[repeats // 2]


def alternating(one: Callable, other: Callable, repeats: int = 7) -> tuple[float, float]:
    """Return both calls' median times, run in turn so that the machine's noise hits both."""
    one(), other()
    times: tuple[list, list] = ([], [])
    for _ in range(repeats):
        for call, kept in zip((one, other), times, strict=True):
            start = time.perf_counter()
            call()
            kept.append(time.perf_counter() - start)
    first, second = (sorted(t)[repeats // 2] for t in times)
    return first, second


def machine() -> dict:
    """Return what the figures were measured on."""
    import jax

    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    if info.exists():
        names = [x for x in info.read_text().splitlines() if x.startswith("model name")]
        model = names[0].split(":")[1].strip() if names else model
    return {
        "processor": model,
        "cores": len(cores) if cores else os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "jax": jax.__version__,
        "device": jax.devices()[0].device_kind,
    }


def result(name: str, peer: str, ratio: float | None, target: str, holds, **figures) -> dict:
    """Return one benchmark's result; ``ratio`` above 1 means faster than the peer."""
    kept = {k: round(v, 9) if isinstance(v, float) else v for k, v in figures.items()}
    return {
        "name": name,
        "peer": peer,
        "ratio": None if ratio is None else round(ratio, 3),
        "target": target,
        "holds": holds,
        "figures": kept,
        "machine": machine(),
    }


def write(found: dict) -> Path:
    """Write a result to results/NAME.json."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{found['name']}.json"
    path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
