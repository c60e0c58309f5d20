"""Chains spread over devices, in blocks of a fixed size that know nothing of one another.

A block is the same program wherever it runs, and its chances follow from its number. So nothing
that is drawn depends on how many devices there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from sodachi.errors import SpecError
from sodachi.models.boltzmann_graph import BoltzmannGraph, Parameters
from sodachi.models.sweeping import sweeps
from sodachi.system import Evidence

AXIS = "blocks"


def sharded_sweeps(
    graph: BoltzmannGraph,
    parameters: Parameters,
    x: dict[str, Any],
    key,
    count: int = 1,
    *,
    devices: Sequence[Any] | None = None,
    block: int = 16,
    temperature: Any = 1.0,
    evidence: dict[str, Evidence] | None = None,
    mean_field: bool = False,
):
    r"""Return ``(x, mean)`` as `sodachi.models.sweeps` does, the chains spread over devices.

    Block n, of ``block`` chains, takes its sweeps with the key ``fold_in(key, n)``, one block
    after another on each device; parameters are copied to all, and nothing else crosses between
    devices. On however many of one kind, chains of single pairs (Ising graphs) have the same bits;
    matrix products agree within 1e-5 where a device computes them otherwise.

    Parameters
    ----------
    x
        By population [*shape, chains].
    count, mean_field
        As in `sodachi.models.sweeps`; static.
    devices
        By default all of ``jax.devices()``.
    block
        Chains in a block; static, and a divisor of their number.
    temperature
        T, or one for each chain.
    evidence
        By population, each part in the shape of ``x``, or in the population's for all chains.

    Returns
    -------
    tuple
        In the order of ``x``, sharded along the chains where devices divide the blocks.

    Raises
    ------
    SpecError
        For no device, or chains that make no whole number of blocks.

    Examples
    --------
    >>> from sodachi.models.boltzmann_graph import boltzmann_graph
    >>> graph = boltzmann_graph([["a", 2], ["b", 3]], [["a", "b"]])
    >>> x, _ = sharded_sweeps(graph, graph.parameters(), graph.start(64), jax.random.key(0), 2)
    >>> x["b"].shape
    (3, 64)
    """
    chosen = tuple(jax.devices() if devices is None else devices)
    chains = jnp.shape(next(iter(x.values())))[-1]
    if not chosen:
        raise SpecError("devices", "one or more", 0)
    if block < 1 or chains % block:
        raise SpecError("block", f"a divisor of {chains} chains", block)
    blocks = chains // block
    # Devices take equal numbers: the last block is done again where there are too few.
    numbers = jnp.minimum(jnp.arange(blocks + -blocks % len(chosen)), blocks - 1)
    apart = partial(_apart, numbers=numbers, block=block)
    known = {
        n: Evidence(*(apart(_for_all(a, x[n])) for a in parts))
        for n, parts in (evidence or {}).items()
    }
    lanes = (
        {n: apart(jnp.asarray(a)) for n, a in x.items()},
        jax.vmap(partial(jax.random.fold_in, key))(numbers),
        apart(jnp.broadcast_to(jnp.asarray(temperature, jnp.float32), (chains,))),
        known,
    )
    done = _program(graph, count, mean_field, chosen)(parameters, lanes)
    return tuple({n: _together(a, blocks) for n, a in part.items()} for part in done)


@lru_cache(maxsize=64)
def _program(graph: BoltzmannGraph, count: int, mean_field: bool, devices: tuple[Any, ...]):
    """The compiled sweeps of all blocks, kept, so that new weights compile nothing."""
    mesh, split = Mesh(np.array(devices), (AXIS,)), PartitionSpec(AXIS)

    def mine(parameters, lanes):
        def one(lane):
            x, key, temperature, evidence = lane
            return sweeps(graph, parameters, x, key, count, temperature=temperature,
                          evidence=evidence, mean_field=mean_field)  # fmt: skip

        return jax.lax.map(one, lanes)

    # No device's values are taken for another's: there is nothing for the check to find.
    spread = jax.shard_map(
        mine, mesh=mesh, in_specs=(PartitionSpec(), split), out_specs=split, check_vma=False
    )
    return jax.jit(spread)


def _apart(a, *, numbers, block: int):
    """[*shape, chains] to [blocks, *shape, block]."""
    whole = a.reshape(*a.shape[:-1], -1, block)
    return jnp.moveaxis(whole, -2, 0)[numbers]


def _together(a, blocks: int):
    """[blocks, *shape, block] to [*shape, chains], without those that were done again."""
    back = jnp.moveaxis(a[:blocks], 0, -2)
    return back.reshape(*back.shape[:-2], -1)


def _for_all(a, like):
    """Evidence in the shape of the chains."""
    a = jnp.asarray(a)
    if a.ndim < jnp.ndim(like):
        a = a.reshape(*a.shape, *[1] * (jnp.ndim(like) - a.ndim))
    return jnp.broadcast_to(a, jnp.shape(like))
