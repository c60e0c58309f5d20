"""The growing actor: units imprinted on what is new, worlds recalled by what one's actions do.

Units compete to say where the agent is; each has an opinion of what is to come and of what to do,
learned from reward by three factors. What an agent's own actions do to what it senses tells in
which world it is: where that stays surprising, an earlier world is recalled or a new one opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sodachi.errors import SpecError
from sodachi.models.acting_step import acting_step, newborn_actor
from sodachi.models.percept import REWARD, check_agent, perceived
from sodachi.system import Spec, System, arguments, factory, system

LESIONS = ("", "random-newborn", "no-recycling")
STRUCTURE = (
    "structure: which unit is recycled is a minimum over the layer, and which context is active "
    "a minimum over contexts; of lanes in several worlds one world learns a tick",
)


class Settings(NamedTuple):
    """The factory's numbers, handed to every part (see `growing_actor`)."""

    inputs: int
    actions: int
    scale: tuple[float, ...]
    units: int
    contexts: int
    reach: float
    sharpness: float
    discount: float
    decay: float
    value_rate: float
    action_rate: float
    meta_rate: float
    firmness: float
    forget: float
    maturity: int
    surprise: float
    still: float
    lesion: str
    pool = True  # every context has units of its own

    @property
    def beta(self) -> float:
        """The precision of a unit's own input, as competition asks for it."""
        return self.sharpness


@factory("growing_actor")
def growing_actor(
    *,
    inputs: int = 4,
    actions: int = 2,
    scale: Sequence[float] | None = None,
    units: int = 64,
    contexts: int = 8,
    reach: float = 0.8,
    sharpness: float = 10.0,
    discount: float = 0.99,
    decay: float = 0.8,
    value_rate: float = 0.3,
    action_rate: float = 3.0,
    meta_rate: float = 0.0,
    firmness: float = 2.0,
    forget: float = 1e-4,
    maturity: int = 1000,
    surprise: float = 20.0,
    still: float = 75.0,
    lesion: str = "",
) -> System:
    r"""Return an agent that grows units where it has not been, and a policy for every world.

    With the sensed input x (`sodachi.models.percept`) and prototypes m, units compete,
    ``h = softmax(−½ sharpness |x − m|²)``, and say ``V = v·h`` and ``π = softmax(A h)``. One action
    is drawn from π. With ``δ = r + discount·V − V_before``, a modulator that is the same
    everywhere, and eligibilities that every terminal keeps,

    ``e^v ← discount·decay·e^v + h``, ``e^A_a ← discount·decay·e^A_a + (1[a] − π_a) h``,
    ``Δv = value_rate·δ e^v``, ``ΔA = action_rate·δ e^A``, |A| ≤ ``firmness``.

    Where no prototype is nearer than ``reach``, a unit is imprinted on x and inherits the answers
    given there, so that nothing jumps. Without a free slot the unit that is used least makes room.

    What an action does, ``Δinput`` from tick to tick under each action, is what a context knows
    (`sodachi.models.contexts`): each context has units of its own.

    Parameters
    ----------
    inputs, actions, scale
        Length of the observed vector `input`, number of actions, the scale of each sensor (1).
    units, contexts
        Capacity: so many units for each of so many worlds.
    reach, sharpness
        Distance at which a new unit is born, and the precision by which units compete.
    discount, decay
        γ and λ.
    value_rate, action_rate, meta_rate
        Steps of the synapses that predict and of those that act; with a ``meta_rate`` every one of
        them finds its own (`sodachi.rules.autostep`).
    firmness
        The most that a unit may prefer an action: some doubt remains, from which to learn again.
    forget, maturity
        Rate of the mean use of a unit, and ticks of its world before it may be recycled.
    surprise, still
        How much evidence must add up before the agent looks for another world
        (`sodachi.models.contexts`; what actions do is correlated in time, so more than for images),
        and the precision of effects where the world stands still (1/input²).
    lesion
        For experiments: "random-newborn" imprints a random place, "no-recycling" lets nobody go.

    Returns
    -------
    System
        Observes `input` and `ended`; ``modulation["reward"]`` is the reward. Outputs: action
        (one-hot), value [1], energy ``½δ²``, residual ``|δ|``, input, context, live (units of this
        context), birth.

    Raises
    ------
    SpecError
        For sizes below 1, a scale of another length, rates or fractions out of range.

    References
    ----------
    Barto, Sutton and Anderson (1983) for the two learning elements and their traces; imprinting
    and recycling after Sutton's dynamic deep learning (2024); recall by the effects of one's own
    action after von Holst and Mittelstaedt (1950); the combination is this project's.

    Examples
    --------
    >>> import jax
    >>> from sodachi.combinators import loop
    >>> from sodachi.observation import observe
    >>> from sodachi.worlds.cart_pole import cart_pole
    >>> life = loop(
    ...     growing_actor(),
    ...     cart_pole(penalty=True),
    ...     sense={"input": "observation", "ended": "ended"},
    ...     act={"action": "action"},
    ...     reward={"reward": "reward"},
    ...     first="first",
    ... )
    >>> state = life.init(0)
    >>> for _ in range(20):
    ...     state, out = life.step(state, observe(life.spec))
    >>> int(out["agent.action"].sum()), int(out["agent.live"]) > 0
    (1, True)
    """
    given: dict[str, Any] = dict(locals())
    given["scale"] = [float(unit) for unit in (scale or (1.0,) * inputs)]
    numbers: dict[str, Any] = given | {"scale": tuple(given["scale"])}
    settings = Settings(**numbers)
    _check(settings)
    spec = Spec(
        factory="growing_actor",
        arguments=arguments(**given),
        observed=perceived(inputs),
        modulated=(REWARD,),
        capabilities=frozenset({"learns", "local", "stochastic", "grows"}),
        exceptions=STRUCTURE,
    )
    return system(
        spec,
        lambda key: newborn_actor(settings, key),
        lambda state, o: acting_step(settings, state, o),
    )


def _check(s: Settings) -> None:
    check_agent(s)
    for name in ("units", "contexts"):
        if type(getattr(s, name)) is not int or getattr(s, name) < 1:
            raise SpecError(name, "1 or more", getattr(s, name))
    for name in ("reach", "sharpness", "value_rate", "action_rate", "firmness", "still"):
        if not 0 < getattr(s, name) < float("inf"):
            raise SpecError(name, "above 0, finite", getattr(s, name))
    for name in ("meta_rate", "maturity", "surprise"):
        if not 0 <= getattr(s, name):
            raise SpecError(name, "0 or more", getattr(s, name))
    if not 0 < s.forget <= 1:
        raise SpecError("forget", "above 0, at most 1", s.forget)
    if s.lesion not in LESIONS:
        raise SpecError("lesion", f"one of {LESIONS}", s.lesion)
