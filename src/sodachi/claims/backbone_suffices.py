"""Claim: of a grown net the backbone suffices; all else can be deleted and the output stays.

A grid grows on digits, one at a time. Which units carry its output is found by moving each of them,
by squared gradients, and from weights alone; the rest is deleted, structure and weights.
"""

from __future__ import annotations

from functools import cache, partial
from typing import NamedTuple

import jax
import numpy as np
from sklearn.datasets import load_digits

from sodachi.claims.claim import Claim, Figures, Measured, Protocol
from sodachi.claims.statistics import Check, above, at_least, at_most, by_mean, not_below
from sodachi.models import growing_grid
from sodachi.models.backbone import by_gradients, by_moving, by_weights, net_of
from sodachi.models.deletion import agreement, delete, enough
from sodachi.models.grid import utility
from sodachi.observation import observe
from sodachi.running import run
from sodachi.system import State, System

GRID = {"levels": 2, "inputs": 64, "labels": 10, "label_kind": "categorical", "fan_in": 12}
UNITS = 128
PASSES = {"quick": 3, "full": 5}
KNOWN, WATCHED = 1400, 500  # digits learned from, and those of them that the finders see
#: Effects that are given up may sum to this part of the output's spread.
ALLOWED = 0.2

TRUTH, COMPLEMENT = "moving", "the complement"
FINDERS = {
    "squared gradient": lambda g: by_gradients(g.net, g.seen, g.labels),
    "strongest path of weights": lambda g: by_weights(g.net),
    "all paths of weights": lambda g: by_weights(g.net, strongest=False),
    "mean gradient": lambda g: by_gradients(g.net, g.seen, g.labels, squared=False),
    "utility": lambda g: _utility(g),
}


class Grown(NamedTuple):
    """A grid after its life, the digits its finders see, unseen ones, and how it answers those."""

    system: System
    state: State
    seen: np.ndarray
    labels: np.ndarray
    unseen: np.ndarray
    right: np.ndarray
    answers: np.ndarray

    @property
    def net(self):
        """What finders read."""
        return net_of(self.system, self.state)


@cache
def grown(seed: int, form: str) -> Grown:
    """Return a grid that has lived through its digits."""
    rng = np.random.default_rng([seed, 41])
    pixels, y = (np.asarray(a) for a in load_digits(return_X_y=True))
    X, order = (pixels / 16).astype(np.float32), rng.permutation(len(y))
    known, unseen = order[:KNOWN], order[KNOWN:]
    told = np.concatenate([rng.permutation(known) for _ in range(PASSES[form])])
    system = growing_grid(units=UNITS, **GRID)
    stream = observe(system.spec, steps=len(told), input=X[told], label=y[told])
    state, _ = run(system, ("live",), chunk=KNOWN)(system.init(seed), stream)
    labels = np.eye(10, dtype=np.float32)[y[known[:WATCHED]]]
    grid = Grown(system, state, X[known[:WATCHED]], labels, X[unseen], y[unseen], np.zeros(0))
    return grid._replace(answers=_answers(grid, state))


def _answers(grid: Grown, state: State) -> np.ndarray:
    ask = observe(grid.system.spec, steps=len(grid.unseen), input=grid.unseen, learn=False)
    return _asked(grid.system)(state, ask)[1]["label"]


@cache
def _asked(system: System):
    return run(system, ("label",), chunk=397)


def _utility(g: Grown):
    """The grid's own utility, by which it recycles: half is handed down."""
    worth = jax.jit(utility, static_argnums=0)(g.net.levels, *g.net[1:], 0.5)[1]
    return worth[-len(g.net.wiring.live) :]


def spread(answers: np.ndarray) -> float:
    """Return the root mean squared distance of the answers [n, labels] from their mean."""
    return float(np.sqrt(answers.var(0).sum()))


def kept_by(row: str, seed: int, form: str) -> np.ndarray:
    """Return which units a row keeps: as many as the backbone has, but for the complement."""
    grid = grown(seed, form)
    live = np.asarray(grid.net.wiring.live)
    backbone = enough(by_moving(grid.net, grid.seen), live, ALLOWED * spread(grid.answers))
    if row == TRUTH:
        return backbone
    if row == COMPLEMENT:
        return live & ~backbone
    if row == "random units":
        found = np.random.default_rng([seed, 42]).random(len(live))
    elif row == "outgoing weights":
        found = np.abs(np.asarray(grid.net.out)[-len(live) :]).sum(1)
    else:
        found = np.asarray(FINDERS[row](grid))
    first = np.argsort(-np.where(live, found, -np.inf), kind="stable")[: backbone.sum()]
    return np.isin(np.arange(len(live)), first)


def measure(row: str, seed: int, form: str) -> Figures:
    """Return how far the answers to unseen digits move by a deletion, and what it leaves."""
    grid, keep = grown(seed, form), kept_by(row, seed, form)
    left = delete(grid.state, keep)
    answers = _answers(grid, left.state)
    moved = np.sqrt(((answers - grid.answers) ** 2).sum(1).mean())
    figures = {
        "moved": float(moved / spread(grid.answers)),
        "units_removed": left.units,
        "synapses_removed": left.synapses,
        "accuracy": float((answers.argmax(1) == grid.right).mean()),
        "accuracy_whole": float((grid.answers.argmax(1) == grid.right).mean()),
    }
    if row in FINDERS:
        live, truth = grid.net.wiring.live, by_moving(grid.net, grid.seen)
        same = agreement(truth, FINDERS[row](grid), live, int(keep.sum()))
        figures |= {"rank": same.rank, "overlap": same.overlap}
    return figures


def rows(seed: int, form: str):
    """Return the deletions to be measured, all in one net."""
    wanted = [TRUTH, *FINDERS, *RIVALS, COMPLEMENT]
    return {row: partial(measure, row, seed, form) for row in wanted}


def check_full(m: Measured) -> list[Check]:
    """The target: much goes, the output stays, and the finders agree."""
    ours, random = m(TRUTH, "moved"), m("random units", "moved")
    checks = [
        at_most("backbone alone: output moved by less than .1 of its spread", ours, 0.1),
        at_least("a quarter of the units removed", m(TRUTH, "units_removed"), 0.25),
        not_below("accuracy not below the whole net's by .01", m(TRUTH, "accuracy"),
                  m(TRUTH, "accuracy_whole"), 0.01),
        above("random units: moved twice as far", random, {s: 2 * v for s, v in ours.items()}),
        above("lesion, the complement: moved three times as far", m(COMPLEMENT, "moved"),
              {s: 3 * v for s, v in ours.items()}),
    ]  # fmt: skip
    for row in ("squared gradient", "strongest path of weights"):
        checks += [
            at_least(f"{row}: rank correlation with moving above .7", m(row, "rank"), 0.7),
            at_least(f"{row}: names .8 of the backbone's units", m(row, "overlap"), 0.8),
            above(f"{row}: ranks better than the mean gradient", m(row, "rank"),
                  m("mean gradient", "rank")),
            above(f"{row}: output moved less than by random deletion", random, m(row, "moved")),
        ]  # fmt: skip
    return checks


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""
    ours = m(TRUTH, "moved")
    gain = {seed: value - ours[seed] for seed, value in m("random units", "moved").items()}
    lost = {seed: value - ours[seed] for seed, value in m(COMPLEMENT, "moved").items()}
    return [
        by_mean("backbone alone: moved less than by random deletion, by .03", gain, 0.03),
        by_mean("lesion: the complement moves the output .05 further", lost, 0.05),
        by_mean("squared gradient: rank above .6", m("squared gradient", "rank"), 0.6),
        by_mean("paths of weights: rank above .6", m("strongest path of weights", "rank"), 0.6),
    ]


RIVALS = {
    "random units": "as many units, drawn at random",
    "outgoing weights": "as many units, those with the largest sum of weights onto the outputs",
}

CLAIM = Claim(
    name="backbone-suffices",
    source={
        "document": "R. S. Sutton, Toward better deep learning (talk, 2024)",
        "sentence": "Take away the units that contribute nothing and the backbone is left: what "
        "has been learned. It can be found by small perturbations, by the mean of squared "
        "gradients, or by a slow backward propagation that depends on the weights alone.",
    },
    rows=rows,
    rivals=RIVALS,
    lesion={COMPLEMENT: "the backbone is deleted, and what it could do without is kept"},
    quick=Protocol(
        words="Three passes; judged on means of two seeds.",
        seeds=(0, 1),
        target="The output moves less than by random deletion and less than by deleting the "
        "backbone; both other finders rank as moving does, above .6.",
        check=check_quick,
    ),
    full=Protocol(
        words="A growing grid of 128 units on two levels, linear from its pixels besides, lives "
        "through 1,400 digits of scikit-learn five times, one at a time. The backbone is the "
        "fewest units such that the effects of all others, each moved alone over 500 digits, sum "
        "to .2 of the output's spread. All else is deleted; how far the answers to 397 unseen "
        "digits move, root mean squared, is counted in spreads of the output. Every other row "
        "keeps as many units. Beside it, as ablations: the mean gradient not squared, the grid's "
        "own utility (half handed down), and paths of weights summed.",
        seeds=tuple(range(10)),
        target="Less than .1 of its spread is what the output moves, a quarter of the units or "
        "more is gone, accuracy not .01 lower; as many random units gone move it twice as far, "
        "the complement kept three times. Squared gradients and strongest paths of weights: rank "
        "correlation above .7 and .8 of the same units, better than the mean gradient and than "
        "random deletion.",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(100, 101, 102),
    shown=("moved", "units_removed", "synapses_removed", "accuracy", "accuracy_whole", "rank",
           "overlap"),
)  # fmt: skip
