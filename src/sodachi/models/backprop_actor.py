"""Streaming actor-critics that learn by backpropagation: the plain one with Adam, and with ObGD.

One transition at a time, no replay and no batch: policy and value are two nets with eligibility
traces of their own. The rivals of `sodachi.models.acting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import optax

from sodachi.errors import SpecError
from sodachi.models.actor_nets import Net
from sodachi.models.backprop_actor_step import begin_actor, step_actor
from sodachi.models.layered import EXCEPTION
from sodachi.models.percept import REWARD, check_agent, perceived
from sodachi.system import Spec, System, arguments, factory, system

OPTIMISERS = ("adam", "obgd")
BOUNDED = "step sizes: bounded by a sum over all of a net's traces"
NORMALISED = "layer norm: every unit's input is scaled by its layer's mean and spread"
STRUCTURE = "structure: which module is active is a minimum over contexts"


class Settings(NamedTuple):
    """The factory's numbers (see `backprop_actor`)."""

    inputs: int
    actions: int
    scale: tuple[float, ...]
    hidden: tuple[int, ...]
    optimiser: str
    rate: float
    discount: float
    decay: float
    entropy: float
    contexts: int
    surprise: float
    still: float
    pool = True  # every context has a module of its own

    def net(self, name: str) -> Net:
        """Return one of the two nets, as `sodachi.models.layered` asks for it."""
        outputs = 1 if name == "value" else self.actions
        return Net((self.inputs, *self.hidden, outputs), self.optimiser == "obgd")

    def optimiser_of(self) -> optax.GradientTransformation:
        """Return the optimiser; ObGD needs no state, its step follows from the traces."""
        return optax.adam(self.rate) if self.optimiser == "adam" else optax.sgd(1.0)


@factory("backprop_actor")
def backprop_actor(
    *,
    inputs: int = 4,
    actions: int = 2,
    scale: Sequence[float] | None = None,
    hidden: Sequence[int] = (32, 32),
    optimiser: str = "adam",
    rate: float = 3e-4,
    discount: float = 0.99,
    decay: float = 0.8,
    entropy: float = 0.01,
    contexts: int = 1,
    surprise: float = 20.0,
    still: float = 75.0,
) -> System:
    r"""Return a streaming actor-critic AC(λ) of two nets, V(x) and π(a|x), and their traces.

    ``δ = r + γV(x') − V(x)``, ``z_v ← γλ z_v + ∇V(x)``,
    ``z_π ← γλ z_π + ∇[log π(a|x) + entropy·sign(δ)·H(π)]``; both nets follow ``δz``:

    - "adam": by Adam at ``rate``;
    - "obgd": ``w ← w + min(rate, rate/M) δz`` with ``M = rate·κ·max(|δ|, 1)·Σ|z|``, κ = 2 for
      values and 3 for policies; then also inputs are centred and scaled by their running mean and
      spread, rewards by the spread of their discounted sum, layers are normalised, and .9 of a
      cell's synapses (never all) begin at 0, as published.

    Parameters
    ----------
    inputs, actions, scale, discount, decay
        As for `growing_actor`; the same sensors.
    hidden
        Units of the hidden layers of each net.
    optimiser, rate, entropy
        As above.
    contexts, surprise, still
        With more than one context a pair of nets for each, recalled as `growing_actor` does.

    Returns
    -------
    System
        Observes `input` and `ended`; ``modulation["reward"]`` is the reward. Outputs as
        `growing_actor`, but for units.

    Raises
    ------
    SpecError
        For a size below 1, an unknown optimiser, or a number out of its range.

    References
    ----------
    Sutton and Barto (2018), chapter 13; Kingma & Ba (2015); Elsayed, Vasan and Mahmood (2024),
    Streaming deep reinforcement learning finally works (κ, sparse birth, normalisation).

    Examples
    --------
    >>> from sodachi.observation import observe
    >>> net = backprop_actor(inputs=2, hidden=(8,))
    >>> told = observe(net.spec, input=[0.5, -1.0], ended=[0.0], modulation={"reward": 1.0})
    >>> state, out = net.step(net.init(0), told)
    >>> float(out["action"].sum())
    1.0
    """
    given: dict[str, Any] = dict(locals()) | {"hidden": list(hidden)}
    given["scale"] = [float(unit) for unit in (scale or (1.0,) * inputs)]
    numbers: dict[str, Any] = given | {"scale": tuple(given["scale"]), "hidden": tuple(hidden)}
    s = Settings(**numbers)
    _check(s)
    obgd = s.optimiser == "obgd"
    said = {EXCEPTION: True, BOUNDED: obgd, NORMALISED: obgd, STRUCTURE: contexts > 1}
    spec = Spec(
        factory="backprop_actor",
        arguments=arguments(**given),
        observed=perceived(inputs),
        modulated=(REWARD,),
        capabilities=frozenset({"learns", "stochastic"}),
        exceptions=tuple(words for words, on in said.items() if on),
    )
    return system(spec, lambda key: begin_actor(s, key), lambda state, o: step_actor(s, state, o))


def _check(s: Settings) -> None:
    check_agent(s)
    for name, sizes in (("hidden", s.hidden), ("contexts", (s.contexts,))):
        if not sizes or any(type(n) is not int or n < 1 for n in sizes):
            raise SpecError(name, "positive integers", sizes)
    if s.optimiser not in OPTIMISERS:
        raise SpecError("optimiser", f"one of {OPTIMISERS}", s.optimiser)
    if not 0 < s.rate < float("inf"):
        raise SpecError("rate", "above 0, finite", s.rate)
    if not 0 <= s.entropy < float("inf"):
        raise SpecError("entropy", "0 or more, finite", s.entropy)
