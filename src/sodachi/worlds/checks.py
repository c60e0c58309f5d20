"""What a stream accepts: finite rows, labels from 0, whole numbers."""

from __future__ import annotations

import numpy as np

from sodachi.errors import SpecError


def rows(X) -> np.ndarray:
    """Return a float32 copy, so that the caller's later changes do not reach the stream."""
    X = np.array(X)
    if X.ndim != 2 or X.dtype.kind not in "fiub" or 0 in X.shape:
        raise SpecError("X", "numbers [n, d]", f"{X.dtype} {list(X.shape)}")
    with np.errstate(over="ignore"):
        X = X.astype(np.float32)
    if not np.isfinite(X).all():
        raise SpecError("X", "finite float32 numbers", "NaN or infinity")
    return X


def labels(y) -> np.ndarray:
    """Return an int32 copy of labels that count from 0."""
    y = np.array(y)
    if y.ndim != 1 or y.dtype.kind not in "iu" or len(y) == 0 or y.min() < 0:
        raise SpecError("y", "whole numbers from 0, [n]", f"{y.dtype} {list(y.shape)}")
    return y.astype(np.int32)


def whole(field: str, value: int, least: int) -> int:
    """Return a whole number that is not below ``least``."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise SpecError(field, f"a whole number of at least {least}", repr(value))
    return int(value)
