"""Claim: feedback synapses of their own need no copy of the forward weights, even at 16 layers.

A newborn babbles before it sees anything: every population fires noise, and each feedback synapse
follows the correlation of its own error cell and its own value cell, which is the forward weight.
From then on both synapses get the same two signals (Kolen-Pollack) and stay aligned.
"""

from __future__ import annotations

from functools import cache, partial
from itertools import pairwise

import numpy as np

from sodachi.claims.claim import Claim, Figures, Measured, Protocol
from sodachi.claims.deep_nets import BATCH, born, deep_net, deep_options, digits, live, score
from sodachi.claims.statistics import Check, above, at_most, by_mean, not_below
from sodachi.models import babble
from sodachi.system import State, System

WIDTH = 64
RATE = 1e-3
EPOCHS = {"quick": 2, "full": 3}
IMAGES = {"quick": (8_000, 2_000), "full": (12_000, 10_000)}  # train, test
DEPTHS = {"quick": (5,), "full": (3, 16)}
BABBLE = {"quick": 400, "full": 1_000}  # ticks of noise, in as many lanes as a batch has
FEW = (0, 1, 2)  # seeds of the rows that only explain

#: By row: feedback, whether it babbles first, decay of both synapses.
KINDS: dict[str, tuple[str, bool, float]] = {
    "tied": ("tied", False, 0.0),
    "babbled": ("kolen_pollack", True, 0.0),
    "Kolen-Pollack from random": ("kolen_pollack", False, 0.0),
    "fixed": ("fixed", False, 0.0),
    "Kolen-Pollack from random, decay": ("kolen_pollack", False, 1.0),
    "own gradient from random": ("own_gradient", False, 0.0),
    "babbled, own gradient": ("own_gradient", True, 0.0),
    "babbled, then fixed": ("fixed", True, 0.0),
}
ALWAYS = ("tied", "babbled", "Kolen-Pollack from random")  # with all seeds
QUICK = ("tied", "babbled", "fixed")


def rows(seed: int, form: str):
    """Return what is measured: at each depth, feedback of every kind."""
    kinds = QUICK if form == "quick" else tuple(KINDS) if seed in FEW else ALWAYS
    return {
        f"{depth} layers, {kind}": partial(lived, depth, KINDS[kind], seed, form)
        for depth in DEPTHS[form]
        for kind in kinds
    }


@cache
def _net(depth: int, feedback: str, decay: float, form: str) -> System:
    ticks = EPOCHS[form] * (IMAGES[form][0] // BATCH)
    common = deep_options(depth, WIDTH, RATE, ticks)
    return deep_net(depth, common, feedback=feedback, decay=decay)


def lived(depth: int, kind: tuple[str, bool, float], seed: int, form: str) -> Figures:
    """Return the test accuracy, and the largest angle at birth, after babbling, after each epoch.

    Of all layers whose feedback is used; that to the clamped input is not.
    """
    feedback, babbling, decay = kind
    net = _net(depth, feedback, decay, form)
    state = born(net, seed)
    history = [state]
    if babbling:
        state = babble(net, state, seed, BABBLE[form], BATCH)
        history.append(state)
    data = digits(*IMAGES[form])
    state, seconds = live(net, state, data, EPOCHS[form], seed, history.append)
    figures = {"accuracy": score(depth, WIDTH, state, data), "seconds_an_epoch": seconds}
    if feedback == "tied":
        return figures
    names = ["at_birth", *(["babbled"] if babbling else []),
             *(f"epoch_{i + 1}" for i in range(EPOCHS[form]))]  # fmt: skip
    for name, then in zip(names, history, strict=True):
        figures[f"angle_{name}"] = float(angles(then, depth).max())
    used = angles(state, depth)
    return figures | {"angle": float(used.max()), "mean_angle": float(used.mean())}


def angles(state: State, depth: int) -> np.ndarray:
    """Return the angle in degrees between forward and feedback weights of layers 2 to ``depth``."""
    weights = state.shared["weights"]
    names = ["input", *(f"hidden{i}" for i in range(1, depth)), "label"]
    found = []
    for source, target in pairwise(names[1:]):
        w, b = (np.asarray(weights[f"{source}>{target}{end}"], np.float64) for end in ("", ":back"))
        cosine = (w * b).sum() / (np.linalg.norm(w) * np.linalg.norm(b))
        found.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    return np.array(found)


def check_full(m: Measured) -> list[Check]:
    """The target: as good as tied at both depths, aligned, and the babbling to be thanked."""
    checks = []
    for depth, margin in ((3, 0.02), (16, 0.03)):
        ours, tied = (f"{depth} layers, {row}" for row in ("babbled", "tied"))
        checks += [
            not_below(f"{depth} layers: not {margin} below tied", m(ours, "accuracy"),
                      m(tied, "accuracy"), margin),
            at_most(f"{depth} layers: every layer's angle below 30°", m(ours, "angle"), 30.0),
        ]  # fmt: skip
    ours = m("16 layers, babbled", "accuracy")
    for lesion in ("Kolen-Pollack from random", "fixed"):
        other = m(f"16 layers, {lesion}", "accuracy")
        checks.append(above(f"16 layers: above {lesion}", {k: ours[k] for k in other}, other))
    return checks


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""

    def less(a: str, b: str):
        first, second = m(f"5 layers, {a}", "accuracy"), m(f"5 layers, {b}", "accuracy")
        return {seed: first[seed] - second[seed] for seed in first}

    angle = {seed: -value for seed, value in m("5 layers, babbled", "angle").items()}
    return [
        by_mean("5 layers: at most .03 below tied", less("babbled", "tied"), -0.03),
        by_mean("5 layers: every layer's angle below 30°", angle, -30.0),
        by_mean("5 layers: above fixed", less("babbled", "fixed"), 0.0),
    ]


CLAIM = Claim(
    name="feedback-alignment",
    source={
        "document": "Learning algorithm of biological networks (video lecture on predictive "
        "coding)",
        "sentence": "At two opposed synapses the update rules are in essence the same, so feedback "
        "and feedforward synapses may come to similar values on their own; with a nonlinearity the "
        "updates are not identical, but an approximate symmetry is thought to be enough.",
    },
    rows=rows,
    rivals={
        "16 layers, tied": "feedback through the forward weights themselves (weight transport), "
        "all else the same",
        "16 layers, Kolen-Pollack from random": "the same two signals at both synapses, from "
        "separate random weights (with decay: 1 in units of the weight rate on both sides, not "
        "tuned)",
    },
    lesion={
        "16 layers, Kolen-Pollack from random": "no babbling (all of these at 3 layers too)",
        "16 layers, fixed": "feedback stays as it was born, random (feedback alignment)",
        "16 layers, babbled, own gradient": "feedback follows error × x in place of error × f(x): "
        "the source's catch",
        "16 layers, babbled, then fixed": "babbling, then no plasticity of the feedback",
    },
    quick=Protocol(
        words="5 layers, 8,000 images, 2 epochs; judged on means of two seeds.",
        seeds=(0, 1),
        target="At most .03 below tied, every angle below 30°, above fixed random feedback.",
        check=check_quick,
    ),
    full=Protocol(
        words="Direction: up. 784 pixels, 2 or 15 hidden layers of 64 (tanh), 10 labels; the error "
        "wave, as many ticks as layers; Adam .001, steps shrinking to nothing; 12,000 MNIST "
        "images, 3 epochs in batches of 64, tested on 10,000. Babbling: 1,000 ticks of noise in "
        "64 lanes, in which only feedback weights move. Angle: the largest of all layers whose "
        "feedback is used.",
        seeds=tuple(range(10)),
        target="Separate weights not below tied by .02 at 3 layers and .03 at 16; every layer's "
        "angle below 30° at the end; at 16 layers above the same without babbling, and above "
        "fixed random feedback (three seeds).",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(100, 101),
    shown=("accuracy", "angle", "angle_at_birth", "angle_babbled", "angle_epoch_1"),
)
