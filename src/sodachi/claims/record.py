"""The record of a test: a result with fixed fields, the machine it ran on, and the ledger."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from sodachi.claims.claim import Claim, Measured
from sodachi.claims.statistics import interval
from sodachi.errors import ClaimError

FIELDS = (
    "name", "source", "form", "measured", "interval", "target", "rivals", "lesion", "holds",
    "seeds", "cost", "commit", "machine",
)  # fmt: skip


def make_result(
    claim: Claim, form: str, measured: Measured, seconds: list[float], made_from: str | None = None
) -> dict[str, Any]:
    """Return the result of a claim: means, 95 % intervals, and the target's parts judged.

    ``holds`` is None with fewer seeds than the protocol declares; a failing part makes it False;
    it is None too where no part fails but one cannot be judged. ``made_from`` is the commit when
    the run began, the present one where not given.
    """
    protocol = claim.protocol(form)
    means: dict[str, Any] = {}
    ends: dict[str, Any] = {}
    for row, metrics in measured.rows().items():
        values = {metric: list(measured(row, metric).values()) for metric in metrics}
        means[row] = {metric: float(np.mean(v)) for metric, v in values.items()}
        ends[row] = {metric: interval(v) for metric, v in values.items()}
        means[row]["seeds"] = max(len(v) for v in values.values())
    checks = protocol.check(measured)
    parts = [check.holds for check in checks]
    complete = len(measured.by_seed) == len(protocol.seeds)
    judged = complete and bool(parts) and (False in parts or None not in parts)
    result = {
        "name": claim.name,
        "source": dict(claim.source),
        "form": form,
        "measured": means,
        "interval": ends,
        "target": {
            "words": protocol.target,
            "protocol": protocol.words,
            "checks": [check._asdict() for check in checks],
        },
        "rivals": dict(claim.rivals),
        "lesion": dict(claim.lesion),
        "holds": all(parts) if judged else None,
        "seeds": list(measured.by_seed),
        "cost": {
            "core_seconds": round(sum(seconds), 1),
            "core_seconds_per_seed": round(float(np.mean(seconds)), 1),
        },
        "commit": commit() if made_from is None else made_from,
        "machine": machine(),
    }
    assert tuple(result) == FIELDS
    return _plain(result)


def _plain(value: Any) -> Any:
    """JSON has no infinities and no NaN: they become None (a check on them does not hold)."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def commit() -> str:
    """Return the commit of the source, with ``+changes`` where files differ, or ``unknown``."""
    root = Path(__file__).parents[3]
    if not (root / ".git").exists():
        return "unknown"
    try:
        head = _git(root, "rev-parse", "HEAD")
        return head + ("+changes" if _git(root, "status", "--porcelain", "--", "src") else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=root, capture_output=True, text=True, check=True, timeout=30
    )
    return done.stdout.strip()


def machine() -> dict[str, Any]:
    """Return what the measurement ran on; nothing that names a person or a place."""
    memory = None
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": memory,
        "platform": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "jax": importlib.metadata.version("jax"),
        "device": _device(),
    }


def _device() -> str:
    import jax

    return str(jax.devices()[0].device_kind)


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


# --- the ledger ----------------------------------------------------------------------------------


def ledger_folder() -> Path:
    """Return ``results/claims`` of the source tree; of an installed package, its own copy."""
    root = Path(__file__).parents[3]
    if (root / "pyproject.toml").is_file():
        return root / "results" / "claims"
    return Path(__file__).parent / "ledger"


def write_result(result: dict[str, Any], file: Path | None = None) -> Path:
    """Write a result, into the ledger by default, whole or not at all; return the file."""
    file = ledger_folder() / f"{result['name']}.json" if file is None else Path(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.write_text(json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
                   encoding="utf-8")  # fmt: skip
    os.replace(new, file)
    return file


def ledger(folder: Path | None = None) -> dict[str, dict[str, Any]]:
    """Return the committed full results by name.

    Raises
    ------
    ClaimError
        A file is not JSON, has other fields than `FIELDS`, or is not of the full form.
    """
    found = {}
    for file in sorted((folder or ledger_folder()).glob("*.json")):
        try:
            result = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ClaimError(file.name, "JSON", error) from error
        if not isinstance(result, dict) or tuple(result) != FIELDS:
            raise ClaimError(file.name, f"the fields {', '.join(FIELDS)}", "others")
        if result["form"] != "full" or result["name"] != file.stem:
            expected = f"the full form of {file.stem}"
            raise ClaimError(file.name, expected, f"{result['form']} of {result['name']}")
        found[result["name"]] = result
    return found
