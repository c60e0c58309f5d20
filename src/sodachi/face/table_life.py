"""A life in a table: rows in, predictions out, and everything that moves in one state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from sodachi.errors import DataError
from sodachi.face.encoding import Encoder
from sodachi.face.history import History
from sodachi.face.moments import Moments
from sodachi.face.network import (
    Network,
    classifier_network,
    input_scale,
    regressor_network,
    widened,
)
from sodachi.face.scores import Accuracy, Error
from sodachi.face.survey import MOST_CLASSES, Column, Survey
from sodachi.face.tables import Row, entry, is_missing, number
from sodachi.models.emergence import rescaled
from sodachi.models.emergence import widened as with_more_room

#: Units of the network: the most rows it holds as such.
UNITS = 256
#: Precision of a regression's target (see `SettlingRegressor`).
LABEL_PRECISION = 16.0


class Prediction(NamedTuple):
    """What was said of a row before it was learned; ``truth`` is None where it is not known."""

    row: int
    said: str | float
    truth: str | float | None


class Broken(NamedTuple):
    """A row that was put aside, and why; it moved nothing."""

    row: int
    fault: str


class _Read(NamedTuple):
    row: int
    values: np.ndarray
    told: float | None  # a number to learn, standardised
    truth: str | float | None
    scale: tuple[float, float]  # mean and deviation in which the answer is meant


class TableLife:
    """One network living through the rows of one kind of table.

    Columns, categories and classes that were not there at birth emerge: each gets a place of its
    own when it first comes, and the network is widened where it has none left. A column that goes
    is not observed from then on. With ``fixed`` nothing emerges: a row with a new class or column
    is put aside.

    Examples
    --------
    >>> from sodachi.face.survey import Column
    >>> table = Survey((Column("x", 0),), "y", 1, "classification", ("no", "yes"))
    >>> life = TableLife(table, seed=0)
    >>> predictions, broken = life.live([Row(0, ("1", "yes")), Row(1, ("one", "no"))])
    >>> predictions[0].truth, broken[0].fault
    ('yes', "column x: expected a finite number, got 'one'")
    >>> _ = life.live([Row(2, ("1", "perhaps", "7"))], ("x", "y", "z"))
    >>> life.changes(3)
    ['column z emerged at row 2', 'class perhaps emerged at row 2']
    """

    def __init__(self, survey: Survey, seed: int, fixed: bool = False):
        self.survey, self.seed, self.fixed = survey, seed, fixed
        self.encoder = Encoder(survey.columns, emerging=not fixed)
        self.classes = {name: i for i, name in enumerate(survey.classes)}
        self.score = Accuracy() if self.classes else Error()
        self.target_moments = Moments(1)
        self.columns_seen, self.classes_seen = History(), History()
        self.names: tuple[str, ...] = ()
        self.network, self.scale = self._network(), self._scale()
        self.shared = self.network.start(seed)

    def live(
        self, rows: Sequence[Row], names: tuple[str, ...] = ()
    ) -> tuple[list[Prediction], list[Broken]]:
        """Predict, then learn, each row in order; broken rows are put aside and move nothing.

        ``names`` are those of all columns that have come by the end of these rows.
        """
        self.names = names
        read: list[_Read] = []
        broken: list[Broken] = []
        predictions: list[Prediction] = []
        for row in rows:
            if row.fields is None:
                broken.append(Broken(row.number, row.fault))
                continue
            try:
                one = self._read(row.number, row.fields)
            except DataError as error:
                broken.append(Broken(row.number, str(error)))
                continue
            if not self._fits():
                # What came before lived in the network as it was, wherever this call was cut.
                predictions += self._live(read)
                read = []
                self._make_room()
            read.append(one)
        predictions += self._live(read)
        for _, said, truth in predictions:
            if truth is not None:
                self.score.add(said, truth)  # type: ignore[arg-type]
        return predictions, broken

    def changes(self, rows: int) -> list[str]:
        """Return in words which columns and classes came late, and which have gone."""
        at_birth = [column.name for column in self.survey.columns]
        columns = self.columns_seen.lines("column", rows, at_birth)
        return columns + self.classes_seen.lines("class", rows, self.survey.classes)

    def state(self) -> dict[str, Any]:
        """Return all that moves, as a tree of arrays."""
        target = self.target_moments
        return {
            "network": self.shared,
            "encoder": self.encoder.state(),
            "target": {"count": target.count, "mean": target.mean, "spread": target.spread},
        }

    def notes(self) -> dict[str, Any]:
        """Return as JSON values what has emerged, and when everything came and went."""
        return {
            "encoder": self.encoder.notes(),
            "classes": list(self.classes),
            "columns_seen": self.columns_seen.state(),
            "classes_seen": self.classes_seen.state(),
        }

    def restore(self, state: dict[str, Any], notes: dict[str, Any] | None = None) -> None:
        """Go on from what `state` and `notes` gave; the next prediction is the same to the bit."""
        if notes is not None:
            self.encoder.recall(notes["encoder"])
            self.classes = {name: i for i, name in enumerate(notes["classes"])}
            self.columns_seen = History(notes["columns_seen"])
            self.classes_seen = History(notes["classes_seen"])
            self.network, self.scale = self._network(), self._scale()
        self.shared = state["network"]
        self.encoder.restore(state["encoder"])
        for name, array in state["target"].items():
            setattr(self.target_moments, name, np.array(array, np.float64))

    def _live(self, read: list[_Read]) -> list[Prediction]:
        """Predict and learn rows that the network has room for."""
        if not read:
            return []
        rows = [widened(self.scale * one.values[None], self.network.inputs) for one in read]
        targets = np.stack([self._target(one) for one in read])
        self.shared, answers = self.network.learn(self.shared, np.concatenate(rows), targets)
        return [
            Prediction(one.row, self._said(answer, one.scale), one.truth)
            for one, answer in zip(read, answers, strict=True)
        ]

    def _network(self) -> Network:
        emerging = not self.fixed
        if self.survey.classes:
            return classifier_network(self.encoder.width, len(self.classes), UNITS, emerging)
        return regressor_network(self.encoder.width, UNITS, LABEL_PRECISION, emerging)

    def _scale(self) -> float:
        """Return the factor of standardised inputs, by the number of columns that have come."""
        return input_scale(len(self.encoder.columns), 1.0)

    def _fits(self) -> bool:
        labels, inputs = max(len(self.classes), 1), self.encoder.width
        room = labels <= self.network.labels and inputs <= self.network.inputs
        return room and self.scale == self._scale()

    def _make_room(self) -> None:
        """Go on with more columns, in a network with more room if need be; nothing is forgotten."""
        network, scale = self._network(), self._scale()
        if network is not self.network:
            self.shared = with_more_room(self.shared, network.start(self.seed))
        if scale != self.scale:
            self.shared = rescaled(self.shared, scale / self.scale)
        self.network, self.scale = network, scale

    def _read(self, row: int, fields: tuple[str, ...]) -> _Read:
        """Read a row; its target and numbers are checked before anything moves."""
        field = entry(fields, self.survey.target_index)
        truth = None if is_missing(field) else self._truth(field)
        emerged = self._emerged(fields)
        self.encoder.check(fields)
        for column in emerged:
            self.encoder.emerge(column)
        values = self.encoder.encode(fields)
        if isinstance(truth, str):
            self.classes.setdefault(truth, len(self.classes))
            self.classes_seen.note(row, [truth])
        present = [c.name for c in self.encoder.columns if not is_missing(entry(fields, c.index))]
        self.columns_seen.note(row, present)
        scale = (self.target_moments.mean.item(), self.target_moments.deviation().item())
        told = None
        if isinstance(truth, float):
            self.target_moments.update(np.array([truth]))
            told = self.target_moments.standardised(np.array([truth])).item()
        return _Read(row, values, told, truth, scale)

    def _emerged(self, fields: tuple[str, ...]) -> list[Column]:
        """Return the columns that are known for the first time in this row."""
        known = {column.index for column in self.encoder.columns} | {self.survey.target_index}
        columns = []
        for index, field in enumerate(fields):
            if index in known or is_missing(field):
                continue
            name = self.names[index] if index < len(self.names) else f"{index}"
            if self.fixed:
                raise DataError(f"column {name}", "a column that was there at birth", field[:40])
            if column := self.encoder.judge(name, index, field):
                columns.append(column)
        return columns

    def _truth(self, field: str) -> str | float:
        name = f"column {self.survey.target}"
        if self.classes:
            if field not in self.classes and self.fixed:
                raise DataError(name, "a class that was there at birth", repr(field[:40]))
            if field not in self.classes and len(self.classes) == MOST_CLASSES:
                raise DataError(name, f"at most {MOST_CLASSES} classes", f"another, {field[:40]!r}")
            return field
        value = number(field)
        if value is None:
            raise DataError(name, "a finite number", repr(field[:40]))
        return value

    def _target(self, read: _Read) -> np.ndarray:
        """Return the label's evidence: one-hot or standardised, NaN where it is not known."""
        target = np.full(self.network.labels, np.nan, np.float32)
        if isinstance(read.truth, str):
            target[:] = 0.0
            target[self.classes[read.truth]] = 1.0
        elif read.told is not None:
            target[:] = read.told
        return target

    def _said(self, answer: np.ndarray, scale: tuple[float, float]) -> str | float:
        if self.classes:
            return list(self.classes)[int(answer[: len(self.classes)].argmax())]
        return scale[0] + scale[1] * float(answer[0])
