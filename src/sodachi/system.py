"""The one protocol: a system lives in time, ``step(state, observation) -> (state, output)``.

Everything that lives (networks, worlds, societies, a loop of an agent with its world) is a
:class:`System`. A step is written for **one** sample; :func:`minibatch` lifts it over lanes. All
state, random keys included, is in :class:`State`, so a saved state resumes bit for bit.

``State.shared`` holds what all lanes share (weights, synapse state, structure, clocks);
``State.lane`` holds what belongs to one lane (activity, traces, the lane's key).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.errors import SpecError

#: Name of the axis over which samples of a minibatch lie; only a lift may gather over it.
LANE = "lane"

#: What a variable's values mean. ``categorical`` values are one-hot (or probabilities) along the
#: last axis; ``binary`` ones may be clamped between 0 and 1 (a belief), a ``bit`` is 0 or 1 and a
#: ``spin`` −1 or 1.
KINDS = ("real", "binary", "bit", "spin", "categorical", "spike", "count")

#: What a system may declare. A promise that a system cannot keep is declared in `exceptions`.
CAPABILITIES = ("learns", "local", "stochastic", "grows", "settles")


@dataclass(frozen=True)
class Variable:
    """A named variable that evidence may hold: ``shape`` without lanes, values within ``limit``."""

    name: str
    shape: tuple[int, ...]
    kind: str = "real"
    dtype: str = "float32"
    limit: float = 1e6

    def __post_init__(self):
        if self.kind not in KINDS:
            raise SpecError(f"{self.name}.kind", f"one of {KINDS}", self.kind)
        if any(not isinstance(n, int) or n < 1 for n in self.shape):
            raise SpecError(f"{self.name}.shape", "positive integers", self.shape)
        if self.kind == "categorical" and len(self.shape) not in (1, 2):
            raise SpecError(f"{self.name}.shape", "categories, or units and categories", self.shape)
        if not jnp.issubdtype(self.dtype, jnp.floating):  # an integer could not hold a clamp's ∞
            raise SpecError(f"{self.name}.dtype", "a floating-point type", self.dtype)
        if not 0 < self.limit < float("inf"):
            raise SpecError(f"{self.name}.limit", "a positive finite number", self.limit)


@dataclass(frozen=True)
class Spec:
    """What a system is, static and hashable: it is stored in every checkpoint.

    ``lanes`` are the leading axes that combinators added; ``exceptions`` names, in words, what is
    not local or not promised and why.
    """

    factory: str
    arguments: str = "{}"
    observed: tuple[Variable, ...] = ()
    modulated: tuple[str, ...] = ()
    capabilities: frozenset[str] = frozenset()
    exceptions: tuple[str, ...] = ()
    lanes: tuple[int, ...] = ()

    def __post_init__(self):
        names = [v.name for v in self.observed]
        if len(set(names)) != len(names):
            raise SpecError("observed", "different names", names)
        unknown = set(self.capabilities) - set(CAPABILITIES)
        if unknown:
            raise SpecError("capabilities", f"a subset of {CAPABILITIES}", sorted(unknown))

    def variable(self, name: str) -> Variable:
        """Return the observed variable of that name; `SpecError` when there is none."""
        for variable in self.observed:
            if variable.name == name:
                return variable
        raise SpecError("variable", f"one of {[v.name for v in self.observed]}", name)

    def to_json(self) -> str:
        """Write the spec as JSON with sorted keys; `Spec.from_json` reads it back."""
        return json.dumps(
            {
                "factory": self.factory,
                "arguments": json.loads(self.arguments),
                "observed": [[v.name, v.shape, v.kind, v.dtype, v.limit] for v in self.observed],
                "modulated": self.modulated,
                "capabilities": sorted(self.capabilities),
                "exceptions": self.exceptions,
                "lanes": self.lanes,
            },
            sort_keys=True,
        )

    @staticmethod
    def from_json(text: str) -> Spec:
        """Read a spec from JSON; `SpecError` when a field is missing or of the wrong form."""
        try:
            d = json.loads(text)
            observed = tuple(Variable(v[0], tuple(v[1]), *v[2:]) for v in d["observed"])
            return Spec(
                factory=d["factory"],
                arguments=arguments(**d["arguments"]),
                observed=observed,
                modulated=tuple(d["modulated"]),
                capabilities=frozenset(d["capabilities"]),
                exceptions=tuple(d["exceptions"]),
                lanes=tuple(d["lanes"]),
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise SpecError("spec", "JSON as Spec.to_json writes it", str(error)) from error


class State(NamedTuple):
    """Everything a system needs to go on: ``shared`` by all lanes, and each ``lane``'s own."""

    shared: Any
    lane: Any


class Evidence(NamedTuple):
    """What is known of one variable: the force on it is ``precision * (value - x) + drive``.

    Precision 0 with drive 0 is absence, an infinite precision a clamp, a finite one a nudge.
    """

    value: Any
    precision: Any
    drive: Any


class Observation(NamedTuple):
    """One tick's input: evidence for every observable name, modulation, and two flags.

    ``modulation`` multiplies, with its sign, what reaches the weights now. ``learn`` False leaves
    every slow quantity bit-identical. ``first`` marks the first tick of an episode.
    """

    evidence: dict[str, Evidence]
    modulation: dict[str, Any]
    learn: Any
    first: Any


Output = dict[str, Any]


class System(NamedTuple):
    """A living thing: ``init(key) -> State`` and ``step(state, observation) -> (State, Output)``.

    ``grow(state) -> State``, where given, runs on the host at multiples of the absolute clock and
    may only double capacity, once there is none left.
    """

    spec: Spec
    init: Callable[[Any], State]
    step: Callable[[State, Observation], tuple[State, Output]]
    grow: Callable[[State], State] | None = None


def arguments(**values: Any) -> str:
    """Return a factory's arguments as canonical JSON (sorted keys), for `Spec.arguments`."""
    try:
        return json.dumps(values, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SpecError("arguments", "JSON values", str(error)) from error


def system(spec: Spec, init, step, grow=None) -> System:
    """Make a `System` whose arrays never carry weak types, from plain `init` and `step`.

    Weakly typed leaves change type after one step and recompile everything; here they are made
    strong once, at the edge. Both are compiled, at the first call or within what calls them;
    ``init`` also takes an integer seed.
    """
    compiled = jax.jit(lambda key: State(*strong(init(key))))

    def init_from(key) -> State:
        if isinstance(key, int | np.integer):
            key = jax.random.key(int(key))
        return compiled(key)

    @jax.jit
    def strong_step(state: State, observation: Observation):
        new, output = step(state, observation)
        return State(*strong(new)), strong(output)

    return System(spec, init_from, strong_step, grow)


def strong(tree):
    """Return the tree with every leaf an array of a strong (not weak) type."""
    return jax.tree.map(_strong, tree)


def _strong(leaf):
    leaf = jnp.asarray(leaf)
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return leaf
    return jax.lax.convert_element_type(leaf, leaf.dtype)


# --- factories: a spec can be built again from its name and JSON arguments -----------------------

FACTORIES: dict[str, Callable[..., System]] = {}


def factory(name: str):
    """Register a function that builds a System, so that `build(spec)` can build it again."""

    def register(function):
        FACTORIES[name] = function
        return function

    return register


def build(spec: Spec) -> System:
    """Build the system a spec names; `SpecError` if unknown or if it comes out different."""
    import sodachi.combinators
    import sodachi.models
    import sodachi.replaying
    import sodachi.worlds.cart_pole
    import sodachi.worlds.tape  # noqa: F401  (all register the library's own factories)

    if spec.factory not in FACTORIES:
        raise SpecError("factory", f"one of {sorted(FACTORIES)}", spec.factory)
    made = FACTORIES[spec.factory](**json.loads(spec.arguments))
    if made.spec != spec:
        raise SpecError("spec", made.spec.to_json(), spec.to_json())
    return made


def build_inner(text: dict[str, Any]) -> System:
    """Build a system that is an argument of another's spec, where it stands as a JSON object."""
    return build(Spec.from_json(json.dumps(text)))
