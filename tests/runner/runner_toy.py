"""A small noisy linear learner, and a source for it: everything a life needs, quick to compile."""

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.core.clock import new_clock, tick
from sodachi.core.evidence import observed_value, share
from sodachi.system import Spec, State, Variable, arguments, factory, system

INPUTS, CLASSES = 4, 3


@factory("toy")
def toy(*, rate=0.05, noise=0.1, kind="categorical", unused=False):
    """``answer = xW + noise``, ``ΔW = rate · x (label − answer)``: the key must be resumed too."""

    def init(key):
        weights = jax.random.normal(key, (INPUTS, CLASSES))
        shared = {"weights": {"w": weights}, "clock": new_clock(), "empty": jnp.zeros((0, 2))}
        return State(shared, {"key": jax.random.fold_in(key, 1), "activity": jnp.zeros(CLASSES)})

    def step(state, observation):
        key, used = jax.random.split(state.lane["key"])
        x = observed_value(observation.evidence["input"])
        told = observation.evidence["label"]
        w = state.shared["weights"]["w"]
        answer = x @ w + noise * jax.random.normal(used, (CLASSES,))
        error = share(told) * (observed_value(told) - answer)
        learned = w + rate * x[:, None] * error
        shared = state.shared | {
            "weights": {"w": jnp.where(observation.learn, learned, w)},
            "clock": tick(state.shared["clock"], observation.learn),
        }
        output = {"energy": 0.5 * error @ error, "residual": jnp.zeros(()), "label": answer}
        return State(shared, {"key": key, "activity": answer}), output

    spec = Spec(
        "toy",
        arguments(rate=rate, noise=noise, kind=kind, unused=unused),
        observed=(Variable("input", (INPUTS,)), Variable("label", (CLASSES,), kind)),
        capabilities=frozenset({"learns", "stochastic"}),
    )
    return system(spec, init, step)


class Rows:
    """Rows from a fixed table, again and again; every ``bad``-th is a row no network may see."""

    def __init__(self, length, bad=0):
        rng = np.random.default_rng(7)
        self.x = rng.normal(size=(1009, INPUTS)).astype(np.float32)
        self.y = self.x[:, :CLASSES].argmax(1)
        self.length, self.bad, self.at = length, bad, 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.at >= self.length:
            raise StopIteration
        i, self.at = self.at, self.at + 1
        if self.bad and i % self.bad == self.bad - 1:
            return [None, (np.full(INPUTS, np.nan), 0), (self.x[0], 9)][i // self.bad % 3]
        return self.x[i % 1009], int(self.y[i % 1009])

    def offset(self):
        return self.at

    def seek(self, offset):
        self.at = offset
