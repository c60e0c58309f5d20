"""Why does this unit exist? What is on record of each, over the life of the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sodachi.face.clamping import unwired, wiring
from sodachi.system import State
from sodachi.worlds import RewiredWorlds

#: Utility from which a unit counts as backbone here: right so many times more often than wrong.
BACKBONE = 10.0


class Units(NamedTuple):
    """All units at one moment, [contexts, places]: sample of birth (−1: nobody) and utility."""

    born: np.ndarray
    utility: np.ndarray


class Unit(NamedTuple):
    """One unit: where it is, its birth, and its utility at the end of every world (NaN: not there).

    It was imprinted on ``example`` (pixels as they were before rewiring) since the answer
    ``digit``, its master, was hungry: it wanted to be higher, so the shadow weight was +1.
    """

    context: int
    place: int
    born: int
    world: int
    digit: int
    example: np.ndarray
    utility: np.ndarray

    @property
    def promoted(self) -> int | None:
        """The first world at whose end it belonged to the backbone; None for never."""
        above = np.flatnonzero(np.nan_to_num(self.utility, nan=-np.inf) >= BACKBONE)
        return int(above[0]) if above.size else None


def units_of(state: State, ticks: int) -> Units | None:
    """Return the units of a settling mixture that lived ``ticks`` a sample; None for others."""
    cells = state.shared.get("cells", {})
    if not {"born", "utility"} <= set(cells):
        return None
    alive = np.asarray(state.shared["structure"]["owner"]) >= 0
    born = np.where(alive, np.floor(np.asarray(cells["born"]) / ticks), -1).astype(int)
    shape = born.shape if born.ndim == 2 else (1, *born.shape)
    return Units(born.reshape(shape), np.asarray(cells["utility"]).reshape(shape))


def biographies(stream: RewiredWorlds, seen: Sequence[Units], most: int) -> list[Unit]:
    """Return the ``most`` useful units at the end of a life, one for each digit first.

    ``seen`` are the units at the end of every world of the stream.
    """
    last = seen[-1]
    labels = np.concatenate([stream.world(i)[1] for i in range(len(seen))])
    order = np.argsort(-np.where(last.born >= 0, last.utility, -np.inf), axis=None, kind="stable")
    order = order[: int((last.born >= 0).sum())]
    digits = labels[last.born.reshape(-1)[order]]
    _, firsts = np.unique(digits, return_index=True)
    firsts = np.sort(firsts)
    chosen = np.concatenate([firsts, np.setdiff1d(np.arange(len(order)), firsts)])[:most]
    return [_biography(stream, seen, int(flat)) for flat in order[chosen].tolist()]


def _biography(stream: RewiredWorlds, seen: Sequence[Units], flat: int) -> Unit:
    context, place = divmod(flat, seen[-1].born.shape[1])
    born = int(seen[-1].born[context, place])
    world, row = divmod(born, stream.length)
    X, y, _ = stream.world(world)
    example = unwired(X[row : row + 1], wiring(stream, world, X.shape[1]))[0]
    utility = [
        float(one.utility[context, place])
        if context < len(one.born) and one.born[context, place] == born
        else np.nan
        for one in seen
    ]
    return Unit(context, place, born, world, int(y[row]), example, np.array(utility))
