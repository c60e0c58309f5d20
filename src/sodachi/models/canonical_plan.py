"""The parts of a canonical network: its populations, and the tables of counts between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.connections import Dense
from sodachi.core.names import named_key
from sodachi.errors import SpecError
from sodachi.models.beliefs import LOGARITHMS
from sodachi.models.factors import Factors, factors_of, over_factor
from sodachi.models.past import Part, parse_terms, term_factors


class Settings(NamedTuple):
    """The factory's numbers (see `canonical_network`)."""

    states: Any
    observations: Any
    prior: float
    rate: float
    prior_count: float
    spread: float
    least: float
    dtype: str
    transition: Any
    actions: Any
    policy: Any
    habit: float
    past_count: float
    threshold_count: float
    forgetting: float
    delay: int
    expectation: str


class Synapses(NamedTuple):
    """One array of counts: its name, its cells, what was seen, and the value it was seen with."""

    name: str
    connection: Dense
    outcome: str
    value: str


@dataclass(frozen=True)
class Table:
    """All counts of one matrix of the generative model: ``n(pre, post)`` by outcome and value."""

    letter: str
    prefix: str
    pre: Factors
    post: Factors

    @property
    def synapses(self) -> tuple[Synapses, ...]:
        """Its arrays: outcomes "off" are counted of binary cells only, and so are values "0"."""
        found = []
        for value in ("1", "0"):
            for outcome in ("on", "off"):
                pre = self.pre.cells if outcome == "on" else len(self.pre.binary)
                post = self.post.cells if value == "1" else len(self.post.binary)
                if pre and post:
                    name = f"{self.prefix}{outcome}_given_{value}"
                    found.append(Synapses(name, Dense((pre,), (post,)), outcome, value))
        return tuple(found)

    def connection(self, value: str) -> Dense:
        """Return all presynaptic cells to the cells that believe in ``value``."""
        cells = self.post.cells if value == "1" else len(self.post.binary)
        return Dense((self.pre.cells,), (cells,))


@dataclass(frozen=True)
class Plan:
    """Populations, remembered terms and tables of one network."""

    state: Factors
    input: Factors
    action: Factors
    transition: tuple[tuple[Part, ...], ...]
    policy: tuple[tuple[Part, ...], ...]

    @property
    def populations(self) -> dict[str, Factors]:
        """What can be observed and remembered, by name."""
        found = {"state": self.state, "input": self.input}
        return found | ({"action": self.action} if self.action.sizes else {})

    @property
    def likelihood(self) -> Table:
        """A: what is observed, given a state."""
        return Table("A", "", self.input, self.state)

    @property
    def memory(self) -> Table:
        """B: what was, given what is (the transition read backwards)."""
        past = term_factors(self.transition, self.populations)
        return Table("B", "transition_", past, self.state)

    @property
    def decisions(self) -> Table:
        """C: what was, given what was done."""
        return Table("C", "policy_", term_factors(self.policy, self.populations), self.action)

    @property
    def tables(self) -> tuple[Table, ...]:
        """Those of A, B and C that there are."""
        found = (self.likelihood, self.memory, self.decisions)
        return tuple(t for t in found if t.pre.sizes and t.post.sizes)

    @property
    def thresholds(self) -> tuple[tuple[str, Factors], ...]:
        """D and E: the names of their counts, and whose thresholds they are."""
        found = (("prior", self.state), ("habit", self.action))
        return tuple((name, factors) for name, factors in found if factors.sizes)


def plan_of(s: Settings) -> Plan:
    """Return the parts of a network; `SpecError` for sizes and terms that are none."""
    given = (s.states, s.observations, s.transition, s.actions, s.policy)
    return _plan(*(tuple(v) if isinstance(v, list) else v for v in given))


@lru_cache(maxsize=64)
def _plan(states, observations, transition, actions, policy) -> Plan:
    made = Plan(
        factors_of("states", states),
        factors_of("observations", observations),
        factors_of("actions", actions, least=0),
        (),
        (),
    )
    populations = made.populations
    past = parse_terms("transition", transition, populations)
    # A decision hears the past alone: actions without any follow their habit.
    what = parse_terms("policy", policy, populations) if made.action.sizes else ()
    return Plan(made.state, made.input, made.action, past, what)


def check_settings(s: Settings) -> None:
    """Raise `SpecError` for a number that is out of its range."""
    for name in ("prior_count", "past_count", "least"):
        if not 0 < getattr(s, name) < float("inf"):
            raise SpecError(name, "above 0, finite", getattr(s, name))
    for name in ("prior", "habit"):
        if not 0 < getattr(s, name) < 1:
            raise SpecError(name, f"0 < {name} < 1", getattr(s, name))
    if not 0 < s.rate <= 1:
        raise SpecError("rate", "0 < rate <= 1", s.rate)
    if not 0 <= s.spread < 0.5:
        raise SpecError("spread", "0 <= spread < 0.5", s.spread)
    if not 0 <= s.threshold_count < float("inf"):
        raise SpecError("threshold_count", "0 (fixed thresholds) or more", s.threshold_count)
    if not 0 <= s.forgetting < 1:
        raise SpecError("forgetting", "0 <= forgetting < 1", s.forgetting)
    if not isinstance(s.delay, int) or isinstance(s.delay, bool) or s.delay < 0:
        raise SpecError("delay", "a number of ticks", s.delay)
    if s.expectation not in LOGARITHMS:
        raise SpecError("expectation", f"one of {sorted(LOGARITHMS)}", s.expectation)
    if s.dtype not in ("float32", "float64"):
        raise SpecError("dtype", "float32 or float64", s.dtype)


def first_counts(s: Settings, key) -> dict[str, Any]:
    """Return the counts that a network is born with, by name.

    Likelihoods lie within ½ ± spread, so that states differ; transitions and policies are flat.
    """
    weights: dict[str, Any] = {}
    for table in plan_of(s).tables:
        total = s.prior_count if table.letter == "A" else s.past_count
        spread = s.spread if table.letter == "A" else 0.0
        for value in ("1", "0"):
            shape = table.connection(value).weights
            noise = jax.random.uniform(named_key(key, value), shape, s.dtype, -spread, spread)
            on = total * (0.5 + noise)
            if not table.pre.all_binary:
                share = on / over_factor(table.pre, on)
                many = jnp.ones(table.pre.cells, bool).at[table.pre.binary].set(False)
                on = jnp.where(many[:, None], total * share, on)
            weights[f"{table.prefix}on_given_{value}"] = on
            weights[f"{table.prefix}off_given_{value}"] = (total * (0.5 - noise))[table.pre.binary]
    if s.threshold_count:
        for name, chance, factors in _chances(s):
            weights[f"{name}_on"] = s.threshold_count * chance[None]
            weights[f"{name}_off"] = s.threshold_count * (1.0 - chance[factors.binary])[None]
    return {name: w for name, w in weights.items() if w.size}


def first_thresholds(s: Settings) -> dict[str, Any]:
    """Return φ = ln D and ln E of cells whose thresholds do not learn, by name."""
    cells = {}
    for name, chance, factors in () if s.threshold_count else _chances(s):
        cells[f"log_{name}_1"] = jnp.log(chance)
        cells[f"log_{name}_0"] = jnp.log1p(-chance[factors.binary])
    return cells


def _chances(s: Settings):
    """The prior probability of every cell: even for one of many."""
    for name, factors in plan_of(s).thresholds:
        even = [1 / n for n in factors.sizes for _ in range(n)]
        chance = jnp.asarray(even, s.dtype).at[factors.binary].set(getattr(s, name))
        yield name, chance, factors
