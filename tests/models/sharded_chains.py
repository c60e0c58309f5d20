"""A program: sweeps on 1, 3 and 4 devices, printed as what differs; it needs 4 CPU devices."""

import json

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.models import boltzmann_graph, sharded_sweeps, sweeps

SIDE, CHAINS, BLOCK = 6, 48, 8


def ising():
    pairs = [
        [i * SIDE + j, k]
        for i in range(SIDE)
        for j in range(SIDE)
        for k in (i * SIDE + (j + 1) % SIDE, (i + 1) % SIDE * SIDE + j)
    ]
    return boltzmann_graph([["spins", SIDE**2, "spin"]], [["spins", "spins", pairs]])


def layers():
    return boltzmann_graph([["seen", 40], ["hidden", 30]], [["seen", "hidden"]])


def random_parameters(graph, seed=0):
    rng = np.random.default_rng(seed)
    return jax.tree.map(
        lambda a: jnp.asarray(rng.normal(0, 0.3, a.shape), jnp.float32), graph.parameters()
    )


def differences() -> dict[str, float]:
    """Return by graph and devices the largest difference from one device and from no sharding."""
    found: dict[str, float] = {"devices": len(jax.devices())}
    key = jax.random.key(3)
    for name, graph in {"ising": ising(), "layers": layers()}.items():
        parameters, x = random_parameters(graph), graph.start(CHAINS)
        alone, one = [], jax.jit(sweeps, static_argnums=(0, 4))
        for n in range(CHAINS // BLOCK):
            part = {k: a[..., n * BLOCK : (n + 1) * BLOCK] for k, a in x.items()}
            alone.append(one(graph, parameters, part, jax.random.fold_in(key, n), 5))
        whole = [
            {k: np.concatenate([np.asarray(a[i][k]) for a in alone], -1) for k in x} for i in (0, 1)
        ]
        for count in (1, 3, 4):
            spread = sharded_sweeps(
                graph, parameters, x, key, 5, devices=jax.devices()[:count], block=BLOCK
            )
            if count == 3:  # 6 blocks: each device holds its part
                found[f"{name} on"] = len(spread[0][next(iter(x))].sharding.device_set)
            found[f"{name}, {count}"] = max(
                float(np.abs(np.asarray(a[k]) - b[k]).max())
                for a, b in zip(spread, whole, strict=True)
                for k in x
            )
        first, second = (whole[0][next(iter(x))][..., n * BLOCK : (n + 1) * BLOCK] for n in (0, 1))
        found[f"{name}, blocks alike"] = float(np.array_equal(first, second))
    return found


if __name__ == "__main__":
    print(json.dumps(differences()))
