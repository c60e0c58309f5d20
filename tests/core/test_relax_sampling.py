"""Samplers keep the law they promise: moments and enumeration, within the noise of the count."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.core.connections import Dense
from sodachi.core.energy import energy, field_term, force, pair_term
from sodachi.core.relax import Gibbs, Langevin, relax
from sodachi.system import Evidence

H = np.array([[2.0, 0.6], [0.6, 1.0]])
B = np.array([0.5, -1.0])
TEMPERATURE = 0.7
CHAINS = 6000


def _push(a):
    return {"x": jnp.asarray(B - H @ a["x"], a["x"].dtype)}


def _quadratic(a):
    return 0.5 * a["x"] @ (jnp.asarray(H, jnp.float32) @ a["x"]) - a["x"] @ jnp.asarray(
        B, jnp.float32
    )


def _samples(method, evidence=None, seed=0):
    def one(key):
        start = {"x": jnp.asarray(np.linalg.solve(H, B), jnp.float32)}
        return relax(_push, start, evidence or {}, method=method, key=key).activity["x"]

    return np.asarray(jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(seed), CHAINS)))


def _farthest(samples, mean, covariance):
    """Independent chains: how far mean and second moments are off at most, in standard errors."""
    n = len(samples)
    first = np.abs(samples.mean(0) - mean) / np.sqrt(np.diag(covariance) / n)
    away = samples - mean
    variance = np.outer(np.diag(covariance), np.diag(covariance)) + covariance**2
    second = np.abs(away.T @ away / n - covariance) / np.sqrt(variance / n)
    return max(first.max(), second.max())


@pytest.mark.theory
def test_unadjusted_langevin_has_the_variance_of_its_discretisation():
    rate = 0.4
    samples = _samples(Langevin(rate, TEMPERATURE, 60))
    # x ← (1 − rate·H) x + noise: C = T · (H (1 − rate·H/2))⁻¹.
    covariance = TEMPERATURE * np.linalg.inv(H @ (np.eye(2) - 0.5 * rate * H))
    assert _farthest(samples, np.linalg.solve(H, B), covariance) < 3
    exact = TEMPERATURE * np.linalg.inv(H)
    assert covariance[0, 0] > 1.3 * exact[0, 0], "a rate at which the bias can be seen"


@pytest.mark.theory
def test_adjusted_langevin_is_exact_at_any_rate():
    samples = _samples(Langevin(0.4, TEMPERATURE, 120, energy=_quadratic), seed=1)
    assert _farthest(samples, np.linalg.solve(H, B), TEMPERATURE * np.linalg.inv(H)) < 3


@pytest.mark.theory
@pytest.mark.parametrize("adjusted", [False, True])
def test_langevin_under_evidence(adjusted):
    """One cell nudged, the other clamped: the conditional law of a single cell."""
    p, rate = 3.0, 0.2
    evidence = Evidence(
        jnp.array([1.0, 2.0]), jnp.array([p, jnp.inf], jnp.float32), jnp.array([0.5, 0.0])
    )
    method = Langevin(rate, TEMPERATURE, 80, energy=_quadratic if adjusted else None)
    samples = _samples(method, {"x": evidence}, seed=2)
    assert (samples[:, 1] == 2.0).all()
    h = H[0, 0]
    mean = (B[0] - H[0, 1] * 2.0 + p * 1.0 + 0.5) / (h + p)
    variance = TEMPERATURE / (h + p) / (1.0 if adjusted else 1 + rate * (p - h) / 2)
    assert _farthest(samples[:, :1], np.array([mean]), np.array([[variance]])) < 3


@pytest.mark.theory
def test_gibbs_marginals_are_those_of_enumeration():
    """A machine of six units with loops, two of them under evidence."""
    rng = np.random.default_rng(4)
    w = rng.normal(size=(6, 6)) * 1.2
    w = np.triu(w, 1) + np.triu(w, 1).T
    b = rng.normal(size=6)
    value = np.array([1.0, 0, 0, 0, 1.0, 0])
    precision = np.array([np.inf, 0, 0, 0, 1.5, 0])
    drive = np.array([0, 0, 0, 0.7, 0, 0])

    states = np.array(list(itertools.product([0.0, 1.0], repeat=6)))
    states = states[states[:, 0] == 1.0]
    cost = -0.5 * np.einsum("si,ij,sj->s", states, w, states) - states @ b
    cost = cost + 0.5 * 1.5 * (states[:, 4] - 1.0) ** 2 - 0.7 * states[:, 3]
    law = np.exp(-cost) / np.exp(-cost).sum()
    mean, pairs = law @ states, np.einsum("s,si,sj->ij", law, states, states)

    terms = (
        pair_term("x", Dense((6,), (6,), loop=False), jnp.asarray(w, jnp.float32)),
        field_term("x", jnp.asarray(b, jnp.float32)),
    )
    evidence = {"x": Evidence(*(jnp.asarray(v, jnp.float32) for v in (value, precision, drive)))}

    @jax.jit
    @jax.vmap
    def one(key):
        start = {"x": jnp.zeros(6)}
        return relax(
            lambda a: force(terms, a), start, evidence, method=Gibbs(40), key=key
        ).activity["x"]

    samples = np.asarray(one(jax.random.split(jax.random.key(0), 8000)))
    assert set(np.unique(samples)) == {0.0, 1.0} and (samples[:, 0] == 1.0).all()
    error = np.sqrt(mean * (1 - mean) / len(samples)) + 1e-9
    assert (np.abs(samples.mean(0) - mean) < 3.5 * error).all()
    together = samples.T @ samples / len(samples)
    error = np.sqrt(np.maximum(pairs * (1 - pairs), 0) / len(samples)) + 1e-9
    assert (np.abs(together - pairs) < 4 * error).all()
    assert float(energy(terms, {"x": jnp.asarray(states[3], jnp.float32)})) == pytest.approx(
        float((-0.5 * states[3] @ w @ states[3]) - states[3] @ b), rel=1e-5
    )


@pytest.mark.unit
def test_gibbs_residual_is_the_distance_from_the_conditional_mean():
    field = {"x": jnp.array([2.0, -1.0, 0.5])}
    evidence = {"x": Evidence(jnp.ones(3), jnp.array([0.0, 0.0, jnp.inf]), jnp.zeros(3))}
    settled = relax(
        lambda a: field, {"x": jnp.zeros(3)}, evidence, method=Gibbs(1), key=jax.random.key(0)
    )
    x = np.asarray(settled.activity["x"])
    chance = 1 / (1 + np.exp(-np.array([2.0, -1.0])))
    assert x[2] == 1.0
    np.testing.assert_allclose(settled.residual["x"], np.abs(chance - x[:2]).max(), rtol=1e-6)


@pytest.mark.unit
def test_langevin_without_temperature_is_descent():
    start = {"x": jnp.array([3.0, -3.0])}
    settled = relax(_push, start, {}, method=Langevin(0.3, 0.0, 300), key=jax.random.key(0))
    np.testing.assert_allclose(settled.activity["x"], np.linalg.solve(H, B), rtol=1e-5)
    assert float(settled.residual["x"]) < 1e-5
