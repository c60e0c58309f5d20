"""Where a deep net's errors would come to rest, found by autodiff: an oracle, never part of a net.

Every cell is its prediction plus its error, so the energy can be lowered over the errors
themselves; there it is nearly round, and a few steps of a quasi-Newton method reach the rest that
activity, creeping from layer to layer, would need thousands of ticks for.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from scipy.optimize import minimize

from sodachi.claims.deep_nets import Digits, blank, deep_net
from sodachi.claims.training import told
from sodachi.combinators import minibatch
from sodachi.system import State

POLISH, POLISHED = 0.5, 100  # plain steps at the end: size, how many
PROBE = 32  # samples on which directions are compared


class Rest(NamedTuple):
    """What the weights of every layer are told at the equilibrium, and whether it is one."""

    drives: list[np.ndarray]
    """By weight layer, from the input up: ``f(x)ᵀ e``, float64 [source, target]."""
    residual: float
    """The largest force on a free cell, by the root mean square of the first layer's errors."""


def equilibrium(weights: dict, X, Y, precision: float) -> Rest:
    r"""Return the rest of a clamped chain of tanh layers, by optimising its errors in float64.

    ``E = ½ Σ_l |e_l|² + ½ g |Y − ŷ|²`` with ``x_l = b_l + f(x_{l−1}) W_l + e_l``.

    Parameters
    ----------
    weights
        By synapse (``input>hidden1``, ``1>hidden1``, ...), as a settling net of direction ``"up"``
        names them.
    X, Y
        What input and label are clamped to, [n, inputs] and [n, classes].
    precision
        The label's, g.

    References
    ----------
    Goemaere et al. (2025), error optimisation in predictive coding.

    Examples
    --------
    >>> weights = {"input>hidden1": [[1.0]], "1>hidden1": [[0.0]],
    ...            "hidden1>label": [[1.0]], "1>label": [[0.0]]}
    >>> rest = equilibrium(weights, [[0.0]], [[1.0]], 1.0)
    >>> round(float(rest.drives[1][0, 0]), 3), rest.residual < 1e-6
    (0.245, True)
    """
    names = _layers(weights)
    with jax.enable_x64(True):
        W, B = (
            [jnp.asarray(np.asarray(weights[f"{a}>{b}"]), jnp.float64) for a, b in synapses]
            for synapses in (pairwise(names), [("1", b) for b in names[1:]])
        )
        X, Y = (jnp.asarray(np.asarray(v), jnp.float64) for v in (X, Y))
        net = _Clamped(W, B, X, Y, jnp.float64(precision))
        start, unpack = ravel_pytree([jnp.zeros((len(X), w.shape[1])) for w in W[:-1]])

        def tension(flat, net):
            return _energy(_cells(unpack(flat), net), net)

        tense = jax.jit(jax.value_and_grad(tension))
        low = minimize(
            lambda flat: tuple(np.asarray(v) for v in tense(flat, net)),
            np.asarray(start),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 1000, "ftol": 0.0, "gtol": 1e-14},
        )
        # The method stops where the energy's digits end; the slope has some left.
        polish = jax.jit(lambda flat, net: flat - POLISH * jax.grad(tension)(flat, net))
        errors = jnp.asarray(low.x)
        for _ in range(POLISHED):
            errors = polish(errors, net)
        settled = _cells(unpack(errors), net)
        forces = jax.jit(jax.grad(_energy))(settled, net)
        told_all = _errors(settled, net)
        rates = [X, *map(jnp.tanh, settled)]
        size = float(jnp.sqrt((told_all[0] ** 2).mean()))
        left = max(float(jnp.abs(force).max()) for force in forces)
        drives = [np.asarray(r.T @ e) for r, e in zip(rates, told_all, strict=True)]
    return Rest(drives, left / size if size else float("inf"))


class _Clamped(NamedTuple):
    """Weights, biases, what both ends are clamped to, and the label's precision."""

    W: list
    B: list
    X: jax.Array
    Y: jax.Array
    g: jax.Array


def _cells(errors, net: _Clamped) -> list:
    rate, found = net.X, []
    for w, b, e in zip(net.W, net.B, errors, strict=False):
        found.append(rate @ w + b + e)
        rate = jnp.tanh(found[-1])
    return found


def _errors(cells, net: _Clamped) -> list:
    rates = [net.X, *map(jnp.tanh, cells)]
    each = zip([*cells, net.Y], rates, net.W, net.B, strict=True)
    return [x - r @ w - b for x, r, w, b in each]


def _energy(cells, net: _Clamped):
    *hidden, label = _errors(cells, net)
    return 0.5 * (sum((e**2).sum() for e in hidden) + net.g * (label**2).sum())


def drives(net, weights: dict, X, y) -> list[np.ndarray]:
    """Return what a net's own ticks tell the weights of every layer on these samples."""
    lanes = minibatch(net, len(X))
    start = blank(lanes)
    shared = start.shared | {"weights": weights}
    now = told(net, jnp.asarray(X), jnp.asarray(y), learn=False)
    lane = jax.jit(lanes.step)(State(shared, start.lane), now)[0].lane
    names = _layers(weights)
    cells, error = (
        {name: np.asarray(value, np.float64) for name, value in lane[part].items()}
        for part in ("activity", "error")
    )
    rate = {name: v if name == "input" else np.tanh(v) for name, v in cells.items()}
    return [rate[a].T @ error[b] for a, b in pairwise(names)]


def direction(depth: int, common: dict, weights: dict, data: Digits, seed: int) -> dict:
    """Return how well the wave's updates point to those of the equilibrium of its own energy.

    The cosine of the first layer's update, the least of all layers', and the first one's length,
    on training samples.
    """
    rows = np.random.default_rng([seed, 1]).choice(len(data.y), PROBE, replace=False)
    X, y = data.X[rows], data.y[rows]
    ours = drives(deep_net(depth, common), weights, X, y)
    rest = equilibrium(weights, X, np.eye(10)[y], 0.1 / depth)
    cosines = [cosine(a, b) for a, b in zip(ours, rest.drives, strict=True)]
    return {
        "first_cosine": cosines[0],
        "least_cosine": min(cosines),
        "first_length": float(np.linalg.norm(ours[0]) / np.linalg.norm(rest.drives[0])),
        "residual": rest.residual,
    }


def _layers(weights: dict) -> list[str]:
    hidden = sum(name.startswith("1>hidden") for name in weights)
    return ["input", *(f"hidden{i + 1}" for i in range(hidden)), "label"]


def cosine(a, b) -> float:
    """Return the cosine of two arrays; 0 where one is nothing."""
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.sum(a * b)) / size if size else 0.0
