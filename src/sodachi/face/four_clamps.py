"""One small settling net taught digits once, then used four ways: only what is clamped differs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from sodachi.claims.training import train
from sodachi.combinators import minibatch
from sodachi.data import load_digits
from sodachi.models.settling import settling_net
from sodachi.observation import observe
from sodachi.running import run
from sodachi.system import Evidence, State, System

LAYERS = (64, 32, 10)
RATE = 0.1
BATCH, EPOCHS, TRAINED = 30, 15, 1_500  # the rest of the digits is never learned
WAIT = 150  # ticks given to a question
NOISE, TRUST = 0.25, 1.0  # of noisy pixels: standard deviation, and precision they are given
TEMPERATURE, WANDER = 0.01, 300  # of generation, and its ticks
EACH = 3  # generated digits of each label
WATCHED, TICKS = 100, 40  # images of each kind whose errors are watched, and for how long


class Taught(NamedTuple):
    """Weights (the shared part of a state) and the digits that they have not seen."""

    shared: Any
    X: np.ndarray
    y: np.ndarray
    mean: np.ndarray
    """The mean image of the digits learned."""


class Uses(NamedTuple):
    """What came of four clamps: of every unseen digit, [n] or [n, 64]; and generated digits."""

    answers: np.ndarray
    completed: np.ndarray
    noisy: np.ndarray
    denoised: np.ndarray
    generated: np.ndarray
    """[label, example, pixel]"""


def net_of(**options) -> System:
    """Return the net of these pictures; options that change no weight leave it the same net."""
    usual = {"direction": "both", "rate": RATE, "weight_rate": 2e-3, "decay": 2.0}
    return settling_net(layers=LAYERS, **(usual | options))


def teach(seed: int, samples: int = TRAINED, epochs: int = EPOCHS) -> Taught:
    """Show a newborn net digits, pixels and label clamped; return what it knows."""
    X, y = load_digits()
    order = np.random.default_rng(seed).permutation(len(y))
    X, y = X[order], y[order]
    pupil = net_of(start="feedforward", settle_ticks=10)
    state = train(pupil, X[:samples], y[:samples], epochs=epochs, batch=BATCH, seed=seed)
    return Taught(state.shared, X[TRAINED:], y[TRAINED:], X[:samples].mean(0))


@cache
def _asker(n: int, ticks: int, temperature: float) -> tuple[System, Callable]:
    """Return the net with n lanes, and its compiled step, for any number of questions."""
    warm = {"relaxation": "langevin", "temperature": temperature} if temperature else {}
    system = minibatch(net_of(settle_ticks=ticks, **warm), n)
    return system, system.step


def ask(taught: Taught, n: int, ticks: int, seed: int = 0, temperature: float = 0.0, **known):
    """Hold what is known of n samples for some ticks from rest; return the net's estimates."""
    system, step = _asker(n, ticks, temperature)
    seen = observe(system.spec, learn=False, **known)
    state = State(taught.shared, system.init(seed).lane)
    return {name: np.asarray(value) for name, value in step(state, seen)[1].items()}


def complete(taught: Taught, X: np.ndarray) -> np.ndarray:
    """Clamp the upper half of each image; return the image with the rest as the net expects it."""
    known = np.zeros_like(X)
    known[:, : X.shape[1] // 2] = np.inf
    made = ask(taught, len(X), WAIT, input=Evidence(X, known, np.zeros_like(X)))["input"]
    return np.where(known > 0, X, made)


def denoise(taught: Taught, noisy: np.ndarray) -> np.ndarray:
    """Nudge every pixel to its noisy value (precision `TRUST`); return what the net predicts."""
    nudge = Evidence(noisy, np.full_like(noisy, TRUST), np.zeros_like(noisy))
    return ask(taught, len(noisy), WAIT, input=nudge)["input"]


def generate(taught: Taught, seed: int, each: int = EACH, ticks: int = WANDER) -> np.ndarray:
    """Clamp each label alone and let the rest wander; return the pixels predicted."""
    labels = np.repeat(np.arange(10), each)
    made = ask(taught, len(labels), ticks, seed, TEMPERATURE, label=labels)["input"]
    return made.reshape(10, each, -1)


def four_uses(taught: Taught, seed: int, wander: int = WANDER) -> Uses:
    """Ask the same weights four questions about the digits they have not seen."""
    noisy = noised(taught.X, seed)
    return Uses(
        answers=ask(taught, len(taught.X), WAIT, input=taught.X)["label"].argmax(-1),
        completed=complete(taught, taught.X),
        noisy=noisy,
        denoised=denoise(taught, noisy),
        generated=generate(taught, seed, ticks=wander),
    )


def noised(X: np.ndarray, seed: int) -> np.ndarray:
    """Return images with normal noise of standard deviation `NOISE` on every pixel."""
    return (X + NOISE * np.random.default_rng(seed).normal(size=X.shape)).astype(np.float32)


def scores(taught: Taught, uses: Uses) -> dict[str, float]:
    """Return mean squared errors per pixel over the unseen digits, what they are to beat beside."""
    X, hidden = taught.X, slice(taught.X.shape[1] // 2, None)

    def error(made, over=slice(None)):
        return float(((made - X)[:, over] ** 2).mean())

    return {
        "completed": error(uses.completed, hidden),
        "mean image": error(taught.mean, hidden),
        "denoised": error(uses.denoised),
        "noisy": error(uses.noisy),
    }


@cache
def _watcher(n: int, ticks: int) -> tuple[System, Callable]:
    """Return the net with n lanes, and its compiled run of some ticks."""
    system = minibatch(net_of(), n)
    return system, run(system, chunk=ticks)


def surprise(taught: Taught, X: np.ndarray, ticks: int = TICKS) -> np.ndarray:
    """Return the tension ``Σ ½ε²`` at each tick after an image is clamped at rest: [tick, n]."""
    system, live = _watcher(len(X), ticks)
    state = State(taught.shared, system.init(0).lane)
    stream = observe(system.spec, steps=ticks, learn=False, input=np.tile(X, (ticks, 1, 1)))
    return np.asarray(live(state, stream)[1]["energy"])


def familiar_and_novel(taught: Taught, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return unseen digits, and the same with the pixels of each shuffled."""
    X = taught.X[:WATCHED]
    return X, np.random.default_rng(seed).permuted(X, axis=1)
