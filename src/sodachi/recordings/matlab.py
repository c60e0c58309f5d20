"""MATLAB files, v5 by SciPy and v7.3 by h5py: cells of structs, a struct, or plain variables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sodachi.errors import DataError
from sodachi.recordings.fields import role


def read_matlab(path: Path) -> list[dict[str, Any]]:
    """Return the named arrays of each culture in a file.

    Raises
    ------
    DataError
        Not a MATLAB file, h5py missing for a v7.3 file, or no variables that could be a recording.
    """
    with path.open("rb") as stream:
        head = stream.read(520)
    new = head[:8] == b"\x89HDF\r\n\x1a\n" or head[512:520] == b"\x89HDF\r\n\x1a\n"
    content = _read_new(path) if new or b"MATLAB 7.3" in head else _read_old(path)
    found = list(cultures(content))
    if not found:
        said = ", ".join(content) or "nothing"
        raise DataError(path.name, "variables for responses (r) and stimuli (o)", said)
    return found


def _read_old(path: Path) -> dict[str, Any]:
    import scipy.io
    from scipy.io.matlab import MatReadError

    content: Any
    try:
        content = scipy.io.loadmat(path, simplify_cells=True)
    except (MatReadError, ValueError, TypeError, NotImplementedError, OSError) as error:
        raise DataError(path.name, "a MATLAB file", error) from error
    return {str(name): value for name, value in content.items() if not str(name).startswith("__")}


def _read_new(path: Path) -> dict[str, Any]:
    try:
        import h5py
    except ImportError as error:
        expected = "h5py for files of MATLAB 7.3: pip install 'sodachi[recordings]'"
        raise DataError(path.name, expected, error) from error
    try:
        with h5py.File(path, "r") as file:
            names = [str(name) for name in file if not str(name).startswith("#")]
            return {name: _plain(file, file[name]) for name in names}
    except OSError as error:
        raise DataError(path.name, "a MATLAB file", error) from error


def _plain(file, item) -> Any:
    """Return arrays as MATLAB shows them (HDF5 has their axes turned round)."""
    import h5py

    if isinstance(item, h5py.Group):
        return {name: _plain(file, item[name]) for name in item}
    value = np.asarray(item[()])
    if value.dtype == object:  # a cell, or an array of structs: references
        return [_plain(file, file[reference]) for reference in value.T.ravel()]
    return value.T


def cultures(content: Any):
    """Yield the named arrays of each culture: structs with responses and stimuli, however deep."""
    if isinstance(content, dict):
        if {"responses", "stimuli"} <= {role(name) for name in content}:
            yield from _split(content)
        else:
            for value in content.values():
                yield from cultures(value)
    elif isinstance(content, list) or (isinstance(content, np.ndarray) and content.dtype == object):
        for value in content:
            yield from cultures(value)


def _split(content: dict[str, Any]):
    """A struct array of v7.3 is a struct of lists: one culture an entry."""
    lists = {name: value for name, value in content.items() if isinstance(value, list)}
    if not lists:
        yield content
        return
    for k in range(min(len(value) for value in lists.values())):
        yield {name: value[k] for name, value in lists.items()}
