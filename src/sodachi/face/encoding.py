"""From a row of words to numbers: standardised, one-hot, or absent where an entry is missing."""

from __future__ import annotations

from typing import Any

import numpy as np

from sodachi.errors import DataError
from sodachi.face.moments import Moments
from sodachi.face.survey import LONGEST_CATEGORY, MOST_CATEGORIES, Column
from sodachi.face.tables import entry, is_missing, number


class Encoder:
    """Encodes rows as input values, NaN where an entry is missing (absent evidence).

    A numeric column is standardised by its running moments, which begin when it does; a categorical
    column is one-hot. With ``emerging`` a category that comes late gets the next place (up to 64 a
    column), and `emerge` adds a column; what has a place keeps it. Without, or where there is no
    room, such a category is all zeros and counted in ``unseen``. Everything that changes is in
    `state` and `notes`, so a checkpoint can carry it.

    Examples
    --------
    >>> encoder = Encoder((Column("x", 0), Column("c", 1, ("a", "b"))))
    >>> encoder.encode(("4", "b")).tolist()
    [0.0, 0.0, 1.0]
    >>> encoder.encode(("", "z")).tolist(), encoder.unseen.tolist()
    ([nan, 0.0, 0.0], [1])
    """

    def __init__(self, columns: tuple[Column, ...], emerging: bool = False):
        self.emerging = emerging
        self.columns: list[Column] = []
        self.numeric: list[Column] = []
        self.categorical: list[Column] = []
        self.moments = Moments(0)
        self.unseen = np.zeros(0, np.int64)
        self.width = 0
        self._places: dict[str, int] = {}  # of numeric columns
        self._categories: dict[str, dict[str, int]] = {}
        for column in sorted(columns, key=lambda c: c.categories is not None):
            self.emerge(column)
        self._at_birth = len(columns)

    def emerge(self, column: Column) -> None:
        """Take another column in: it gets places of its own, and moments that begin now."""
        self.columns.append(column)
        if column.categories is None:
            self.numeric.append(column)
            self.moments.widen(len(self.numeric))
            self._places[column.name] = self._next()
        else:
            self.categorical.append(column)
            self.unseen = np.append(self.unseen, 0)
            self._categories[column.name] = {name: self._next() for name in column.categories}

    def judge(self, name: str, index: int, field: str) -> Column | None:
        """Return the column of which this is the first entry, None for text that is no category."""
        if number(field) is not None:
            return Column(name, index)
        return Column(name, index, ()) if len(field) <= LONGEST_CATEGORY else None

    def check(self, fields: tuple[str, ...]) -> np.ndarray:
        """Return the numbers of the numeric columns; `DataError` if an entry is not one."""
        return np.array([_entry(column, fields) for column in self.numeric], np.float64)

    def encode(self, fields: tuple[str, ...]) -> np.ndarray:
        """Take a row in and return its float32 values, shape (width,).

        Raises `DataError`, and changes nothing, if a numeric entry is not a number.
        """
        raw = self.check(fields)
        self.moments.update(raw)
        words = [entry(fields, column.index) for column in self.categorical]
        for i, (column, word) in enumerate(zip(self.categorical, words, strict=True)):
            self._admit(i, column, word)
        values = np.full(self.width, np.nan)
        values[list(self._places.values())] = self.moments.standardised(raw)
        for column, word in zip(self.categorical, words, strict=True):
            if not is_missing(word):
                for category, place in self._categories[column.name].items():
                    values[place] = word == category
        return values.astype(np.float32)

    def state(self) -> dict[str, np.ndarray]:
        """Return copies of all that the encoder has learned, as named arrays."""
        m = self.moments
        arrays = {"count": m.count, "mean": m.mean, "spread": m.spread, "unseen": self.unseen}
        return {name: array.copy() for name, array in arrays.items()}

    def notes(self) -> dict[str, Any]:
        """Return as JSON values what has emerged since birth, with its places."""
        late = self.columns[self._at_birth :]
        return {
            "columns": [[c.name, c.index, c.categories] for c in late],
            "numeric": self._places,
            "categories": self._categories,
            "width": self.width,
        }

    def recall(self, notes: dict[str, Any]) -> None:
        """Take back what `notes` gave, in an encoder of the same columns at birth."""
        for name, index, categories in notes["columns"]:
            self.emerge(Column(name, index, None if categories is None else tuple(categories)))
        self._places = dict(notes["numeric"])
        self._categories = {name: dict(places) for name, places in notes["categories"].items()}
        self.width = notes["width"]

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

    def _next(self) -> int:
        self.width += 1
        return self.width - 1

    def _admit(self, i: int, column: Column, word: str) -> None:
        """Give a new category a place, or count it as unseen."""
        places = self._categories[column.name]
        if is_missing(word) or word in places:
            return
        room = len(places) < MOST_CATEGORIES and len(word) <= LONGEST_CATEGORY
        if self.emerging and room:
            places[word] = self._next()
        else:
            self.unseen[i] += 1


def _entry(column: Column, fields: tuple[str, ...]) -> float:
    field = entry(fields, column.index)
    if is_missing(field):
        return float("nan")
    value = number(field)
    if value is None:
        raise DataError(f"column {column.name}", "a finite number", repr(field[:40]))
    return value
