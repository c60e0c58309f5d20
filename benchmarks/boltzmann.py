"""Boltzmann machines: spin updates a second, and ln Z of twenty units.

A 64×64 Ising torus, 64 chains, β = .4, weights and temperature given at runtime. The peers need
``pip install dwave-samplers`` and ``pip install --no-deps thrml equinox`` and are left out where
they are not installed.
"""

from __future__ import annotations

import resource

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.common import alternating, result, seconds
from sodachi.models import boltzmann_graph, log_partition, sweeps
from sodachi.models.boltzmann_energy import energy

SIDE, CHAINS, SWEEPS, BETA, REPEATS = 64, 64, 50, 0.4, 7
UNITS = SIDE * SIDE
UPDATES = UNITS * CHAINS * SWEEPS


def torus_pairs() -> list[tuple[int, int]]:
    """Return each node's pair with the one below and the one to the right."""
    number = np.arange(UNITS).reshape(SIDE, SIDE)
    pairs = [np.stack([number, np.roll(number, -1, axis)], -1).reshape(-1, 2) for axis in (0, 1)]
    return [(min(p), max(p)) for p in np.concatenate(pairs).tolist()]


def ours():
    """Return a call that sweeps all chains, and the energy a spin it ends at."""
    graph = boltzmann_graph([["spins", UNITS, "spin"]], [["spins", "spins", torus_pairs()]])
    parameters = graph.parameters(1.0)._replace(bias={"spins": jnp.zeros(UNITS)})

    @jax.jit
    def go(parameters, temperature, x, key):
        return sweeps(graph, parameters, x, key, SWEEPS, temperature=temperature)[0]

    kept = {"x": graph.start(CHAINS), "n": 0}

    def once():
        kept["n"] += 1
        temperature = jnp.float32(1.0 / BETA)
        kept["x"] = jax.block_until_ready(
            go(parameters, temperature, kept["x"], jax.random.key(kept["n"]))
        )

    return once, lambda: float(energy(graph, parameters, kept["x"]).mean()) / UNITS


def thrml():
    """Return the same for thrml, whose user gives the blocks, or None where it is not there."""
    try:
        from thrml import Block, SamplingSchedule, SpinNode, sample_states
        from thrml.models import IsingEBM, IsingSamplingProgram
    except ImportError:
        return None
    nodes = [SpinNode() for _ in range(UNITS)]
    edges = [(nodes[i], nodes[j]) for i, j in torus_pairs()]
    model = IsingEBM(nodes, edges, jnp.zeros(UNITS), jnp.ones(len(edges)), jnp.float32(BETA))
    odd = np.add.outer(np.arange(SIDE), np.arange(SIDE)).reshape(-1) % 2
    blocks = [Block([n for n, o in zip(nodes, odd, strict=True) if o == side]) for side in (0, 1)]
    program = IsingSamplingProgram(model, blocks, clamped_blocks=[])
    schedule = SamplingSchedule(n_warmup=SWEEPS - 1, n_samples=1, steps_per_sample=1)

    @jax.jit
    @jax.vmap
    def go(key, state):
        (seen,) = sample_states(key, program, schedule, state, [], [Block(nodes)])
        return seen[0]

    kept = {"x": jnp.zeros((CHAINS, UNITS), bool), "n": 0}
    index = [jnp.asarray(np.flatnonzero(odd == side)) for side in (0, 1)]

    def once():
        kept["n"] += 1
        state = [kept["x"][:, i] for i in index]
        keys = jax.random.split(jax.random.key(kept["n"]), CHAINS)
        kept["x"] = jax.block_until_ready(go(keys, state))

    pairs = np.array(torus_pairs())

    def energy_of():
        s = 2.0 * np.asarray(kept["x"], float) - 1.0
        return -float((s[:, pairs[:, 0]] * s[:, pairs[:, 1]]).sum(1).mean()) / UNITS

    return once, energy_of


def dwave():
    """Return the same for dwave-samplers' annealer at one temperature, or None."""
    try:
        from dwave.samplers import SimulatedAnnealingSampler
    except ImportError:
        return None
    couplings, kept = dict.fromkeys(torus_pairs(), -1.0), {}
    sampler = SimulatedAnnealingSampler()

    def once():
        kept["found"] = sampler.sample_ising(
            {}, couplings, num_reads=CHAINS, beta_schedule=[BETA], beta_schedule_type="custom",
            num_sweeps_per_beta=SWEEPS, proposal_acceptance_criteria="Gibbs", seed=1,
        )  # fmt: skip

    return once, lambda: float(np.mean(kept["found"].record.energy)) / UNITS


def torus() -> list[dict]:
    """Measure ours against each peer in turn, in one process."""
    mine, measure = ours()
    found = []
    for name, make, target in (("thrml", thrml, 4.0), ("dwave-samplers", dwave, 2.0)):
        peer = make()
        if peer is None:
            continue
        one, other = alternating(mine, peer[0], REPEATS)
        found.append(
            result(
                f"ising-torus-{name}", f"{name}, 64x64, 64 chains", other / one,
                f"at least {target:g} times the peer's updates a second", other / one >= target,
                million_updates_a_second=UPDATES / one / 1e6,
                peer_million_updates_a_second=UPDATES / other / 1e6,
                energy_a_spin=measure(), peer_energy_a_spin=peer[1](),
                peak_megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            )
        )  # fmt: skip
    return found


def partition() -> dict:
    """Measure the exact ln Z of twenty units, and count compilations on new weights."""
    graph = boltzmann_graph([["units", 20]], [["units", "units"]])
    rng, count = np.random.default_rng(0), []
    made = [
        graph.parameters()._replace(
            weights={"units-units": jnp.asarray(rng.normal(0, 0.3, (20, 20)), jnp.float32)}
        )
        for _ in range(2)
    ]
    took = seconds(lambda: jax.block_until_ready(log_partition(graph, made[0])))
    jax.monitoring.register_event_duration_secs_listener(
        lambda name, *_, **__: count.append(name) if "backend_compile" in name else None
    )
    jax.block_until_ready(log_partition(graph, made[1], temperature=jnp.float32(2.0)))
    before = len(count)
    jax.block_until_ready(log_partition(graph, made[0], temperature=jnp.float32(0.7)))
    return result(
        "log-partition-20", "none", None, "at most 50 ms, nothing compiled on new weights",
        took <= 0.05 and len(count) == before, milliseconds=1000 * took,
        compiled_again=len(count) - before,
    )  # fmt: skip


def main() -> list[dict]:
    """Measure everything."""
    return [*torus(), partition()]
