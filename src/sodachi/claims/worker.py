"""Measure seeds of a claim in a process of its own: ``python -m sodachi.claims.worker``.

Arguments: the claim's module, the form, a folder, and seeds, one after another. Each finished row
is appended to the seed's file as one line of JSON; rows that the file has are not measured again.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from sodachi.claims.claim import Claim
from sodachi.errors import ClaimError


def find_claim(module: str) -> Claim:
    """Return the ``CLAIM`` of a module; `ClaimError` where there is none."""
    try:
        claim = importlib.import_module(module).CLAIM
    except (ImportError, AttributeError) as error:
        raise ClaimError("claim", "a module with a CLAIM", f"{module} ({error})") from error
    if not isinstance(claim, Claim):
        raise ClaimError(f"{module}.CLAIM", "a Claim", type(claim).__name__)
    return claim


def measure(claim: Claim, form: str, seed: int, file: Path) -> None:
    """Measure the rows of a seed that the file does not have, appending each when it is done."""
    done = read_rows(file)
    for row, function in claim.rows(seed, form).items():
        if row in done:
            continue
        started = time.process_time()
        figures = {name: float(value) for name, value in function().items()}
        line = {"row": row, "figures": figures, "seconds": time.process_time() - started}
        with file.open("a", encoding="utf-8") as out:
            out.write(json.dumps(line, sort_keys=True) + "\n")
            out.flush()
            os.fsync(out.fileno())


def read_rows(file: Path) -> dict[str, dict[str, Any]]:
    """Return the finished rows of a file by name; a line cut short by a kill is dropped.

    The file itself is mended then, so that the next line does not join a broken one.
    """
    if not file.exists():
        return {}
    rows, whole = {}, []
    for text in file.read_text(encoding="utf-8").splitlines():
        try:
            line = json.loads(text)
            rows[line["row"]] = line
            whole.append(text)
        except (ValueError, KeyError, TypeError):
            continue
    mended = "".join(text + "\n" for text in whole)
    if file.read_text(encoding="utf-8") != mended:
        new = file.with_suffix(".new")
        new.write_text(mended, encoding="utf-8")
        os.replace(new, file)
    return rows


if __name__ == "__main__":
    module, form, folder, *seeds = sys.argv[1:]
    for seed in map(int, seeds):
        try:
            measure(find_claim(module), form, seed, Path(folder) / f"{seed}.jsonl")
        except Exception as error:
            error.add_note(f"seed {seed}: {error}")  # the last line is what a run repeats
            raise
