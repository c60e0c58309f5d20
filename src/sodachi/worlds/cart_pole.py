"""A pole on a cart, as Gymnasium's CartPole-v1 moves it, in a world that changes and returns.

The world is a `System`: it observes an action and puts out what there is to see. `loop` joins it
with an agent. From time to time its setting changes: how strong the push, how long the pole, which
button pushes which way. Nothing tells the agent so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.core.evidence import observed_value
from sodachi.errors import SpecError
from sodachi.system import Spec, State, System, Variable, arguments, factory, system

CART, POLE, SECONDS = 1.0, 0.1, 0.02  # masses, and the time of a step
FAR, TILTED = 2.4, 12 * 2 * np.pi / 360  # where an episode ends
NEAR = 0.05  # every number of a new episode lies between −NEAR and NEAR
LIMIT = 500  # steps of an episode


class Setting(NamedTuple):
    """One setting of the world; by default that of CartPole-v1. ``length`` is half the pole's."""

    force: Any = 10.0
    gravity: Any = 9.8
    length: Any = 0.5
    inverted: Any = False


@factory("cart_pole")
def cart_pole(
    *,
    settings: Sequence[Sequence[Any]] = (Setting(),),
    order: Sequence[int] = (0,),
    every: int = 0,
    penalty: bool = False,
    dtype: str = "float32",
) -> System:
    r"""Return Gymnasium's CartPole-v1, with settings that change at fixed ticks.

    Euler steps of .02 s of the cart (position x, mass M with the pole's m = .1) and the pole (angle
    θ, half length l) under a force F of either sign:

    ``f = (F + m l θ̇² sin θ)/M``, ``θ̈ = (g sin θ − f cos θ)/(l (4/3 − m cos² θ/M))``,
    ``ẍ = f − m l θ̈ cos θ/M``.

    An episode ends where |x| > 2.4 or |θ| > 12°, and is cut after 500 steps. The tick after shows
    the first state of a new one and heeds no action (Gymnasium's autoreset "next step").

    Parameters
    ----------
    settings
        Rows of `Setting`: force, gravity, half length, and whether the actions are exchanged.
    order, every
        Which setting holds in the first ``every`` ticks, in the next, and so on, from the beginning
        again after the last; with ``every`` 0 the first for ever.
    penalty
        Reward −1 at the end of an episode, else 0 (Gymnasium's ``sutton_barto_reward``); otherwise
        1 at every step.

    Returns
    -------
    System
        Observes `action`, one-hot of two. Outputs: observation [4] (x, ẋ, θ, θ̇); reward; ended [1]
        (1 where the episode ended, not where it was cut); first (a new episode begins); steps (of
        the episode that is over now, else 0); setting; energy.

    Raises
    ------
    SpecError
        For no setting, a number in one that is not above 0, or an order of others.

    References
    ----------
    Barto, Sutton and Anderson (1983), Neuronlike adaptive elements that can solve difficult
    learning control problems; Towers et al. (2024), Gymnasium.

    Examples
    --------
    >>> from sodachi.observation import observe
    >>> world = cart_pole()
    >>> state = world.init(0)
    >>> steps = 0
    >>> while not steps:
    ...     state, out = world.step(state, observe(world.spec, action=1))
    ...     steps = int(out["steps"])
    >>> bool(out["ended"][0]), 7 < steps < 12
    (True, True)
    """
    rows = tuple(Setting(*row) for row in settings)
    _check(rows, tuple(order), every)
    given = {
        "settings": [list(row) for row in rows],
        "order": list(order),
        "every": every,
        "penalty": penalty,
        "dtype": dtype,
    }
    spec = Spec(
        factory="cart_pole",
        arguments=arguments(**given),
        observed=(Variable("action", (2,), "categorical", dtype=dtype),),
        capabilities=frozenset({"stochastic"}),
    )
    table = Setting(*(np.asarray(column) for column in zip(*rows, strict=True)))
    return system(
        spec,
        lambda key: _init(key, dtype),
        lambda state, o: _step(table, np.asarray(order), every, penalty, state, o),
    )


def changing_cart_pole(
    seed: int, stretches: int = 20, every: int = 25_000, kinds: int = 5, dtype: str = "float32"
) -> System:
    """Return a `cart_pole` with reward by penalty whose setting changes after every stretch.

    The first setting is that of CartPole-v1; of the others every second one exchanges the actions;
    force, gravity and length are drawn between 2/3 and 3/2, 5/7 and 7/5, 5/9 and 9/5 of the usual
    ones. First each setting comes once, then any other than the last, all from the seed.

    Examples
    --------
    >>> world = changing_cart_pole(0, stretches=8)
    >>> import json
    >>> json.loads(world.spec.arguments)["order"][:5]
    [0, 1, 2, 3, 4]
    """
    rng = np.random.default_rng([seed, 91])
    usual = Setting()

    def around(middle: float, most: float):
        return middle * most ** rng.uniform(-1.0, 1.0, kinds)

    drawn = zip(around(usual.force, 1.5), around(usual.gravity, 1.4), around(usual.length, 1.8),
                strict=True)  # fmt: skip
    rows = [Setting(float(f), float(g), float(half), bool(i % 2))
            for i, (f, g, half) in enumerate(drawn)]  # fmt: skip
    order = list(range(min(kinds, stretches)))
    while len(order) < stretches:
        order.append(int(rng.choice([i for i in range(kinds) if i != order[-1]])))
    return cart_pole(
        settings=[usual, *rows[1:]], order=order, every=every, penalty=True, dtype=dtype
    )


def _check(rows: tuple[Setting, ...], order: tuple[int, ...], every: int) -> None:
    if not rows:
        raise SpecError("settings", "one or more", rows)
    for row in rows:
        for name in ("force", "gravity", "length"):
            if not 0 < getattr(row, name) < float("inf"):
                raise SpecError(name, "above 0, finite", getattr(row, name))
    if not order or any(type(i) is not int or not 0 <= i < len(rows) for i in order):
        raise SpecError("order", f"numbers of {len(rows)} settings", order)
    if type(every) is not int or every < 0:
        raise SpecError("every", "0 or more ticks", every)


def _init(key, dtype: str) -> State:
    """Return the world before its first episode: the first tick begins one."""
    lane = {
        "state": jnp.zeros(4, dtype),
        "steps": jnp.zeros((), jnp.int32),
        "over": jnp.ones((), bool),
        "ticks": jnp.zeros((), jnp.int32),
        "stretch": jnp.zeros((), jnp.int32),
        "key": key,
    }
    return State({}, lane)


def moved(state, action, setting: Setting):
    """Return the state [x, ẋ, θ, θ̇] one step on; ``action`` 1 pushes to the right.

    Examples
    --------
    >>> moved(jnp.zeros(4), jnp.int32(1), Setting()).round(3).tolist()
    [0.0, 0.1950000..., 0.0, -0.2930000...]
    """
    x, speed, angle, turning = state
    push = jnp.where((action == 1) != setting.inverted, setting.force, -setting.force)
    cosine, sine, mass = jnp.cos(angle), jnp.sin(angle), CART + POLE
    pole = POLE * setting.length
    thrust = (push + pole * turning**2 * sine) / mass
    falling = (setting.gravity * sine - cosine * thrust) / (
        setting.length * (4.0 / 3.0 - POLE * cosine**2 / mass)
    )
    gaining = thrust - pole * falling * cosine / mass
    new = (
        x + SECONDS * speed,
        speed + SECONDS * gaining,
        angle + SECONDS * turning,
        turning + SECONDS * falling,
    )
    return jnp.stack(new).astype(state.dtype)


def _step(table: Setting, order, every: int, penalty: bool, state: State, observation):
    lane = state.lane
    now = jnp.asarray(order)[lane["stretch"]]
    setting = Setting(*(jnp.asarray(column, _like(column, lane["state"]))[now] for column in table))
    key, coin = jax.random.split(lane["key"])
    told = observed_value(observation.evidence["action"])
    action = jnp.argmax(jnp.where(jnp.isfinite(told), told, 0.0))

    fresh = jax.random.uniform(coin, (4,), lane["state"].dtype, -NEAR, NEAR)
    first = lane["over"]
    body = jnp.where(first, fresh, moved(lane["state"], action, setting))
    steps = jnp.where(first, 0, lane["steps"] + 1)
    ended = ~first & ((jnp.abs(body[0]) > FAR) | (jnp.abs(body[2]) > TILTED))
    over = ended | (steps >= LIMIT)
    earned = jnp.where(ended, -1.0, 0.0) if penalty else jnp.where(first, 0.0, 1.0)

    ticks = lane["ticks"] + 1
    turns = (ticks >= every) if every else jnp.zeros((), bool)
    lane = {
        "state": body,
        "steps": steps,
        "over": over,
        # Counted by stretches, so that a long life overflows nothing.
        "ticks": jnp.where(turns, 0, ticks) if every else lane["ticks"],
        "stretch": jnp.where(turns, (lane["stretch"] + 1) % len(order), lane["stretch"]),
        "key": key,
    }
    output = {
        "energy": jnp.zeros(()),
        "observation": body,
        "reward": earned.astype(body.dtype),
        "ended": ended.astype(body.dtype)[None],
        "first": first,
        "steps": jnp.where(over, steps, 0),
        "setting": now,
    }
    return State(state.shared, lane), output


def _like(column, body):
    return bool if column.dtype == bool else body.dtype
