"""A restricted Boltzmann machine, 784 × 500, batches of 100: contrastive divergence an update."""

from __future__ import annotations

import resource

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.common import alternating, result
from sodachi.claims.boltzmann_training import shown
from sodachi.combinators import minibatch
from sodachi.models import deep_boltzmann_machine

PIXELS, HIDDEN, BATCH, UPDATES = 784, 500, 100, 40


def images() -> np.ndarray:
    """Return black and white images, a fifth of the pixels on."""
    return (np.random.default_rng(0).random((UPDATES, BATCH, PIXELS)) < 0.2).astype(np.float32)


def ours(dream: str):
    """Return a call that makes all updates, through the protocol."""
    machine = minibatch(
        deep_boltzmann_machine(layers=(PIXELS, HIDDEN), dream=dream, chains=BATCH), BATCH
    )
    state, X = machine.init(0), jnp.asarray(images())

    @jax.jit
    def live(state, X):
        def one(state, x):
            return machine.step(state, shown(machine, BATCH, input=x))[0], None

        return jax.lax.scan(one, state, X)[0]

    return lambda: jax.block_until_ready(live(state, X))


def torch_machine():
    """Return the same updates in PyTorch, in place and without gradients; None without it."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    X = torch.tensor(images())
    weight, below, above = (
        0.01 * torch.randn(PIXELS, HIDDEN),
        torch.zeros(PIXELS),
        torch.zeros(HIDDEN),
    )

    @torch.no_grad()
    def once():
        for v in X:
            h = torch.sigmoid(torch.addmm(above, v, weight))
            again = torch.bernoulli(torch.sigmoid(torch.addmm(below, torch.bernoulli(h), weight.T)))
            h_again = torch.sigmoid(torch.addmm(above, again, weight))
            weight.addmm_(v.T, h, alpha=0.05 / BATCH).addmm_(again.T, h_again, alpha=-0.05 / BATCH)
            below.add_((v - again).mean(0), alpha=0.05)
            above.add_((h - h_again).mean(0), alpha=0.05)

    return once


def foreign():
    """Return the same number of updates of scikit-learn's machine (a persistent chain each)."""
    from sklearn.neural_network import BernoulliRBM

    machine = BernoulliRBM(HIDDEN, learning_rate=0.05, batch_size=BATCH, random_state=0)
    X = images()
    machine.partial_fit(X[0])

    def once():
        for v in X:
            machine.partial_fit(v)

    return once


def main() -> list[dict]:
    """Measure both against their peers, by turns, each dreaming as its peer does."""
    peers = (
        ("torch", "PyTorch, in place, no gradients", "reconstruction", torch_machine(), 1.0),
        ("scikit-learn", "scikit-learn's BernoulliRBM, float32", "persistent", foreign(), 2.0),
    )
    found = []
    for name, words, dream, peer, target in peers:
        if peer is None:
            continue
        mine, theirs = alternating(ours(dream), peer)
        found.append(
            result(
                f"restricted-{name}", words, theirs / mine,
                f"at least {target:g} times the peer's updates a second", theirs / mine >= target,
                milliseconds_an_update=1000 * mine / UPDATES,
                peer_milliseconds=1000 * theirs / UPDATES,
                peak_megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            )
        )  # fmt: skip
    return found
