"""Read a recording from any of the formats it may come in."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from sodachi.errors import DataError
from sodachi.recordings.fields import recording
from sodachi.recordings.matlab import read_matlab
from sodachi.recordings.neo_files import read_neo
from sodachi.recordings.nwb import read_nwb
from sodachi.recordings.recording import Recording


def read_recordings(
    path: str | Path,
    *,
    trials: int | None = None,
    kind: str = "counts",
    window: tuple[float, float] | None = None,
) -> list[Recording]:
    """Return the recordings in a file, by its ending.

    ``.mat`` (MATLAB v5; v7.3 with h5py), ``.nwb`` (with pynwb), ``.npz``, ``.csv`` (a header, a row
    a trial), anything else through Neo. Names of arrays and columns: see
    `sodachi.recordings.fields`. What comes is as recorded: `clean` it.

    Parameters
    ----------
    trials
        Trials of a session, where the file does not say.
    kind
        ``"counts"``, or ``"rates"`` for responses that are no spike counts.
    window
        Seconds after the start of a trial in which spikes count (NWB, Neo).

    Raises
    ------
    DataError
        The file is missing or is not what its ending says, a library to read it is missing, or
        what it holds is no recording.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "culture.npz"
    >>> np.savez(file, r=np.ones((8, 3)), o=np.ones((8, 2)), session=np.repeat([0, 1], 4))
    >>> read_recordings(file)[0].shape
    (2, 4, 3)
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(path.name, "a file", "none of that name")
    ending = path.suffix.lower()
    if ending == ".mat":
        found = read_matlab(path)
    elif ending == ".nwb":
        found = [read_nwb(path, window)]
    elif ending == ".npz":
        found = [_npz(path)]
    elif ending == ".csv":
        found = [_csv(path)]
    else:
        return [read_neo(path, window, trials)]
    names = [path.stem] if len(found) == 1 else [f"{path.stem} {k + 1}" for k in range(len(found))]
    return [
        recording(columns, name, trials=trials, kind=kind)
        for columns, name in zip(found, names, strict=True)
    ]


def read_recording(path: str | Path, culture: int = 1, **options: Any) -> Recording:
    """Return one recording of a file, the first unless told; options of `read_recordings`."""
    found = read_recordings(path, **options)
    if not 1 <= culture <= len(found):
        raise DataError(f"{Path(path).name}: culture", f"1 to {len(found)}", culture)
    return found[culture - 1]


def _npz(path: Path) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, KeyError) as error:
        raise DataError(path.name, "an archive of plain arrays", error) from error


def _csv(path: Path) -> dict[str, Any]:
    with path.open(newline="", encoding="utf-8", errors="replace") as stream:
        rows = [row for row in csv.reader(stream) if row]
    if len(rows) < 2:
        raise DataError(path.name, "a header and rows", f"{len(rows)} rows")
    head = rows[0]
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(head):
            expected = f"{len(head)} fields in row {number}, as in the header"
            raise DataError(path.name, expected, len(row))
    columns = {}
    for k, label in enumerate(head):
        try:
            columns[label.strip()] = np.array([float(row[k] or "nan") for row in rows[1:]])
        except ValueError as error:
            raise DataError(f"{path.name}: {label}", "numbers", error) from error
    return columns
