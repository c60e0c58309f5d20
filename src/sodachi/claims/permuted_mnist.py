"""Claim: two hundred wirings of the pixels, 5,000 images each, the last learned as the first.

MNIST one image at a time; every 5,000 images all 784 pixels are permuted anew. Nothing that was
learned helps: what is asked for is to learn quickly, and to be able to for ever.
"""

from __future__ import annotations

from functools import partial

from sodachi.claims.claim import Claim, Protocol
from sodachi.claims.mnist_contestants import rival_words
from sodachi.claims.mnist_streams import SET_UP, SOURCE, check_full, check_quick, rows_of

MODE = "pixels"
CLAIM = Claim(
    name="permuted-mnist",
    source=SOURCE,
    rows=rows_of(MODE),
    rivals=rival_words(MODE),
    lesion={
        "no recycling": "ours, where units are born only while one is free, in a single context",
        "births at random": "births at random times instead of when hungry, about as many",
    },
    quick=Protocol(
        words="Two tasks of 1,000 images, two rows; judged on means of two seeds.",
        seeds=(0, 1),
        target="Above the twin by .01.",
        check=check_quick,
    ),
    full=Protocol(
        words=f"{SET_UP} Each task permutes the pixels.",
        seeds=tuple(range(5)),
        target="Over the last 20 tasks not below the twin by .01, nor below its own first 20; over "
        "tasks 21 to 40 not below the other backprop rivals by .01; with either lesion lower by "
        "more than .01.",
        check=partial(check_full, MODE),
    ),
    module=__name__,
    tuning_seeds=(100,),
    shown=("new_first", "early", "new_last", "slope", "head", "tail", "weights"),
)
