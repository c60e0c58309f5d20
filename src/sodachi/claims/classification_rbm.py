"""Claim: one hidden layer that dreams its label reads MNIST with at most 1.4 % errors.

The label is one more clamped layer; ``p(y|v)`` is exact. Learning is a mixture of two dreams: one
of everything (generative), one in which only the label is let go (discriminative).
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import jax
import numpy as np

from sodachi.claims.boltzmann_rivals import kernel_machine_error
from sodachi.claims.boltzmann_training import Schooling, schooled, shown
from sodachi.claims.claim import Figures, Measured
from sodachi.claims.statistics import Check, above, at_most, by_mean
from sodachi.claims.training import accuracy, train
from sodachi.combinators import minibatch
from sodachi.data import load_digits, load_mnist
from sodachi.models.backprop import backprop_net
from sodachi.models.deep_boltzmann import deep_boltzmann_machine
from sodachi.system import State, System

OURS, GENERATIVE, DISCRIMINATIVE = "ours", "generative only", "discriminative only"
TWIN, KERNEL = "twin", "support vectors"
SETTINGS: dict[str, Any] = {"rate": 1.0, "generative": 0.01, "discriminative": 1.0}
LESIONS: dict[str, dict[str, Any]] = {
    GENERATIVE: {"generative": 1.0, "discriminative": 0.0, "rate": 0.1},
    DISCRIMINATIVE: {"generative": 0.0},
}
SCHOOLING = {"quick": Schooling(passes=60, batch=50), "full": Schooling(passes=100, batch=50)}
HIDDEN = {"quick": 100, "full": 1000}
TWIN_RATE = 0.001


@lru_cache(2)
def images(form: str):
    """Return training images and labels, test images and labels."""
    if form == "quick":
        X, y = load_digits()
        return X[:1200], y[:1200], X[1200:], y[1200:]
    return (*load_mnist(), *load_mnist("test"))


def rows(seed: int, form: str):
    """Return what is measured: ours, its lesions and its rivals."""
    ours = {OURS: {}} | LESIONS
    measured = {row: partial(one_machine, seed, form, given) for row, given in ours.items()}
    measured[TWIN] = partial(twin, seed, form)
    measured[KERNEL] = partial(kernel, form)
    if form == "quick":
        return {row: measured[row] for row in (OURS, TWIN, GENERATIVE)}
    return measured


def machine_of(form: str, **settings: Any) -> System:
    """Return the classification machine of a form."""
    X = images(form)[0]
    given: dict[str, Any] = {"layers": (X.shape[1], HIDDEN[form]), "labels": 10}
    return deep_boltzmann_machine(**(given | {"chains": 50} | SETTINGS | settings))


def one_machine(seed: int, form: str, settings: dict[str, Any]) -> Figures:
    """Return the share of unseen images whose label is read wrong."""
    X, y, tests, truth = images(form)
    system = machine_of(form, **settings)
    state = schooled(system, SCHOOLING[form], seed, X, y)
    return {"error": float((read(system, state, tests) != truth).mean())}


def read(system: System, state: State, X: np.ndarray, batch: int = 100) -> np.ndarray:
    """Return the likeliest label of every image, by the exact p(y|v)."""
    lanes = minibatch(system, batch)
    lane = lanes.init(0).lane
    padded = np.concatenate([X, np.zeros((-len(X) % batch, X.shape[1]), np.float32)])

    def one(x):
        seen = shown(system, batch, learn=False, input=x)
        return lanes.step(State(state.shared, lane), seen)[1]["label"].argmax(-1)

    parts = jax.jit(lambda x: jax.lax.map(one, x))(padded.reshape(-1, batch, X.shape[1]))
    return np.asarray(parts).reshape(-1)[: len(X)]


def twin(seed: int, form: str) -> Figures:
    """Return the error of backprop with as many hidden units and passes."""
    X, y, tests, truth = images(form)
    how = SCHOOLING[form]
    net = backprop_net(
        layers=(X.shape[1], HIDDEN[form], 10), activation="relu", loss="softmax", rate=TWIN_RATE
    )
    state = train(net, X, y, epochs=how.passes, batch=how.batch, seed=seed)
    return {"error": 1.0 - accuracy(net, state, tests, truth)}


def kernel(form: str) -> Figures:
    """Return the error of a support vector machine with a Gaussian kernel."""
    return {"error": kernel_machine_error(*images(form))}


def check_full(m: Measured) -> list[Check]:
    """The target of the issue, and what the claim credits: both dreams."""
    checks = [at_most("at most 1.4 % errors", m(OURS, "error"), 0.014)]
    for row in (TWIN, KERNEL, *LESIONS):
        checks.append(above(f"fewer errors than {row}", m(row, "error"), m(OURS, "error")))
    return checks


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""
    gain = {seed: 0.08 - error for seed, error in m(OURS, "error").items()}
    return [by_mean("at most 8 % errors", gain, 0.0)]
