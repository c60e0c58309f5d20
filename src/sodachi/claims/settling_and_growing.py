"""Claim: the same recipe, on letters of 28 × 28: settling and growing, together.

Kuzushiji one at a time; every 2,000 samples all 784 pixels are rewired, and every fifth world is an
earlier one. Single images of two worlds overlap in energy here, so that several must be seen before
the network can know that the world is another.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from sodachi.claims.claim import Claim, Measured, Protocol
from sodachi.claims.contestants import Contestant
from sodachi.claims.rewired import grown, nearest, one_life, twin
from sodachi.claims.statistics import Check, above, ahead, by_mean
from sodachi.data import load_kmnist
from sodachi.models.continual import continual_net
from sodachi.worlds import RewiredWorlds

INPUTS, TUNED_ON = 784, 5_000
WORLDS, EVERY = {"quick": 4, "full": 15}, {"quick": 4, "full": 5}
ROWS = {"quick": 800, "full": 2_000}
EDGE = {"quick": 2, "full": 6}
OURS, EQUAL, FIXED = "ours, grown", "ours, equal weights", "fixed twin"
NEWBORNS = "random newborns"
LAYERS = (INPUTS, 256, 10)
#: 203k weights, as the twin.
NETWORK: dict[str, Any] = {"inputs": INPUTS, "units": 256, "beta": 2.0, "names": 1}
ONE: dict[str, Any] = NETWORK | {"pool": False}
TWIN: dict[str, Any] = {
    "layers": LAYERS, "activation": "relu", "loss": "softmax", "rate": 0.001,
}  # fmt: skip
RENEWED: dict[str, Any] = TWIN | {"replacement_rate": 1e-4, "maturity": 1000}
CONTESTANTS = {
    OURS: grown(12, **NETWORK),
    EQUAL: grown(1, **ONE),
    FIXED: grown(1, **ONE, lesion="no-recycling"),
    NEWBORNS: grown(1, **ONE, lesion="random-newborn"),
    "twin": twin(**TWIN, decay_to_initial=0.1),
    "twin for returns": twin(**TWIN | {"rate": 0.0003}),
    "continual backprop": Contestant(lambda: continual_net(**RENEWED)),
    "nearest of 259": nearest(259, inputs=INPUTS),
}
QUICK = (OURS, "twin")
TWINS = (FIXED, "twin", "twin for returns", "continual backprop")


def kana(seed: int, form: str) -> RewiredWorlds:
    """Return the stream of a seed, its own draw of images; tuning seeds have the other half."""
    X, y = load_kmnist("test")
    rng = np.random.default_rng([seed, 31])
    first = 0 if seed in CLAIM.tuning_seeds else TUNED_ON
    chosen = first + rng.choice(TUNED_ON, ROWS[form], replace=False)
    return RewiredWorlds(X[chosen], y[chosen], seed=seed, worlds=WORLDS[form], every=EVERY[form])


def rows(seed: int, form: str):
    """Return what is measured: one life of each contestant."""
    stream = partial(kana, seed, form)
    wanted = QUICK if form == "quick" else CONTESTANTS
    return {
        r: partial(one_life, CONTESTANTS[r], stream, seed, EDGE[form], form == "full")
        for r in wanted
    }


def check_full(m: Measured) -> list[Check]:
    """The target: above the fixed twin and every backprop twin, new worlds and returns, apart."""
    checks = []
    for metric, when in (
        ("new_last", "last 6 new worlds"),
        ("return_whole", "returns"),
        ("return_200", "first 200 samples of a return"),
    ):
        for row in TWINS:
            words = f"{OURS}: {when}, above {row}"
            checks.append(above(words, m(OURS, metric), m(row, metric)))
    for row in TWINS:
        words = f"{EQUAL}: last 6 new worlds, above {row}"
        checks.append(above(words, m(EQUAL, "new_last"), m(row, "new_last")))
    words = f"{NEWBORNS}: last 6 new worlds, below ours by more than .1"
    checks.append(above(words, m(EQUAL, "new_last"), m(NEWBORNS, "new_last"), 0.1))
    return checks


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""
    ours, twin_ = partial(m, OURS), partial(m, "twin")
    return [
        by_mean(f"{OURS}: last new worlds, above the twin by .02",
                ahead(ours("new_last"), twin_("new_last")), 0.02),
        by_mean(f"{OURS}: at a return, above the twin by .05",
                ahead(ours("return_200"), twin_("return_200")), 0.05),
    ]  # fmt: skip


CLAIM = Claim(
    name="settling-and-growing",
    source={
        "document": "R. S. Sutton, Toward better deep learning (talk, 2024)",
        "sentence": "When something new is learned, what was learned already must not be taken "
        "apart. One should have a backbone, rely on it, and learn more and more.",
    },
    rows=rows,
    rivals={
        FIXED: "the same settling network, of which no unit is replaced: all are born in the first "
        "world and go on learning",
        "twin": "backprop 784-256-10 (203k weights), ReLU, softmax, Adam .001, decay to the "
        "initial weights .1: of 17 settings the best on new worlds",
        "twin for returns": "the same, Adam .0003, no decay: the best when a world returns",
        "continual backprop": "the twin, its least useful hidden units replaced (rate 1e-4, "
        "maturity 1,000), optimiser state too",
        "nearest of 259": "1-nearest neighbour over the last 259 samples: as many numbers",
    },
    lesion={NEWBORNS: "newborns get the pixels of the example in random order"},
    quick=Protocol(
        words="4 worlds of 800 images, two rows, judged on means of two seeds.",
        seeds=(0, 1),
        target="Above the backprop twin by .02 on new worlds, by .05 at a return.",
        check=check_quick,
    ),
    full=Protocol(
        words="15 worlds of Kuzushiji-MNIST (2,000 images a seed, of the second half of the "
        "test set), batch 1, all 784 pixels rewired every 2,000 samples, every "
        "fifth world an earlier one; accuracy predicted before learned; 95 % t intervals over five "
        "seeds, paired by seed. 256 units a world (203k weights); grown, ours keeps them for each "
        "world it opened, and one world's are computed. The rule is that of rewired digits; beta "
        "was chosen for these images, of eight. Settings, ours and the rivals', were chosen on "
        "2,000 images drawn from the whole test set (seeds 100 and 101), so that some are among "
        "those shown here; continual backprop had two settings of its own on top of the twin's.",
        seeds=tuple(range(5)),
        target="Grown: above its fixed twin, the backprop twins and continual backprop on new "
        "worlds, on returns and at once when a world returns, apart; at equal weights on new "
        "worlds. Random newborns: .1 lower.",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(100, 101, 102),
    shown=("new_first", "new_last", "return_whole", "return_whole_first_visit", "return_200",
           "return_200_first_visit", "units_born", "weights"),
)  # fmt: skip
