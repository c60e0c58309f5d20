"""Checkpoints: a life in one file that is always whole, always its own, and resumes bit for bit.

The file is a safetensors container (see `container`) holding the state's tensors and, as JSON,
the state's structure, the spec, the place in the source, and what bits depend on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sodachi.errors import CheckpointError, SpecError
from sodachi.runner.container import pack, unpack
from sodachi.runner.environment import compare, environment
from sodachi.runner.files import write_atomically
from sodachi.runner.tree import flatten, unflatten
from sodachi.system import Spec

#: Version of what the container holds; a file with a higher one is refused.
FORMAT = 1


class Checkpoint(NamedTuple):
    """A saved life: leaves of ``state`` are NumPy arrays of their own (random keys are keys).

    ``offset`` is the place in the source from which to go on, ``extra`` what the saver put in,
    ``environment`` what was stored of versions, flags and threads.
    """

    state: Any
    spec: Spec
    offset: int
    extra: dict[str, Any]
    environment: dict[str, Any]


def save(
    path: Path | str,
    state: Any,
    spec: Spec,
    offset: int = 0,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Save a life, whole or not at all, and return only when it is on the disk.

    Equal lives give equal files, byte for byte, in one environment.

    Parameters
    ----------
    path
        The file, replaced if it is there; the folder must exist.
    state
        Arrays and random keys in dicts, lists, tuples and named tuples.
    spec
        What the system is.
    offset
        Rows of the source that are in the state already.
    extra
        JSON values that belong to the life (metrics, lengths of journals).

    Raises
    ------
    CheckpointError
        If something in the state cannot be written, or the disk is full or fails: the old file is
        still loadable then, and no other file is left.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> path = Path(tempfile.mkdtemp()) / "life.safetensors"
    >>> save(path, {"w": np.float32([1, 2])}, Spec("example"), offset=3)
    >>> load(path).state["w"].tolist(), load(path).offset
    ([1.0, 2.0], 3)
    """
    write_atomically(path, to_bytes(state, spec, offset, extra))


def load(path: Path | str, spec: Spec | None = None) -> Checkpoint:
    """Load a life; a different jaxlib, flags or threads are logged as a warning.

    Raises
    ------
    CheckpointError
        If the file is missing, changed in any byte, cut short, of a newer format, too large in its
        header, or of another system than ``spec`` (when given). Names the field.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise CheckpointError(str(path), "a readable file", error.strerror or error) from error
    return from_bytes(data, spec, name=str(path))


def to_bytes(
    state: Any, spec: Spec, offset: int = 0, extra: Mapping[str, Any] | None = None
) -> bytes:
    """Return the bytes that `save` writes."""
    structure, tensors = flatten(state)
    about = {
        "format": FORMAT,
        "spec": json.loads(spec.to_json()),
        "offset": int(offset),
        "environment": environment(),
        "tree": structure,
        "extra": dict(extra or {}),
    }
    return pack(tensors, about)


def from_bytes(data: bytes | bytearray, spec: Spec | None = None, name: str = "checkpoint"):
    """Return the `Checkpoint` in some bytes, with the refusals of `load`."""
    tensors, about = unpack(data, name)
    version = about.get("format")
    if not isinstance(version, int) or version < 1:
        raise CheckpointError(f"{name} format", f"a version up to {FORMAT}", version)
    if version > FORMAT:
        got = f"{version}, written by a newer sodachi"
        raise CheckpointError(f"{name} format", f"a version up to {FORMAT}", got)
    try:
        stored = Spec.from_json(json.dumps(about["spec"]))
        offset, extra, where = about["offset"], about["extra"], about["environment"]
        structure = about["tree"]
    except (KeyError, SpecError) as error:
        raise CheckpointError(f"{name} metadata", "spec, offset, extra, tree", error) from error
    if type(offset) is not int or not isinstance(extra, dict) or not isinstance(where, dict):
        raise CheckpointError(f"{name} metadata", "a whole offset and two objects", "other types")
    if spec is not None:
        _same_spec(stored, spec, name)
    state = unflatten(structure, tensors)
    compare(where, name)
    return Checkpoint(state, stored, offset, extra, where)


def _same_spec(stored: Spec, wanted: Spec, name: str) -> None:
    """Refuse another system's checkpoint, naming the innermost field that differs."""
    ours, theirs = json.loads(wanted.to_json()), json.loads(stored.to_json())
    field = f"{name} spec"
    while ours != theirs:
        if not (isinstance(ours, dict) and isinstance(theirs, dict) and set(ours) == set(theirs)):
            raise CheckpointError(field, ours, theirs)
        # A factory comes before its arguments: those of another one mean nothing.
        differing = [key for key in ours if ours[key] != theirs[key]]
        key = min(differing, key=lambda key: (key != "factory", key != "arguments", key))
        field, ours, theirs = f"{field}.{key}", ours[key], theirs[key]
