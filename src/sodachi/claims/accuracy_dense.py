"""The claims `accuracy-mnist` and `accuracy-fashion`: one test on two sets of images.

A dense net of direction "up", its twin, its lesion, and beside them the source's direction, in
which each layer predicts the one below and the label stands on top.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np

from sodachi.claims.accuracy_protocol import (
    LESION,
    PREDICTIVE,
    SOURCE,
    TWIN,
    Dense,
    Images,
    Recipe,
    contestants,
    dense,
)
from sodachi.claims.claim import Claim, Measured, Protocol
from sodachi.claims.downward import DOWN, downward
from sodachi.claims.downward import words as downward_words
from sodachi.claims.statistics import Check, above, at_least, by_mean, not_below, paired

FEW = (0, 1, 2)  # seeds of the lesion, and of the row that is only shown
EPOCHS_DOWN = 2
EVERY_DOWN = 5  # of the test images, in the row that is only shown: every label is tried


class Task(NamedTuple):
    """One set of images, the net that learns it, and what is claimed of that."""

    name: str
    load: Callable[[str], tuple[np.ndarray, np.ndarray]]
    net: Dense
    epochs: int
    target: float
    quick_images: int
    quick_target: float
    words: str
    """How the images are moved, and what was chosen on validation images."""
    twin: Dense
    """Of the same graph, what was best for the twin."""
    twin_words: str
    """How the twin was tuned apart."""
    module: str
    move: Callable[[np.random.Generator, np.ndarray], np.ndarray] | None = None

    def recipe(self, form: str) -> Recipe:
        """Return how the net is taught in a form."""
        return Recipe(epochs=2 if form == "quick" else self.epochs, batch=64, move=self.move)


@lru_cache(2)
def images(task: Task, form: str) -> Images:
    """Return the training images of a form, and all test images."""
    X, y = task.load("train")
    count = task.quick_images if form == "quick" else len(X)
    return Images(X[:count], y[:count], *task.load("test"))


def claim(task: Task) -> Claim:
    """Return the claim of a task."""
    sizes = "-".join(map(str, task.net.layers))
    target, quick_target = (f"{t:.3f}".lstrip("0") for t in (task.target, task.quick_target))

    def rows(seed: int, form: str):
        """Return what is measured: predictive coding, its twin, no feedback, and the other way."""
        makers = dense(task.net) | {TWIN: dense(task.twin)[TWIN]}
        wanted = contestants(makers, partial(images, task, form), task.recipe(form), seed)
        if form == "full" and seed not in FEW:
            wanted.pop(LESION)
        elif form == "full":
            wanted[DOWN] = partial(downward, partial(_fewer, task), EPOCHS_DOWN, seed)
        return wanted

    def check_full(m: Measured) -> list[Check]:
        """Judge the accuracy on its own, then beside the twin's, then without feedback."""
        ours, twin, cut = (m(row, "accuracy") for row in (PREDICTIVE, TWIN, LESION))
        return [
            by_mean(f"mean accuracy at least {target}", ours, task.target),
            at_least(f"its interval above {target}", ours, task.target),
            not_below("at most .005 below the twin", ours, twin, 0.005),
            above("without feedback at least .01 lower", {s: ours[s] for s in cut}, cut, 0.01),
        ]

    def check_quick(m: Measured) -> list[Check]:
        """Judge two seeds by their means."""
        ours, twin, cut = (m(row, "accuracy") for row in (PREDICTIVE, TWIN, LESION))
        behind = dict(zip(sorted(ours), paired(ours, twin), strict=True))
        lost = dict(zip(sorted(ours), paired(ours, cut), strict=True))
        return [
            by_mean(f"mean accuracy at least {quick_target}", ours, task.quick_target),
            by_mean("at most .01 below the twin", behind, -0.01),
            by_mean("without feedback at least .01 lower", lost, 0.01),
        ]

    return Claim(
        name=task.name,
        source=SOURCE,
        rows=rows,
        rivals={
            TWIN: "backpropagation on the same graph: newborn weights, rule, per-synapse Adam, "
            f"order of images all the same; squared error; {task.twin_words}",
        },
        lesion={
            LESION: "the same net whose errors stay where they arise: only the last layer learns"
        },
        quick=Protocol(
            words=f"{sizes}, upward; {task.quick_images:,} training images, 2 epochs; judged on "
            "means.",
            seeds=(0, 1),
            target=f"At least {quick_target}, at most .01 below the twin, and .01 above a net "
            "without feedback.",
            check=check_quick,
        ),
        full=Protocol(
            words=f"{sizes}, ReLU, direction up: pixels clamped, each layer predicts the next, the "
            f"label on top predicted. 60,000 training images, {task.epochs} epochs of batch 64; "
            "error wave of 2 ticks from a feedforward start, label precision "
            f"{task.net.precision:g}; squared error; per-synapse Adam, 1e-3 shrinking linearly to "
            f"0. {task.words} All 10,000 test images; 95 % t intervals. {downward_words(784)}, "
            f"{EPOCHS_DOWN} epochs, every {EVERY_DOWN}th test image; that row and the lesion have "
            f"{len(FEW)} seeds.",
            seeds=tuple(range(10)),
            target=f"Mean of ten seeds at least {target} and its interval above; at most .005 "
            "below the twin; .01 above a net without feedback.",
            check=check_full,
        ),
        module=task.module,
        tuning_seeds=(100, 101),
        shown=("accuracy", "weights", "training_seconds"),
    )


def _fewer(task: Task) -> Images:
    all_of_them = images(task, "full")
    return all_of_them._replace(
        tests=all_of_them.tests[::EVERY_DOWN], truth=all_of_them.truth[::EVERY_DOWN]
    )
