"""scikit-learn estimators on the settling mixture."""

from __future__ import annotations

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from sodachi.errors import ObservationError, SpecError
from sodachi.face.moments import Moments
from sodachi.face.network import Network, classifier_network, regressor_network
from sodachi.face.settling_estimator import SettlingEstimator


class SettlingClassifier(ClassifierMixin, SettlingEstimator):
    r"""Classify by the settling mixture: units imprinted where the answer was wrong.

    A sample, standardised to ``x = 3.5 √(sharpness/d) · (X − mean)/deviation``, settles the units
    to ``h = softmax(−½β|x − m|²)``; the answer is ``Σ_k h_k V_k`` (see
    `sodachi.models.settling_mixture`). NaN entries are not observed.

    Parameters
    ----------
    units
        Capacity of the network: the most samples it can hold as units.
    epochs
        Passes of `fit` over the samples, each in a new random order. `partial_fit` makes one, in
        the order given.
    sharpness
        How sharply units compete, 1 for the mixture's own scale.
    random_state
        Seed of the network and of the orders.

    Attributes
    ----------
    classes_
        The class labels, sorted.
    shared_
        The network's weights, counts and structure, as NumPy arrays.
    moments_
        Running mean and deviation of every input.

    Raises
    ------
    SpecError
        For a parameter that is not positive (a ValueError).
    ObservationError
        In `partial_fit`, for no classes at first or a label not among them (a ValueError).

    References
    ----------
    The mixture's own; the interface is scikit-learn's (Pedregosa et al., JMLR 12, 2011).

    Examples
    --------
    >>> import numpy as np
    >>> X, y = np.array([[0.0], [0.1], [1.0], [1.1]]), np.array(["low", "low", "high", "high"])
    >>> SettlingClassifier(units=8, random_state=0).fit(X, y).predict([[0.05], [1.05]]).tolist()
    ['low', 'high']
    """

    def __init__(self, *, units=256, epochs=3, sharpness=1.0, random_state=None):
        self.units = units
        self.epochs = epochs
        self.sharpness = sharpness
        self.random_state = random_state

    def fit(self, X, y):
        """Learn from a fresh start; X (samples, features) with NaN for missing, y (samples,)."""
        self._check_parameters()
        X, y = self._checked_pair(X, y, reset=True)
        check_classification_targets(y)
        self.classes_, index = np.unique(y, return_inverse=True)
        random = self._born(X)
        self._live(self._network(), X, self._hot(index), self._orders(random, len(X)))
        return self

    def partial_fit(self, X, y, classes=None):
        """Go on learning, samples in the order given; the first call must name all classes."""
        self._check_parameters()
        first = not hasattr(self, "shared_")
        X, y = self._checked_pair(X, y, reset=first)
        check_classification_targets(y)
        if first and classes is None:
            raise ObservationError("classes", "all classes in the first partial_fit", "none")
        named = self.classes_ if classes is None else np.unique(classes)
        known = named if first else self.classes_
        if not np.array_equal(named, known):
            raise ObservationError("classes", f"{known.tolist()} as before", classes)
        unseen = np.setdiff1d(y, known)
        if unseen.size:
            raise ObservationError("y", f"labels among {known.tolist()}", unseen[0])
        self.classes_ = known
        if first:
            self._born(X)
        else:
            self.moments_.merge(X)
        self._live(self._network(), X, self._hot(np.searchsorted(known, y)), [np.arange(len(X))])
        return self

    def predict_proba(self, X):
        """Return the probability of every class, (samples, classes), learning nothing."""
        check_is_fitted(self)
        X = self._checked(X)
        answers = self._answers(X, self._network()).astype(np.float64)
        votes = np.maximum(answers[:, : len(self.classes_)], 0.0) + 1e-9
        return votes / votes.sum(axis=1, keepdims=True)

    def predict(self, X):
        """Return the most probable class of every sample, learning nothing."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def _network(self) -> Network:
        return classifier_network(self.n_features_in_, len(self.classes_), int(self.units))

    def _hot(self, index) -> np.ndarray:
        return np.eye(self._network().labels, dtype=np.float32)[index]


class SettlingRegressor(RegressorMixin, SettlingEstimator):
    r"""Predict a number by the settling mixture: units imprinted where the answer was far off.

    As `SettlingClassifier`, with a real label: the target is standardised and the answer is
    ``Σ_k h_k V_k``, in the target's own units.

    Parameters
    ----------
    units, epochs, sharpness, random_state
        As for `SettlingClassifier`.
    label_precision
        Precision of the target: a unit is imprinted when the answer is off by more than about
        ``1/√label_precision`` deviations of the target.

    Attributes
    ----------
    shared_, moments_, target_moments_
        The network's state, and the moments of the inputs and of the target.

    Raises
    ------
    SpecError
        For a parameter that is not positive (a ValueError).

    Examples
    --------
    >>> import numpy as np
    >>> X = np.linspace(0, 1, 50)[:, None]
    >>> model = SettlingRegressor(units=64, random_state=0).fit(X, 3.0 * X[:, 0])
    >>> bool(model.score(X, 3.0 * X[:, 0]) > 0.9)
    True
    """

    def __init__(
        self, *, units=256, epochs=3, sharpness=1.0, label_precision=16.0, random_state=None
    ):
        self.units = units
        self.epochs = epochs
        self.sharpness = sharpness
        self.label_precision = label_precision
        self.random_state = random_state

    def fit(self, X, y):
        """Learn from a fresh start; X (samples, features) with NaN for missing, y (samples,)."""
        self._check_parameters()
        X, y = self._checked_pair(X, y, reset=True)
        self.target_moments_ = Moments.over(self._column(y))
        random = self._born(X)
        self._live(self._network(), X, self._targets(y), self._orders(random, len(X)))
        return self

    def partial_fit(self, X, y):
        """Go on learning, samples in the order given."""
        self._check_parameters()
        first = not hasattr(self, "shared_")
        X, y = self._checked_pair(X, y, reset=first)
        if first:
            self.target_moments_ = Moments.over(self._column(y))
            self._born(X)
        else:
            self.target_moments_.merge(self._column(y))
            self.moments_.merge(X)
        self._live(self._network(), X, self._targets(y), [np.arange(len(X))])
        return self

    def predict(self, X):
        """Return the predicted number of every sample, learning nothing."""
        check_is_fitted(self)
        X = self._checked(X)
        answers = self._answers(X, self._network())[:, 0].astype(np.float64)
        target = self.target_moments_
        return target.mean[0] + target.deviation()[0] * answers

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if not self.label_precision > 0:
            raise SpecError("label_precision", "a positive number", self.label_precision)

    def _network(self) -> Network:
        precision = float(self.label_precision)
        return regressor_network(self.n_features_in_, int(self.units), precision)

    def _column(self, y) -> np.ndarray:
        return np.asarray(y, np.float64)[:, None]

    def _targets(self, y) -> np.ndarray:
        return self.target_moments_.standardised(self._column(y)).astype(np.float32)
