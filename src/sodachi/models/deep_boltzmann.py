"""Boltzmann machines in layers: restricted, deep, classifying; one rule, no unit within a layer.

Layers that are not neighbours never meet, so that all odd layers may be visited at once, given the
even ones, and all even ones given the odd: two matrix products a sweep.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from sodachi.core.clock import new_clock
from sodachi.core.connections import Convolution
from sodachi.core.names import named_key
from sodachi.core.rule import initial_weights
from sodachi.models.deep_boltzmann_layers import rest
from sodachi.models.deep_boltzmann_settings import Settings, check, settings_of
from sodachi.models.deep_boltzmann_step import step
from sodachi.system import Spec, State, System, Variable, arguments, factory, system

EVIDENCE_KINDS = {"binary": "binary", "gaussian": "real", "softmax": "categorical"}


@factory("deep_boltzmann_machine")
def deep_boltzmann_machine(
    *,
    layers: Sequence[Any] = (64, 100),
    labels: int = 0,
    input: str = "binary",
    dream: str = "persistent",
    chains: int = 1,
    sweeps: int = 1,
    settling: str = "sample",
    iterations: int = 10,
    rate: float = 0.05,
    decay: float = 0.0,
    centring: float = 0.01,
    sparsity: float = 0.0,
    sparse_target: float = 0.1,
    scale: float = 0.1,
    generative: float = 1.0,
    discriminative: float = 0.0,
) -> System:
    r"""Return a layered Boltzmann machine: one awake sweep a tick, and dreams beside it.

    ``E(x) = −Σ_l (x_l − μ_l)ᵀ W_l (x_{l+1} − μ_{l+1}) − Σ_l b_l·x_l`` over neighbouring layers;
    a Gaussian input, of unit variance, adds ``½‖x_0‖²``. Two layers are
    the restricted machine, three or more the deep one; ``labels`` puts a softmax layer on top,
    which with one hidden layer is the classification machine. μ follows each unit's mean awake
    (centring) and b with it, so that a moving μ changes nothing that is believed.

    A tick: odd layers are drawn given the even ones, then even given odd, evidence held as in
    `boltzmann_machine`. Learning is ``⟨x_i x_j⟩ − ⟨x_i x_j⟩_dream`` of centred activity, with
    probabilities in place of the draws of odd layers.

    Parameters
    ----------
    layers
        Units of the input and of every hidden layer: observed as `input`, `hidden1`, `hidden2`,
        ..., all flat. The input may be ``[rows, columns, channels]``, and what lies above an image
        ``{"kind": "convolution", "channels": 8, "size": 5, "stride": 2}`` (or ``"local"``, untied).
    labels
        Units of the softmax layer `label` above the last; 0: none.
    input
        ``"binary"`` or ``"gaussian"``.
    dream
        ``"persistent"``: chains in shared state that run free and go on from tick to tick;
        ``"reconstruction"``: each lane lets go and dreams on from what it sees (contrastive
        divergence).
    chains
        Number of persistent chains; about as many as lanes that learn together.
    sweeps
        Dream sweeps a tick: k of CD-k.
    settling, iterations
        Awake: ``"sample"`` one sweep, or ``"mean_field"``, so many sweeps of probabilities.
    rate, decay
        Step size, 1/tick, and L2 decay of the weights (not the biases).
    centring
        How fast μ follows the mean awake, 1/tick; 0: μ stays 0.
    sparsity, sparse_target
        Strength of a pull of hidden means on the target, through the bias.
    scale
        Standard deviation of the initial weights (times 1/√fan-in).
    generative, discriminative
        How much the free dream teaches, and (classification machine only) the exact dream in which
        the label alone is let go: the slopes of ``log p(v, y)`` and of ``log p(y|v)``.

    Returns
    -------
    System
        Outputs: energy; residual (mean change of free even units); and for every layer its
        belief: the value where clamped, else the probability (mean) given its neighbours; the
        classification machine's label: exact p(y|v).

    Raises
    ------
    SpecError
        For fewer than two layers, sizes below 1, an unknown name, or a number out of range.

    References
    ----------
    Smolensky (1986); Hinton (2002), contrastive divergence; Tieleman (2008), persistent chains;
    Larochelle & Bengio (2008), labels; Salakhutdinov & Hinton (2009), deep; Melchior, Fischer &
    Wiskott (2016), centring.

    Examples
    --------
    >>> from sodachi.observation import observe
    >>> machine = deep_boltzmann_machine(layers=(4, 3), labels=2)
    >>> state, out = machine.step(machine.init(0), observe(machine.spec, input=[1, 0, 1, 1]))
    >>> out["label"].shape, out["input"].tolist()
    ((2,), [1.0, 0.0, 1.0, 1.0])
    """
    given: dict[str, Any] = dict(locals()) | {"layers": list(layers)}
    check(given)
    settings = settings_of(given)
    spec = Spec(
        factory="deep_boltzmann_machine",
        arguments=arguments(**given),
        observed=tuple(
            Variable(n.name, (n.units,), EVIDENCE_KINDS[n.kind]) for n in settings.layers
        ),
        modulated=(*(j.name for j in settings.joints), *(n.name for n in settings.layers)),
        capabilities=frozenset({"learns", "local", "stochastic", "settles"}),
        exceptions=tuple(
            f"{j.name}: tied over sites"
            for j in settings.joints
            if isinstance(j.connection, Convolution)
        ),
    )
    return system(spec, lambda key: _init(settings, key), lambda s, o: step(settings, s, o))


def _init(s: Settings, key) -> State:
    weights = {
        j.name: initial_weights(j.connection, named_key(key, j.name), s.scale) for j in s.joints
    }
    weights |= {f"{n.name}:bias": jnp.zeros((1, n.units)) for n in s.layers}
    centre = {n.name: rest(n) if s.centring else jnp.zeros(n.units) for n in s.layers}
    shared = {"weights": weights, "cells": {"mean": centre}, "clock": new_clock()}
    shared["synapses"] = {name: {} for name in weights}
    if s.dream == "persistent":
        chances = jax.random.split(named_key(key, "dreams"), len(s.layers))
        shared["dreams"] = {
            n.name: n.draw(jnp.zeros((s.chains, n.units)), k)
            for n, k in zip(s.layers, chances, strict=True)
        }
        shared["key"] = named_key(key, "dreaming")
    lane = {"activity": {n.name: rest(n) for n in s.layers}, "key": named_key(key, "waking")}
    return State(shared, lane)
