"""The source's direction, shown beside every accuracy: each layer predicts the layer below.

Pixels at the bottom, the label on top. The net is that of `clamp-anything`; to be read, all ten
labels are tried side by side, and the least tense stands.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import jax
import numpy as np

from sodachi.claims.asking import Asker
from sodachi.claims.claim import Figures
from sodachi.claims.clamp_anything import ASKING_TICKS, HIDDEN, PIXEL, learned, make_net

DOWN = "predictive coding, down"
BATCH = 100


def words(pixels: int) -> str:
    """Return what a table says about this row."""
    return (
        f"Beside them the source's direction: 10-{HIDDEN}-{pixels}, each layer predicts the layer "
        "below; the net and settings of `clamp-anything`"
    )


def downward(load: Callable[[], tuple], epochs: int, seed: int, pixel: float = PIXEL) -> Figures:
    """Return accuracy, size and seconds of training of a net that predicts its pixels.

    ``load()`` returns images to learn and their labels, then images asked about and theirs;
    ``pixel`` is the precision of pixels.

    Examples
    --------
    >>> X, y = np.tile(np.eye(10, dtype=np.float32), (13, 1)), np.tile(np.arange(10), 13)
    >>> figures = downward(lambda: (X, y, X[:10], y[:10]), epochs=1, seed=0)
    >>> sorted(figures)
    ['accuracy', 'training_seconds', 'weights']
    """
    X, y, tests, truth = load()
    X, tests = (np.asarray(v, np.float32).reshape(len(v), -1) for v in (X, tests))
    started = time.process_time()
    shared = jax.block_until_ready(learned("down", "tied", seed, X, np.asarray(y), epochs, pixel))
    seconds = time.process_time() - started
    net = make_net("down", pixels=X.shape[1], pixel=pixel, settle_ticks=ASKING_TICKS)
    answer = Asker(net, shared, min(BATCH, len(tests))).try_labels(
        tests, np.full(tests.shape, np.inf)
    )
    return {
        "accuracy": float((answer.label == np.asarray(truth)).mean()),
        "weights": float(sum(int(np.size(w)) for w in jax.tree.leaves(shared["weights"]))),
        "training_seconds": seconds,
    }
