"""A chain of layers, each on a device of its own, that only send messages to their neighbours.

A layer's device holds its cells, its error cells and the weights that predict them. Upstream it
hears the rates ``f(x)`` that predict it; downstream it hears ``Bᵀε``, what its own predictions
missed. Nothing else crosses. Run as a program (`measure_apart`), it has as many CPU devices as
layers and prints what it measured; with fewer devices, layers share them.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.core.graph import ACTIVATIONS
from sodachi.errors import ClaimError

DEVICES = "--xla_force_host_platform_device_count"
Box = dict[str, Any]


class Layers:
    r"""Layers ``x_0 → x_1 → …`` (each predicts the next), on devices in turn.

    A tick of all together is that of `settling_net` with relaxation ``"descent"``:
    ``x_l ← x_l + rate·(−ε_l + f′(x_l)·W_{l+1} ε_{l+1})``, then
    ``ε_l = x_l − b_l − f(x_{l−1}) W_l``.

    Parameters
    ----------
    weights, biases
        Arrays [n_{l−1}, n_l] and [n_l] of the layers 1, 2, …
    activation
        Of the cells between the ends; ``x_0`` is heard as it is.
    rate
        Time per tick.
    devices
        By default all there are.

    Examples
    --------
    >>> layers = Layers([np.ones((2, 1))], [np.zeros(1)], "tanh", 0.1)
    >>> layers.clamp(np.ones((1, 2)), np.ones((1, 1)))
    >>> layers.cells[1]["error"].tolist()
    [[-1.0]]
    """

    def __init__(self, weights, biases, activation: str, rate: float, devices=None):
        devices = devices or jax.devices("cpu")
        self.last = len(weights)
        self.homes = [devices[n % len(devices)] for n in range(self.last + 1)]
        self.names = ["identity", *[activation] * (self.last - 1), "identity"]
        self.rate = rate
        self.messages = self.numbers = self.works = 0
        self.cells: list[Box] = [{} for _ in self.homes]
        for n in range(1, self.last + 1):
            own = {"weight": weights[n - 1], "bias": biases[n - 1]}
            self.cells[n] |= {k: self._put(np.asarray(v), n) for k, v in own.items()}

    def clamp(self, first, last) -> None:
        """Put both ends on values [samples, n], all between on their predictions, in order."""
        self.cells[0]["x"] = self._put(first, 0)
        for n in range(1, self.last + 1):
            self._say(n - 1)
            c = self.cells[n]
            c["x"] = c["heard"] @ c["weight"] + c["bias"]
        self.cells[self.last]["x"] = self._put(last, self.last)
        for n in range(1, self.last + 1):
            self._compare(n)
        for n in range(2, self.last + 1):
            self._answer(n)

    def together(self, ticks: int) -> None:
        """Let every layer take so many ticks, each on what all said at the tick before."""
        for _ in range(ticks):
            for n in range(1, self.last):
                self._move(n)
            for n in range(1, self.last):
                self._say(n)
            for n in range(1, self.last + 1):
                self._compare(n)
            for n in range(2, self.last + 1):
                self._answer(n)

    def freely(self, events: int, rng, feedback: bool = True) -> None:
        """Let one layer after another, drawn by lot, act on the last news it happened to get.

        With ``feedback`` False what comes from downstream is never fresh: the lesion.
        """
        for n in rng.integers(1, self.last + 1, events):
            self._compare(n)
            if n < self.last:
                self._move(n)
                self._compare(n)
                self._say(n)
            if n > 1 and feedback:
                self._answer(n)

    def learn(self, rate: float) -> None:
        """Let every layer's weights follow ``ΔW = rate · mean over samples of f(x) ε``."""
        for n in range(1, self.last + 1):
            c = self.cells[n]
            c["weight"], c["bias"] = _learn(c["weight"], c["bias"], c["heard"], c["error"], rate)

    def residual(self) -> float:
        """Return the largest force on a cell between the ends, on fresh news (none is kept)."""
        x = [np.asarray(c["x"], np.float64) for c in self.cells]
        said = [np.asarray(_rate(self.names[n], c["x"]), np.float64)
                for n, c in enumerate(self.cells)]  # fmt: skip
        error: list = [None] * (self.last + 1)
        for n in range(1, self.last + 1):
            w, b = (np.asarray(self.cells[n][k], np.float64) for k in ("weight", "bias"))
            error[n] = x[n] - b - said[n - 1] @ w
        force = [
            np.asarray(_slope(self.names[n], self.cells[n]["x"])) * (
                error[n + 1] @ np.asarray(self.cells[n + 1]["weight"], np.float64).T) - error[n]
            for n in range(1, self.last)
        ]  # fmt: skip
        return float(max(np.abs(f).max() for f in force))

    def activity(self) -> list[np.ndarray]:
        """Return the cells of every layer, [samples, n_l]."""
        return [np.asarray(c["x"]) for c in self.cells]

    def _put(self, value, n: int):
        return jax.device_put(jnp.asarray(value, jnp.float32), self.homes[n])

    def _send(self, value, to: int, box: str) -> None:
        self.messages += 1
        self.numbers += value.size
        self.cells[to][box] = jax.device_put(value, self.homes[to])

    def _say(self, n: int) -> None:
        self._send(_rate(self.names[n], self.cells[n]["x"]), n + 1, "heard")

    def _answer(self, n: int) -> None:
        self._send(_back(self.cells[n]["error"], self.cells[n]["weight"]), n - 1, "missed")

    def _compare(self, n: int) -> None:
        c = self.cells[n]
        self.works += 1
        c["error"] = _compare(c["x"], c["weight"], c["bias"], c["heard"])

    def _move(self, n: int) -> None:
        c = self.cells[n]
        c["x"] = _move(self.names[n], c["x"], c["error"], c["missed"], self.rate)


def _rate(name, x):
    return _jitted_rate(x, name=name)


def _slope(name, x):
    return _jitted_slope(x, name=name)


_jitted_rate = jax.jit(lambda x, name: ACTIVATIONS[name](x), static_argnames="name")
_jitted_slope = jax.jit(
    lambda x, name: jax.vjp(ACTIVATIONS[name], x)[1](jnp.ones_like(x))[0], static_argnames="name"
)
_back = jax.jit(lambda error, weight: error @ weight.T)
_compare = jax.jit(lambda x, weight, bias, heard: x - bias - heard @ weight)


@jax.jit
def _moved(x, slope, error, missed, rate):
    return x + rate * (slope * missed - error)


def _move(name, x, error, missed, rate):
    return _moved(x, _slope(name, x), error, missed, rate)


@jax.jit
def _learn(weight, bias, heard, error, rate):
    step = rate / error.shape[0]
    return weight + step * (heard.T @ error), bias + step * error.sum(0)


def measure_apart(module: str, layers: int, *arguments: str) -> dict[str, float]:
    """Run ``python -m module arguments`` with a CPU device for every layer; return what it prints.

    Raises
    ------
    ClaimError
        Where the program fails.
    """
    # First: what follows a word without dashes among these flags is not read.
    flags = f"{DEVICES}={layers} {os.environ.get('XLA_FLAGS', '')}".strip()
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, "XLA_FLAGS": flags, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
        raise ClaimError(module, "figures measured in a program of its own", last)
    return json.loads(done.stdout.strip().splitlines()[-1])


def core_seconds() -> float:
    """Return the processor time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
