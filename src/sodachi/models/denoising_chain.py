"""A chain of small Boltzmann machines, each of which undoes a little noise.

One machine that must jump between all kinds of data by small moves rarely does. Between data and
noise, though, lie steps, and the law of one step given the next is nearly of one piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from sodachi.combinators import replicate
from sodachi.core.evidence import evidence_field
from sodachi.core.lanes import any_lane
from sodachi.errors import SpecError
from sodachi.models.boltzmann import machine_graph
from sodachi.models.boltzmann_graph import BoltzmannGraph
from sodachi.models.boltzmann_learning import starting_mean
from sodachi.models.boltzmann_step import read_parameters
from sodachi.models.boltzmann_values import possible
from sodachi.models.deep_boltzmann import deep_boltzmann_machine
from sodachi.models.sweeping import sweeps
from sodachi.system import Evidence, Observation, Spec, State, System, arguments, factory, system

#: What each step's machine is told of its place: nothing but these.
MACHINE = ("layers", "sweeps", "rate", "decay", "centring", "scale")


@factory("denoising_chain")
def denoising_chain(
    *,
    layers: Sequence[Any] = (64, 100),
    noise: Sequence[float] = (0.05, 0.1, 0.2, 0.5),
    sweeps: int = 5,
    imagining: int = 10,
    rate: float = 0.1,
    decay: float = 0.0,
    centring: float = 0.01,
    scale: float = 0.1,
) -> System:
    r"""Return a chain of layered Boltzmann machines that leads from noise back to data.

    Noise flips units, ``P(x_t,i ≠ x_{t−1},i) = noise_t``. The machine of step t learns the way
    back, ``p(x_{t−1}, h | x_t) ∝ e^{−E_t(x_{t−1}, h)} Π_i P(x_t,i | x_{t−1},i)``: to its input the
    next step is a drive of ``±log((1 − noise_t)/noise_t)``. It is taught by contrastive divergence
    under that drive, all steps at once, each by what its own two cells know.

    A tick: what of the input is free is imagined, from coin flips down the chain, the rest held to
    its own noised copies; then, where something is held, each step learns its pair.

    Parameters
    ----------
    layers
        Of every step's machine, as in `deep_boltzmann_machine`; the input is binary.
    noise
        Chance of a flip, step by step, each above 0 and at most ½; with ½ as the last the chain
        begins at pure noise.
    sweeps
        Of the dream in which a step learns.
    imagining
        Gibbs sweeps at each step on the way back.
    rate, decay, centring, scale
        As in `deep_boltzmann_machine`.

    Returns
    -------
    System
        Observes `input` (binary; between 0 and 1: the chance of a 1). Outputs: energy (mean over
        steps); residual (mean change of free units); input, the value where clamped, else the
        belief of the last step; and ``trail`` [steps + 1, units], data first, noise last.

    Raises
    ------
    SpecError
        For no steps, noise out of range, `imagining` below 1, or what makes no layered machine.

    References
    ----------
    Jelinčič et al., An efficient probabilistic hardware architecture for diffusion-like models
    (2025, arXiv 2510.23972); the forward noise: Sohl-Dickstein et al. (2015).

    Examples
    --------
    >>> from sodachi.observation import observe
    >>> chain = denoising_chain(layers=(4, 3), noise=(0.1, 0.5))
    >>> state, out = chain.step(chain.init(0), observe(chain.spec, input=[1, 0, 1, 1]))
    >>> out["input"].tolist(), out["trail"].shape
    ([1.0, 0.0, 1.0, 1.0], (3, 4))
    """
    given: dict[str, Any] = dict(locals()) | {"layers": list(layers), "noise": list(noise)}
    _check(given)
    machine = deep_boltzmann_machine(
        dream="reconstruction", **{name: given[name] for name in MACHINE}
    )
    graph, steps = machine_graph(machine.spec), replicate(machine, len(given["noise"]))
    flips = tuple(float(chance) for chance in given["noise"])
    spec = Spec(
        factory="denoising_chain",
        arguments=arguments(**given),
        observed=machine.spec.observed[:1],
        modulated=machine.spec.modulated,
        capabilities=machine.spec.capabilities,
        exceptions=machine.spec.exceptions,
    )

    def init(key) -> State:
        shared, own = steps.init(key)
        lane = {
            "steps": own,
            "activity": {"input": starting_mean(graph.populations[0])},
            "key": jax.random.fold_in(key, 1),
        }
        return State(shared, lane)

    def step(state: State, observation: Observation):
        return _step(graph, steps, flips, imagining, state, observation)

    return system(spec, init, step)


def _step(graph: BoltzmannGraph, steps: System, flips, imagining: int, state: State, observation):
    shared, lane = state
    told = possible("binary", observation.evidence["input"])
    hold = jnp.isinf(told.precision)
    key, forward, back = jax.random.split(lane["key"], 3)
    resting = starting_mean(graph.populations[0])
    before = jnp.where(observation.first, resting, lane["activity"]["input"])
    known = jnp.where(hold, told.value, before)
    trail = noised(known, flips, forward)
    trail, belief = jax.lax.cond(
        any_lane(jnp.any(~hold)),
        lambda trail: imagine(graph, shared, flips, imagining, told, trail, back),
        lambda trail: (trail, trail[0]),
        trail,
    )
    lanes, output = _teach(
        graph, steps, flips, trail, hold, State(shared, lane["steps"]), observation
    )
    now = jnp.where(hold, known, trail[0])
    output = {
        "energy": output["energy"].mean(),
        "residual": jnp.mean(jnp.where(hold, 0.0, abs(now - before))),
        "input": jnp.where(hold, known, belief),
        "trail": trail,
    }
    return State(
        lanes.shared, {"steps": lanes.lane, "activity": {"input": now}, "key": key}
    ), output


def noised(x, flips: Sequence[float], key):
    """Return ``[steps + 1, units]``: a draw of x, and the same after each step's flips.

    After t steps a unit is turned with chance ``(1 − Π_{s≤t} (1 − 2 flips_s))/2``.

    Examples
    --------
    >>> noised(jnp.array([1.0, 0.0]), (1.0, 1.0), jax.random.key(0)).tolist()
    [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    """
    drawing, turning = jax.random.split(key)
    first = jax.random.bernoulli(drawing, x)
    chance = jnp.asarray(flips)[:, None]
    turns = jax.random.bernoulli(turning, chance, (len(flips), *x.shape))
    turned = jnp.cumsum(turns.astype(jnp.int32), 0) % 2 == 1
    return jnp.concatenate([first[None], first ^ turned]).astype(x.dtype)


def drive_of(after, chance):
    """Return what step t hears of the next one: ``(2 x_t − 1) · log((1 − noise)/noise)``.

    Examples
    --------
    >>> drive_of(jnp.array([1.0, 0.0]), 0.5).tolist()
    [0.0, -0.0]
    """
    return (2 * after - 1) * jnp.log((1 - chance) / chance)


def imagine(graph: BoltzmannGraph, shared, flips, many: int, told: Evidence, trail, key):
    """Return ``(trail, belief)``: free units from noise back to data, held ones as in ``trail``."""
    hold = jnp.isinf(told.precision)
    top = jax.random.bernoulli(key, 0.5, hold.shape).astype(trail.dtype)
    after = jnp.where(hold, trail[-1], top)
    chances = jnp.asarray(flips)
    # What is told softly speaks of data, so to the last machine on the way alone.
    soft = jnp.zeros((len(flips), *hold.shape)).at[0].set(evidence_field(told))

    def undo(after, now):
        machine, chance, kept, spoken, key = now
        drive = drive_of(after, chance) + spoken
        own = Evidence(kept, jnp.where(hold, jnp.inf, 0.0), drive)
        parameters = read_parameters(graph, machine["weights"])
        x = {u.name: starting_mean(u) for u in graph.populations}
        x = x | {"input": jnp.where(hold, kept, after)}
        looking, moving = jax.random.split(key)
        # First a look: hidden units that know nothing would have what was noised forgotten.
        still = own._replace(value=x["input"], precision=jnp.full_like(drive, jnp.inf))
        x, _ = sweeps(graph, parameters, x, looking, 1, evidence={"input": still})
        x, mean = sweeps(graph, parameters, x, moving, many, evidence={"input": own})
        return x["input"], (x["input"], mean["input"])

    keys = jax.random.split(jax.random.fold_in(key, 1), len(flips))
    given = (shared, chances, trail[:-1], soft, keys)
    _, (befores, beliefs) = jax.lax.scan(undo, after, given, reverse=True)
    return jnp.concatenate([befores, after[None]]), beliefs[0]


def _teach(
    graph: BoltzmannGraph, steps: System, flips, trail, hold, state: State, observation: Observation
):
    """Every step's machine sees its pair: what was before, under the drive of what came after."""
    many = len(flips)
    drive = drive_of(trail[1:], jnp.asarray(flips)[:, None])
    evidence = {u.name: Evidence(*[jnp.zeros((many, u.units))] * 3) for u in graph.populations[1:]}
    evidence["input"] = Evidence(trail[:-1], jnp.full_like(drive, jnp.inf), drive)
    each = {n: jnp.broadcast_to(by, (many,)) for n, by in observation.modulation.items()}
    learn = jnp.broadcast_to(observation.learn & jnp.any(hold), (many,))
    first = jnp.broadcast_to(observation.first, (many,))
    return steps.step(state, Observation(evidence, each, learn, first))


def _check(given: dict[str, Any]) -> None:
    noise = given["noise"]
    if not noise or not all(isinstance(p, int | float) and 0 < p <= 0.5 for p in noise):
        raise SpecError("noise", "one chance or more, each above 0 and at most .5", noise)
    if type(given["imagining"]) is not int or given["imagining"] < 1:
        raise SpecError("imagining", "a positive integer", given["imagining"])
