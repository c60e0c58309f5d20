"""The IDX format of MNIST: a magic number, the lengths, and unsigned bytes."""

from __future__ import annotations

import struct

import numpy as np

from sodachi.errors import DataError


def parse_idx(content: bytes, field: str = "idx") -> np.ndarray:
    r"""Return the array of unsigned bytes in ``content``, which must hold nothing else.

    The header is big-endian: two zero bytes, the type (8, unsigned byte), the number of
    dimensions, and one 32-bit length for each.

    Raises
    ------
    DataError
        Another type, a cut header, or lengths that do not multiply to the number of bytes.

    Examples
    --------
    >>> parse_idx(b"\x00\x00\x08\x01" + b"\x00\x00\x00\x02" + b"\x05\x07")
    array([5, 7], dtype=uint8)

    References
    ----------
    LeCun, Cortes & Burges, the MNIST database (1998).
    """
    if len(content) < 4 or content[:3] != b"\x00\x00\x08":
        raise DataError(field, "an IDX header of unsigned bytes", content[:4].hex() or "nothing")
    dimensions = content[3]
    start = 4 + 4 * dimensions
    if dimensions == 0 or len(content) < start:
        got = f"{dimensions} dimensions, {len(content)} bytes"
        raise DataError(field, "an IDX header with its lengths", got)
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    expected = 1
    for length in shape:  # Python's integers do not overflow
        expected *= length
    if len(content) - start != expected:
        raise DataError(field, f"{expected} bytes for shape {shape}", len(content) - start)
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
