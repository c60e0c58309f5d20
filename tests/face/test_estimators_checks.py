"""scikit-learn's own checks of an estimator, all of them, with no expected failures."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from sodachi.face.estimators import SettlingClassifier, SettlingRegressor

pytestmark = pytest.mark.unit


@parametrize_with_checks([SettlingClassifier(), SettlingRegressor()])
def test_scikit_learn_check(estimator, check):
    check(estimator)
