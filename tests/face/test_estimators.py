"""What the estimators promise beyond scikit-learn's own checks."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris

from sodachi.errors import ObservationError, SpecError
from sodachi.face.estimators import SettlingClassifier, SettlingRegressor
from sodachi.face.network import CHUNK, bucket, classifier_network, regressor_network

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    return X[order], y[order]


def test_it_classifies_unseen_irises(iris):
    X, y = iris
    model = SettlingClassifier(random_state=0).fit(X[:100], y[:100])
    assert model.score(X[100:], y[100:]) > 0.85  # the largest class alone would give .4


def test_it_classifies_with_a_third_of_the_entries_missing(iris):
    X, y = iris
    holes = X.copy()
    holes[np.random.default_rng(1).random(X.shape) < 0.3] = np.nan
    model = SettlingClassifier(random_state=0).fit(holes[:100], y[:100])
    assert model.score(holes[100:], y[100:]) > 0.7
    nothing = model.predict_proba(np.full((1, 4), np.nan))
    assert np.isfinite(nothing).all() and nothing.sum() == pytest.approx(1.0)


def test_the_same_seed_gives_the_same_bits_and_chunks_do_not_matter(iris):
    X, y = iris
    one, two = (SettlingClassifier(random_state=3).fit(X, y) for _ in range(2))
    assert one.predict_proba(X).tobytes() == two.predict_proba(X).tobytes()
    rows = np.concatenate([X, X, X])[: CHUNK + 7]
    single = np.concatenate([one.predict_proba(row[None]) for row in rows[-9:]])
    assert one.predict_proba(rows)[-9:].tobytes() == single.tobytes()


def test_partial_fit_in_pieces_learns_what_comes(iris):
    X, y = iris
    model = SettlingClassifier(random_state=0)
    for i in range(0, 100, 20):
        model.partial_fit(X[i : i + 20], y[i : i + 20], classes=[0, 1, 2] if i == 0 else None)
    assert model.score(X[100:], y[100:]) > 0.8
    assert model.moments_.count.tolist() == [100] * 4


def test_partial_fit_refuses_what_it_cannot_know_and_keeps_every_bit(iris):
    X, y = iris
    with pytest.raises(ObservationError, match="classes: expected all classes"):
        SettlingClassifier().partial_fit(X, y)
    model = SettlingClassifier(random_state=0).partial_fit(X[:50], y[:50], classes=[0, 1, 2])
    before = model.predict_proba(X).tobytes()
    for bad in ((X, y + 1), (X[:, :3], y), (np.full_like(X, np.inf), y)):
        with pytest.raises(ValueError):
            model.partial_fit(*bad)
    with pytest.raises(ObservationError, match="as before"):
        model.partial_fit(X, y, classes=[0, 1])
    assert model.predict_proba(X).tobytes() == before


def test_word_labels_and_column_names_come_back(iris):
    pandas = pytest.importorskip("pandas")
    X, y = iris
    frame = pandas.DataFrame(X, columns=["a", "b", "c", "d"])
    words = np.array(["setosa", "versicolor", "virginica"])[y]
    model = SettlingClassifier(random_state=0).fit(frame, words)
    assert set(model.predict(frame)) <= set(words)
    assert list(model.feature_names_in_) == ["a", "b", "c", "d"]


def test_the_regressor_follows_a_curve_and_its_own_units():
    rng = np.random.default_rng(2)
    X = rng.uniform(-3, 3, size=(400, 1))
    y = 1000.0 + 50.0 * np.sin(X[:, 0])
    model = SettlingRegressor(random_state=0).fit(X[:300], y[:300])
    assert model.score(X[300:], y[300:]) > 0.8
    piecewise = SettlingRegressor(random_state=0)
    for i in range(0, 300, 50):
        piecewise.partial_fit(X[i : i + 50], y[i : i + 50])
    assert piecewise.score(X[300:], y[300:]) > 0.6
    assert piecewise.target_moments_.mean.item() == pytest.approx(y[:300].mean())


@pytest.mark.parametrize("size", [1e-300, 1e30, 1e160])
def test_columns_of_extreme_size_leave_everything_finite(iris, size):
    X, y = iris
    odd = np.column_stack([X, size * X[:, 0]])
    model = SettlingClassifier(random_state=0).fit(odd, y).partial_fit(odd, y)
    assert np.isfinite(model.predict_proba(odd)).all()
    assert all(np.isfinite(w).all() for w in model.shared_["weights"].values())
    assert model.score(odd, y) > 0.8


@pytest.mark.parametrize(
    "model",
    [
        SettlingClassifier(units=0),
        SettlingClassifier(epochs=1.5),
        SettlingClassifier(sharpness=0.0),
        SettlingRegressor(label_precision=-1.0),
    ],
)
def test_bad_parameters_are_refused_in_fit(model, iris):
    with pytest.raises(SpecError, match="expected a positive"):
        clone(model).fit(*iris)


def test_tables_in_one_bucket_share_one_program():
    assert classifier_network(3, 2, 16) is classifier_network(16, 4, 16)
    assert regressor_network(3, 16, 4.0) is not regressor_network(17, 16, 4.0)
    assert [bucket(n, (4, 16)) for n in (1, 4, 5, 17, 33)] == [4, 4, 16, 32, 64]
