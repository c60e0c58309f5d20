"""Claim: two hundred times all digits are renamed, and what they look like stays known.

MNIST one image at a time; every 5,000 images the ten labels are permuted anew. The image tells
nothing of it, and the answer is wrong until the new names are known.
"""

from __future__ import annotations

from functools import partial

from sodachi.claims.claim import Claim, Protocol
from sodachi.claims.mnist_contestants import rival_words
from sodachi.claims.mnist_streams import SET_UP, SOURCE, check_full, check_quick, rows_of

MODE = "labels"
CLAIM = Claim(
    name="label-permuted",
    source=SOURCE,
    rows=rows_of(MODE),
    rivals=rival_words(MODE),
    lesion={
        "one naming": "units name what they see themselves, and all must learn again",
        "no trust": "every error counts against the naming, also those of young units",
    },
    quick=Protocol(
        words="Two tasks of 1,000 images, two rows; judged on means of two seeds.",
        seeds=(0, 1),
        target="Above the twin by .01.",
        check=check_quick,
    ),
    full=Protocol(
        words=f"{SET_UP} Each task permutes the labels.",
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
