"""Changes of synapses: measured apart from what predicts them, and nulls that can say no."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from sodachi.errors import DataError
from sodachi.recordings import activity, fit, plasticity, simulate_culture
from sodachi.recordings.canon import blank, lived
from sodachi.recordings.plasticity import effective_weights
from sodachi.recordings.reverse import believed

RNG = np.random.default_rng(0)


@pytest.mark.theory
def test_effective_weights_are_a_ridge_logistic_regression():
    o = RNG.integers(0, 2, (400, 4)).astype(float)
    y = (RNG.random(400) < 1 / (1 + np.exp(-(o @ [2, -1, 0, 0.5] - 0.7)))).astype(float)
    theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=1000).fit(o, y).coef_[0]
    np.testing.assert_allclose(effective_weights(y[None], o, 1.0)[0], theirs, atol=1e-4)


@pytest.mark.theory
def test_the_gradient_is_the_change_that_counting_makes(causal):
    found = plasticity(causal, window=2, prior_count=1e6)
    x = causal.values.reshape(2, 8, 128)[:, :, 1::2].reshape(2, -1)
    o = causal.stimuli.reshape(8, 128, -1)[:, 1::2].reshape(len(x[0]), -1)
    memory = lived(blank(np.full(2, 1e6), o.shape[1]), x, o, 64)
    odds = [np.log(A / (1 - A)) for A in memory.likelihood]
    change = np.diff(odds[0] - odds[1], axis=0)[:-1]
    # To first order in 1/λ; a wrong sign or factor is off by its own size.
    np.testing.assert_allclose(found.predicted["gradient"], change, rtol=1e-3, atol=1e-9)


@pytest.fixture(scope="module")
def learning():
    culture, _ = simulate_culture(5, sessions=60, prior_count=2000.0)
    done = activity(culture, normalisation="none")
    made = fit(done)
    return plasticity(believed(done, made), window=5, prior_count=made.prior_count)


@pytest.mark.unit
def test_a_culture_that_follows_the_gradient_is_seen_to(learning):
    ours = learning.agreement()
    assert all(ours > learning.agreement(rule) for rule in ("Hebb", "covariance", "Oja"))
    null = learning.permuted(times=200)
    assert ours > np.quantile(null["synapses"], 0.95)
    assert ours > null["windows"].mean()


@pytest.mark.unit
def test_a_culture_that_never_learns_is_not():
    culture, _ = simulate_culture(5, sessions=60, prior_count=1e9)
    done = activity(culture, normalisation="none")
    found = plasticity(believed(done, fit(done)), window=5, prior_count=1000.0)
    assert abs(found.agreement()) < 0.05


@pytest.mark.unit
def test_agreement_is_a_cosine_and_nulls_come_back_the_same(learning):
    a, b = learning.observed.ravel(), learning.predicted["Hebb"].ravel()
    assert learning.agreement("Hebb") == pytest.approx(a @ b / np.sqrt(a @ a * (b @ b)))
    one, two = (learning.permuted(3, times=20) for _ in range(2))
    assert np.array_equal(one["synapses"], two["synapses"])
    assert np.ptp(one["windows"]) > 0


@pytest.mark.unit
def test_two_windows_are_too_few(causal):
    with pytest.raises(DataError, match="3 or more windows"):
        plasticity(causal, window=8)
