"""Swift-Sarsa: SwiftTD that predicts what follows each action, on tiles, and acts by it.

A rival of `sodachi.models.acting`: linear in fixed features, with a step size for every synapse.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.errors import SpecError
from sodachi.models.percept import REWARD, check_agent, perceived, percept
from sodachi.models.swift_td import swift_td
from sodachi.system import (
    Evidence,
    Observation,
    Spec,
    State,
    System,
    arguments,
    factory,
    system,
)

REACH = 1.5  # of what is sensed: tiles lie between −REACH and REACH


class Settings(NamedTuple):
    """The factory's numbers (see `swift_actor`)."""

    inputs: int
    actions: int
    scale: tuple[float, ...]
    tiles: int
    discount: float
    decay: float
    rate: float
    meta_rate: float
    bound: float
    curious: float

    @property
    def pairs(self) -> np.ndarray:
        """Which two inputs each tiling lies over, (pairs, 2)."""
        return np.array(list(combinations(range(self.inputs), 2)))

    @property
    def features(self) -> int:
        """Tiles of all pairs."""
        return len(self.pairs) * self.tiles**2

    @property
    def predictor(self) -> System:
        """SwiftTD, whose input is the features of a state, at the place of the action."""
        return swift_td(
            inputs=self.actions * self.features,
            discount=self.discount,
            decay=self.decay,
            rate=self.rate,
            meta_rate=self.meta_rate,
            bound=self.bound,
        )


@factory("swift_actor")
def swift_actor(
    *,
    inputs: int = 4,
    actions: int = 2,
    scale: Sequence[float] | None = None,
    tiles: int = 7,
    discount: float = 0.99,
    decay: float = 0.9,
    rate: float = 0.01,
    meta_rate: float = 1e-3,
    bound: float = 0.5,
    curious: float = 0.01,
) -> System:
    r"""Return an agent that learns ``Q(x, a) = w_a·φ(x)`` by SwiftTD and does what is best.

    φ: over every pair of inputs a square of tiles² tiles, one of which is 1. The next action is
    ``argmax_a Q``, with probability ``curious`` any. `swift_td` learns from the features of the
    pair (x, a): Sarsa(λ) with its step sizes.

    Parameters
    ----------
    inputs, actions, scale, discount, decay
        As for `growing_actor`; the same sensors.
    tiles
        Tiles along a side.
    rate, meta_rate, bound
        As for `swift_td`.
    curious
        Part of the actions that are drawn.

    Returns
    -------
    System
        Observes `input` and `ended`; ``modulation["reward"]`` is the reward. Outputs: action
        (one-hot), value [1] (Q of that action), energy, residual, input.

    Raises
    ------
    SpecError
        For fewer than two inputs, actions or tiles, or a number out of its range.

    References
    ----------
    Javed, Sharifnassab and Sutton (2024); Javed and Sutton (2025), Swift-Sarsa.

    Examples
    --------
    >>> from sodachi.observation import observe
    >>> net = swift_actor(inputs=2, tiles=3)
    >>> told = observe(net.spec, input=[0.5, -1.0], ended=[0.0], modulation={"reward": 1.0})
    >>> state, out = net.step(net.init(0), told)
    >>> float(out["action"].sum())
    1.0
    """
    given: dict[str, Any] = dict(locals())
    given["scale"] = [float(unit) for unit in (scale or (1.0,) * inputs)]
    numbers: dict[str, Any] = given | {"scale": tuple(given["scale"])}
    s = Settings(**numbers)
    check_agent(s)
    for name in ("inputs", "tiles"):
        if type(getattr(s, name)) is not int or getattr(s, name) < 2:
            raise SpecError(name, "2 or more", getattr(s, name))
    if not 0 <= curious <= 1:
        raise SpecError("curious", "0 to 1", curious)
    predictor = s.predictor
    spec = Spec(
        factory="swift_actor",
        arguments=arguments(**given),
        observed=perceived(inputs),
        modulated=(REWARD,),
        capabilities=frozenset({"learns", "local", "stochastic"}),
    )

    def init(key) -> State:
        shared, lane = predictor.init(key)
        return State(shared, lane | {"lived": jnp.zeros((), bool), "key": key})

    return system(spec, init, lambda state, o: _step(s, predictor, state, o))


def tiled(s: Settings, x):
    """Return φ(x), one 1 for every pair of inputs."""
    place = jnp.clip((x + REACH) / (2.0 * REACH) * s.tiles, 0, s.tiles - 1).astype(jnp.int32)
    across, along = place[s.pairs[:, 0]], place[s.pairs[:, 1]]
    return jax.nn.one_hot(across * s.tiles + along, s.tiles**2).reshape(-1)


def _step(s: Settings, predictor: System, state: State, observation):
    shared, lane = state
    now = percept(observation, s.scale)
    key, coin, lot = jax.random.split(lane["key"], 3)
    features = now.goes_on * tiled(s, now.x)
    weights = shared["weights"]["input>value"][:, 0].reshape(s.actions, -1)
    best = jnp.argmax(weights @ features)
    any_ = jax.random.randint(lot, (), 0, s.actions)
    curious = jax.random.uniform(coin) < s.curious
    action = jax.nn.one_hot(jnp.where(curious, any_, best), s.actions)

    # Without the tick before there is no transition to learn from: an episode begins.
    inner = {part: lane[part] for part in lane if part not in ("lived", "key")}
    seen = Observation(
        {
            "input": _clamped((action[:, None] * features).reshape(-1)),
            "reward": _clamped(now.reward[None]),
        },
        {},
        observation.learn & now.whole,
        now.first | ~lane["lived"],
    )
    (shared, inner), out = predictor.step(State(shared, inner), seen)
    lived = observation.learn & now.whole
    return State(shared, inner | {"lived": lived, "key": key}), {
        "energy": out["energy"],
        "residual": out["residual"],
        "action": action,
        "value": out["value"],
        "input": now.raw,
    }


def _clamped(x) -> Evidence:
    return Evidence(x, jnp.full_like(x, jnp.inf), jnp.zeros_like(x))
