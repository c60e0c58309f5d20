"""Streaming actor-critics that learn by backpropagation: the plain one with Adam, and with ObGD.

One transition at a time, no replay and no batch: policy and value are two nets with eligibility
traces of their own. The rivals of `sodachi.models.acting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import ceil
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree

from sodachi.core.clock import new_clock, tick
from sodachi.core.lanes import any_lane, gather, in_lanes
from sodachi.core.names import named_key
from sodachi.errors import SpecError
from sodachi.models.acting_step import effects, worlds
from sodachi.models.contexts import new_contexts, new_view, recall_or_grow
from sodachi.models.layered import EXCEPTION, forward, kept_finite, newborn
from sodachi.models.percept import REWARD, check_agent, perceived, percept
from sodachi.models.pools import learning_context, row_of
from sodachi.system import Spec, State, System, arguments, factory, system

OPTIMISERS = ("adam", "obgd")
NETS = ("value", "policy")
KAPPA = {"value": 2.0, "policy": 3.0}  # how far below overshooting a step of ObGD stays
SPARSE = 0.9  # part of the synapses of a cell that begin at 0
BOUNDED = "step sizes: bounded by a sum over all of a net's traces"
NORMALISED = "layer norm: every unit's input is scaled by its layer's mean and spread"
STRUCTURE = "structure: which module is active is a minimum over contexts"


class Settings(NamedTuple):
    """The factory's numbers (see `backprop_actor`)."""

    inputs: int
    actions: int
    scale: tuple[float, ...]
    hidden: tuple[int, ...]
    optimiser: str
    rate: float
    discount: float
    decay: float
    entropy: float
    contexts: int
    surprise: float
    still: float
    pool = True  # every context has a module of its own

    def net(self, name: str) -> Net:
        """Return one of the two nets, as `sodachi.models.layered` asks for it."""
        outputs = 1 if name == "value" else self.actions
        return Net((self.inputs, *self.hidden, outputs), self.optimiser == "obgd")

    def optimiser_of(self) -> optax.GradientTransformation:
        """Return the optimiser; ObGD needs no state, its step follows from the traces."""
        return optax.adam(self.rate) if self.optimiser == "adam" else optax.sgd(1.0)


class Net(NamedTuple):
    """A layered net; with ``layer_norm`` before its activations."""

    layers: tuple[int, ...]
    layer_norm: bool
    activation = "leaky_relu"
    dtype = "float32"


@factory("backprop_actor")
def backprop_actor(
    *,
    inputs: int = 4,
    actions: int = 2,
    scale: Sequence[float] | None = None,
    hidden: Sequence[int] = (32, 32),
    optimiser: str = "adam",
    rate: float = 3e-4,
    discount: float = 0.99,
    decay: float = 0.8,
    entropy: float = 0.01,
    contexts: int = 1,
    surprise: float = 20.0,
    still: float = 75.0,
) -> System:
    r"""Return a streaming actor-critic AC(λ) of two nets, V(x) and π(a|x), and their traces.

    ``δ = r + γV(x') − V(x)``, ``z_v ← γλ z_v + ∇V(x)``,
    ``z_π ← γλ z_π + ∇[log π(a|x) + entropy·sign(δ)·H(π)]``; both nets follow ``δz``:

    - "adam": by Adam at ``rate``;
    - "obgd": ``w ← w + min(rate, rate/M) δz`` with ``M = rate·κ·max(|δ|, 1)·Σ|z|``, κ = 2 for
      values and 3 for policies; then also inputs are centred and scaled by their running mean and
      spread, rewards by the spread of their discounted sum, layers are normalised, and .9 of a
      cell's synapses (never all) begin at 0, as published.

    Parameters
    ----------
    inputs, actions, scale, discount, decay
        As for `growing_actor`; the same sensors.
    hidden
        Units of the hidden layers of each net.
    optimiser, rate, entropy
        As above.
    contexts, surprise, still
        With more than one context a pair of nets for each, recalled as `growing_actor` does.

    Returns
    -------
    System
        Observes `input` and `ended`; ``modulation["reward"]`` is the reward. Outputs as
        `growing_actor`, but for units.

    Raises
    ------
    SpecError
        For a size below 1, an unknown optimiser, or a number out of its range.

    References
    ----------
    Sutton and Barto (2018), chapter 13; Kingma & Ba (2015); Elsayed, Vasan and Mahmood (2024),
    Streaming deep reinforcement learning finally works (κ, sparse birth, normalisation).

    Examples
    --------
    >>> from sodachi.observation import observe
    >>> net = backprop_actor(inputs=2, hidden=(8,))
    >>> told = observe(net.spec, input=[0.5, -1.0], ended=[0.0], modulation={"reward": 1.0})
    >>> state, out = net.step(net.init(0), told)
    >>> float(out["action"].sum())
    1.0
    """
    given: dict[str, Any] = dict(locals()) | {"hidden": list(hidden)}
    given["scale"] = [float(unit) for unit in (scale or (1.0,) * inputs)]
    numbers: dict[str, Any] = given | {"scale": tuple(given["scale"]), "hidden": tuple(hidden)}
    s = Settings(**numbers)
    _check(s)
    obgd = s.optimiser == "obgd"
    said = {EXCEPTION: True, BOUNDED: obgd, NORMALISED: obgd, STRUCTURE: contexts > 1}
    spec = Spec(
        factory="backprop_actor",
        arguments=arguments(**given),
        observed=perceived(inputs),
        modulated=(REWARD,),
        capabilities=frozenset({"learns", "stochastic"}),
        exceptions=tuple(words for words, on in said.items() if on),
    )
    return system(spec, lambda key: _init(s, key), lambda state, o: _step(s, state, o))


def _check(s: Settings) -> None:
    check_agent(s)
    for name, sizes in (("hidden", s.hidden), ("contexts", (s.contexts,))):
        if not sizes or any(type(n) is not int or n < 1 for n in sizes):
            raise SpecError(name, "positive integers", sizes)
    if s.optimiser not in OPTIMISERS:
        raise SpecError("optimiser", f"one of {OPTIMISERS}", s.optimiser)
    if not 0 < s.rate < float("inf"):
        raise SpecError("rate", "above 0, finite", s.rate)
    if not 0 <= s.entropy < float("inf"):
        raise SpecError("entropy", "0 or more, finite", s.entropy)


def _init(s: Settings, key) -> State:
    weights = {name: ravel_pytree(_newborn_net(s, name, named_key(key, name)))[0] for name in NETS}
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


@cache
def _shaped(net: Net):
    """Return the function that makes a net's weights of one long vector.

    They are kept as one, so that a step is a few operations whatever the number of layers.
    """
    shapes = jax.eval_shape(lambda: newborn(net, jax.random.key(0)))
    blank = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), shapes)
    with jax.ensure_compile_time_eval():
        return ravel_pytree(blank)[1]


def answers(s: Settings, name: str, weights, x):
    """Return the output of one of the two nets (value: 1, policy: A) for a normalised input."""
    net = s.net(name)
    return forward(net, _shaped(net)(weights[name]), x)[-1]


def _newborn_net(s: Settings, name: str, key):
    """Return weights at birth; with ObGD uniform within 1/√fan-in, and most of them 0."""
    weights = newborn(s.net(name), key)
    if s.optimiser == "adam":
        # A policy that begins without a preference, and a value of nothing.
        last = f"weight_{len(s.hidden)}"
        return weights | {last: 0.1 * weights[last]}
    for part, w in weights.items():
        if part.startswith("weight"):
            below = w.shape[0]
            lots, drawn = (jax.random.uniform(named_key(key, part + k), w.shape) for k in "ab")
            rank = jnp.argsort(jnp.argsort(lots, axis=0), axis=0)
            silent = min(ceil(SPARSE * below), below - 1)
            weights[part] = jnp.where(rank < silent, 0.0, (2.0 * drawn - 1.0) / below**0.5)
    return weights


class Spread(NamedTuple):
    """Welford's running count, mean and sum of squared distances from it."""

    count: Any
    mean: Any
    square: Any

    def fed(self, x) -> Spread:
        """Return it with one more number."""
        count = self.count + 1.0
        mean = self.mean + (x - self.mean) / count
        return Spread(count, mean, self.square + (x - self.mean) * (x - mean))

    @property
    def size(self):
        """The standard deviation; 1 before there are two numbers."""
        variance = self.square / jnp.maximum(self.count - 1.0, 1.0)
        return jnp.where(self.count > 1.0, jnp.sqrt(variance + 1e-8), 1.0)


def _step(s: Settings, state: State, observation):
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


def _normalised(s: Settings, lane, now, learn, goes):
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


def _aim(s: Settings, weights, x, action, error):
    """What both nets climb: V(x), and the log-probability of what was done, with some doubt."""
    log_policy = jax.nn.log_softmax(answers(s, "policy", weights, x))
    doubt = -jnp.sum(jnp.exp(log_policy) * log_policy)
    told = jnp.sum(action * log_policy) + s.entropy * jnp.sign(error) * doubt
    return told + answers(s, "value", weights, x)[0]


def _push(s: Settings, traces, error):
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


def _followed(s: Settings, module, push, lives):
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
