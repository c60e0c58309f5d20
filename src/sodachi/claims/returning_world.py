"""The world of five claims: a target whose context drifts bit by bit, and earlier contexts return.

The inputs and the target are those of `sodachi.claims.bit_flipping`. A visit to a context lasts so
many examples; two visits drift on by one bit, the third goes back to an earlier context, and then
the drift goes on from where it was.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sodachi.claims.bit_flipping import INPUTS, RANDOM, SLOW, WIDE, target_net

VISITS = {"quick": 20, "full": 60}
VISIT = 1000  # examples
CYCLE = 3  # every third visit is a return
HOMES, AGO = 4, 6  # the contexts that return: the first of the drift, so many visits ago or more
HIDDEN = 20  # units of the target
EARLY = 200  # examples of a return that count

WORDS = (
    "20 bits, 5 of them drawn anew for every example, the target a net of 20 threshold units. A "
    "visit to a context (15 bits) lasts 1,000 examples; two visits flip a bit each, the third goes "
    "back to one of the first four contexts."
)
#: The best of 44 settings on tuning seeds, by the sum of the errors in the drift and on returns.
GRID: dict[str, Any] = WIDE | {"swing": 0.001, "rate": 0.06, "meta_rate": 0.1}
#: The best without step sizes that adapt.
GRID_ONE_STEP: dict[str, Any] = GRID | {"meta_rate": 0.0, "rate": 0.02, "patience": 1000}
#: With a fringe.
GRID_FRINGE: dict[str, Any] = GRID | {"fringe": True, "shy": 0.5, "proven": 0.5}
#: With a fringe of which hidden units may be the masters too.
GRID_MASTERS: dict[str, Any] = GRID_FRINGE | {"levels": 2, "spare": 4}
#: By weights alone, on two levels; nobody is protected by being used.
GRID_DEEP: dict[str, Any] = GRID | {"levels": 2, "swing": 0.0, "negligible": 1e9}


class World(NamedTuple):
    """``X`` (v, n, 20) and ``y`` (v, n) of every visit, and whom it returns to.

    ``earlier`` (v,) is the visit of which the context returns, −1 in the drift; ``all_X`` (v, 32,
    20) and ``all_y`` (v, 32) are the different examples that the context of each visit has.
    """

    X: Any
    y: Any
    earlier: Any
    all_X: Any
    all_y: Any


def world(seed: int, visits: int, visit: int = VISIT) -> World:
    """Return a life of so many visits, from numbers drawn by ``seed``.

    Examples
    --------
    >>> w = world(0, 12)
    >>> w.X.shape, w.all_y.shape, w.earlier.tolist()
    ((12, 1000, 20), (12, 32), [-1, -1, -1, -1, -1, -1, -1, -1, 2, -1, -1, 3])
    """
    rng = np.random.default_rng([seed, 58])
    target = target_net(rng, HIDDEN)
    context = rng.integers(2, size=SLOW)
    contexts, earlier = [], np.full(visits, -1)
    for now in range(visits):
        old = [v for v in range(now - AGO + 1) if earlier[v] < 0][:HOMES]
        if now % CYCLE == CYCLE - 1 and now >= AGO:
            earlier[now] = old[rng.integers(len(old))]
            contexts.append(contexts[earlier[now]])
            continue
        if now:
            context = context.copy()
            context[rng.integers(SLOW)] ^= 1
        contexts.append(context)
    bits = np.array([[i >> k & 1 for k in range(RANDOM)] for i in range(2**RANDOM)])
    shape = (visits, len(bits))
    slow = np.broadcast_to(np.array(contexts)[:, None], (*shape, SLOW))
    fast = np.broadcast_to(bits, (*shape, RANDOM))
    all_X = np.concatenate([slow, fast], 2).astype(np.float32)
    all_y = target(all_X.reshape(-1, INPUTS)).reshape(shape)
    drawn = rng.integers(len(bits), size=(visits, visit))
    X = np.take_along_axis(all_X, drawn[..., None], 1)
    return World(X, np.take_along_axis(all_y, drawn, 1), earlier, all_X, all_y)
