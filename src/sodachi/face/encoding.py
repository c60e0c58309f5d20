"""From a row of words to numbers: standardised, one-hot, or absent where an entry is missing."""

from __future__ import annotations

import numpy as np

from sodachi.errors import DataError
from sodachi.face.moments import Moments
from sodachi.face.survey import Column
from sodachi.face.tables import is_missing, number


class Encoder:
    """Encodes rows as input values, NaN where an entry is missing (absent evidence).

    A numeric column is standardised by its running moments; a categorical column is one-hot, all
    zeros for a category not seen in the survey (counted in ``unseen``). Everything that changes
    is in `state`, so a checkpoint can carry it.

    Examples
    --------
    >>> encoder = Encoder((Column("x", 0), Column("c", 1, ("a", "b"))))
    >>> encoder.encode(("4", "b")).tolist()
    [0.0, 0.0, 1.0]
    >>> encoder.encode(("", "z")).tolist(), encoder.unseen.tolist()
    ([nan, 0.0, 0.0], [1])
    """

    def __init__(self, columns: tuple[Column, ...]):
        self.columns = columns
        self.numeric = [c for c in columns if c.categories is None]
        self.categorical = [c for c in columns if c.categories is not None]
        self.moments = Moments(len(self.numeric))
        self.unseen = np.zeros(len(self.categorical), np.int64)
        self.width = len(self.numeric) + sum(len(c.categories or ()) for c in self.categorical)

    def encode(self, fields: tuple[str, ...]) -> np.ndarray:
        """Take a row in and return its float32 values, shape (width,).

        Raises `DataError`, and changes nothing, if a numeric entry is not a number.
        """
        raw = np.array([_entry(column, fields) for column in self.numeric], np.float64)
        self.moments.update(raw)
        places = [self.moments.standardised(raw)]
        for i, column in enumerate(self.categorical):
            places.append(self._one_hot(i, column, fields[column.index]))
        return np.concatenate(places).astype(np.float32)

    def state(self) -> dict[str, np.ndarray]:
        """Return copies of all that the encoder has learned, as named arrays."""
        m = self.moments
        arrays = {"count": m.count, "mean": m.mean, "spread": m.spread, "unseen": self.unseen}
        return {name: array.copy() for name, array in arrays.items()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take back what `state` gave; `DataError` when a shape does not fit the columns."""
        for name, array in self.state().items():
            if name not in state or np.shape(state[name]) != array.shape:
                got = np.shape(state[name]) if name in state else "nothing"
                raise DataError(f"encoder {name}", f"shape {array.shape}", got)
        self.moments.count = np.array(state["count"], np.float64)
        self.moments.mean = np.array(state["mean"], np.float64)
        self.moments.spread = np.array(state["spread"], np.float64)
        self.unseen = np.array(state["unseen"], np.int64)

    def _one_hot(self, i: int, column: Column, field: str) -> np.ndarray:
        categories = column.categories or ()
        if is_missing(field):
            return np.full(len(categories), np.nan)
        hot = np.array([field == category for category in categories], np.float64)
        self.unseen[i] += not hot.any()
        return hot


def _entry(column: Column, fields: tuple[str, ...]) -> float:
    field = fields[column.index]
    if is_missing(field):
        return float("nan")
    value = number(field)
    if value is None:
        raise DataError(f"column {column.name}", "a finite number", repr(field[:40]))
    return value
