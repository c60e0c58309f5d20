"""Quarantine: bad rows are counted by reason, written down on request, and never reach a weight.

Rows are sorted out on the host before a chunk, so the network lives only the good ones, one after
the other, and its program never changes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from sodachi.runner.journal import Journal
from sodachi.system import Spec, Variable

#: Every reason a row may be set aside for.
REASONS = (
    "no row",
    "no input",
    "input not numbers",
    "input of another shape",
    "input NaN",
    "input infinite",
    "input beyond the limit",
    "no label",
    "label of another kind",
    "label unseen",
    "label of another shape",
    "label NaN",
    "label infinite",
    "label beyond the limit",
)


class Good(NamedTuple):
    """The rows that may be lived: their places in the source, inputs and labels.

    With rows allowed to be incomplete, an unknown input entry is NaN; an unknown label is NaN, or
    −1 where labels are categories.
    """

    places: np.ndarray
    inputs: np.ndarray
    labels: np.ndarray

    def known(self) -> np.ndarray:
        """Return which rows have a label."""
        if self.labels.dtype.kind == "i":
            return self.labels >= 0
        return np.logical_not(np.isnan(self.labels).any(tuple(range(1, self.labels.ndim))))

    def label_values(self, variable: Variable) -> np.ndarray:
        """Return the labels as values of the variable (one-hot classes), NaN where not known."""
        if variable.kind != "categorical":
            return self.labels
        values = np.eye(variable.shape[0], dtype=variable.dtype)[self.labels]
        values[~self.known()] = np.nan
        return values


class Quarantine:
    """Sorts rows ``(x, y)`` into good ones and bad ones with a reason.

    Parameters
    ----------
    spec, input, label
        The system's spec and the names of the two variables.
    incomplete
        Whether NaN in the input, and None or NaN as the label, mean "not known" and are lived as
        absent, rather than set aside.
    journal, limit
        Where bad rows are written as JSON lines, and the file's largest size in bytes; beyond it
        rows are only counted.

    Examples
    --------
    >>> spec = Spec("example", observed=(Variable("input", (2,)), Variable("label", (3,),
    ...     "categorical")))
    >>> quarantine = Quarantine(spec)
    >>> good = quarantine.sort([([0, 1], 2), ([np.nan, 1], 0), (["a", "b"], 0), ([0, 1], 3)], 10)
    >>> good.places.tolist(), dict(quarantine.counts)
    ([10], {'input NaN': 1, 'input not numbers': 1, 'label unseen': 1})
    """

    def __init__(
        self,
        spec: Spec,
        input: str = "input",
        label: str = "label",
        *,
        incomplete: bool = False,
        journal: Journal | None = None,
        limit: int = 1_000_000,
    ):
        self.input, self.label = spec.variable(input), spec.variable(label)
        self.incomplete, self.journal, self.limit = incomplete, journal, limit
        self.counts: Counter[str] = Counter()

    def sort(self, rows: Sequence[Any], first: int) -> Good:
        """Return the good rows; the bad ones are counted. ``first`` is the first row's place."""
        n, categorical = len(rows), self.label.kind == "categorical"
        inputs = np.zeros((n, *self.input.shape), self.input.dtype)
        shape = (n,) if categorical else (n, *self.label.shape)
        labels = np.zeros(shape, np.int64 if categorical else self.label.dtype)
        # What overflows becomes infinite, and is then set aside for being infinite.
        with np.errstate(over="ignore"):
            faults = [self._read(row, i, inputs, labels) for i, row in enumerate(rows)]
        self._numbers(self.input, inputs, faults)
        if not categorical:
            self._numbers(self.label, labels, faults)
        good = np.array([fault is None for fault in faults], bool)
        for i in np.flatnonzero(~good).tolist():
            self._set_aside(first + i, str(faults[i]), rows[i])
        return Good(first + np.flatnonzero(good), inputs[good], labels[good])

    def to_json(self) -> dict[str, int]:
        """Return the counts by reason."""
        return dict(sorted(self.counts.items()))

    def restore(self, counts: Mapping[str, int]) -> None:
        """Go on from saved counts."""
        self.counts = Counter(counts)

    def _read(self, row: Any, i: int, inputs: np.ndarray, labels: np.ndarray) -> str | None:
        """Put one row into the buffers; return what is wrong with it, or None."""
        if not isinstance(row, tuple | list) or len(row) != 2:
            return "no row"
        x, y = row
        return self._read_input(x, i, inputs) or self._read_label(y, i, labels)

    def _read_input(self, x: Any, i: int, inputs: np.ndarray) -> str | None:
        if x is None:
            return "no input"
        array = _numbers(x)
        if array is None:
            return "input not numbers"
        if array.shape != self.input.shape:
            return "input of another shape"
        inputs[i] = array
        return None

    def _read_label(self, y: Any, i: int, labels: np.ndarray) -> str | None:
        if y is None:
            labels[i] = -1 if self.label.kind == "categorical" else np.nan
            return None if self.incomplete else "no label"
        array = _numbers(y)
        if array is None:
            return "label of another kind"
        if self.label.kind != "categorical":
            if array.shape != self.label.shape and (array.ndim or self.label.shape != (1,)):
                return "label of another shape"
            labels[i] = array
            return None
        if array.shape != () or array.dtype.kind not in "iu":
            return "label of another kind"
        if not 0 <= int(array) < self.label.shape[0]:
            return "label unseen"
        labels[i] = array
        return None

    def _numbers(self, variable: Variable, values: np.ndarray, faults: list[str | None]) -> None:
        """Mark rows whose numbers are NaN, infinite or beyond the variable's limit."""
        rows = values.reshape(len(values), prod(variable.shape))
        what = "input" if variable == self.input else "label"
        checks = [
            ("infinite", np.isinf(rows).any(1)),
            ("beyond the limit", (np.abs(rows) > variable.limit).any(1)),
        ]
        if not self.incomplete:
            checks.insert(0, ("NaN", np.isnan(rows).any(1)))
        for reason, bad in checks:
            for i in np.flatnonzero(bad).tolist():
                faults[i] = faults[i] or f"{what} {reason}"

    def _set_aside(self, place: int, reason: str, row: Any) -> None:
        self.counts[reason] += 1
        if self.journal is None:
            return
        line = json.dumps({"row": place, "reason": reason, "content": _shown(row)}) + "\n"
        if self.journal.size + len(line.encode()) <= self.limit:
            self.journal.append(line)


def _numbers(value: Any) -> np.ndarray | None:
    """The value as an array of numbers, or None: a string is no number, even if it reads as one."""
    try:
        array = np.asarray(value)
    except Exception:  # ragged lists, and whatever a foreign object's conversion raises
        return None
    return array if array.dtype.kind in "biuf" else None


def _shown(row: Any, most: int = 200) -> str:
    try:
        text = repr(row)
    except Exception as error:  # whatever a foreign object's repr does, the life goes on
        text = f"{type(row).__name__} ({type(error).__name__})"
    return text if len(text) <= most else text[: most - 1] + "…"
