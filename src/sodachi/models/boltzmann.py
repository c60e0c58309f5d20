"""The Boltzmann machine: units of any kind with symmetric couplings, loops and all.

One tick is a Gibbs sweep of the lane's units, held by whatever evidence there is (awake), and a
sweep of dreams, held by nothing. Weights move by the difference of the two.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sodachi.errors import SpecError
from sodachi.models.boltzmann_arguments import chance_of, check, exceptions_of, modulated_names
from sodachi.models.boltzmann_graph import BoltzmannGraph, Parameters, boltzmann_graph
from sodachi.models.boltzmann_newborn import newborn
from sodachi.models.boltzmann_settings import Settings
from sodachi.models.boltzmann_step import read_parameters, step
from sodachi.models.deep_boltzmann_layers import layered_graph
from sodachi.system import Spec, State, System, Variable, arguments, factory, system

#: The kind of variable by which a population of each kind is observed.
VARIABLES = {"gaussian": "real", "binary": "bit"}


@factory("boltzmann_machine")
def boltzmann_machine(
    *,
    units: int = 8,
    couplings: str | Sequence = "full",
    populations: Sequence | None = None,
    observed: Sequence[str] | None = None,
    sweeps: int = 1,
    schedule: str = "colours",
    wake: str = "gibbs",
    dream: str = "persistent",
    dreams: int = 1,
    dream_sweeps: int = 1,
    ladder: Sequence[float] = (1.0, 1.3, 1.7, 2.2, 3.0),
    rate: float = 0.01,
    decay: float = 0.0,
    variance_rate: float = 0.0,
    centred: bool = True,
    offset_rate: float = 0.01,
    sparse: float | None = None,
    sparse_strength: float = 0.1,
    dream_rate: float = 0.02,
    mixing: float | None = None,
    mixing_lag: int = 100,
    reach: float = 0.05,
    optimiser: str = "sgd",
    anneal: int | None = None,
    temperature: float = 1.0,
    scale: float = 0.1,
) -> System:
    r"""Return a Boltzmann machine that samples and learns by Gibbs sweeps, one or more a tick.

    ``E(x) = −Σ sᵀWs' − Σ b·x + Σ_gaussian (x − b)²/2σ²`` with the signal s = x, or x/σ² of a
    Gaussian unit. A sweep draws every unit once, ``x_i ~ exp(−E(x_i, rest)/T)``; evidence of finite
    precision adds ``½·precision·(x − value)² − drive·x`` to the energy, and a clamp puts the unit
    on its value. Weights and biases learn ``⟨s_i s_j⟩ − ⟨s_i s_j⟩_dream``, less their means where
    ``centred``. Populations of the last turn, which do not touch one another, are learned from by
    their conditional means: the same gradient, with less noise.

    Parameters
    ----------
    units, couplings
        A single population `units` of binary units, coupled ``"full"`` or by pairs
        ``[[i, j], ...]``; with ``populations`` the couplings are those of
        `sodachi.models.boltzmann_graph`.
    populations
        ``[name, size, kind]``, as in `sodachi.models.boltzmann_graph`.
    observed
        Names of the populations that evidence may hold; by default the first. Others are hidden.
    sweeps, schedule
        Awake sweeps a tick, by ``"colours"``, or ``"random"``: as many visits of units picked by
        chance, as if each had a clock of its own.
    wake
        ``"gibbs"``, or ``"mean_field"``: awake units take their conditional means.
    dream
        ``"persistent"`` chains that all lanes share and that go on from tick to tick;
        ``"contrastive_divergence"``, free sweeps from each lane's waking sample;
        ``"tempering"``, persistent chains that trade places with hotter ones (``ladder``, in units
        of T); ``"mean_field"``, the shared chains by their means (biased where units vary
        together); ``"local"``, no common switch: every lane has a dream beside its waking activity,
        a population moves the one or the other by a coin of its own, and every synapse keeps a slow
        average of what its cells dreamt (`sodachi.rules.own_dreams`); ``"conditional"``: the last
        population alone is let go, which must be observed.
    dreams, dream_sweeps
        Number of shared chains (for each temperature), and dream sweeps a tick. Dreams move only
        while something learns.
    rate, decay, variance_rate, dream_rate
        Step size of weights and biases; L2 decay of weights; step size of ln σ²; of local dream
        averages.
    centred, offset_rate
        Whether cells send what they are above their slow mean (of rate ``offset_rate``); the law
        does not depend on it, the direction of learning does (Melchior et al., 2016).
    sparse, sparse_strength
        Target mean of binary hidden units, toward which their biases are pulled, or None.
    mixing, mixing_lag
        Bound on how alike the chains may be to themselves ``mixing_lag`` ticks before (their
        autocorrelation), or None. Above it, what dreaming units do together is unlearnt the more,
        ``−λ(⟨s_i s_j⟩ − ⟨s_i⟩⟨s_j⟩)_dream``, and below it the less: λ moves by a fifth at a look.
        Needs persistent chains, ten or more.
    reach
        How far a conditional dream's answer is led toward the truth, to learn of the difference.
    optimiser
        ``"sgd"``, or ``"adam"``: every synapse its own step size (`sodachi.rules.with_adam`).
    anneal
        Shrink all steps to nothing by this tick, or None.
    temperature
        T at birth; it lives in ``state.shared["cells"]`` and may be changed without recompiling.
    scale
        Standard deviation of the initial weights (times 1/√fan-in).

    Returns
    -------
    System
        Outputs: energy; residual (the share of free units that changed in the last tick); by
        observed name the sample, and by ``"NAME mean"`` the mean each unit was last drawn from;
        with tempering ``swaps``, the share of accepted exchanges by pair of temperatures.

    Raises
    ------
    SpecError
        For sizes below 1, a temperature or ladder that is not positive or does not begin with 1,
        unknown options, or populations and couplings that make no graph.

    References
    ----------
    Ackley, Hinton and Sejnowski (1985); persistent chains: Younes (1989), Tieleman (2008);
    contrastive divergence: Hinton (2002); tempering: Desjardins et al. (2010); the penalty on
    correlation: that of denoising thermodynamic models (arXiv 2510.23972, 2025).

    Examples
    --------
    >>> import jax, numpy as np
    >>> from sodachi.observation import observe
    >>> from sodachi.system import Evidence
    >>> machine = boltzmann_machine(units=3)
    >>> half = Evidence(np.array([1.0, 0.0, 0.0]), np.array([np.inf, 0.0, 0.0]), 0.0)
    >>> state, out = machine.step(machine.init(0), observe(machine.spec, units=half))
    >>> float(out["units"][0])
    1.0
    >>> restricted = boltzmann_machine(
    ...     populations=[["image", 6], ["hidden", 4]], couplings=[["image", "hidden"]])
    >>> [v.name for v in restricted.spec.observed]
    ['image']
    """
    given = dict(locals())
    listed = ("couplings", "populations", "observed", "ladder")
    given |= {n: _plain(given[n]) for n in listed}
    graph = _graph(given["units"], given["couplings"], given["populations"])
    check(given)
    seen = [u for u in graph.populations if u.name in (observed or [graph.populations[0].name])]
    for name in observed or []:
        graph.population(name)
    if dream == "conditional" and (len(seen) < 2 or seen[-1] != graph.populations[-1]):
        raise SpecError(
            "observed", "the last population too, where dreams are conditional", observed
        )
    used = {n: v for n, v in given.items() if n in Settings._fields}
    settings = Settings(**{**used, "ladder": tuple(given["ladder"])})
    spec = Spec(
        factory="boltzmann_machine",
        arguments=arguments(**given),
        observed=tuple(Variable(u.name, u.shape, VARIABLES.get(u.kind, u.kind)) for u in seen),
        modulated=modulated_names(graph),
        capabilities=frozenset({"learns", "local", "settles"} | chance_of(settings)),
        exceptions=exceptions_of(graph),
    )
    return system(
        spec, lambda key: newborn(settings, graph, key), lambda s, o: step(settings, graph, s, o)
    )


def machine_graph(spec: Spec) -> BoltzmannGraph:
    """Return the graph of a machine (or of a combinator's) from its spec, for sums and samplers.

    Raises
    ------
    SpecError
        If it is another system's spec.

    Examples
    --------
    >>> machine_graph(boltzmann_machine(units=3).spec).turns
    (('units',),)
    """
    given = json.loads(spec.arguments)
    if "inner" in given:
        return machine_graph(Spec.from_json(json.dumps(given["inner"])))
    if spec.factory == "deep_boltzmann_machine":
        return layered_graph(given)
    if spec.factory != "boltzmann_machine":
        words = "boltzmann_machine or deep_boltzmann_machine"
        raise SpecError("spec.factory", words, spec.factory)
    return _graph(given["units"], given["couplings"], given["populations"])


def machine_parameters(spec: Spec, state: State) -> Parameters:
    """Return what a machine has learned, as samplers and likelihoods take it.

    Examples
    --------
    >>> machine = boltzmann_machine(units=3)
    >>> machine_parameters(machine.spec, machine.init(0)).bias["units"].shape
    (3,)
    """
    return read_parameters(machine_graph(spec), state.shared["weights"])


def _graph(units: int, couplings, populations) -> BoltzmannGraph:
    if populations is not None:
        return boltzmann_graph(populations, [] if couplings == "full" else couplings)
    if units < 1:
        raise SpecError("units", "1 or more", units)
    if isinstance(couplings, str) and couplings != "full":
        raise SpecError("couplings", '"full" or pairs of units', couplings)
    own = ["units", "units"] if couplings == "full" else ["units", "units", couplings]
    return boltzmann_graph([["units", units]], [own])


def _plain(value: Any):
    """Lists all the way down, as JSON reads them back."""
    if value is None or isinstance(value, str):
        return value
    if hasattr(value, "tolist"):
        return value.tolist()
    return [_plain(v) for v in value] if isinstance(value, Sequence) else value
