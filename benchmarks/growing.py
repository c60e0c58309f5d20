"""Growing, per example: 1,000 units and all that grows; continual backprop; lives; 10⁷ rows."""

from __future__ import annotations

import resource
import tempfile
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.common import alternating, result, seconds
from sodachi.combinators import replicate
from sodachi.models import continual_net, growing_grid
from sodachi.runner.checkpoint import load, save
from sodachi.system import Evidence, Observation, System

INPUTS, UNITS, LEVELS, FAN_IN = 100, 1000, 10, 10
EXAMPLES, PEER_EXAMPLES = 3000, 200
SMALL, LIVES = (20, 5, 1), 64
LONG = 10_000_000
NONE = "not installed"


def clamp(value):
    """Return evidence that holds a variable at a value."""
    return Evidence(value, jnp.full_like(value, jnp.inf), jnp.zeros_like(value))


def life(system: System):
    """Return compiled ``live(state, X, y) -> state``: one example after another, each learned."""
    lanes = system.spec.lanes
    yes, no = jnp.ones(lanes, bool), jnp.zeros(lanes, bool)
    modulation = {name: jnp.ones(lanes) for name in system.spec.modulated}

    @jax.jit
    def live(state, X, y):
        def one(state, row):
            x, t = (jnp.broadcast_to(a, (*lanes, *a.shape)) for a in row)
            told = Observation({"input": clamp(x), "label": clamp(t)}, modulation, yes, no)
            return system.step(state, told)[0], None

        return jax.lax.scan(one, state, (X, y))[0]

    return live


def stream(inputs: int, examples: int, seed: int = 0):
    """Return inputs and one target each, a net of random threshold units of them."""
    rng = np.random.default_rng(seed)
    X = rng.integers(2, size=(examples, inputs)).astype(np.float32)
    hidden = (X - 0.5) @ rng.choice([-1.0, 1.0], (inputs, 50)) > 0
    y = hidden @ rng.choice([-1.0, 1.0], (50, 1))
    return jnp.asarray(X), jnp.asarray(y, jnp.float32)


def large() -> dict:
    """1,000 units of fan-in 10: forward, hunger, adapted step sizes, utility, births."""
    net = growing_grid(
        units=UNITS, levels=LEVELS, inputs=INPUTS, fan_in=FAN_IN, patience=0, maturity=100,
        meta_rate=0.01,
    )  # fmt: skip
    X, y = stream(INPUTS, EXAMPLES)
    live = life(net)
    state = net.init(0)
    for _ in range(20):  # until no slot is free
        state = live(state, X, y)
    assert bool(jnp.all(state.shared["structure"]["live"])), "the grid must be full"

    def ours():
        jax.block_until_ready(live(state, X, y))

    peer = torch_graph()
    mine, theirs = alternating(ours, peer) if peer else (seconds(ours), None)
    mine = mine / EXAMPLES
    ratio = theirs / PEER_EXAMPLES / mine if theirs else None
    holds = mine <= 70e-6 and (ratio is None or ratio >= 2)
    figures = {"seconds_an_example": mine, "peer_seconds": theirs and theirs / PEER_EXAMPLES}
    words = "PyTorch, eager: a level at a time, SGD" if peer else NONE
    return result("growing-1000", words, ratio, "<= 70 us an example, >= 2", holds, **figures)


def torch_graph():
    """Return a call that learns a graph of the same size in PyTorch, or None without it."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    rng, wide = np.random.default_rng(0), UNITS // LEVELS
    sources = [
        torch.tensor(rng.integers(INPUTS + level * wide, size=(wide, FAN_IN)))
        for level in range(LEVELS)
    ]
    weights = [torch.randn(wide, FAN_IN, requires_grad=True) for _ in range(LEVELS)]
    out = torch.zeros(INPUTS + UNITS, 1, requires_grad=True)
    optimiser = torch.optim.SGD([*weights, out], lr=0.001)
    X, y = (torch.tensor(np.asarray(a)) for a in stream(INPUTS, PEER_EXAMPLES))

    def once():
        for x, t in zip(X, y, strict=True):
            nodes = x
            for source, weight in zip(sources, weights, strict=True):
                nodes = torch.cat([nodes, torch.relu((nodes[source] * weight).sum(1))])
            optimiser.zero_grad()
            ((nodes @ out - t) ** 2).sum().backward()
            optimiser.step()

    return once


def small() -> list[dict]:
    """Continual backprop 20-5-1: one life against PyTorch, and 64 lives side by side."""
    net = continual_net(
        layers=SMALL, loss="squared", optimiser="sgd", rate=0.01, replacement_rate=1e-4
    )
    X, y = stream(SMALL[0], 20 * EXAMPLES)
    one, live = net.init(0), life(net)
    peer = torch_small()

    def alone():
        jax.block_until_ready(live(one, X, y))

    mine, theirs = alternating(alone, peer) if peer else (seconds(alone), None)
    ratio = theirs / PEER_EXAMPLES / (mine / len(X)) if theirs else None
    figures = {"seconds_an_example": mine / len(X),
               "peer_seconds": theirs and theirs / PEER_EXAMPLES}  # fmt: skip
    words = "PyTorch, eager: continual backprop" if peer else NONE
    holds = None if ratio is None else ratio >= 50
    found = [result("continual-small", words, ratio, ">= 50", holds, **figures)]

    many = replicate(net, LIVES)
    together, live_all = many.init(0), life(many)
    short = X[: len(X) // 10], y[: len(y) // 10]
    alone_, all_ = alternating(
        lambda: jax.block_until_ready(live(one, *short)),
        lambda: jax.block_until_ready(live_all(together, *short)),
    )
    ratio = LIVES * alone_ / all_
    figures = {"seconds_an_example_alone": alone_ / len(short[0]),
               "seconds_an_example_each": all_ / LIVES / len(short[0])}  # fmt: skip
    words = f"{LIVES} lives one after the other"
    found.append(result("lives-side-by-side", words, ratio, ">= 4", ratio >= 4, **figures))
    return found


def torch_small():
    """Return a call that learns one example after another in PyTorch, or None without it.

    Continual backprop as its authors have it, in plain eager form: running means of activity and
    of what a unit is worth, and at times the least useful of the old units begins anew.
    """
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    X, y = (torch.tensor(np.asarray(a)) for a in stream(SMALL[0], PEER_EXAMPLES))
    below, above = torch.nn.Linear(*SMALL[:2]), torch.nn.Linear(*SMALL[1:])
    optimiser = torch.optim.SGD([*below.parameters(), *above.parameters()], lr=0.01)
    mean, worth, age = (torch.zeros(SMALL[1]) for _ in range(3))
    owed = 0.0

    def renew():
        nonlocal owed
        old = age > 100
        owed += 1e-4 * int(old.sum())
        if owed < 1:
            return
        owed -= 1
        unit = torch.where(old, worth / (1 - 0.99**age), torch.inf).argmin()
        above.bias += above.weight[:, unit] * mean[unit] / (1 - 0.99 ** age[unit])
        above.weight[:, unit] = 0
        below.weight[unit] = torch.nn.init.kaiming_normal_(torch.empty(1, SMALL[0]))[0]
        below.bias[unit] = 0
        for kept in (mean, worth, age):
            kept[unit] = 0

    def once():
        for x, t in zip(X, y, strict=True):
            hidden = torch.nn.functional.leaky_relu(below(x), 0.1)
            optimiser.zero_grad()
            ((above(hidden) - t) ** 2).sum().backward()
            optimiser.step()
            with torch.no_grad():
                age.add_(1)
                mean.mul_(0.99).add_(hidden, alpha=0.01)
                off = (hidden - mean / (1 - 0.99**age)).abs()
                now = above.weight.abs().mean(0) * off / below.weight.abs().mean(1)
                worth.mul_(0.99).add_(now, alpha=0.01)
                renew()

    return once


def long() -> dict:
    """10⁷ examples of a growing life: memory, compilations, and a resume in the middle."""
    compiled = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda name, *_, **__: compiled.append(name) if name.endswith("backend_compile_duration")
        else None
    )  # fmt: skip
    net = growing_grid(units=8, levels=1, inputs=20, fan_in=10, patience=100, maturity=2000)
    X, y = stream(20, 100_000)
    few = X[:1000], y[:1000]
    live, state = life(net), net.init(0)
    before = len(compiled)
    rss, same = [], None
    for part in range(LONG // len(X)):
        state = jax.block_until_ready(live(state, X, y))
        if part < 3:
            state = net.grow(state)  # 8 units, then 16, 32, 64
        if part == 1:
            same = _resumed(net, state, lambda s: live(s, *few))
        rss.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    grown = rss[-1] - rss[len(rss) // 10]
    programs = len(compiled) - before
    holds = bool(same) and grown < 5 and programs <= 10
    figures = {"examples": LONG, "megabytes_grown": grown, "compilations": programs,
               "resumed_identical": bool(same),
               "units": int(state.shared["structure"]["live"].shape[0])}  # fmt: skip
    target = "< 5 MB, <= 10 compilations, resume identical"
    return result("long-life", "none", None, target, holds, **figures)


def _resumed(net: System, state, live) -> bool:
    """Return whether a life that goes on from its checkpoint is the same in every bit."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state"
        save(file, state, net.spec)
        again = load(file, net.spec).state
    pairs = zip(jax.tree.leaves(live(state)), jax.tree.leaves(live(again)), strict=True)
    return all(_bits(a) == _bits(b) for a, b in pairs)


def _bits(leaf) -> bytes:
    key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return np.asarray(jax.random.key_data(leaf) if key else leaf).tobytes()


def main() -> list[dict]:
    """Measure all four."""
    return [large(), *small(), long()]
