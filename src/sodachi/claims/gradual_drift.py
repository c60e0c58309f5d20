"""Claim: the network that opens a world for a jump follows a slow drift without opening any.

Digits one at a time; every 200 samples one pair of pixels changes places, for ever. Nothing jumps
and nothing returns, so contexts can only do harm: what is to be shown is that they do none.
"""

from __future__ import annotations

from functools import partial

from sodachi.claims.claim import Claim, Measured, Protocol
from sodachi.claims.contestants import Contestant
from sodachi.claims.rewired import grown, nearest, one_life, twin
from sodachi.claims.statistics import Check, above, ahead, by_mean, not_below
from sodachi.models.continual import continual_net
from sodachi.worlds import RewiredDigits

WORLDS, EDGE = {"quick": 10, "full": 125}, {"quick": 3, "full": 20}
OURS, EQUAL, STILL = "ours", "ours, equal weights", "no recycling"
TWINS = ("twin", "twin, decay .3", "twin without decay", "continual backprop")
CONTESTANTS = {
    OURS: grown(16),
    EQUAL: grown(1, pool=False),
    STILL: grown(16, lesion="no-recycling"),
    "twin": twin(rate=0.001, decay_to_initial=0.1),
    "twin, decay .3": twin(rate=0.001, decay_to_initial=0.3),
    "twin without decay": twin(rate=0.001),
    "continual backprop": Contestant(lambda: continual_net(rate=0.001, replacement_rate=1e-4)),
    "nearest of 270": nearest(270),
}
QUICK = (OURS, STILL, "twin")


def rows(seed: int, form: str):
    """Return what is measured: one life of each contestant."""
    stream = partial(RewiredDigits, seed=seed, worlds=WORLDS[form], mode="drift")
    wanted = QUICK if form == "quick" else CONTESTANTS
    return {
        r: partial(one_life, CONTESTANTS[r], stream, seed, EDGE[form], form == "full")
        for r in wanted
    }


def check_full(m: Measured) -> list[Check]:
    """The target: not .01 below the best twin, no decline, and growth is what follows the drift."""
    ours = m(OURS, "new_last")
    checks = [
        not_below(f"{us}, last 20 stretches: not below {row} by .01 or more", m(us, "new_last"),
                  m(row, "new_last"), 0.01)
        for us in (OURS, EQUAL)
        for row in TWINS
    ]  # fmt: skip
    words = "last 20 stretches not below the first 20 by .01 or more"
    checks.append(not_below(words, ours, m(OURS, "new_first"), 0.01))
    words = f"{STILL}: the last 20 stretches, below ours by more than .01"
    checks.append(above(words, ours, m(STILL, "new_last"), 0.01))
    return checks


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""
    ours = m(OURS, "new_last")
    lead = ahead(ours, m("twin", "new_last"))
    return [by_mean("ours: not below the twin by .005 in the last 3 stretches", lead, -0.005)]


CLAIM = Claim(
    name="gradual-drift",
    source={
        "document": "R. S. Sutton, Toward better deep learning (talk, 2024)",
        "sentence": "Continual learning means always learning: every moment is training and test.",
    },
    rows=rows,
    rivals={
        "twin": "backprop 64-100-100-10, leaky ReLU .1, squared error, Adam .001, decay to the "
        "initial weights .1: the best of rates .0005 to .004, decays 0 to .3, and softmax (tuning "
        "seed 100, 40 stretches)",
        "twin, decay .3": "the same with decay .3",
        "twin without decay": "the same without decay",
        "continual backprop": "the twin without decay, its least useful hidden units replaced "
        "(rate 1e-4), optimiser state too",
        "nearest of 270": "1-nearest neighbour over the last 270 samples",
    },
    lesion={STILL: "ours, once its units are used up none is born again: they only follow"},
    quick=Protocol(
        words="10 stretches, fewer rows, judged on means of two seeds.",
        seeds=(0, 1),
        target="Not below the twin by .005 in the last three stretches.",
        check=check_quick,
    ),
    full=Protocol(
        words="125 stretches of scikit-learn digits (1,797 samples each), batch 1; every 200 "
        "samples a random pair of pixels changes places, eight a stretch; accuracy predicted "
        "before learned; 95 % t intervals over five seeds, paired by seed. The same network as in "
        "`label-worlds` and `permuted-digits`, with room for 16 contexts; at equal weights it has "
        "one.",
        seeds=tuple(range(5)),
        target="Over the last 20 stretches not below any backprop twin by .01, nor below its own "
        "first 20; without recycling lower by more than .01.",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(100, 101),
    shown=("new_first", "new_last", "units_born", "weights"),
)
