"""Cutting a grown grid down to its backbone: how many units are enough, and the rest deleted."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from scipy import stats

from sodachi.errors import SpecError
from sodachi.models.fringe import Fringe
from sodachi.models.grid import NOBODY, Wiring
from sodachi.system import State


def enough(effect, live, allowed: float):
    r"""Return the fewest units (U,) such that the effects of all others sum to ``allowed`` at most.

    ``Σ_{u left out} effect_u ≤ allowed``; in a grid of one level the output then moves by no more
    when those are deleted (triangle inequality), in a deeper one to first order.

    Examples
    --------
    >>> enough(jnp.array([0.1, 3.0, 0.2, 9.0]), jnp.array([1, 1, 1, 0], bool), 0.25).tolist()
    [False, True, True, False]
    """
    effect = np.where(np.asarray(live), np.asarray(effect, np.float64), 0.0)
    order = np.argsort(effect, kind="stable")
    left_out = np.cumsum(effect[order]) <= allowed
    keep = np.asarray(live).copy()
    keep[order[left_out]] = False
    return keep


class Agreement(NamedTuple):
    """Of two finders: rank correlation (Spearman) and the share of the first k they have common."""

    rank: float
    overlap: float


def agreement(truth, found, live, k: int) -> Agreement:
    """Return how far ``found`` (U,) orders the live units as ``truth`` (U,) does.

    Raises
    ------
    SpecError
        Fewer than two live units, or k that is not among their number.

    Examples
    --------
    >>> agreement([3.0, 2.0, 1.0, 9.0], [5.0, 1.0, 2.0, 0.0], [1, 1, 1, 0], k=1)
    Agreement(rank=0.5, overlap=1.0)
    """
    live = np.asarray(live, bool)
    a, b = np.asarray(truth)[live], np.asarray(found)[live]
    if len(a) < 2:
        raise SpecError("live", "two units or more", len(a))
    if not 1 <= k <= len(a):
        raise SpecError("k", f"1 to {len(a)}", k)
    rank = float(np.corrcoef(stats.rankdata(a), stats.rankdata(b))[0, 1])
    tops = (set(np.argsort(-x, kind="stable")[:k].tolist()) for x in (a, b))
    return Agreement(round(rank, 12), len(set.intersection(*tops)) / k)


class Deleted(NamedTuple):
    """A state without what was deleted, and which parts of its live units and synapses that was."""

    state: State
    units: float
    synapses: float


def delete(state: State, keep) -> Deleted:
    """Return the state without the units that are not in ``keep`` (U,), nor their weights.

    Their slots are free again, and whoever listened to them has a free terminal there. A fringe
    unit whose master goes serves nobody, and goes too.
    """
    shared = state.shared
    wiring, weights = Wiring(**shared["structure"]), shared["weights"]
    nodes, outputs = weights["output"].shape
    kept = wiring.live & jnp.asarray(keep, bool)
    if "fringe" in shared:
        fringe = Fringe(**shared["fringe"])
        master = fringe.master - outputs
        orphan = fringe.member & (master >= 0) & ~kept[jnp.maximum(master, 0)]
        kept &= ~orphan
        nobody = jnp.where(kept, fringe.master, NOBODY)
        fringe = fringe._replace(member=fringe.member & kept, master=nobody)
        shared = shared | {"fringe": fringe._asdict()}
    gone = wiring.live & ~kept
    node = jnp.zeros(nodes, bool).at[-gone.shape[0] :].set(gone)
    lost = (wiring.source >= 0) & node[jnp.maximum(wiring.source, 0)]
    lost |= gone[:, None] & (wiring.source > 0)
    left = Wiring(jnp.where(lost, NOBODY, wiring.source), kept)
    weights = {
        "units": jnp.where(lost | gone[:, None], 0.0, weights["units"]),
        "output": jnp.where(node[:, None], 0.0, weights["output"]),
    }
    before, after = (_sizes(w, outputs) for w in (wiring, left))
    part = [1 - b / a if a else 0.0 for a, b in zip(before, after, strict=True)]
    shared = shared | {"weights": weights, "structure": left._asdict()}
    return Deleted(State(shared, state.lane), *part)


def _sizes(wiring: Wiring, outputs: int) -> tuple[int, int]:
    """Live units; their synapses and those of the outputs onto them."""
    live = np.asarray(wiring.live)
    heard = (np.asarray(wiring.source) >= 0) & live[:, None]
    return int(live.sum()), int(heard.sum()) + outputs * int(live.sum())
