"""The choices of a settling net: how it relaxes, learns, feeds back and weighs its errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

from sodachi.core.graph import Graph
from sodachi.core.rule import Rule
from sodachi.errors import SpecError
from sodachi.models.graphs import INITIAL
from sodachi.rules import (
    autostep,
    centred,
    delta,
    idbd,
    obgd,
    with_adam,
    with_annealing,
    with_bounds,
    with_decay,
)

CHOICES = {
    "relaxation": ("descent", "wave", "asynchronous", "one_at_a_time", "langevin"),
    "start": ("carried", "feedforward"),
    "learning": ("settled", "every_tick"),
    "gate": ("none", "settled", "apical"),
    "feedback": ("tied", "own_gradient", "kolen_pollack", "fixed", "none"),
    "optimiser": ("adam", "sgd", "idbd", "autostep", "obgd"),
    "initial": INITIAL,
    "dtype": ("float32", "float64"),
}
LEARNED_STEPS = {"idbd": idbd, "autostep": autostep}
SCOPES = ("unit", "variable")
PRECISION_BOUND = 7.0  # of |log π| where precision is learned
#: Relaxations that draw random numbers.
RANDOM = ("asynchronous", "one_at_a_time", "langevin")


class Options(TypedDict, total=False):
    """What may be chosen of a settling net; see `Settings` for each one's meaning and default."""

    bias: bool
    relaxation: str
    settle_ticks: int
    rate: float | None
    probability: float
    max_delay: int
    temperature: float
    tolerance: float
    start: str
    learning: str
    patient: Sequence[str]
    gate: str
    gate_strength: float
    feedback: str
    precision: Mapping[str, float] | None
    learned_precision: Mapping[str, str] | None
    precision_rate: float
    nudge: float
    centred: bool
    optimiser: str
    weight_rate: float
    meta_rate: float
    anneal: int
    decay: float
    decay_to_initial: float
    initial: str
    scale: float
    last_scale: float
    dtype: str


class Settings(NamedTuple):
    """A graph and the choices for it (`Options` by keyword in the factories)."""

    graph: Graph
    bias: bool = True
    """Every platform has a bias, a synapse from a cell that is always 1."""
    relaxation: str = "descent"
    """``"descent"``: ``x ← x + rate · force``; ``"wave"``: every cell goes to the minimum its
    springs name, with error cells one tick old; or a solver of `sodachi.core.relax`."""
    settle_ticks: int = 1
    """Ticks of settling in one step."""
    rate: float | None = None
    """Time per tick; None for .2 (wave: 1)."""
    probability: float = 0.5
    """Asynchronous: that a cell moves in a tick."""
    max_delay: int = 0
    """Asynchronous: oldest news, in ticks."""
    temperature: float = 0.0
    """Langevin: in units of energy."""
    tolerance: float = 0.0
    """Asynchronous, one at a time: residual at which a sample stops."""
    start: str = "carried"
    """``"carried"`` keeps activity from step to step; ``"feedforward"`` puts every population on
    its (first) platform, in order, at the first step of an episode."""
    learning: str = "settled"
    """Learn once, after the step's settling, or at ``"every_tick"`` of it (incremental)."""
    patient: Sequence[str] = ()
    """Edges that, where learning is at every tick, learn with a step's last tick alone."""
    gate: str = "none"
    """``"settled"``: cells that still move teach less; ``"apical"``: what arrives from where a cell
    predicts, not its own error, teaches its synapses."""
    gate_strength: float = 1.0
    """How strongly movement closes the gate."""
    feedback: str = "tied"
    """Weights B of the feedback: ``"tied"`` (the forward W), or synapses of their own that follow
    ``ε x`` (``"own_gradient"``) or ``ε f(x)`` (``"kolen_pollack"``), stay as they were born
    (``"fixed"``), or are cut (``"none"``)."""
    precision: Mapping[str, float] | None = None
    """π by platform name where it is not 1."""
    learned_precision: Mapping[str, str] | None = None
    """By platform name: ``"unit"`` or ``"variable"``, what has a precision of its own."""
    precision_rate: float = 1e-3
    """Step of log π."""
    nudge: float = 0.0
    """0: a clamped label pulls with its own precision; β > 0: only as a nudge of strength β."""
    centred: bool = False
    """Settle under +β and under −β and learn from the difference."""
    optimiser: str = "adam"
    """``"adam"`` or ``"sgd"``; step sizes that every synapse learns, ``"idbd"`` or ``"autostep"``,
    for which the energy itself names each synapse's curvature, ``π f(x)²``; or ``"obgd"``, steps
    that cannot overshoot."""
    weight_rate: float = 1e-3
    """Step size of the weights; where it is learned, at birth."""
    meta_rate: float = 1e-2
    """Where step sizes are learned, how fast."""
    anneal: int = 0
    """Ticks of learning after which steps have shrunk to nothing; 0: they never shrink."""
    decay: float = 0.0
    """Decay of weights toward zero, in units of ``weight_rate``."""
    decay_to_initial: float = 0.0
    """Decay of every weight to where it started, in units of ``weight_rate``."""
    initial: str = "normal"
    """``"normal"``, or ``"orthogonal"`` for square weights."""
    scale: float = 1.0
    """Newborn weights have standard deviation ``scale/√fan_in``."""
    last_scale: float = 1.0
    """The same for edges into the last population."""
    dtype: str = "float32"
    """``"float32"``, or ``"float64"`` inside ``jax.enable_x64()``."""

    @property
    def tick(self) -> float:
        """Time per tick."""
        return (1.0 if self.relaxation == "wave" else 0.2) if self.rate is None else self.rate

    @property
    def own_feedback(self) -> bool:
        """Whether feedback has synapses of its own."""
        return self.feedback in ("own_gradient", "kolen_pollack", "fixed")

    @property
    def rule(self) -> Rule:
        """The rule of all weights: the delta rule, its step sizes, decays and annealing."""
        rule = self._stepping
        if self.decay or self.decay_to_initial:
            rule = with_decay(
                rule,
                l2=self.weight_rate * self.decay,
                initial=self.weight_rate * self.decay_to_initial,
            )
        return with_annealing(rule, self.anneal) if self.anneal else rule

    @property
    def asks_its_cell(self) -> bool:
        """Whether a step depends on what all synapses of its cell do together."""
        return self.optimiser not in ("adam", "sgd")

    @property
    def _stepping(self) -> Rule:
        if self.optimiser in LEARNED_STEPS:
            return LEARNED_STEPS[self.optimiser](self.weight_rate, self.meta_rate)
        if self.optimiser == "obgd":
            return obgd(self.weight_rate)
        plain = 1.0 if self.optimiser == "adam" else self.weight_rate
        rule = centred(self.nudge, plain) if self.centred else delta(plain)
        return with_adam(rule, rate=self.weight_rate) if self.optimiser == "adam" else rule

    @property
    def precision_rule(self) -> Rule:
        """The rule of ``log π``, within bounds."""
        return with_bounds(delta(self.precision_rate), -PRECISION_BOUND, PRECISION_BOUND)


def settings_of(graph: Graph, options: Mapping[str, Any]) -> Settings:
    """Return checked settings; `SpecError` names what is unknown or out of its range."""
    unknown = sorted(set(options) - set(Settings._fields[1:]))
    if unknown:
        raise SpecError(unknown[0], f"one of {sorted(Settings._fields[1:])}", options[unknown[0]])
    s = Settings(graph, **options)
    for name, allowed in CHOICES.items():
        if getattr(s, name) not in allowed:
            raise SpecError(name, f"one of {allowed}", getattr(s, name))
    if type(s.settle_ticks) is not int or s.settle_ticks < 1:
        raise SpecError("settle_ticks", "1 or more", s.settle_ticks)
    if not s.tick > 0:
        raise SpecError("rate", "more than 0", s.rate)
    for name in ("temperature", "tolerance", "gate_strength", "nudge", "anneal", "decay",
                 "decay_to_initial", "weight_rate", "meta_rate", "precision_rate",
                 "max_delay"):  # fmt: skip
        if not 0 <= getattr(s, name) < float("inf"):
            raise SpecError(name, "0 or more, finite", getattr(s, name))
    edges = [e.name for e in s.graph.edges]
    if any(name not in edges for name in s.patient):
        raise SpecError("patient", f"names among {edges}", list(s.patient))
    if s.centred and not s.nudge:
        raise SpecError("nudge", "more than 0 where learning is centred", s.nudge)
    if s.centred and s.asks_its_cell:
        raise SpecError("optimiser", "'adam' or 'sgd' where learning is centred", s.optimiser)
    if s.asks_its_cell and not s.weight_rate:
        raise SpecError("weight_rate", f"more than 0 for {s.optimiser}", s.weight_rate)
    if s.centred and s.learning == "every_tick":
        raise SpecError("learning", "'settled' where it is centred", s.learning)
    _check_precision(s)
    return s


def _check_precision(s: Settings) -> None:
    platforms = [p.name for p in s.graph.platforms]
    for name, value in (s.precision or {}).items():
        if name not in platforms:
            raise SpecError("precision", f"names among {platforms}", name)
        if not 0 < value < float("inf"):
            raise SpecError(f"precision {name}", "more than 0, finite", value)
    for name, scope in (s.learned_precision or {}).items():
        if name not in platforms or scope not in SCOPES:
            raise SpecError(
                "learned_precision", f"one of {SCOPES} by name among {platforms}", (name, scope)
            )
    if s.centred:
        weakest = min([1.0, *(s.precision or {}).values()])
        if s.nudge >= weakest:  # under −β the label's spring must still hold it
            raise SpecError("nudge", f"less than the smallest precision, {weakest}", s.nudge)
