"""Chains on several devices are those of one: the program runs with four CPU devices of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.errors import SpecError
from sodachi.models import boltzmann_graph, exact, sharded_sweeps
from sodachi.system import Evidence

PROGRAM = Path(__file__).with_name("sharded_chains.py")
GRAPH = boltzmann_graph([["a", 3], ["b", 2]], [["a", "b"], ["a", "a", [[0, 1]]]])


def parameters():
    rng = np.random.default_rng(1)
    return jax.tree.map(lambda a: jnp.asarray(rng.normal(0, 1, a.shape)), GRAPH.parameters())


@pytest.mark.theory
def test_no_bit_of_an_ising_graph_depends_on_how_many_devices_there_are():
    flags = f"--xla_force_host_platform_device_count=4 {os.environ.get('XLA_FLAGS', '')}".strip()
    done = subprocess.run(
        [sys.executable, str(PROGRAM)],
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu",
             "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found.pop("devices") == 4
    assert found.pop("ising on") == found.pop("layers on") == 3
    assert found.pop("ising, blocks alike") == found.pop("layers, blocks alike") == 0
    assert {name: d for name, d in found.items() if name.startswith("ising")} == dict.fromkeys(
        [f"ising, {n}" for n in (1, 3, 4)], 0.0
    )
    assert max(found.values()) <= 1e-5
    assert len(found) == 6


@pytest.mark.theory
def test_chains_clamps_and_temperatures_reach_their_blocks():
    """By enumeration: two temperatures, and a clamp that half of the chains have."""
    chains, p = 8192, parameters()
    temperature = np.where(np.arange(chains) % 2, 3.0, 1.0)
    clamp = np.arange(chains) % 4 < 2
    none = np.zeros((3, chains))
    value, precision = none.copy(), none.copy()
    value[0], precision[0] = 1.0, np.where(clamp, np.inf, 0.0)
    x, _ = sharded_sweeps(
        GRAPH, p, GRAPH.start(chains), jax.random.key(0), 40, block=512,
        temperature=temperature, evidence={"a": Evidence(value, precision, none)},
    )  # fmt: skip
    for T in (1.0, 3.0):
        for held in (False, True):
            mine = (temperature == T) & (clamp == held)
            known = {
                "a": Evidence(
                    np.array([1.0, 0, 0]), np.array([np.inf if held else 0.0, 0, 0]), np.zeros(3)
                )
            }
            law = exact(GRAPH, p, temperature=T, evidence=known)
            for name in ("a", "b"):
                error = np.abs(np.asarray(x[name])[:, mine].mean(1) - np.asarray(law.mean[name]))
                assert error.max() < 4 * 0.5 / np.sqrt(mine.sum()), (T, held, name)


def test_one_clamp_for_all_chains_and_no_program_for_new_weights():
    start, key = GRAPH.start(8), jax.random.key(0)
    held = {"a": Evidence(np.array([1.0, 0, 0]), np.array([np.inf, 0, 0]), np.zeros(3))}
    x, _ = sharded_sweeps(GRAPH, parameters(), start, key, block=4, evidence=held)
    assert np.all(np.asarray(x["a"][0]) == 1)
    from sodachi.models.sharding import _program

    before = _program.cache_info().misses
    sharded_sweeps(GRAPH, GRAPH.parameters(2.0), start, key, block=4, evidence=held)
    assert _program.cache_info().misses == before


@pytest.mark.parametrize("wrong", [{"block": 3}, {"block": 0}, {"devices": []}])
def test_blocks_that_are_not_whole_and_no_device_are_refused(wrong):
    with pytest.raises(SpecError):
        sharded_sweeps(GRAPH, GRAPH.parameters(), GRAPH.start(8), jax.random.key(0), **wrong)
