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
from sodachi.claims.claim import Claim, Figures, Measured, Protocol
from sodachi.claims.statistics import Check, above, ahead, at_most, by_mean
from sodachi.claims.training import accuracy
from sodachi.combinators import minibatch
from sodachi.data import load_digits, load_mnist
from sodachi.models.backprop import backprop_net
from sodachi.models.deep_boltzmann import deep_boltzmann_machine
from sodachi.system import State, System

OURS, GENERATIVE, DISCRIMINATIVE = "ours", "generative only", "discriminative only"
TWIN, KERNEL = "twin", "support vectors"
SETTINGS: dict[str, Any] = {"rate": 1.0, "generative": 0.1, "discriminative": 1.0}
LESIONS: dict[str, dict[str, Any]] = {
    GENERATIVE: {"generative": 1.0, "discriminative": 0.0, "rate": 0.1},
    DISCRIMINATIVE: {"generative": 0.0},
}
SCHOOLING = {"quick": Schooling(passes=60, batch=50), "full": Schooling(passes=40, batch=50)}
HIDDEN = {"quick": 100, "full": 1000}
TWIN_RATE = 0.001
ONCE = 1
"""Up to this seed the row is measured in which nothing is random: on the first that is reported."""


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
    if seed <= ONCE:
        measured[KERNEL] = partial(kernel, form)
    if form == "quick":
        return {row: measured[row] for row in (OURS, GENERATIVE)}
    return measured


def machine_of(form: str, **settings: Any) -> System:
    """Return the classification machine of a form."""
    X = images(form)[0]
    given: dict[str, Any] = {"layers": (X.shape[1], HIDDEN[form]), "labels": 10, "chains": 50}
    return deep_boltzmann_machine(**(given | SETTINGS | settings))


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
        layers=(X.shape[1], HIDDEN[form], 10),
        activation="relu",
        loss="softmax",
        rate=TWIN_RATE,
        anneal=how.passes * (len(X) // how.batch),
    )
    state = schooled(net, how, seed, X, y)
    return {"error": 1.0 - accuracy(net, state, tests, truth)}


def kernel(form: str) -> Figures:
    """Return the error of a support vector machine with a Gaussian kernel."""
    return {"error": kernel_machine_error(*images(form))}


def check_full(m: Measured) -> list[Check]:
    """The target of the issue, and what the claim credits: both dreams."""
    checks = [at_most("at most 1.4 % errors", m(OURS, "error"), 0.014)]
    fixed = dict.fromkeys(m(OURS, "error"), m(KERNEL, "error")[ONCE])
    for row, errors in {KERNEL: fixed, **{r: m(r, "error") for r in (TWIN, *LESIONS)}}.items():
        checks.append(above(f"fewer errors than {row}", errors, m(OURS, "error")))
    return checks


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""
    gain = {seed: 0.1 - error for seed, error in m(OURS, "error").items()}
    lead = ahead(m(GENERATIVE, "error"), m(OURS, "error"))
    return [
        by_mean("at most 10 % errors", gain, 0.0),
        by_mean(f"fewer errors than {GENERATIVE}, by .03", lead, 0.03),
    ]


CLAIM = Claim(
    name="classification-rbm",
    source={
        "document": "Y. Sasaki, Can deep learning take in the behaviour of the brain?",
        "sentence": "Choose some units as inputs and outputs, and set the couplings so that their "
        "firing comes near the law of what is to be learnt.",
    },
    rows=rows,
    rivals={
        TWIN: "backprop with as many hidden units (ReLU, softmax, Adam), batches and passes, "
        "pixels drawn anew at every visit as for ours",
        KERNEL: "a support vector machine with a Gaussian kernel (C 10, width .02: the best of "
        "(10, .02), (10, .03) and (5, .025))",
    },
    lesion={
        GENERATIVE: "only the dream in which everything is let go",
        DISCRIMINATIVE: "only the dream in which the label is let go",
    },
    quick=Protocol(
        words="scikit-learn's 8 x 8 digits, other writers in the test; 100 hidden units; judged on "
        "means of two seeds.",
        seeds=(1, 2),
        target="At most 10 % errors, and .03 fewer than without the label's own dream.",
        check=check_quick,
    ),
    full=Protocol(
        words="MNIST, one hidden layer of 1,000, the label a softmax layer above it; batches of "
        "50, 40 passes, pixels drawn as 0 or 1 at every visit; test images as they are; p(y|v) "
        "exact. Step and the weights of both dreams were chosen on 10,000 of the training images, "
        "seed 0; so were the twin's step (of .0003, .001, .003; it falls as ours does) and both "
        "settings of the kernel machine, which has no chance in it: one seed. 95 % t intervals "
        "over five seeds, paired.",
        seeds=(1, 2, 3, 4, 5),
        target="At most 1.4 % errors; fewer than both rivals and both lesions, apart.",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(0, 100),
    shown=("error",),
)
