"""The checkpoint's container: one safetensors file in which every changed byte is noticed.

Layout: 8 bytes (length of the header), the header in JSON, the tensors' bytes. The header begins
with `START`, so the digest stands at a fixed place: 64 lowercase hexadecimal digits that are the
SHA-256 of **the whole file with these 64 bytes replaced by the character 0**. The check comes
before anything is parsed. It proves integrity (disks, copies, cut files), not who wrote the file.

Equal contents give equal bytes: the metadata is one entry and tensors are ordered.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from sodachi.errors import CheckpointError

#: How every header begins; a later format keeps this, so that it can be named as newer.
START = b'{"__metadata__":{"sodachi":"{\\"sha256\\":\\"'
HEADER_LIMIT = 1_000_000
TENSOR_LIMIT = 10_000

_LENGTH = 8
_DIGEST = slice(_LENGTH + len(START), _LENGTH + len(START) + 64)
_BLANK = b"0" * 64


def pack(tensors: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> bytes:
    """Return the bytes of a container with ``about`` (JSON values) as its metadata.

    Raises
    ------
    CheckpointError
        If ``about`` is not JSON, or header or number of tensors are beyond what `unpack` takes.

    Examples
    --------
    >>> tensors, about = unpack(pack({"w": np.ones(2)}, {"offset": 7}))
    >>> tensors["w"].tolist(), about
    ([1.0, 1.0], {'offset': 7})
    """
    _limit("tensors", len(tensors), TENSOR_LIMIT)
    try:
        text = json.dumps(
            {"sha256": _BLANK.decode(), **about}, separators=(",", ":"), allow_nan=False
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise CheckpointError("metadata", "finite JSON values", error) from error
    data = bytearray(save_tensors(dict(tensors), metadata={"sodachi": text}))
    _limit("header bytes", int.from_bytes(data[:_LENGTH], "little"), HEADER_LIMIT)
    data[_DIGEST] = _digest(data)
    return bytes(data)


def unpack(data: bytes | bytearray, name: str = "checkpoint"):
    """Return ``(tensors, about)`` of a container's bytes, after the digest has been checked.

    Raises
    ------
    CheckpointError
        If the bytes are cut short, not a checkpoint, changed anywhere, or too large in header or
        number of tensors; ``name`` is what the message calls them.
    """
    header = _header(data, name)
    if data[_DIGEST] != _digest(data):
        raise CheckpointError(
            f"{name} sha256", bytes(data[_DIGEST]).decode("latin-1"), _digest(data).decode()
        )
    try:
        entries = json.loads(header)
        _limit(f"{name} tensors", len(entries) - 1, TENSOR_LIMIT)
        about = json.loads(entries["__metadata__"]["sodachi"])
        del about["sha256"]
        # Copies: arrays of their own, not windows into the file's bytes.
        tensors = {n: np.array(t) for n, t in load_tensors(bytes(data)).items()}
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError, OverflowError,
            RecursionError) as error:  # fmt: skip
        raise CheckpointError(name, "a readable header and tensors", repr(error)) from error
    return tensors, about


def _header(data: bytes | bytearray, name: str) -> bytes:
    if len(data) < _LENGTH:
        raise CheckpointError(f"{name} length", f"{_LENGTH} bytes or more", len(data))
    length = int.from_bytes(data[:_LENGTH], "little")
    start = bytes(data[_LENGTH : _LENGTH + len(START)])
    if not START.startswith(start):
        raise CheckpointError(f"{name} format", "a sodachi checkpoint", "another kind of file")
    _limit(f"{name} header bytes", length, HEADER_LIMIT)
    least = max(_LENGTH + length, _DIGEST.stop)
    if len(data) < least:
        got = f"{len(data)} bytes (cut short)"
        raise CheckpointError(f"{name} length", f"{least} bytes or more", got)
    return bytes(data[_LENGTH : _LENGTH + length])


def _digest(data: bytes | bytearray) -> bytes:
    view, sha = memoryview(data), hashlib.sha256()
    for part in (view[: _DIGEST.start], _BLANK, view[_DIGEST.stop :]):
        sha.update(part)
    return sha.hexdigest().encode("ascii")


def _limit(field: str, value: int, most: int) -> None:
    if value > most:
        raise CheckpointError(field, f"at most {most}", value)
