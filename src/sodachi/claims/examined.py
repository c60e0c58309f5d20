"""A life and its anatomy: how it stood early and at the end, what it forgot, what it cost."""

from __future__ import annotations

import numpy as np

from sodachi.claims.anatomy import SAMPLE, anatomy, forgetting, timed
from sodachi.claims.claim import Figures
from sodachi.claims.contestants import Contestant
from sodachi.claims.lives import Life, live
from sodachi.system import State
from sodachi.worlds import RewiredWorlds

#: Of the anatomy, what a loss of plasticity shows in: taken early in a life too.
ALONG = ("dead_units", "effective_rank", "mean_weight")


def examined_life(
    contestant: Contestant, stream: RewiredWorlds, seed: int, edge: int, examine: bool = True
) -> tuple[Life, Figures]:
    """Return a contestant's life in a stream, and its anatomy.

    It is examined at the end and (names ending in ``_early``) after the first ``edge`` worlds; by
    then the last world is the one of which is asked, at the end, what was forgotten.
    ``microseconds`` an example are those of the median world, that which compiles left out.
    ``examine`` False leaves all this out: it compiles programs of its own.
    """
    system = contestant.make()
    early, seconds = min(edge, len(stream.infos)) - 1, []
    kept: dict[int, State] = {}

    def watch(index: int, state: State) -> None:
        if index == early and examine:
            kept[index] = state

    life = live(system, timed(stream.worlds(), seconds), seed, *contestant[1:], watch=watch)
    if not examine:
        return life, {}
    last, first = (stream.world(i)[0] for i in (len(stream.infos) - 1, early))
    figures = anatomy(system, life.state, last[-SAMPLE:])
    before = anatomy(system, kept[early], first[-SAMPLE:])
    figures |= {f"{name}_early": before[name] for name in ALONG if name in before}
    figures |= forgetting(system, kept[early], life.state, first[-SAMPLE:])
    figures["microseconds"] = 1e6 * float(np.median(seconds[1:] or seconds)) / stream.length
    figures["ticks"] = float(contestant.before + contestant.after)
    return life, figures
