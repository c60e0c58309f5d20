"""Infer activity first, then learn: what Song et al. (2024)'s four set-ups have in common.

Predictive coding and backpropagation learn the same task from the same newborn weights, one weight
update for each batch, with the same optimiser; the step size of each is the best of one grid.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sodachi.claims.claim import Measured
from sodachi.claims.prospective_lives import Learner
from sodachi.claims.statistics import Check, above, at_most, by_mean, within
from sodachi.errors import ClaimError

#: Each tick of settling is learned from too, but by the clamped input's synapses only once.
EVERY_TICK = {"learning": "every_tick", "patient": ("input>hidden1",)}
#: The label's springs so weak that activity hardly moves before plasticity: the lesion.
WEAK = 0.01


OURS, TWIN = "predictive coding, SGD", "backprop, SGD"
OURS_ADAM, TWIN_ADAM = "predictive coding, Adam", "backprop, Adam"
LESION = "activity hardly moves, SGD"
HALF_MORE, TWICE = "backprop, SGD, 3 updates for 2 batches", "backprop, SGD, 2 updates a batch"
TICKS = "predictive coding, SGD, learning at every tick"


SOURCE = {
    "document": "Song et al. (2024), Inferring neural activity before plasticity as a foundation "
    "for learning beyond backpropagation",
    "sentence": "In prospective configuration, the network first infers the pattern of neural "
    "activity that should result from learning, and then the synaptic weights are modified to "
    "consolidate the change in neural activity.",
}
RIVALS = {
    TWIN: "the same net and newborn weights, one exact gradient step for each batch, SGD",
    TWIN_ADAM: "the same with Adam",
    HALF_MORE: "every second batch presented twice: more multiply-adds than settling takes",
    TWICE: "every batch presented twice: more multiply-adds than any settling net here",
}
LESIONS = {
    LESION: "the label's spring a hundredth as strong (step size a hundred times larger): activity "
    "hardly moves before plasticity, and what is left is backpropagation",
}
COMMON = (
    "Sigmoid nets without biases, squared error, direction up, 6 ticks of .6 from the feedforward "
    "pass, then one update; step sizes of all learners from one grid by mean error on training "
    "images held out, on tuning seeds; 95 % t intervals over ten seeds, paired by seed. Rows that "
    "learn at every tick update all but the input's synapses at each of six ticks."
)
SHOWN = ("mean_error", "final_error", "core_milliseconds", "multiply_adds")


class Rates(NamedTuple):
    """Step sizes: the grid searched, by optimiser, and what was best of it for each learner."""

    grid: Mapping[str, tuple[float, ...]]
    best: Mapping[str, float]


def contest(rates: Rates) -> dict[str, Learner]:
    """Return the learners of a set-up by row; `ClaimError` where a best rate ends its grid.

    The lesion has backpropagation's rate, as its updates are those of backpropagation.
    """

    def best(row: str, optimiser: str = "sgd") -> float:
        grid = sorted(rates.grid[optimiser])
        if not grid[0] < rates.best[row] < grid[-1]:
            raise ClaimError(f"rate of {row}", f"inside {grid}", rates.best[row])
        return rates.best[row]

    weak = {"precision": {"label": WEAK}}
    return {
        OURS: Learner("sgd", best(OURS), {}),
        TWIN: Learner("sgd", best(TWIN)),
        OURS_ADAM: Learner("adam", best(OURS_ADAM, "adam"), {}),
        TWIN_ADAM: Learner("adam", best(TWIN_ADAM, "adam")),
        LESION: Learner("sgd", best(TWIN) / WEAK, weak),
        HALF_MORE: Learner("sgd", best(HALF_MORE), None, again=2),
        TWICE: Learner("sgd", best(TWICE), None, again=1),
        TICKS: Learner("sgd", best(TICKS), EVERY_TICK),
    }


def lower(words: str, m: Measured, ours: str, other: str, least: float = 0.0) -> Check:
    """Check that the mean error of ours is lower by ``least``, the whole interval of it."""
    return above(words, m(other, "mean_error"), m(ours, "mean_error"), least)


def lower_by_mean(words: str, m: Measured, ours: str, other: str, least: float = 0.0) -> Check:
    """The same, judged on means, for quick forms."""
    a, b = m(other, "mean_error"), m(ours, "mean_error")
    return by_mean(words, {seed: a[seed] - b[seed] for seed in a}, least)


def as_its_rival(
    words: str, m: Measured, margin: float, lesion: str = LESION, twin: str = TWIN
) -> Check:
    """Check that the lesion takes the advantage away: it errs as backpropagation does."""
    return within(words, m(lesion, "mean_error"), m(twin, "mean_error"), margin)


def no_chance(m: Measured, chance: float) -> list[Check]:
    """Check that every learner that is judged errs less than chance: none has silently died.

    One seed has no interval and is judged by itself.
    """
    checks = []
    for row in m.rows():
        if row.startswith((OURS, TWIN, OURS_ADAM, TWIN_ADAM)):
            words, error = f"{row}: mean error below chance by .05", m(row, "mean_error")
            alone = {seed: -value for seed, value in error.items()}
            checks.append(
                at_most(words, error, chance - 0.05)
                if len(error) > 1
                else by_mean(words, alone, 0.05 - chance)
            )
    return checks
