"""Nets without a common clock: how they learn, what they read, where they come to rest."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.claims.claim import Figures
from sodachi.claims.training import told, train
from sodachi.combinators import minibatch
from sodachi.data import load_digits, load_mnist
from sodachi.models.settling import settling_net
from sodachi.system import State, System

LAYERS = {"mnist": (784, 32, 10), "digits": (64, 32, 10), "devices": (64, 32, 32, 10)}
TRAINED = {"quick": {"mnist": 200, "digits": 200}, "full": {"mnist": 800, "digits": 800}}
TESTED = {"quick": 50, "full": 200}  # of the test images
TEST_FROM = 1347  # the last quarter of digits, of other writers, is for testing alone
CERTIFIED = 10  # samples whose equilibrium is followed until hardly anything moves
BATCH = 10
COMMON: dict[str, Any] = {
    "direction": "down",
    "activation": "tanh",
    "start": "feedforward",
    "scale": 0.3,
    "last_scale": 0.3,
    "weight_rate": 3e-3,
}
#: Of MNIST's 784 pixels, which together weigh as much as the 64 of digits.
PRECISION = {"mnist": {"hidden1": 0.3, "input": 0.08}, "digits": {"hidden1": 0.3}}


class Way(NamedTuple):
    """How activity relaxes: a net's options, and ticks (or sweeps) to learn, to read, to rest."""

    options: dict[str, Any]
    learn: int
    read: int
    rest: int


_MASKS: dict[str, Any] = {"relaxation": "asynchronous", "rate": 0.05, "probability": 0.5}
#: All have the same time to learn and to read: ticks times rate times the chance to move.
WAYS = {
    "one clock": Way({"relaxation": "descent", "rate": 0.1}, 20, 100, 1000),
    "masks and delays": Way(_MASKS | {"max_delay": 2}, 80, 400, 800),
    "one unit at a time": Way({"relaxation": "one_at_a_time", "rate": 0.4}, 5, 25, 150),
    "news too old": Way(_MASKS | {"rate": 0.5, "max_delay": 20}, 8, 40, 100),
}
CLOCK = "one clock"


def lived(data: str, way: str, seed: int, form: str) -> Figures:
    """Return the accuracy of a net that learns and answers that way, and how far it settles."""
    w = WAYS[way]
    _, (X_test, y_test) = images(data, seed, form)
    state = grown(data, way, seed, form)
    figures = {"accuracy": right(net(data, way, w.read), state, X_test, y_test, seed)}
    return figures | (equilibrium(data, way, state, seed, form) if way != CLOCK else {})


def misled(seed: int, form: str) -> Figures:
    """Return where the net that grew by the clock ends when its cells live on news too old."""
    return equilibrium("mnist", "news too old", grown("mnist", CLOCK, seed, form), seed, form)


def equilibrium(data: str, way: str, state: State, seed: int, form: str) -> Figures:
    """Return how far from the clock's equilibrium a net ends, and the forces left in both."""
    _, (X, y) = images(data, seed, form)
    X, y, w = X[:CERTIFIED], y[:CERTIFIED], WAYS[way]
    here, residual = settled(net(data, way, w.rest), state, X, y, seed)
    there, reference = settled(net(data, CLOCK, WAYS[CLOCK].rest), state, X, y, seed)
    curve = w.options["rate"] * (1 + w.options.get("max_delay", 0)) * stiffness(state, data)
    return {
        "distance": distance(list(here.values()), list(there.values())),
        "residual": residual,
        "residual_clock": reference,
        "rate_times_curvature_times_delay": curve,
    }


@cache
def grown(data: str, way: str, seed: int, form: str) -> State:
    """Return the state of a net that learned that way."""
    (X, y), _ = images(data, seed, form)
    return train(net(data, way, WAYS[way].learn), X, y, epochs=1, batch=BATCH, seed=seed)


def images(data: str, seed: int, form: str):
    """Return the images a seed trains on, and those of the test set."""
    rng, count = np.random.default_rng(seed), TRAINED[form][data]
    if data == "digits":
        X, y = load_digits()
        order = rng.permutation(TEST_FROM)[:count]
        tested = slice(TEST_FROM, TEST_FROM + TESTED[form])
        return (X[order], y[order]), (X[tested], y[tested])
    (X, y), (X_test, y_test) = load_mnist(), load_mnist("test")
    order, tested = rng.permutation(len(X))[:count], slice(TESTED[form])
    return (X[order], y[order]), (X_test[tested], y_test[tested])


def net(data: str, way: str, ticks: int) -> System:
    """Return the net of a data set that relaxes for so many ticks of a way."""
    return settling_net(
        layers=LAYERS[data],
        precision=PRECISION[data],
        settle_ticks=ticks,
        **(COMMON | WAYS[way].options),
    )


def right(system: System, state: State, X, y, seed: int) -> float:
    """Return the share of images whose label is read right, label free, by that relaxation."""
    _, output = step(system, state, X, None, seed)
    return float((np.asarray(output["label"]).argmax(-1) == np.asarray(y)).mean())


def settled(system: System, state: State, X, y, seed: int):
    """Return activity by population under image and label, and the largest force left."""
    after, output = step(system, state, X, y, seed)
    activity = {n: np.asarray(a, np.float64) for n, a in after.lane["activity"].items()}
    return activity, float(np.max(np.asarray(output["residual"])))


def step(system: System, state: State, X, y, seed: int):
    """Return what one step without learning makes of all samples, each a lane."""
    lanes = minibatch(system, len(X))
    lane = lanes.init(seed).lane
    seen = told(system, jnp.asarray(X), None if y is None else jnp.asarray(y), learn=False)
    return jax.jit(lanes.step)(State(state.shared, lane), seen)


def distance(here, there) -> float:
    """Return ``max |x − x*| / max |x*|`` over lists of arrays; infinite where not a number."""
    apart = max(float(np.abs(a - b).max()) for a, b in zip(here, there, strict=True))
    size = max(float(np.abs(b).max()) for b in there)
    return apart / size if np.isfinite(apart) else float("inf")


def stiffness(state: State, data: str) -> float:
    """Return a bound on the energy's curvature: ``Σ π (1 + σ²)``, σ the largest gain of a layer.

    Of the error cells alone: the curvature of f itself, which their errors weigh, is left out.
    """
    weights = state.shared["weights"]
    gains = {n: np.linalg.norm(np.asarray(w), 2) for n, w in weights.items() if n[:2] != "1>"}
    precision = PRECISION[data]
    return float(sum(precision.get(n.split(">")[1], 1.0) * (1 + g**2) for n, g in gains.items()))
