"""What an agent perceives: what its sensors say, the reward, and where an episode begins and ends.

All agents here are told alike: `input`, `ended` (1 where an episode ended, so that nothing is to
come), the reward as a modulation, and the observation's ``first``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp

from sodachi.core.evidence import observed_value, share
from sodachi.errors import SpecError
from sodachi.system import Variable

REWARD = "reward"
FAR = 1e6  # what lies beyond is no percept, but a mistake


class Percept(NamedTuple):
    """One tick: sensed ``x``, what it was ``raw``, ``reward``, ``goes_on`` (1, or 0 at an end).

    ``first`` begins an episode; only a ``whole`` percept, of finite numbers, can teach.
    """

    x: Any
    raw: Any
    reward: Any
    goes_on: Any
    first: Any
    whole: Any


def perceived(inputs: int) -> tuple[Variable, Variable]:
    """Return the variables that an agent observes."""
    return Variable("input", (inputs,)), Variable("ended", (1,))


def percept(observation, scale: Sequence[float]) -> Percept:
    """Return what an agent perceives through sensors of these scales (see `sensed`)."""
    seen, over = observation.evidence["input"], observation.evidence["ended"]
    raw, reward = observed_value(seen), observation.modulation[REWARD]
    fine = jnp.isfinite(raw) & (jnp.abs(raw) < FAR)
    whole = jnp.all(share(seen) > 0.99) & jnp.all(fine) & jnp.isfinite(reward)
    raw = jnp.where(fine, raw, 0.0)
    return Percept(
        x=sensed(raw, scale),
        raw=raw,
        reward=jnp.where(jnp.isfinite(reward), reward, 0.0),
        goes_on=jnp.where(jnp.max(observed_value(over)) > 0.5, 0.0, 1.0),
        first=jnp.asarray(observation.first),
        whole=whole,
    )


def sensed(x, scale: Sequence[float]):
    """Return the logarithm of a stimulus, sign kept, as sensors have it: 1 at ``scale``.

    ``s(x) = sign(x) log(1 + 3|x|/scale)/log 4``, as Weber and Fechner found it: fine where little
    happens, coarse where much does.

    Examples
    --------
    >>> sensed(jnp.array([0.0, 2.0, -2.0]), (2.0, 2.0, 2.0)).tolist()
    [0.0, 1.0, -1.0]
    """
    size = jnp.abs(x) / jnp.asarray(scale, x.dtype)
    return jnp.sign(x) * jnp.log1p(3.0 * size) / jnp.log(4.0)


def check_agent(s) -> None:
    """Raise `SpecError` for what no agent can be: s has inputs, actions, scale, discount, decay."""
    if type(s.inputs) is not int or s.inputs < 1:
        raise SpecError("inputs", "1 or more", s.inputs)
    if type(s.actions) is not int or s.actions < 2:
        raise SpecError("actions", "2 or more", s.actions)
    if len(s.scale) != s.inputs or not all(0 < unit < float("inf") for unit in s.scale):
        raise SpecError("scale", f"{s.inputs} numbers above 0", s.scale)
    for name in ("discount", "decay"):
        if not 0 <= getattr(s, name) <= 1:
            raise SpecError(name, "0 to 1", getattr(s, name))
