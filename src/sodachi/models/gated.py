"""Energy-gated modules: a backprop net for every world, and the energy of the input chooses.

The rival that has our contexts and learns by backpropagation: what gating alone is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.clock import new_clock, tick
from sodachi.core.lanes import any_lane, gather, only_if
from sodachi.errors import SpecError
from sodachi.models.backprop import learn
from sodachi.models.contexts import new_contexts, new_view, recall_or_grow
from sodachi.models.layered import (
    EXCEPTION,
    Lesson,
    answered,
    check_layers,
    lesson,
    newborn,
    observed,
    optimiser_of,
    predict,
)
from sodachi.system import Spec, State, System, arguments, factory, system

STRUCTURE = "structure: which module is active is a minimum over contexts"


class Settings(NamedTuple):
    """The factory's numbers, handed to every part (see `gated_net`)."""

    layers: tuple[int, ...]
    contexts: int
    activation: str
    loss: str
    optimiser: str
    rate: float
    decay_to_initial: float
    decay: float
    layer_norm: bool
    surprise: float
    beta: float
    dtype = "float32"

    @property
    def inputs(self) -> int:
        """Size of the input, as contexts ask for it."""
        return self.layers[0]


@factory("gated_net")
def gated_net(
    *,
    layers: Sequence[int] = (64, 50, 10),
    contexts: int = 100,
    activation: str = "leaky_relu",
    loss: str = "squared",
    optimiser: str = "adam",
    rate: float = 1e-3,
    decay_to_initial: float = 0.0,
    decay: float = 0.0,
    layer_norm: bool = False,
    surprise: float = 6.0,
    beta: float | None = None,
) -> System:
    r"""Return so many small backprop nets, of which the energy of the input makes one active.

    Contexts are recalled and opened as in `settling_mixture` (`sodachi.models.contexts`): each
    keeps mean and spread of every input, and where the active one's energy stays above its usual
    level, the lane takes the one that fits, or opens one. Only the module of the active context
    answers, learns and is computed. A module begins as newborn weights, the same for all; where no
    context is free, the one that was longest unused is opened anew.

    Parameters
    ----------
    layers, activation, loss, optimiser, rate, decay_to_initial, decay, layer_norm
        Of every module, as for `continual_net`.
    contexts
        Modules.
    surprise, beta
        As for `settling_mixture`; beta sets the scale of spreads, by default 192/inputs.

    Returns
    -------
    System
        Outputs as `backprop_net`, and context: the active one.

    Raises
    ------
    SpecError
        As `backprop_net`; and for contexts below 1, or surprise or beta out of range.

    References
    ----------
    Jacobs, Jordan, Nowlan & Hinton (1991), Adaptive mixtures of local experts; the gate is this
    project's.

    Examples
    --------
    >>> from sodachi.observation import observe
    >>> net = gated_net(layers=(2, 8, 2), contexts=3, rate=0.05)
    >>> state = net.init(0)
    >>> for _ in range(20):
    ...     state, out = net.step(state, observe(net.spec, input=[0.0, 1.0], label=1))
    >>> int(out["label"].argmax()), int(out["context"]), state.shared["weights"]["weight_0"].shape
    (1, 0, (3, 2, 8))
    """
    given: dict[str, Any] = dict(locals()) | {"layers": tuple(layers)}
    settings = Settings(**given)
    check_layers(settings, ("decay_to_initial", "decay"))
    if beta is None:
        settings = settings._replace(beta=192.0 / layers[0])
    _check(settings)
    spec = Spec(
        factory="gated_net",
        arguments=arguments(**given | {"layers": list(layers)}),
        observed=observed(settings),
        capabilities=frozenset({"learns", "grows"}),
        exceptions=(EXCEPTION, STRUCTURE),
    )
    return system(spec, lambda key: _init(settings, key), lambda s, o: _step(settings, s, o))


def _check(s: Settings) -> None:
    if type(s.contexts) is not int or s.contexts < 1:
        raise SpecError("contexts", "a positive integer", s.contexts)
    for name in ("surprise", "beta"):
        if not 0 < getattr(s, name):
            raise SpecError(name, "above 0", getattr(s, name))


def _init(s: Settings, key) -> State:
    initial = newborn(s, key)

    def for_each(tree):
        return jax.tree.map(lambda a: jnp.broadcast_to(a, (s.contexts, *a.shape)), tree)

    optimiser = optimiser_of(s).init(initial)
    shared = {
        "weights": for_each(initial),
        "synapses": {"initial": initial, "optimiser": for_each(optimiser)},
        "structure": {**new_contexts(s), "unused": jnp.zeros(s.contexts)},
        "clock": new_clock(),
    }
    lane = {"activity": {"label": jnp.zeros(s.layers[-1], s.dtype)}, "view": new_view(s)}
    return State(shared, lane)


def _step(s: Settings, state: State, observation):
    shared, lane = state
    told = lesson(observation)
    known = {name: x for name, x in shared["structure"].items() if name != "unused"}
    unused = shared["structure"]["unused"]
    seen, learns = observation.evidence["input"], observation.learn
    known, view, opened = recall_or_grow(s, known, lane["view"], lambda: -unused, seen, learns)
    initial = shared["synapses"]["initial"]
    newborns = initial, optimiser_of(s).init(initial)
    modules = shared["weights"], shared["synapses"]["optimiser"]

    current = view["current"]
    weights = _module(modules[0], newborns[0], current, opened[current])
    answer, output = answered(s, predict(s, weights, told.x), told)
    output["context"] = current

    batch, places = jax.tree.map(gather, told), gather(current)
    weights, optimiser = _teach(s, modules, newborns, batch, places, opened)
    learning = any_lane(observation.learn)
    active = jnp.zeros(s.contexts, bool).at[places].set(True)
    waited = jnp.minimum(jnp.where(active, 0.0, unused + 1.0), 1e7)
    shared = {
        "weights": weights,
        "synapses": {"initial": initial, "optimiser": optimiser},
        "structure": {**known, "unused": jnp.where(learning, waited, unused)},
        "clock": tick(shared["clock"], learning),
    }
    return State(shared, {"activity": {"label": answer}, "view": view}), output


def _module(stacked, newborns, place, opened):
    """Return what belongs to one context; newborn where it was opened just now."""
    return jax.tree.map(lambda a, b: jnp.where(opened, b, a[place]), stacked, newborns)


def _teach(s: Settings, modules, newborns, batch: Lesson, places, opened):
    """Return the modules after those that lanes are in have learned, each from its own lanes.

    A module is read, and written whatever came of it: only a slice of the whole moves.
    """

    def one(lane, modules):
        place = places[lane]
        first = jnp.argmax(places == place) == lane  # the others of this context have gone with it
        theirs = batch._replace(taught=batch.taught & (places == place))
        module = _module(modules, newborns, place, opened[place] & first)

        teaches = first & jnp.any(theirs.taught)
        module = only_if(teaches, partial(learn, s), module, newborns[0], theirs)
        return jax.tree.map(lambda a, b: a.at[place].set(b), modules, module)

    lanes = places.shape[0]
    return one(0, modules) if lanes == 1 else jax.lax.fori_loop(0, lanes, one, modules)
