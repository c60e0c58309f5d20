"""Boltzmann machines in layers: restricted, deep, classifying; no coupling within a layer.

Layers that are not neighbours never meet, so that all odd layers may be visited at once, given the
even ones, and all even ones given the odd: two turns of the one graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sodachi.models.boltzmann_arguments import (
    chance_of,
    check_steps,
    exceptions_of,
    modulated_names,
)
from sodachi.models.boltzmann_newborn import newborn
from sodachi.models.boltzmann_settings import Settings
from sodachi.models.boltzmann_step import step
from sodachi.models.deep_boltzmann_layers import DREAMS, check, layered_graph
from sodachi.system import Spec, State, System, Variable, arguments, factory, system

EVIDENCE_KINDS = {"binary": "binary", "gaussian": "real", "categorical": "categorical"}
#: How fast means are followed where they serve for sparsity alone.
OFFSET_RATE = 0.01


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
    iterations: int | None = None,
    rate: float = 0.05,
    decay: float = 0.0,
    centring: float = 0.01,
    sparsity: float = 0.0,
    sparse_target: float = 0.1,
    scale: float = 0.1,
    mixing: float | None = None,
    generative: float = 1.0,
    discriminative: float = 0.0,
    reach: float = 0.05,
    optimiser: str = "sgd",
    anneal: int | None = None,
) -> System:
    r"""Return a layered Boltzmann machine: one awake sweep a tick, and dreams beside it.

    ``E(x) = −Σ_l x_lᵀ W_l x_{l+1} − Σ_l b_l·x_l`` over neighbouring layers (with a Gaussian input,
    of unit variance, ``½‖x_0 − b_0‖²``): a `boltzmann_machine` whose populations are layers, and
    which sweeps, dreams and learns as that does. Two layers are the restricted machine, three or
    more the deep one; ``labels`` puts a softmax layer on top, which with one hidden layer is the
    classification machine.

    A tick: even layers are drawn given the odd ones, then odd given even, evidence held. Learning
    is ``⟨x_i x_j⟩ − ⟨x_i x_j⟩_dream`` of centred activity, with probabilities in place of the draws
    of odd layers.

    Parameters
    ----------
    layers
        Units of the input and of every hidden layer: observed as `input`, `hidden1`, `hidden2`,
        ..., all flat. The input may be ``[rows, columns, channels]``, and what lies above an image
        ``{"kind": "convolution", "channels": 8, "size": 5, "stride": 2}`` (or ``"local"``, untied).
        Couplings are named ``"input-hidden1"`` and so on.
    labels
        Units of the softmax layer `label` above the last; 0: none.
    input
        ``"binary"`` or ``"gaussian"``.
    dream
        ``"persistent"``: chains in shared state that run free and go on from tick to tick;
        ``"reconstruction"``: each lane lets go and dreams on, under its drives, from what it sees
        (contrastive divergence); ``"conditional"``: each lane lets go of its top layer alone, and
        settles by means: the slope of ``log p(top | what else is known)``.
    chains
        Number of persistent chains; about as many as lanes that learn together.
    sweeps
        Dream sweeps a tick: k of CD-k.
    settling, iterations
        Awake: sweeps of ``"sample"``, one if not said otherwise, or of probabilities,
        ``"mean_field"``: ten. A conditional dream takes as many.
    rate, decay
        Step size, 1/tick, and L2 decay of the weights (not the biases).
    centring
        How fast the mean that activity is centred by follows it awake, 1/tick; 0: not centred.
    sparsity, sparse_target
        Strength of a pull of hidden means on the target, through the bias.
    scale
        Standard deviation of the initial weights (times 1/√fan-in).
    mixing
        Bound on how alike chains may be to themselves 100 ticks before, or None (as in
        `boltzmann_machine`).
    generative, discriminative
        How much the free dream teaches, and (classification machine only) the exact dream in which
        the label alone is let go: the slopes of ``log p(v, y)`` and of ``log p(y|v)``.
    reach
        How far a conditional dream's answer is led toward the truth to learn of the difference.
    optimiser
        ``"sgd"``, or ``"adam"``: every synapse its own step size (`sodachi.rules.with_adam`).
    anneal
        Shrink all steps to nothing by this tick, or None.

    Returns
    -------
    System
        Outputs: energy; residual (mean change of free units); and for every layer its
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
    Wiskott (2016), centring; Movellan (1991), Scellier & Bengio (2017), conditional.

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
    check_steps(given)
    graph = layered_graph(given)
    settings = _settings(given)
    spec = Spec(
        factory="deep_boltzmann_machine",
        arguments=arguments(**given),
        observed=tuple(Variable(u.name, u.shape, EVIDENCE_KINDS[u.kind])
                       for u in graph.populations),
        modulated=modulated_names(graph),
        capabilities=frozenset({"learns", "local", "settles"} | chance_of(settings)),
        exceptions=exceptions_of(graph),
    )  # fmt: skip

    def live(state: State, observation):
        state, out = step(settings, graph, state, observation)
        beliefs = {u.name: out[f"{u.name} mean"] for u in graph.populations}
        return state, {"energy": out["energy"], "residual": out["residual"], **beliefs}

    return system(spec, lambda key: newborn(settings, graph, key), live)


def _settings(given: dict[str, Any]) -> Settings:
    """Return the arguments as a Boltzmann machine's own."""
    settles, centring = given["settling"] == "mean_field", given["centring"]
    classifies = given["labels"] and len(given["layers"]) == 2
    return Settings(
        sweeps=given["iterations"] or (10 if settles else 1),
        schedule="colours",
        wake="mean_field" if settles else "gibbs",
        dream=DREAMS[given["dream"]],
        dreams=given["chains"],
        dream_sweeps=given["sweeps"],
        ladder=(1.0,),
        rate=given["rate"],
        decay=given["decay"],
        variance_rate=0.0,
        centred=centring > 0,
        offset_rate=centring or OFFSET_RATE,
        sparse=given["sparse_target"] if given["sparsity"] else None,
        sparse_strength=given["sparsity"],
        dream_rate=0.0,
        anneal=given["anneal"],
        optimiser=given["optimiser"],
        temperature=1.0,
        scale=given["scale"],
        mixing=given["mixing"],
        reach=given["reach"],
        generative=given["generative"],
        discriminative=given["discriminative"],
        label="label" if classifies else None,
    )
