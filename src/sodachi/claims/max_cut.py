"""Claim: the sampler, cooled, finds large cuts: as large as a solver made for that.

Three graphs in the form of the G-set, each of 800 nodes. The energy of ±1 units is lowest where the
cut is largest, so annealing a Boltzmann machine is a heuristic for the problem, nothing added.
"""

from __future__ import annotations

from functools import partial

import jax
import numpy as np

from sodachi.claims.claim import Claim, Figures, Measured, Protocol
from sodachi.claims.cut_graphs import GRAPHS, TORUS, cut_graph
from sodachi.claims.statistics import Check, above, at_least, by_mean, not_below
from sodachi.errors import ClaimError
from sodachi.models.simulated_annealing import anneal, cut_size, max_cut, typical_field

CHAINS, STEPS = 32, {"quick": 500, "full": 3000}
OURS, RIVAL, QUENCHED = "ours", "dwave-samplers", "cold from the start"


def measure(name: str, row: str, seed: int, form: str) -> Figures:
    """Return the largest cut of 32 runs as a share of the best known, and the runs' mean."""
    graph = cut_graph(name, small=form == "quick")
    steps = STEPS[form]
    if row == RIVAL:
        cuts = _dwave(graph, steps, seed)
    else:
        machine = max_cut(graph.edges, graph.weights)
        last = 0.01 * typical_field(*machine)
        hot = last if row == QUENCHED else None  # the last temperature from the first sweep on
        found = anneal(*machine, jax.random.key(seed), chains=CHAINS, steps=steps, hot=hot)
        spins = np.asarray(found.state["spins"]).T
        cuts = np.array([cut_size(graph.edges, s, graph.weights) for s in spins])
    return {"cut": float(cuts.max() / graph.best), "mean_cut": float(cuts.mean() / graph.best)}


def _dwave(graph, steps: int, seed: int) -> np.ndarray:
    try:
        from dwave.samplers import SimulatedAnnealingSampler  # type: ignore[import-not-found]
    except ImportError as error:
        raise ClaimError(
            "max-cut", "dwave-samplers (pip install 'sodachi[bench]')", error
        ) from error
    pairs = zip(graph.edges.tolist(), graph.weights.tolist(), strict=True)
    found = SimulatedAnnealingSampler().sample_ising(
        {}, {tuple(e): w for e, w in pairs}, num_reads=CHAINS, num_sweeps=steps, seed=seed
    )
    return (graph.weights.sum() - found.record.energy) / 2


def rows(seed: int, form: str):
    """Return what is measured: ours, the rival and the lesion on every graph."""
    if form == "quick":
        return {f"{TORUS}: {r}": partial(measure, TORUS, r, seed, form) for r in (OURS, QUENCHED)}
    return {
        f"{name}: {row}": partial(measure, name, row, seed, form)
        for name in GRAPHS
        for row in (OURS, RIVAL, QUENCHED)
    }


def check_full(m: Measured) -> list[Check]:
    """The target: near the best known cut, no worse than the rival; without cooling, worse."""
    checks = []
    for name in GRAPHS:
        ours = m(f"{name}: {OURS}", "cut")
        checks += [
            at_least(f"{name}: largest cut, share of the best known", ours, 0.995),
            not_below(f"{name}: not below dwave-samplers by .0005", ours,
                      m(f"{name}: {RIVAL}", "cut"), 0.0005),
            not_below(f"{name}: mean of the runs not below dwave-samplers' by .001",
                      m(f"{name}: {OURS}", "mean_cut"), m(f"{name}: {RIVAL}", "mean_cut"), 0.001),
            above(f"{name}: lesion, cold from the start: smaller cuts on average",
                  m(f"{name}: {OURS}", "mean_cut"), m(f"{name}: {QUENCHED}", "mean_cut")),
        ]  # fmt: skip
    return checks


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""
    ours, other = (m(f"{TORUS}: {row}", "mean_cut") for row in (OURS, QUENCHED))
    gain = {seed: value - other[seed] for seed, value in ours.items()}
    return [
        by_mean("small torus: largest cut, share of the best", m(f"{TORUS}: {OURS}", "cut"), 0.99),
        by_mean("small torus: runs' mean above cold from the start by .01", gain, 0.01),
    ]


CLAIM = Claim(
    name="max-cut",
    source={
        "document": "Y. Sasaki, Can deep learning take in the behaviour of the brain?",
        "sentence": "Loops allow memory and repeated inference. (A sampler that is cooled settles, "
        "sweep by sweep, in states of low energy.)",
    },
    rows=rows,
    rivals={
        f"{name}: {RIVAL}": "simulated annealing of dwave-samplers (C++) with its own range of "
        "temperatures, as many runs and sweeps: equal spin updates"
        for name in GRAPHS
    },
    lesion={
        f"{name}: {QUENCHED}": "the same sweeps at the last temperature from the first sweep on"
        for name in GRAPHS
    },
    quick=Protocol(
        words="A torus of 100 nodes with a planted cut; 32 runs of 500 sweeps.",
        seeds=(0, 1),
        target=".99 of the largest cut; without cooling the runs' mean is .01 lower.",
        check=check_quick,
    ),
    full=Protocol(
        words="800 nodes: tori of 1,600 pairs and, in three dimensions, of 2,400, both with "
        "weights that are sums of 560 frustrated loops (largest cut known by construction), and "
        "19,176 unweighted random edges as in G1 (best known: 60 other runs of dwave-samplers, "
        "30,000 sweeps each; no proof). The G-set's own files are not used. 32 runs of 3,000 "
        "sweeps. Cooling chosen on four other seeds from nine. A first full run, on seeds 0 to 9, "
        "had another cooling (lower, geometric), which missed the torus's largest cut once, and a "
        "planted random graph in the place of the cube, where not even the lesion failed.",
        seeds=tuple(range(10, 20)),
        target="On every graph .995 of the best known cut; not below dwave-samplers by .0005 "
        "(largest) and .001 (mean of runs); cold from the start the mean is lower. All apart.",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(100, 101, 102, 103),
    shown=("cut", "mean_cut"),
)
