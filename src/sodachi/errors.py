"""Typed errors: each names a field, what was expected there and what came instead."""

from __future__ import annotations

from typing import Any


class SodachiError(Exception):
    """Base of all errors: ``field: expected X, got Y`` on one line.

    Examples
    --------
    >>> str(SodachiError("image", "shape (8, 8)", "shape (7, 8)"))
    'image: expected shape (8, 8), got shape (7, 8)'
    """

    def __init__(self, field: str, expected: Any, got: Any):
        self.field, self.expected, self.got = field, expected, got
        super().__init__(" ".join(f"{field}: expected {expected}, got {got}".split()))

    def __reduce__(self):
        """Rebuild from the three fields (worker processes send errors back)."""
        return type(self), (self.field, self.expected, self.got)


class SpecError(SodachiError, ValueError):
    """A system, connection or rule was described wrongly."""


class ObservationError(SodachiError, ValueError):
    """An observation does not fit the spec; no state was touched."""


class CheckpointError(SodachiError):
    """A checkpoint is missing, changed, cut short, too new, or another system's."""


class LockError(SodachiError):
    """Another process is using this folder."""


class DataError(SodachiError):
    """A data set or a row of data is missing or not what it should be."""


class ConformanceError(SodachiError):
    """A system breaks promises of the protocol; ``got`` lists each with field and expectation."""


class ClaimError(SodachiError):
    """A claim is unknown or cannot be compared."""


class CommandError(SodachiError):
    """The command line was used wrongly."""
