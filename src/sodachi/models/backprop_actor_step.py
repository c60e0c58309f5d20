"""One tick of a streaming actor-critic: judge what was done, teach both nets, act again.

`s` is the `Settings` of `sodachi.models.backprop_actor`.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from sodachi.core.clock import new_clock, tick
from sodachi.core.lanes import any_lane, gather, in_lanes
from sodachi.core.names import named_key
from sodachi.models.acting_step import effects, worlds
from sodachi.models.actor_nets import NETS, Spread, answers, newborn_net
from sodachi.models.contexts import new_contexts, new_view, recall_or_grow
from sodachi.models.layered import kept_finite
from sodachi.models.percept import percept
from sodachi.models.pools import learning_context, row_of
from sodachi.system import State

KAPPA = {"value": 2.0, "policy": 3.0}  # how far below overshooting a step of ObGD stays


def begin_actor(s, key) -> State:
    """Return the newborn state: a pair of nets for every context, all alike."""
    weights = {name: ravel_pytree(newborn_net(s, name, named_key(key, name)))[0] for name in NETS}
    module = {"weights": weights, "optimiser": s.optimiser_of().init(weights)}
    shared = {
        "modules": jax.tree.map(lambda x: jnp.broadcast_to(x, (s.contexts, *x.shape)), module),
        "newborn": module,
        "structure": new_contexts(worlds(s)),
        "clock": new_clock(),
    }
    nothing = jnp.zeros(())
    lane = {
        "activity": {"action": jnp.zeros(s.actions)},
        "traces": jax.tree.map(jnp.zeros_like, weights),
        "x": jnp.zeros(s.inputs),
        "before": jnp.zeros(s.inputs),
        "lived": jnp.zeros((), bool),
        "view": new_view(worlds(s)),
        "key": key,
    }
    if s.optimiser == "obgd":
        flat = jnp.zeros(s.inputs)
        lane["seen"] = Spread(nothing, flat, flat)
        lane["earned"] = Spread(nothing, nothing, nothing)
        lane["sum"] = nothing
    return State(shared, lane)


def step_actor(s, state: State, observation):
    """Return the state and output after one tick."""
    shared, lane = state
    now = percept(observation, s.scale)
    learn = observation.learn & now.whole
    goes = lane["lived"] & ~now.first & now.whole
    key, coin = jax.random.split(lane["key"])
    x, reward, normal = _normalised(s, lane, now, learn, goes)

    structure, view, opened = recall_or_grow(
        worlds(s), shared["structure"], lane["view"], lambda: shared["structure"]["age"],
        effects(s, lane, now, goes), learn,
    )  # fmt: skip
    current = view["current"]
    goes &= current == lane["view"]["current"]
    modules = jax.tree.map(
        lambda old, new: jnp.where(opened.reshape(-1, *[1] * new.ndim), new, old),
        shared["modules"],
        shared["newborn"],
    )
    leading, learn = learning_context(s, current, learn)
    module = row_of(modules, leading)

    # How good was what I did? Both nets follow.
    weights, traces = module["weights"], lane["traces"]
    ahead = now.goes_on * answers(s, "value", weights, x)[0]
    error = reward + s.discount * ahead - answers(s, "value", weights, lane["x"])[0]
    error = jnp.where(goes & jnp.isfinite(error), error, 0.0)
    slope = jax.grad(lambda w: _aim(s, w, lane["x"], lane["activity"]["action"], error))(weights)
    traces = jax.tree.map(
        lambda z, g: jnp.where(goes, s.discount * s.decay * z + g, 0.0), traces, slope
    )
    lives = learn & goes
    push = _push(s, traces, error)
    module = _followed(s, module, push, lives)
    modules = jax.tree.map(lambda all_, one: all_.at[leading].set(one), modules, module)

    # What now?
    weights = (row_of(modules, current) if in_lanes() else module)["weights"]
    policy = answers(s, "policy", weights, x)
    policy = jnp.where(jnp.isfinite(policy), policy, 0.0)
    action = jax.nn.one_hot(jax.random.categorical(coin, policy), s.actions)
    value = answers(s, "value", weights, x)
    keeps = observation.learn & now.whole
    lane = lane | normal | {
        "activity": {"action": action},
        "traces": jax.tree.map(lambda z: jnp.where(keeps & jnp.isfinite(z), z, 0.0), traces),
        "x": jnp.where(now.whole, x, lane["x"]),
        "before": jnp.where(now.whole, now.raw, lane["before"]),
        "lived": keeps,
        "view": view,
        "key": key,
    }  # fmt: skip
    shared = shared | {
        "modules": modules,
        "structure": structure,
        "clock": tick(shared["clock"], any_lane(observation.learn)),
    }
    return State(shared, lane), {
        "energy": 0.5 * error**2,
        "residual": jnp.abs(error),
        "action": action,
        "value": jnp.where(jnp.isfinite(value), value, 0.0),
        "input": now.raw,
        "context": current,
    }


def _normalised(s, lane, now, learn, goes):
    """Return the input and the reward as the nets get them, and the running spreads."""
    if s.optimiser == "adam":
        return now.x, now.reward, {}
    keep = jnp.where
    seen = jax.tree.map(lambda a, b: keep(learn, a, b), lane["seen"].fed(now.x), lane["seen"])
    total = s.discount * lane["sum"] * now.goes_on + now.reward
    earned = jax.tree.map(
        lambda a, b: keep(learn & goes, a, b), lane["earned"].fed(total), lane["earned"]
    )
    kept = {"seen": seen, "earned": earned, "sum": keep(learn & goes, total, lane["sum"])}
    return (now.x - seen.mean) / seen.size, now.reward / earned.size, kept


def _aim(s, weights, x, action, error):
    """What both nets climb: V(x), and the log-probability of what was done, with some doubt."""
    log_policy = jax.nn.log_softmax(answers(s, "policy", weights, x))
    doubt = -jnp.sum(jnp.exp(log_policy) * log_policy)
    told = jnp.sum(action * log_policy) + s.entropy * jnp.sign(error) * doubt
    return told + answers(s, "value", weights, x)[0]


def _push(s, traces, error):
    """Return ``δz``, with ObGD bounded so that no step overshoots."""
    if s.optimiser == "adam":
        return jax.tree.map(lambda z: error * z, traces)
    push = {}
    for name, z in traces.items():
        reach = sum(jnp.sum(jnp.abs(leaf)) for leaf in jax.tree.leaves(z))
        most = s.rate * KAPPA[name] * jnp.maximum(jnp.abs(error), 1.0) * reach
        step = s.rate / jnp.maximum(most, 1.0)
        push[name] = jax.tree.map(lambda leaf, step=step: step * error * leaf, z)
    return push


def _followed(s, module, push, lives):
    """Return the module after the mean push of the lanes that live through a transition."""
    every = gather(lives)
    count = jnp.maximum(jnp.sum(every), 1)

    def mean(p):
        return -gather(jnp.where(lives, p, 0.0)).sum(0) / count

    slope = jax.tree.map(mean, push)
    step, optimiser = s.optimiser_of().update(slope, module["optimiser"], module["weights"])
    moved = {"weights": optax.apply_updates(module["weights"], step), "optimiser": optimiser}
    moved = kept_finite(module, moved)
    return jax.tree.map(lambda a, b: jnp.where(jnp.any(every), b, a), module, moved)
