"""Claim: a restricted Boltzmann machine knows digits at −86.3 nats, and the figure is bracketed.

Annealed importance sampling is on average below log Z, and so flatters the machine; its reverse is
above. What is reported uses the upper end, and says how far the two are apart.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from sodachi.claims.boltzmann_rivals import foreign_machine
from sodachi.claims.boltzmann_training import Schooling, schooled
from sodachi.claims.claim import Claim, Figures, Measured, Protocol
from sodachi.claims.digit_likelihood import images, likelihood, mixture
from sodachi.claims.statistics import Check, above, ahead, at_least, at_most, by_mean
from sodachi.models.deep_boltzmann import deep_boltzmann_machine
from sodachi.system import System

OURS, CD, UNCENTRED = "ours", "reconstruction", "not centred"
OTHERS, MIXTURE = "scikit-learn", "mixture of 500"
#: Chosen on 10,000 of the training images, seed 0.
SETTINGS: dict[str, dict[str, Any]] = {
    "quick": {"rate": 0.3},
    "full": {"rate": 0.2, "chains": 300},
}
LESIONS: dict[str, dict[str, Any]] = {
    CD: {"dream": "reconstruction"},
    UNCENTRED: {"centring": 0.0},
}
SCHOOLING = {
    "quick": Schooling(passes=600, batch=50),
    "full": Schooling(passes=180, batch=100, full=0.1),
}


def machine_of(form: str, **settings: Any) -> System:
    """Return the machine of a form: 500 hidden units, or few enough to enumerate."""
    layers = (64, 20) if form == "quick" else (784, 500)
    given: dict[str, Any] = {"layers": layers, "chains": SCHOOLING[form].batch}
    return deep_boltzmann_machine(**(given | SETTINGS[form] | settings))


def rows(seed: int, form: str):
    """Return what is measured: ours, its lesions and its rivals."""
    ours = {OURS: {}} | LESIONS
    measured = {row: partial(one_machine, seed, form, given) for row, given in ours.items()}
    if form == "quick":
        return {OURS: measured[OURS], MIXTURE: partial(mixture, seed, form)}
    measured[OTHERS] = partial(others, seed, form)
    measured[MIXTURE] = partial(mixture, seed, form)
    return measured


def one_machine(seed: int, form: str, settings: dict[str, Any]) -> Figures:
    """Return the likelihood of unseen images after one schooling."""
    system = machine_of(form, **settings)
    state = schooled(system, SCHOOLING[form], seed, images(form)[0])
    return likelihood(system, state, seed, form)


def others(seed: int, form: str) -> Figures:
    """Return the same of scikit-learn's machine, its weights read by our likelihood."""
    system = machine_of(form, centring=0.0)
    state = foreign_machine(system, images(form)[0], SCHOOLING[form], seed)
    return likelihood(system, state, seed, form)


def check_full(m: Measured) -> list[Check]:
    """The target of the issue, and what the claim credits."""
    checks = [
        at_least("at least -86.3 nats, log Z at its upper end", m(OURS, "nats"), -86.3),
        at_most("the bracket of log Z is within .5 nats", m(OURS, "bracket"), 0.5),
    ]
    for row in (OTHERS, MIXTURE, *LESIONS):
        checks.append(above(f"above {row}", m(OURS, "nats"), m(row, "nats")))
    return checks


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means; log Z is exact."""
    lead = ahead(m(OURS, "nats"), m(MIXTURE, "nats"))
    return [by_mean("above a mixture of as many parts, by .1 nats", lead, 0.1)]


CLAIM = Claim(
    name="rbm-likelihood",
    source={
        "document": "Y. Sasaki, Can deep learning take in the behaviour of the brain?",
        "sentence": "The learning rule itself needs local calculation only: the mean firing of a "
        "unit, and the correlation of two.",
    },
    rows=rows,
    rivals={
        OTHERS: "scikit-learn's BernoulliRBM: the same units, batches and passes, its weights read "
        "by our likelihood",
        MIXTURE: "a mixture of 500 products of independent pixels, 50 rounds of EM; exact",
    },
    lesion={
        CD: "no dream of its own: each image is let go for one sweep (contrastive divergence)",
        UNCENTRED: "activity is not centred",
    },
    quick=Protocol(
        words="scikit-learn's 8 x 8 digits, 20 hidden units, log Z exact; judged on means of two "
        "seeds.",
        seeds=(1, 2),
        target="Above a mixture of 20 by .1 nats.",
        check=check_quick,
    ),
    full=Protocol(
        words="MNIST, pixels 0 or 1 with the intensity as probability, drawn anew at every visit; "
        "test images drawn once. 500 hidden units, 180 passes in batches of 100, 300 chains, one "
        "sweep an update. log Z by annealed importance sampling up and down, 5,000 steps, 500 "
        "chains; `nats` takes the upper end. 95 % t intervals over three seeds, paired.",
        seeds=(1, 2, 3),
        target="At least -86.3 nats, the bracket within .5; above both rivals and both lesions.",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(0, 100),
    shown=("nats", "bracket"),
)
