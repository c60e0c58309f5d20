"""Rivals of layered Boltzmann machines: another library's, a mixture, a kernel machine."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.claims.boltzmann_training import Schooling
from sodachi.system import State, System

#: Step size of scikit-learn's machine: of .003 to .1 the best after 20 passes, on 10,000 held out.
FOREIGN_RATE = 0.01


def foreign_machine(system: System, X: np.ndarray, how: Schooling, seed: int) -> State:
    """Return our machine with the weights that scikit-learn's `BernoulliRBM` learned from X.

    The same units, batches and passes, pixels drawn anew at every visit.
    """
    from sklearn.neural_network import BernoulliRBM

    pixels, hidden = (v.shape[0] for v in system.spec.observed[:2])
    rng = np.random.default_rng(seed)
    other = BernoulliRBM(
        hidden, learning_rate=FOREIGN_RATE, batch_size=how.batch, random_state=seed
    )
    for _ in range(how.passes):
        order = rng.permutation(len(X))
        for rows in np.split(order, range(how.batch, len(X), how.batch)):
            if len(rows) == how.batch:
                other.partial_fit((rng.random((how.batch, pixels)) < X[rows]).astype(np.float32))
    state = system.init(seed)
    weights = {
        "input-hidden1": jnp.asarray(other.components_.T, jnp.float32),
        "input": jnp.asarray(other.intercept_visible_[None], jnp.float32),
        "hidden1": jnp.asarray(other.intercept_hidden_[None], jnp.float32),
    }
    return state._replace(shared=state.shared | {"weights": weights})


def mixture_log_likelihood(
    X: np.ndarray, tests: np.ndarray, *, parts: int, seed: int, rounds: int = 50
) -> np.ndarray:
    r"""Return ``log Σ_k π_k Π_i p_ki^{v_i} (1 − p_ki)^{1 − v_i}`` [n] of the tests, fitted by EM.

    Expectation-maximisation on intensities (the mean over all drawings of X), one count of a fair
    coin added to every probability.

    Examples
    --------
    >>> X = np.array([[0.0, 1.0], [1.0, 0.0]] * 20, np.float32)
    >>> mixture_log_likelihood(X, X[:1], parts=2, seed=0).astype(float).round(1).tolist()
    [-0.7]
    """
    rng = np.random.default_rng(seed)
    start = 0.25 + 0.5 * X[rng.choice(len(X), parts, replace=len(X) < parts)]
    start = start + rng.uniform(-0.1, 0.1, start.shape)  # no two parts alike, or they stay so

    def log_joint(log_pi, p, v):
        return log_pi + v @ jnp.log(p).T + (1 - v) @ jnp.log1p(-p).T

    @jax.jit
    def once(log_pi, p, v):
        r = jax.nn.softmax(log_joint(log_pi, p, v))
        counts = r.sum(0)
        p = (r.T @ v + 0.5) / (counts[:, None] + 1.0)
        return jnp.log((counts + 1e-3) / (counts + 1e-3).sum()), p

    log_pi, p = jnp.full(parts, -np.log(parts)), jnp.asarray(start, jnp.float32)
    for _ in range(rounds):
        log_pi, p = once(log_pi, p, jnp.asarray(X))
    return np.asarray(jax.nn.logsumexp(log_joint(log_pi, p, jnp.asarray(tests)), axis=1))


def kernel_machine_error(X, y, tests, truth, strength: float = 10.0, width: float = 0.02) -> float:
    """Return the share of errors of a support vector machine with the kernel ``e^{−width·|d|²}``.

    Examples
    --------
    >>> X = np.eye(4, dtype=np.float32)
    >>> kernel_machine_error(X, [0, 1, 0, 1], X, [0, 1, 0, 0], width=1.0)
    0.25
    """
    from sklearn.svm import SVC

    given: dict[str, Any] = {"C": strength, "gamma": width, "cache_size": 1000}
    told = SVC(**given).fit(X, y)
    return float((told.predict(tests) != np.asarray(truth)).mean())
