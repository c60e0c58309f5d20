"""Claim: a second hidden layer makes digits likelier; a bound says by how much at least.

``log p(v)`` of a deep machine is no sum that can be done; mean field bounds it from below, with log
Z at its upper end. The machine grows: one layer learns, then a second is born above it whose
weights are next to nothing, as is what it changes of the law, and both learn on together.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from sodachi.claims.boltzmann_training import Schooling, schooled
from sodachi.claims.claim import Claim, Figures, Measured, Protocol
from sodachi.claims.digit_likelihood import images, likelihood, mixture
from sodachi.claims.statistics import Check, above, ahead, at_least, at_most, by_mean
from sodachi.models.deep_boltzmann import deep_boltzmann_machine
from sodachi.system import State, System

OURS, ONE_LAYER = "ours", "one layer"
WIDE, MIXTURE = "as many weights in one layer", "mixture of 500"
LAYERS = {"quick": (64, 20, 20), "full": (784, 500, 1000)}
#: One hidden layer with as many weights as both.
AS_MANY = (784, 1138)
CHAINS = {"quick": 50, "full": 300}
#: One layer: those of `rbm-likelihood`. Both: chosen on 10,000 of the training images, seed 100.
ONE: dict[str, dict[str, Any]] = {"quick": {"rate": 0.3}, "full": {"rate": 0.2}}
BOTH: dict[str, dict[str, Any]] = {
    "quick": {"rate": 0.3, "settling": "mean_field", "iterations": 3},
    "full": {"rate": 0.05, "settling": "mean_field", "iterations": 5},
}
SCHOOLING = {
    "quick": Schooling(passes=400, batch=50),
    "full": Schooling(passes=180, batch=100, full=0.1),
}
LATER = {"quick": 200, "full": 60}  # passes after the birth of the second layer


def machine_of(form: str, layers: tuple[int, ...]) -> System:
    """Return a machine of a form: with two hidden layers it settles by mean field awake."""
    settings = (ONE if len(layers) == 2 else BOTH)[form]
    return deep_boltzmann_machine(layers=layers, chains=CHAINS[form], **settings)


def rows(seed: int, form: str):
    """Return what is measured: ours, its lesion and its rivals."""
    measured = {OURS: partial(grown, seed, form), MIXTURE: partial(mixture, seed, form)}
    if form == "full":
        measured[ONE_LAYER] = partial(one_layer, seed, form, LAYERS[form][:2])
        measured[WIDE] = partial(one_layer, seed, form, AS_MANY)
    return measured


def grown(seed: int, form: str) -> Figures:
    """Return the bound of unseen images: one layer learns, then both."""
    below = taught(seed, form, LAYERS[form][:2], SCHOOLING[form])
    both = SCHOOLING[form]._replace(passes=LATER[form])
    state = taught(seed, form, LAYERS[form], both, below)
    return likelihood(machine_of(form, LAYERS[form]), state, seed, form)


def one_layer(seed: int, form: str, layers: tuple[int, ...]) -> Figures:
    """Return the likelihood with one hidden layer, after as many passes in all."""
    how = SCHOOLING[form]
    state = taught(seed, form, layers, how._replace(passes=how.passes + LATER[form]))
    return likelihood(machine_of(form, layers), state, seed, form)


def taught(seed: int, form: str, layers, how: Schooling, start: State | None = None) -> State:
    """Return the state of a machine after its passes."""
    return schooled(machine_of(form, layers), how, seed, images(form)[0], start=start)


def check_full(m: Measured) -> list[Check]:
    """The target of the issue, and what the claim credits: the second layer."""
    checks = [
        at_least("at least -85.1 nats, log Z at its upper end", m(OURS, "nats"), -85.1),
        at_most("the bracket of log Z is within .5 nats", m(OURS, "bracket"), 0.5),
    ]
    for row in (WIDE, MIXTURE, ONE_LAYER):
        checks.append(above(f"above {row}", m(OURS, "nats"), m(row, "nats")))
    return checks


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means; log Z is exact."""
    lead = ahead(m(OURS, "nats"), m(MIXTURE, "nats"))
    return [by_mean("the bound is above a mixture of as many parts", lead, 0.0)]


CLAIM = Claim(
    name="dbm-likelihood",
    source={
        "document": "Y. Sasaki, Can deep learning take in the behaviour of the brain?",
        "sentence": "The learning rule itself needs local calculation only: the mean firing of a "
        "unit, and the correlation of two.",
    },
    rows=rows,
    rivals={
        WIDE: "a restricted machine with as many weights, 1,138 hidden units, its likelihood by "
        "the same annealing and no bound in it",
        MIXTURE: "a mixture of 500 products of independent pixels, 50 rounds of EM; exact",
    },
    lesion={ONE_LAYER: "no second layer is born: the first learns on, for as many passes in all"},
    quick=Protocol(
        words="scikit-learn's 8 x 8 digits, 20 and 20 hidden units, log Z exact; judged on means "
        "of two seeds. (At this size a second layer gains nothing.)",
        seeds=(1, 2),
        target="The bound is above the likelihood of a mixture of 20.",
        check=check_quick,
    ),
    full=Protocol(
        words="MNIST as in rbm-likelihood. 500 hidden units learn for 180 passes; then 1,000 more "
        "are born above them, and both layers learn for 60: batches of 100, 300 chains, awake five "
        "sweeps of means. The bound is that of mean field, 50 sweeps; log Z by annealed importance "
        "sampling up and down, 5,000 steps, 500 chains; `nats` takes the upper end. One layer, and "
        "one as wide as its weights allow, learn for 240 passes. 95 % t intervals over three "
        "seeds, paired.",
        seeds=(1, 2, 3),
        target="At least -85.1 nats, the bracket within .5; above both rivals and the lesion.",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(0, 100),
    shown=("nats", "bracket"),
)
