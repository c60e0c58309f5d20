"""Which array of a file is what: names by which responses, stimuli, sources and sessions go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from sodachi.errors import DataError
from sodachi.recordings.recording import Recording

#: Names of an array, or of columns before their number (o1, stimulus_2, unit 3).
ALIASES = {
    "responses": ("responses", "response", "counts", "spikes", "rates", "units", "unit", "r"),
    "stimuli": ("stimuli", "stimulus", "inputs", "input", "observations", "o"),
    "sources": ("sources", "source", "hidden", "states", "state", "s"),
    "sessions": ("sessions", "session"),
}
#: Trials of a session where a file does not say: those of the in-vitro recordings.
USUAL = 256


def role(name: str) -> str | None:
    """Return what an array or column of this name holds, or None.

    Examples
    --------
    >>> role("o"), role("Stimulus_12"), role("unit 3"), role("temperature")
    ('stimuli', 'stimuli', 'responses', None)
    """
    bare = re.sub(r"[\s_:\-]*\d*$", "", name.strip().lower())
    for found, names in ALIASES.items():
        if bare in names:
            return found
    return None


def gather(columns: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return arrays by role from named arrays or columns, columns side by side in their order.

    Raises
    ------
    DataError
        No responses, no stimuli, or columns of different lengths.
    """
    parts: dict[str, list[np.ndarray]] = {}
    labels: dict[str, list[str]] = {}
    for label, values in columns.items():
        found = role(label)
        if found is None:
            continue
        array = np.asarray(values)
        if found == "sessions":
            parts[found] = [array.ravel()]
            continue
        array = array[:, None] if array.ndim == 1 else array
        parts.setdefault(found, []).append(array)
        labels.setdefault(found, []).extend([label] * array.shape[1])
    for needed in ("responses", "stimuli"):
        if needed not in parts:
            expected = f"{needed} (an array or columns named {', '.join(ALIASES[needed])})"
            raise DataError(name, expected, f"only {', '.join(map(str, columns)) or 'nothing'}")
    lengths = {found: {len(part) for part in arrays} for found, arrays in parts.items()}
    if len(set.union(*lengths.values())) > 1:
        said = ", ".join(f"{found} {sorted(n)}" for found, n in lengths.items())
        raise DataError(name, "as many trials everywhere", said)
    found = {key: np.concatenate(arrays, 1) if key != "sessions" else arrays[0]
             for key, arrays in parts.items()}  # fmt: skip
    distinct = {k: tuple(v) if len(set(v)) == len(v) else () for k, v in labels.items()}
    return found | {"units": distinct["responses"], "inputs": distinct["stimuli"]}


def recording(
    columns: Mapping[str, Any], name: str, *, trials: int | None = None, kind: str = "counts"
) -> Recording:
    """Return the recording that named arrays or columns make.

    ``trials`` is the length of a session; otherwise the file's own sessions count, or, where it has
    none, sessions of 256 trials are assumed (and noted) if they divide the recording.
    """
    found = gather(columns, name)
    notes: tuple[str, ...] = ()
    sessions = found.get("sessions") if trials is None else trials
    if sessions is None:
        length = len(found["responses"])
        if length % USUAL:
            expected = "sessions in the file, or their length (--trials)"
            raise DataError(f"{name}: sessions", expected, f"{length} trials and nothing more")
        sessions = USUAL
        notes = (f"the file names no sessions: {USUAL} trials each assumed",)
    sources = found.get("sources")
    return Recording(found["responses"], found["stimuli"], sources, sessions, found["units"],
                     found["inputs"], name, kind, notes)  # fmt: skip
