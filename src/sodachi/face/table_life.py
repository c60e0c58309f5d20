"""A life in a table: rows in, predictions out, and everything that moves in one state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from sodachi.errors import DataError
from sodachi.face.encoding import Encoder
from sodachi.face.moments import Moments
from sodachi.face.network import (
    Network,
    classifier_network,
    input_scale,
    regressor_network,
    widened,
)
from sodachi.face.scores import Accuracy, Error
from sodachi.face.survey import Survey
from sodachi.face.tables import Row, is_missing, number

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
    target: np.ndarray
    truth: str | float | None
    scale: tuple[float, float]  # mean and deviation in which the answer is meant


class TableLife:
    """One network living through the rows of one kind of table.

    Examples
    --------
    >>> from sodachi.face.survey import Column
    >>> table = Survey((Column("x", 0),), "y", 1, "classification", ("no", "yes"))
    >>> life = TableLife(table, seed=0)
    >>> predictions, broken = life.live([Row(0, ("1", "yes")), Row(1, ("one", "no"))])
    >>> predictions[0].truth, broken[0].fault
    ('yes', "column x: expected a finite number, got 'one'")
    """

    def __init__(self, survey: Survey, seed: int):
        self.survey, self.seed = survey, seed
        self.encoder = Encoder(survey.columns)
        self.classes = {name: i for i, name in enumerate(survey.classes)}
        self.score = Accuracy() if self.classes else Error()
        self.target_moments = Moments(1)
        self.network = self._network()
        self.shared = self.network.start(seed)

    def live(self, rows: Sequence[Row]) -> tuple[list[Prediction], list[Broken]]:
        """Predict, then learn, each row in order; broken rows are put aside and move nothing."""
        read: list[_Read] = []
        broken: list[Broken] = []
        for row in rows:
            if row.fields is None:
                broken.append(Broken(row.number, row.fault))
                continue
            try:
                read.append(self._read(row.number, row.fields))
            except DataError as error:
                broken.append(Broken(row.number, str(error)))
        if not read:
            return [], broken
        scale = input_scale(len(self.survey.columns), 1.0)
        values = widened(scale * np.stack([one.values for one in read]), self.network.inputs)
        targets = np.stack([one.target for one in read])
        self.shared, answers = self.network.learn(self.shared, values, targets)
        predictions = [
            Prediction(one.row, self._said(answer, one.scale), one.truth)
            for one, answer in zip(read, answers, strict=True)
        ]
        for _, said, truth in predictions:
            if truth is not None:
                self.score.add(said, truth)  # type: ignore[arg-type]
        return predictions, broken

    def state(self) -> dict[str, Any]:
        """Return all that moves, as a tree of arrays."""
        target = self.target_moments
        return {
            "network": self.shared,
            "encoder": self.encoder.state(),
            "target": {"count": target.count, "mean": target.mean, "spread": target.spread},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave; the next prediction is the same to the last bit."""
        self.shared = state["network"]
        self.encoder.restore(state["encoder"])
        for name, array in state["target"].items():
            setattr(self.target_moments, name, np.array(array, np.float64))

    def _network(self) -> Network:
        if self.classes:
            return classifier_network(self.encoder.width, len(self.classes), UNITS)
        return regressor_network(self.encoder.width, UNITS, LABEL_PRECISION)

    def _read(self, row: int, fields: tuple[str, ...]) -> _Read:
        """Read a row: its target first, so that a row put aside has moved nothing."""
        field = fields[self.survey.target_index]
        truth = None if is_missing(field) else self._truth(field)
        values = self.encoder.encode(fields)
        scale = (self.target_moments.mean.item(), self.target_moments.deviation().item())
        return _Read(row, values, self._target(truth), truth, scale)

    def _truth(self, field: str) -> str | float:
        name = f"column {self.survey.target}"
        if self.classes:
            if field not in self.classes:
                raise DataError(name, "a class that was there at birth", repr(field[:40]))
            return field
        value = number(field)
        if value is None:
            raise DataError(name, "a finite number", repr(field[:40]))
        return value

    def _target(self, truth: str | float | None) -> np.ndarray:
        """Return the label's evidence: one-hot or standardised, NaN where it is not known."""
        target = np.full(self.network.labels, np.nan, np.float32)
        if isinstance(truth, str):
            target[:] = 0.0
            target[self.classes[truth]] = 1.0
        elif truth is not None:
            self.target_moments.update(np.array([truth]))
            target[:] = self.target_moments.standardised(np.array([truth]))
        return target

    def _said(self, answer: np.ndarray, scale: tuple[float, float]) -> str | float:
        if self.classes:
            return self.survey.classes[int(answer[: len(self.classes)].argmax())]
        return scale[0] + scale[1] * float(answer[0])
