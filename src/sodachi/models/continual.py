"""The rivals of continual learning: backpropagation with remedies against the loss of plasticity.

One net on the twin's own code path, and every published remedy an option that is off: units renewed
by utility, weights protected by utility, shrinking and perturbing, decays, layer normalisation.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.clock import new_clock, tick
from sodachi.core.lanes import common_key, gather, only_if
from sodachi.errors import SpecError
from sodachi.models.continual_remedies import (
    UTILITIES,
    generate_and_test,
    new_cells,
    protect,
    shrink_and_perturb,
    step_by_age,
)
from sodachi.models.layered import (
    EXCEPTION,
    answered,
    check_layers,
    kept_finite,
    lesson,
    mean_loss_and_layers,
    moved,
    newborn,
    observed,
    optimiser_of,
    predict,
)
from sodachi.system import Spec, State, System, arguments, factory, system

STRUCTURE = "structure: which units are renewed is a minimum over the layer"
PROTECTION = "protection: how useful a weight is, is measured by the most useful one of the net"
NORMALISED = "layer normalisation: a cell hears the mean and the variance of its whole layer"


class Settings(NamedTuple):
    """The factory's numbers, handed to every part (see `continual_net`)."""

    layers: tuple[int, ...]
    activation: str
    loss: str
    optimiser: str
    rate: float
    decay_to_initial: float
    decay: float
    l2: float
    layer_norm: bool
    replacement_rate: float
    maturity: int
    utility_decay: float
    utility: str
    upgd: bool
    upgd_noise: float
    upgd_trace: float
    shrink: float
    noise: float
    noise_table: int
    dtype: str

    @property
    def stochastic(self) -> bool:
        """Whether any remedy draws by chance."""
        return bool(self.replacement_rate or self.noise or (self.upgd and self.upgd_noise))


@factory("continual_net")
def continual_net(
    *,
    layers: Sequence[int] = (64, 100, 100, 10),
    activation: str = "leaky_relu",
    loss: str = "squared",
    optimiser: str = "adam",
    rate: float = 1e-3,
    decay_to_initial: float = 0.0,
    decay: float = 0.0,
    l2: float = 0.0,
    layer_norm: bool = False,
    replacement_rate: float = 0.0,
    maturity: int = 100,
    utility_decay: float = 0.99,
    utility: str = "adaptable",
    upgd: bool = False,
    upgd_noise: float = 0.0,
    upgd_trace: float = 0.999,
    shrink: float = 0.0,
    noise: float = 0.0,
    noise_table: int = 0,
    dtype: str = "float32",
) -> System:
    r"""Return a `backprop_net` with remedies against the loss of plasticity, all off by default.

    With L as there, one update is, in this order,

    1. ``g = ∂L/∂w + l2·w`` and ``step = optimiser(g)``;
    2. ``upgd``: ``u ← βu − (1 − β) w ∂L/∂w``,
       ``step ← 2 (1 − sigmoid(u / max u)) (step − rate·upgd_noise·ξ)``;
    3. ``w ← w + step − rate · (decay_to_initial · (w − w_0) + decay · w)``;
    4. ``w ← (1 − shrink)·w + noise·ξ``;
    5. continual backpropagation: see `sodachi.models.continual_remedies.generate_and_test`. With
       Adam, a renewed synapse's moments begin at 0 and are corrected for its own age.

    Parameters
    ----------
    layers, activation, loss, optimiser, rate, decay_to_initial, decay, dtype
        As for `backprop_net`.
    l2
        Of a penalty ``½ l2 Σ w²``; its slope goes through the optimiser, as ``decay`` does not.
    layer_norm
        Subtract a hidden layer's mean and divide by its spread before the activation; no gains.
    replacement_rate, maturity, utility_decay, utility
        Continual backpropagation: units renewed per update and mature unit (.0001 is usual),
        updates before a unit may be, decay ρ of its running means, and ``"adaptable"`` or
        ``"contribution"`` (as in the Nature paper).
    upgd, upgd_noise, upgd_trace
        Utility-based perturbed gradient descent per weight: on or off, σ, and β. With ``"sgd"``
        and ``decay`` it is UPGD-W; with ``"adam"`` its adaptive form.
    shrink, noise
        Shrink and perturb at every update: share that is lost, spread of what is added.
    noise_table
        0: all noise ξ is drawn anew. Above 0: it is a run of a fixed table of normal numbers that
        begins at one of so many places, which is faster where there are many weights.

    Returns
    -------
    System
        Outputs as `backprop_net`.

    Raises
    ------
    SpecError
        As `backprop_net`; and for a share outside [0, 1), an unknown utility, or noise of UPGD
        where that is off.

    References
    ----------
    Dohare et al. (2024), Loss of plasticity in deep continual learning (its public code differs:
    there m is set to 0 before it is added to the biases above); Elsayed & Mahmood (2024),
    Addressing loss of plasticity and catastrophic forgetting in continual learning; Ash & Adams
    (2020), On warm-starting neural network training; Ba, Kiros & Hinton (2016).

    Examples
    --------
    >>> from sodachi.observation import observe
    >>> net = continual_net(layers=(2, 8, 2), rate=0.05, replacement_rate=0.01, maturity=3)
    >>> state = net.init(0)
    >>> for _ in range(20):
    ...     state, out = net.step(state, observe(net.spec, input=[0.0, 1.0], label=1))
    >>> cells = state.shared["cells"]["hidden_0"]
    >>> int(out["label"].argmax()), bool((cells.age < 20).any())
    (1, True)
    """
    given: dict[str, Any] = dict(locals()) | {"layers": tuple(layers), "dtype": str(dtype)}
    settings = Settings(**given)
    _check(settings)
    exceptions = {
        EXCEPTION: True,
        STRUCTURE: settings.replacement_rate > 0,
        PROTECTION: settings.upgd,
        NORMALISED: settings.layer_norm,
    }
    spec = Spec(
        factory="continual_net",
        arguments=arguments(**given | {"layers": list(layers)}),
        observed=observed(settings),
        capabilities=frozenset({"learns"} | ({"stochastic"} if settings.stochastic else set())),
        exceptions=tuple(words for words, on in exceptions.items() if on),
    )
    return system(spec, lambda key: _init(settings, key), lambda s, o: _step(settings, s, o))


def _check(s: Settings) -> None:
    check_layers(s, ("decay_to_initial", "decay", "l2", "upgd_noise", "noise"))
    for name in ("replacement_rate", "utility_decay", "upgd_trace", "shrink"):
        if not 0 <= getattr(s, name) < 1:
            raise SpecError(name, "0 or more and below 1", getattr(s, name))
    for name in ("maturity", "noise_table"):
        if type(getattr(s, name)) is not int or getattr(s, name) < 0:
            raise SpecError(name, "a whole number, 0 or more", getattr(s, name))
    if s.utility not in UTILITIES:
        raise SpecError("utility", f"one of {UTILITIES}", s.utility)
    if s.upgd_noise and not s.upgd:
        raise SpecError("upgd_noise", "0 where upgd is off", s.upgd_noise)


def _init(s: Settings, key) -> State:
    weights = newborn(s, key)
    synapses = {"initial": weights, "optimiser": optimiser_of(s).init(weights)}
    if s.upgd:
        synapses["utility"] = jax.tree.map(jnp.zeros_like, weights)
    shared = {"weights": weights, "synapses": synapses, "clock": new_clock()}
    if s.replacement_rate:
        shared["cells"] = new_cells(s)
    lane = {"activity": {"label": jnp.zeros(s.layers[-1], s.dtype)}}
    return State(shared, lane | ({"key": key} if s.stochastic else {}))


def _step(s: Settings, state: State, observation):
    shared, lane = state
    told = lesson(observation)
    answer, output = answered(s, predict(s, shared["weights"], told.x), told)
    batch = jax.tree.map(gather, told)
    key = common_key(lane["key"], told.taught, shared["clock"]) if s.stochastic else None
    slow = {name: part for name, part in shared.items() if name != "clock"}
    slow = only_if(jnp.any(batch.taught), partial(_learn, s), slow, batch, key)
    clock = tick(shared["clock"], jnp.any(gather(observation.learn)))
    lane = lane | {"activity": {"label": answer}}
    return State(slow | {"clock": clock}, lane), output


def _learn(s: Settings, slow, batch, key):
    """One update, all remedies in their order; what would not be finite stays as it was."""
    weights, synapses = slow["weights"], slow["synapses"]
    slope = jax.grad(lambda w: mean_loss_and_layers(s, w, batch), has_aux=True)
    gradient, layers = slope(weights)
    full = jax.tree.map(lambda g, w: g + s.l2 * w, gradient, weights) if s.l2 else gradient
    step: Any
    step, optimiser = optimiser_of(s).update(full, synapses["optimiser"], weights)
    if s.replacement_rate and s.optimiser == "adam":
        step = step_by_age(s, optimiser, slow["cells"])
    own = {"optimiser": optimiser}
    if s.upgd:
        utility = synapses["utility"]
        own["utility"], step = protect(s, utility, weights, gradient, step, key)
    new = moved(s, weights, step, synapses["initial"])
    if s.shrink or s.noise:
        new = shrink_and_perturb(s, new, key)
    new, own = kept_finite((weights, {name: synapses[name] for name in own}), (new, own))
    own = synapses | own
    if not s.replacement_rate:
        return {"weights": new, "synapses": own}
    renewed = generate_and_test(s, new, own, slow["cells"], layers, batch.taught, key)
    return dict(zip(("weights", "synapses", "cells"), renewed, strict=True))
