"""What the claims about rewired worlds share: the one network of ours, and a life's figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sodachi.claims.anatomy import SAMPLE, anatomy, forgetting, timed
from sodachi.claims.claim import Figures
from sodachi.claims.contestants import Contestant
from sodachi.claims.lives import count_weights, live
from sodachi.models.backprop import backprop_net
from sodachi.models.mixture import settling_mixture
from sodachi.models.nearest import nearest_neighbour
from sodachi.system import State
from sodachi.worlds import RewiredWorlds, score

#: Of the anatomy, what a loss of plasticity shows in: taken early in a life too.
ALONG = ("dead_units", "effective_rank", "mean_weight")
UNITS, NAMES, BETA = 236, 32, 5.0
LAYERS = (64, 100, 100, 10)


def grown(worlds: int, **settings) -> Contestant:
    """Return our network: 236 units (17.5k weights) for each world it opens, and 32 namings.

    The same settings in every stream: rewired pixels, unseen images, renamed labels, slow drift.
    ``worlds`` is only room; the network opens a context when its energy asks for one.
    """
    usual: dict[str, Any] = {
        "units": UNITS,
        "contexts": worlds,
        "pool": True,
        "names": NAMES,
        "beta": BETA,
    }
    return Contestant(lambda: settling_mixture(**(usual | settings)), before=5, after=2)


def twin(**settings) -> Contestant:
    """Return a backprop net of 17.6k weights: one step to answer, one to learn."""
    usual: dict[str, Any] = {"layers": LAYERS}
    return Contestant(lambda: backprop_net(**(usual | settings)))


def nearest(capacity: int, **settings) -> Contestant:
    """Return the nearest of the last ``capacity`` samples."""
    return Contestant(lambda: nearest_neighbour(capacity=capacity, **settings))


def one_life(
    contestant: Contestant,
    make_stream: Callable[[], RewiredWorlds],
    seed: int,
    edge: int,
    examine: bool = True,
) -> Figures:
    """Return the accuracies of one life, each sample answered before it is told, and its anatomy.

    ``edge`` is how many new worlds at either end of the life are compared. ``examine`` False leaves
    the anatomy out, which compiles programs of its own. It is examined at
    the end and (names ending in ``_early``) after the first ``edge`` worlds; by then the last world
    is the one of which is asked, at the end, what was forgotten. ``microseconds`` an example are
    those of the median world, that which compiles left out.
    """
    stream, system = make_stream(), contestant.make()
    early, seconds = min(edge, len(stream.infos)) - 1, []
    kept: dict[int, State] = {}

    def watch(index: int, state: State) -> None:
        if index == early:
            kept[index] = state

    life = live(system, timed(stream.worlds(), seconds), seed, *contestant[1:], watch=watch)
    figures = score(life.correct, stream.infos, edge=edge)
    figures = {name: value for name, value in figures.items() if isinstance(value, float)}
    owner = life.state.shared.get("structure", {}).get("owner")
    if owner is not None:
        figures["units_born"] = float((owner >= 0).sum())
    if not examine:
        return figures | {"weights": float(count_weights(life.state))}

    last, first = (stream.world(i)[0] for i in (len(stream.infos) - 1, early))
    figures |= anatomy(system, life.state, last[-SAMPLE:])
    before = anatomy(system, kept[early], first[-SAMPLE:])
    figures |= {f"{name}_early": before[name] for name in ALONG if name in before}
    figures |= forgetting(system, kept[early], life.state, first[-SAMPLE:])
    figures["microseconds"] = 1e6 * float(np.median(seconds[1:] or seconds)) / stream.length
    figures["ticks"] = float(contestant.before + contestant.after)
    return figures
