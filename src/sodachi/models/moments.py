"""A tick of a canonical network as a POMDP's moment: distributions over outcomes and values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sodachi.models.canonical_energy import parts_of
from sodachi.models.canonical_plan import plan_of
from sodachi.models.factors import Factors
from sodachi.models.free_energy import Moment
from sodachi.models.pomdp import settings_of
from sodachi.system import Observation, State, System


def moment_of(
    system: System, state: State, observation: Observation, output: Mapping[str, Any]
) -> Moment:
    """Return what was believed, observed, remembered and done at a tick.

    Parameters
    ----------
    state, observation
        Before the tick, and what it observed.
    output
        What the tick put out.

    Examples
    --------
    >>> from sodachi.models import as_pomdp, canonical_network
    >>> from sodachi.models.free_energy import variational_free_energy
    >>> from sodachi.observation import observe
    >>> net = canonical_network(states=1, observations=2)
    >>> state, o = net.init(0), observe(net.spec, input=[1, 0])
    >>> _, out = net.step(state, o)
    >>> F = variational_free_energy(as_pomdp(net, state), moment_of(net, state, o, out))
    >>> bool(np.isclose(F, out["energy"]))
    True
    """
    s = settings_of(system)
    plan = plan_of(s)
    seen = {n: (np.asarray(a.value), np.asarray(a.known))
            for n, a in parts_of(system, state, observation)[3].items()}  # fmt: skip
    worth = 1.0 if s.delay else float(np.asarray(observation.modulation.get("policy", 1.0)))
    return Moment(
        states=distributions(plan.state, output["state"]),
        outcomes=distributions(plan.input, *seen["input"]),
        past=distributions(plan.memory.pre, *seen["transition"]) if "transition" in seen else (),
        actions=distributions(plan.action, output["action"]) if plan.action.sizes else (),
        decided=distributions(plan.decisions.pre, *seen["policy"]) if "policy" in seen else (),
        worth=worth,
    )


def distributions(factors: Factors, value, known=None) -> list[np.ndarray]:
    """Return the probabilities of each factor's values, as far as they are known.

    Examples
    --------
    >>> [p.tolist() for p in distributions(Factors((1, 2)), [0.25, 0.0, 1.0], [1.0, 0.0, 0.0])]
    [[0.75, 0.25], [0.0, 0.0]]
    """
    value = np.asarray(value, np.float64)
    known = np.ones_like(value) if known is None else np.asarray(known, np.float64)
    found = []
    for i, n in enumerate(factors.sizes):
        own, sure = value[factors.cells_of(i)], known[factors.cells_of(i)]
        found.append(np.concatenate([sure * (1 - own), sure * own]) if n == 1 else sure * own)
    return found
