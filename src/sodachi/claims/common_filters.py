"""Claim: what the first layer learns is common to kinds of images, what the second learns is not.

Four networks of two layers learn from photographs, digits, kana and clothing, without labels. Then
a layer of one is put into another, and a label above is learned anew.
"""

from __future__ import annotations

from functools import lru_cache, partial
from itertools import combinations
from typing import Any

import numpy as np

from sodachi.claims.boltzmann_training import Schooling
from sodachi.claims.claim import Claim, Figures, Measured, Protocol
from sodachi.claims.domains import CLASSES, DIGITS, KANA, LABELLED, PHOTOGRAPHS, domain, known_to
from sodachi.claims.similarity import kernel_alignment, matched
from sodachi.claims.stacks import Stacked, reader, taught
from sodachi.claims.statistics import Check, above, ahead, by_mean
from sodachi.claims.windows import First, given, learned

SEEN = {"quick": 4000, "full": 8000}
"""Windows from which a first layer learns."""
FIRST = {
    "quick": Schooling(passes=20, batch=50, drawn=False, full=0.5),
    "full": Schooling(passes=40, batch=50, drawn=False, full=0.5),
}
SECOND = {"quick": Schooling(passes=80, batch=50), "full": Schooling(passes=30, batch=50)}
UNITS = {"quick": 60, "full": 100}
SETTINGS: dict[str, Any] = {"rate": 0.6, "sparsity": 1.0, "sparse_target": 0.1}
EPOCHS, RATE = 10, 1.0
PROBES = 500
"""Test images of each domain on which layers are compared."""
FEW, FEW_SECOND, FEW_EPOCHS = 200, Schooling(passes=400, batch=50), 100
OWN, SWAP_1, SWAP_2 = "own layers", "first layer of another", "second layer of another"
RANDOM, PCA, PIXELS = "random", "principal components", "pixels"
BETWEEN, TWICE, UNLEARNED = "two domains", "one domain twice", "random filters"
FEW_OWN = "200 digits: own layers"
FEW_FIRST, FEW_BOTH = "200 digits: first layer of kana", "200 digits: both layers of kana"
FEW_PIXELS = "200 digits: pixels"
AGAIN = 1000  # added to the seed of the same domain learned once more


@lru_cache(16)
def first(name: str, seed: int, form: str) -> First:
    """Return the first layer of a domain, learned from windows of its images."""
    return learned(domain(name, form).seen, SEEN[form], FIRST[form], seed)


def first_of(kind: str, name: str, seed: int, form: str) -> First:
    """Return a domain's first layer, or one that learned no filter from the domain's windows."""
    if kind in (RANDOM, PCA):
        return given(domain(name, form).seen, SEEN[form], seed, kind)
    return first(kind, seed, form)


@lru_cache(32)
def second(kind: str, name: str, seed: int, form: str) -> Stacked:
    """Return a second layer, learned from a domain's images above some first layer."""
    heard = first_of(kind, name, seed, form).believe(domain(name, form).seen)
    return taught(heard, UNITS[form], SECOND[form], seed, **SETTINGS)


def partners(name: str, form: str) -> tuple[str, ...]:
    """Return whose layers a domain borrows: the photographs', and the next labelled one's."""
    labelled = LABELLED[form]
    following = labelled[(labelled.index(name) + 1) % len(labelled)]
    return (PHOTOGRAPHS,) if following == name else (PHOTOGRAPHS, following)


def accuracy(name: str, lower: First, upper: Stacked | None, seed: int, form: str) -> float:
    """Return how many unseen images of a domain are read right through these layers."""
    d = domain(name, form)
    heard = [lower.believe(x) for x in (d.seen, d.tests)]
    if upper is not None:
        heard = [upper.believe(x) for x in heard]
    return _read(heard[0], d.y, heard[1], d.truth, seed)


def _read(seen, y, tests, truth, seed: int, epochs: int = EPOCHS) -> float:
    told = reader(seen, y, seed, classes=CLASSES, epochs=epochs, rate=RATE)
    return float((told.read(tests) == truth).mean())


def read(row: str, seed: int, form: str) -> Figures:
    """Return the accuracy of a row, by domain and in the mean."""
    found: Figures = {}
    for name in LABELLED[form]:
        d = domain(name, form)
        if row == PIXELS:
            flat = [x.reshape(len(x), -1) for x in (d.seen, d.tests)]
            found[name] = _read(flat[0], d.y, flat[1], d.truth, seed)
            continue
        others = partners(name, form) if row in (SWAP_1, SWAP_2) else (name,)
        each = []
        for other in others:
            if row == SWAP_2:  # what the other's images taught above this domain's own filters
                lower, upper = first(name, seed, form), second(name, other, seed, form)
            else:
                kind = row if row in (RANDOM, PCA) else other
                lower, upper = first_of(kind, name, seed, form), second(kind, name, seed, form)
            each.append(accuracy(name, lower, upper, seed, form))
        found[name] = float(np.mean(each))
    return found | {"accuracy": float(np.mean(list(found.values())))}


# --- how alike -----------------------------------------------------------------------------------


def compare(row: str, seed: int, form: str) -> Figures:
    """Return how alike layers of two networks are, by layer, and how alike their filters look."""
    probes = np.concatenate([domain(n, form).tests[:PROBES] for n in known_to(form)])
    names = known_to(form)
    if row == TWICE:
        pairs = [((n, seed), (n, seed + AGAIN)) for n in LABELLED[form]]
    else:
        pairs = [((a, seed), (b, seed)) for a, b in combinations(names, 2)]
    figures = []
    for one, other in pairs:
        if row == UNLEARNED:
            lower = [first_of(RANDOM, n, s + i, form) for i, (n, s) in enumerate((one, other))]
            heard = [x.believe(probes) for x in lower]
            figures.append((kernel_alignment(*heard), np.nan))
        else:
            lower = [first(n, s, form) for n, s in (one, other)]
            heard = [x.believe(probes) for x in lower]
            upper = [second(n, n, s, form).believe(x)
                     for (n, s), x in zip((one, other), heard, strict=True)]  # fmt: skip
            figures.append((kernel_alignment(*heard), kernel_alignment(*upper)))
        figures[-1] = (*figures[-1], matched(lower[0].fields, lower[1].fields))
    low, high, look = np.mean(figures, axis=0)
    found = {"first": float(low), "second": float(high), "matched": float(look)}
    return {k: v for k, v in found.items() if np.isfinite(v)}


def few(row: str, seed: int, form: str) -> Figures:
    """Return the accuracy with 200 digits, labelled, and what other layers have learned."""
    d = domain(DIGITS, form)
    rows = np.random.default_rng([seed, 13]).permutation(len(d.seen))[:FEW]
    seen, y = d.seen[rows], d.y[rows]
    if row == FEW_PIXELS:
        heard: list[Any] = [x.reshape(len(x), -1) for x in (seen, d.tests)]
    else:
        own = row == FEW_OWN
        lower = learned(seen, SEEN[form], FIRST[form], seed) if own else first(KANA, seed, form)
        heard = [lower.believe(x) for x in (seen, d.tests)]
        if row == FEW_BOTH:
            upper = second(KANA, KANA, seed, form)
        else:
            upper = taught(heard[0], UNITS[form], FEW_SECOND, seed, **SETTINGS)
        heard = [upper.believe(x) for x in heard]
    return {"accuracy": _read(heard[0], y, heard[1], d.truth, seed, FEW_EPOCHS)}


def rows(seed: int, form: str):
    """Return what is measured: layers own, swapped and unlearned; likeness; few digits."""
    if form == "quick":
        return {row: partial(read, row, seed, form) for row in (SWAP_1, SWAP_2)}
    likeness = {row: partial(compare, row, seed, form) for row in (BETWEEN, TWICE, UNLEARNED)}
    every = (OWN, SWAP_1, SWAP_2, RANDOM, PCA, PIXELS)
    measured = {row: partial(read, row, seed, form) for row in every} | likeness
    scarce = (FEW_OWN, FEW_FIRST, FEW_BOTH, FEW_PIXELS)
    return measured | {row: partial(few, row, seed, form) for row in scarce}


def check_full(m: Measured) -> list[Check]:
    """The target of the issue: likeness falls with the layer, and what a swap costs rises."""
    shares = []
    for layer in ("first", "second"):
        own = m(TWICE, layer)
        shares.append({seed: v / own[seed] for seed, v in m(BETWEEN, layer).items()})
    return [
        above("first layers of two domains are more alike than second ones", m(BETWEEN, "first"),
              m(BETWEEN, "second")),
        above("also as shares of the likeness of one domain twice", *shares),
        above("filters of two domains look more alike than random ones", m(BETWEEN, "matched"),
              m(UNLEARNED, "matched")),
        above("another's first layer costs less than another's second, by .03",
              m(SWAP_1, "accuracy"), m(SWAP_2, "accuracy"), 0.03),
    ]  # fmt: skip


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""
    lead = ahead(m(SWAP_1, "accuracy"), m(SWAP_2, "accuracy"))
    return [by_mean("another's first layer costs less than another's second, by .1", lead, 0.1)]


CLAIM = Claim(
    name="common-filters",
    source={
        "document": "Y. Sasaki, Can deep learning take in the behaviour of the brain?",
        "sentence": "The first layers come to have a common structure whatever the data and their "
        "domain, the layers after them differ a little from domain to domain: so learned layers "
        "are used again, and what is common need not be learned.",
    },
    rows=rows,
    rivals={
        RANDOM: "a first layer of random directions of the domain's white windows, as active",
        PCA: "a first layer of their strongest directions, both signs, as active",
        PIXELS: "no layer: the label above pixels",
        FEW_PIXELS: "the same with 200 digits",
        TWICE: "a domain learned twice, from other windows and newborn weights: how alike two "
        "layers can be; mean of the three",
    },
    lesion={
        UNLEARNED: "first layers of random directions of two domains: likeness not learned",
        SWAP_2: "the layer that is not common: what another's images taught above own filters",
    },
    quick=Protocol(
        words="Photographs and scikit-learn's digits, enlarged; digits are read through a layer "
        "of the photographs; judged on means of two seeds.",
        seeds=(1, 2),
        target="Another's first layer costs .1 less than another's second.",
        check=check_quick,
    ),
    full=Protocol(
        words="28 x 28 windows of two photographs, MNIST, KMNIST and Fashion-MNIST; 4,000 images "
        "each, no labels. First layer: 32 units that learned from 8,000 windows of 8 x 8 pixels, "
        "level and white (20 directions), and look through every fourth place; four windows are "
        "one pool. Second: 100 units above all pools, 30 passes. Then a label layer learns by the "
        "delta rule, and 3,000 unseen images are read: through own layers; through the first layer "
        "of another (photographs, and the next of the three), all above it learned anew on the "
        "own images; through the own first layer and a second that the other's images taught. "
        "Likeness: linear CKA of activity on 500 unseen images of every domain, and the cosine of "
        "filters that match best over shifts and signs, means of the six pairs. Beside, not in "
        "the target: unlearned first layers, pixels, and 200 digits with layers of kana. Settings "
        "were chosen on seed 0 and test images before the 5,000th, on which nothing is judged. "
        "95 % t intervals over ten seeds, paired.",
        seeds=tuple(range(1, 11)),
        target="First layers of two domains are more alike than second ones, also as shares of "
        "one domain's twice, and look more alike than random ones; another's first layer costs "
        ".03 less than another's second. All apart.",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(0, 100),
    shown=("accuracy", "first", "second", "matched"),
)
