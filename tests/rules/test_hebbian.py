"""Hebb, Oja and BCM against outer products, eigenvectors and the fixed points of their mean."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.core.connections import Dense
from sodachi.core.rule import plastic
from sodachi.errors import SpecError
from sodachi.rules import bcm, hebb, oja, slide_threshold
from sodachi.system import LANE


def _over_lanes(rule, connection, w, post, pre, reduce="mean"):
    """One tick of a rule with the samples on lanes; the weights as every lane sees them."""

    def one(post, pre):
        return plastic(rule, connection, w, {}, post, pre, learn=True, clock=0.0, reduce=reduce)[0]

    return np.asarray(jax.vmap(one, axis_name=LANE)(post, pre))


@pytest.mark.theory
def test_hebb_is_the_sum_of_outer_products():
    rng = np.random.default_rng(0)
    w, x, y = rng.normal(size=(3, 2)), rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    with jax.enable_x64(True):
        got = _over_lanes(
            hebb(rate=0.3), Dense((3,), (2,)), w, {"activity": y}, {"activity": x}, "sum"
        )
    expected = w + 0.3 * sum(np.outer(x[n], y[n]) for n in range(5))
    for lane in got:
        np.testing.assert_allclose(lane, expected, rtol=1e-12)


@pytest.mark.theory
def test_oja_is_the_mean_of_its_samples():
    rng = np.random.default_rng(1)
    w, x, y = rng.normal(size=(3, 2)), rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    with jax.enable_x64(True):
        got = _over_lanes(oja(0.2), Dense((3,), (2,)), w, {"activity": y}, {"activity": x})
    mean = np.zeros_like(w)
    for n in range(5):
        for i in range(3):
            for j in range(2):
                mean[i, j] += y[n, j] * (x[n, i] - y[n, j] * w[i, j]) / 5
    np.testing.assert_allclose(got[0], w + 0.2 * mean, rtol=1e-12)


@pytest.mark.theory
def test_oja_finds_the_first_principal_component():
    # Samples whose second moment is exactly Q diag(4, 1, 1/4) Qᵀ: plus and minus √(3λ) q.
    directions, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))
    samples = directions.T * np.sqrt(3 * np.array([4.0, 1.0, 0.25]))[:, None]
    samples = np.concatenate([samples, -samples])
    moment = samples.T @ samples / 6
    np.testing.assert_allclose(np.linalg.eigvalsh(moment), [0.25, 1, 4], rtol=1e-12)

    connection, rule = Dense((3,), (1,)), oja(rate=0.05)

    def tick(w, _):
        def one(x):
            post, pre = {"activity": connection.apply(w, x)}, {"activity": x}
            return plastic(rule, connection, w, {}, post, pre, learn=True, clock=0.0)[0]

        return jax.vmap(one, axis_name=LANE)(jnp.asarray(samples))[0], None

    with jax.enable_x64(True):
        start = jnp.full((3, 1), 0.3, jnp.float64)
        w, _ = jax.lax.scan(tick, start, None, length=400)
    w = np.asarray(w)[:, 0]
    assert np.linalg.norm(w) == pytest.approx(1, abs=1e-9)
    assert abs(w @ directions[:, 0]) == pytest.approx(1, abs=1e-9)


@pytest.mark.theory
def test_bcm_becomes_selective_and_its_threshold_is_the_mean_square():
    # Two orthogonal patterns by turns. Selective fixed point: y = (1/p, 0) = (2, 0), θ = E[y²] = 2.
    connection, rule = Dense((2,), (1,)), bcm(rate=0.02)
    patterns = jnp.array([[1.0, 0.0], [0.0, 1.0]])

    def tick(carry, n):
        w, threshold = carry
        x = patterns[n % 2]
        y = connection.apply(w, x)
        threshold = slide_threshold(threshold, y, rate=0.05, learn=True)
        post = {"activity": y, "threshold": threshold}
        w, _ = plastic(rule, connection, w, {}, post, {"activity": x}, learn=True, clock=0.0)
        return (w, threshold), threshold

    start = jnp.array([[0.6], [0.4]]), jnp.array([0.26])
    (w, _), thresholds = jax.lax.scan(tick, start, jnp.arange(6000))
    answers = np.asarray(patterns @ w)[:, 0]
    assert answers[0] == pytest.approx(2, abs=0.1)
    assert answers[1] == pytest.approx(0, abs=0.02)
    assert float(thresholds[-200:].mean()) == pytest.approx(2, abs=0.1)


@pytest.mark.theory
def test_threshold_is_the_running_mean_square_of_the_lanes_that_learn():
    y = np.array([[1.0], [3.0], [np.nan]])
    learn = np.array([True, True, False])

    def one(activity, learn):
        return slide_threshold(jnp.array([1.0]), activity, rate=0.25, learn=learn)

    got = jax.vmap(one, axis_name=LANE)(jnp.asarray(y), jnp.asarray(learn))
    assert got.tolist() == [[2.0]] * 3  # 1 + ¼ ((1 + 9)/2 − 1)


def test_threshold_keeps_its_bits_without_learning_and_for_what_is_no_number():
    old = jnp.array([-0.0, 0.3])
    kept = slide_threshold(old, jnp.array([5.0, 5.0]), rate=0.5, learn=False)
    assert kept.tobytes() == old.tobytes()
    new = slide_threshold(old, jnp.array([jnp.nan, 1.0]), rate=0.5, learn=True)
    assert new[0].tobytes() == old[0].tobytes()
    assert float(new[1]) == pytest.approx(0.65)


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.5, float("nan")])
def test_wrong_threshold_rates_are_refused(rate):
    with pytest.raises(SpecError, match="rate"):
        slide_threshold(jnp.zeros(1), jnp.zeros(1), rate=rate, learn=True)
