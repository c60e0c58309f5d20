"""A classifier of dictionaries that come one by one, with river's methods."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from functools import cache
from typing import Any

import numpy as np

from sodachi.errors import ObservationError, SpecError
from sodachi.face.history import History
from sodachi.face.network import classifier_network, input_scale
from sodachi.models.emergence import rescaled


class StreamClassifier:
    r"""Classify a stream of feature dictionaries: `predict_one`, then `learn_one`, for ever.

    The settling mixture of `sodachi.models.settling_mixture` from rest at every sample: the
    answer is ``Σ_k h_k V_k`` with ``h = softmax(−½β|s·x − m|²)`` and
    ``s = 3.5 √(sharpness/d)`` for the d features that have come so far. Features should be
    standardised (put river's ``StandardScaler`` before it). A feature that is missing, None or NaN
    in a sample is not observed. Features and classes may emerge at any time within the capacity,
    and vanish: no unit is judged by a feature that it has never met. `seen` tells when each was
    there.

    Parameters
    ----------
    features, classes
        Capacity: the most different features and classes of a life.
    units
        Capacity of the network: the most samples it can hold as units.
    sharpness
        How sharply units compete, 1 for the mixture's own scale.
    seed
        Seed of the network.

    Raises
    ------
    SpecError
        For a capacity or sharpness that is not positive.
    ObservationError
        For a feature that is no finite number, an empty sample, or a feature or class beyond the
        capacity; nothing is learned then.

    Examples
    --------
    >>> model = StreamClassifier(units=8)
    >>> model.predict_one({"height": 1.0}) is None
    True
    >>> for x, y in [(0.0, "low"), (1.0, "high"), (0.1, "low")]:
    ...     model.learn_one({"height": x}, y)
    >>> model.predict_one({"height": 0.9})
    'high'
    """

    #: What river asks of an estimator: targets are taught, and there may be many classes.
    _supervised = True
    _multiclass = True

    def __init__(
        self,
        features: int = 64,
        classes: int = 16,
        units: int = 256,
        sharpness: float = 1.0,
        seed: int = 0,
    ):
        given = {"features": features, "classes": classes, "units": units}
        for name, value in given.items():
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise SpecError(name, "a positive integer", value)
        if not sharpness > 0:
            raise SpecError("sharpness", "a positive number", sharpness)
        self.features, self.classes, self.units = features, classes, units
        self.sharpness, self.seed = sharpness, seed
        self._network = classifier_network(features, classes, units, True)
        self._shared = self._network.start(seed)
        self._columns: dict[Hashable, int] = {}
        self._labels: dict[Hashable, int] = {}
        self._scale: float | None = None
        self._features_seen, self._classes_seen = History(), History()
        self._samples = 0
        _tell_river()

    def learn_one(self, x: Mapping[Hashable, Any], y: Hashable) -> None:
        """Learn one sample; an error leaves every weight and name as it was."""
        if y is None or y != y:
            raise ObservationError("y", "a class", repr(y))
        columns = dict(self._columns)
        values = self._values(x, columns, grow=True)
        labels = dict(self._labels)
        place = labels.setdefault(y, len(labels))
        if place >= self.classes:
            raise ObservationError("y", f"at most {self.classes} classes", f"another, {y!r}")
        target = np.zeros(self._network.labels, np.float32)
        target[place] = 1.0
        scale = self._scale
        if scale is None or len(columns) > len(self._columns):
            scale = input_scale(len(columns), self.sharpness)
            if self._scale is not None:
                self._shared = rescaled(self._shared, scale / self._scale)
        values = _bounded(scale * values)
        self._shared = self._network.learn_one(self._shared, values, target)
        self._scale, self._columns, self._labels = scale, columns, labels
        present = [name for name, place in columns.items() if not np.isnan(values[place])]
        self._features_seen.note(self._samples, present)
        self._classes_seen.note(self._samples, [y])
        self._samples += 1

    def predict_proba_one(self, x: Mapping[Hashable, Any]) -> dict[Hashable, float]:
        """Return the probability of every class seen so far (empty before the first)."""
        if not self._labels:
            return {}
        values = _bounded((self._scale or 1.0) * self._values(x, self._columns, grow=False))
        answer = np.asarray(self._network.answer_one(self._shared, values), np.float64)
        votes = np.maximum(answer[: len(self._labels)], 0.0) + 1e-9
        return dict(zip(self._labels, (votes / votes.sum()).tolist(), strict=True))

    def predict_one(self, x: Mapping[Hashable, Any]) -> Hashable | None:
        """Return the most probable class, or None before any class has been seen."""
        probabilities = self.predict_proba_one(x)
        return max(probabilities, key=probabilities.__getitem__) if probabilities else None

    def seen(self) -> dict[str, dict[Hashable, tuple[int, int]]]:
        """Return the first and last sample, counted from 0, of every feature and class."""
        histories = {"features": self._features_seen, "classes": self._classes_seen}
        return {
            what: {name: (first, last) for name, (first, last, _) in history.seen.items()}
            for what, history in histories.items()
        }

    def clone(self, new_params: dict[str, Any] | None = None, include_attributes: bool = False):
        """Return a new life with the same parameters (what river asks of an estimator)."""
        made = type(self)(**{**self._get_params(), **(new_params or {})})
        if include_attributes:  # arrays never change in place, dictionaries are replaced
            made.__dict__.update(self.__dict__)
            made._features_seen = History(self._features_seen.seen)
            made._classes_seen = History(self._classes_seen.seen)
        return made

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self._get_params().items())
        return f"{type(self).__name__}({given})"

    def _get_params(self) -> dict[str, Any]:
        names = ("features", "classes", "units", "sharpness", "seed")
        return {name: getattr(self, name) for name in names}

    def _values(self, x, columns: dict, *, grow: bool) -> np.ndarray:
        """Put a sample's features in their columns; a new name gets the next when learning."""
        if not x:
            raise ObservationError("x", "at least one feature", "none")
        values = np.full(self._network.inputs, np.nan)
        for name, entry in x.items():
            value = _number(name, entry)
            if name not in columns and grow:
                if len(columns) == self.features:
                    expected = f"at most {self.features} features"
                    raise ObservationError("x", expected, f"another, {name!r}")
                columns[name] = len(columns)
            if name in columns:
                values[columns[name]] = value
        return values


def _bounded(values: np.ndarray) -> np.ndarray:
    """Return what the network takes; NaN, which is not observed, stays NaN."""
    return np.clip(values, -1e5, 1e5).astype(np.float32)


def _number(name: Hashable, entry: Any) -> float:
    """Return a feature as a number, NaN where it is missing."""
    if entry is None:
        return math.nan
    try:
        value = float(entry) if not isinstance(entry, str) else math.inf
    except (TypeError, ValueError):
        value = math.inf
    if math.isinf(value):
        raise ObservationError(f"x[{name!r}]", "a finite number", repr(entry))
    return value


@cache
def _tell_river() -> None:
    """Where river is installed, let its metrics and pipelines know that this is a classifier."""
    try:
        from river.base import Classifier
    except ImportError:
        return
    Classifier.register(StreamClassifier)
