"""Four kinds of images of one size, 28 x 28: photographs, digits, kana and clothing."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from sodachi.claims.natural_images import parted, scenes
from sodachi.data import load_digits, load_fashion_mnist, load_kmnist, load_mnist

SIDE, CLASSES = 28, 10
PHOTOGRAPHS, DIGITS, KANA, CLOTHING = "photographs", "digits", "kana", "clothing"
DOMAINS = (PHOTOGRAPHS, DIGITS, KANA, CLOTHING)
LABELLED = {"quick": (DIGITS,), "full": (DIGITS, KANA, CLOTHING)}
MANY, TESTS = {"quick": 1200, "full": 4000}, {"quick": 597, "full": 3000}
"""Images of each domain to learn from, and to judge on."""
CHOSEN_ON = 5000
"""Test images, the first, on which settings were chosen: nothing is judged on them."""


class Domain(NamedTuple):
    """Images [n, 28, 28] to learn from and to judge on, and their labels, where there are any."""

    seen: np.ndarray
    y: np.ndarray
    tests: np.ndarray
    truth: np.ndarray


def known_to(form: str) -> tuple[str, ...]:
    """Return the domains of a form: the quick one needs no download."""
    return (PHOTOGRAPHS, *LABELLED[form])


@lru_cache(8)
def domain(name: str, form: str) -> Domain:
    """Return a domain's images; scikit-learn's digits, enlarged, in the quick form."""
    if name == PHOTOGRAPHS:
        return _windows(form)
    if form == "quick":
        from scipy.ndimage import zoom

        X, y = load_digits()
        large = np.asarray(zoom(X.reshape(-1, 8, 8), (1, SIDE / 8, SIDE / 8), order=1))
        return _cut(large, y, large[MANY[form] :], y[MANY[form] :], form)
    load = {DIGITS: load_mnist, KANA: load_kmnist, CLOTHING: load_fashion_mnist}[name]
    (X, y), (tests, truth) = load("train"), load("test")
    judge = slice(CHOSEN_ON, None)
    return _cut(X, y, tests[judge], truth[judge], form)


def _cut(X, y, tests, truth, form: str) -> Domain:
    many, few = MANY[form], TESTS[form]
    square = (-1, SIDE, SIDE)
    return Domain(X[:many].reshape(square), y[:many], tests[:few].reshape(square), truth[:few])


def _windows(form: str) -> Domain:
    rng = np.random.default_rng(2026)
    sets = []
    for held_out, count in ((False, MANY[form]), (True, TESTS[form])):
        images = parted(scenes(), held_out)
        which = rng.integers(0, len(images), count)
        found = []
        for i in which:
            r, c = (rng.integers(0, n - SIDE + 1) for n in images[i].shape)
            found.append(images[i][r : r + SIDE, c : c + SIDE])
        sets.append(np.stack(found).astype(np.float32))
    none = np.zeros(0, int)
    return Domain(sets[0], none, sets[1], none)
