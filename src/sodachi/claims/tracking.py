"""Claim: step sizes learned by every synapse follow a moving target where one rate for all cannot.

Sutton's task: of twenty inputs five matter, and every twenty examples one of the five turns its
sign. A synapse that learns how fast to learn becomes quick where the world moves, slow elsewhere.
"""

from __future__ import annotations

from functools import cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.claims.claim import Claim, Figures, Measured, Protocol
from sodachi.claims.statistics import Check, above, by_mean
from sodachi.models import settling_graph, swift_td
from sodachi.system import Evidence, Observation, State, System

INPUTS, RELEVANT, FLIP = 20, 5, 20
WARM = {"quick": 8_000, "full": 20_000}  # examples before errors count
COUNTED = {"quick": 4_000, "full": 10_000}
SYNAPSES = "input>target"


class Learner(NamedTuple):
    """How one linear cell learns: its optimiser, rate (at birth), and rate of the step sizes.

    ``"swift_td"`` is that system, for which every target is the reward after its input: then
    ``bound`` is the most that all its steps together correct.
    """

    optimiser: str
    rate: float
    meta_rate: float = 0.0
    bound: float = 0.0


#: The best of a grid for each, by mean squared error on tuning seeds.
LEARNERS = {
    "IDBD": Learner("idbd", 0.02, 0.01),
    "Autostep": Learner("autostep", 0.05, 0.1),
    "SwiftTD": Learner("swift_td", 0.02, 0.01, 1.0),
    "one rate for all": Learner("sgd", 0.035),
    "ObGD": Learner("obgd", 0.02),
    "Adam": Learner("adam", 0.03),
}
FROZEN, SHUFFLED = "IDBD's steps, frozen", "IDBD's steps, shuffled"
OURS = ("IDBD", "Autostep", "SwiftTD")
RIVALS = ("one rate for all", "Adam", "ObGD")


def net(learner: Learner) -> System:
    """Return the cell: a target that the input predicts, ``E = ½(y − w·x)²``."""
    if learner.optimiser == "swift_td":
        rates = {"rate": learner.rate, "meta_rate": learner.meta_rate, "bound": learner.bound}
        return swift_td(inputs=INPUTS, discount=0.0, decay=0.0, **rates)
    return settling_graph(
        populations=[["input", [INPUTS]], ["target", [1]]],
        edges=[["input", "target"]],
        observed={"input": "real", "target": "real"},
        start="feedforward",
        bias=False,
        last_scale=0.0,
        optimiser=learner.optimiser,
        weight_rate=learner.rate,
        meta_rate=learner.meta_rate,
    )


def world(seed: int, examples: int) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs [n, 20] and targets [n] of the moving world.

    Examples
    --------
    >>> X, y = world(0, 40)
    >>> X.shape, y.shape
    ((40, 20), (40,))
    """
    rng = np.random.default_rng([seed, 31])
    X = rng.normal(size=(examples, INPUTS)).astype(np.float32)
    turns = np.ones((-(-examples // FLIP), RELEVANT), np.float32)
    turns[np.arange(1, len(turns)), rng.integers(RELEVANT, size=len(turns) - 1)] = -1
    signs = np.repeat(np.cumprod(turns, 0), FLIP, 0)[:examples]
    return X, (X[:, :RELEVANT] * signs).sum(1)


def live(learner: Learner, X, y, steps=None) -> tuple[np.ndarray, State]:
    """Return every example's error before it was learned from [n], and the state at the end.

    ``steps`` [inputs] are what the synapses' step sizes begin with.
    """
    state = _life(learner)[1]
    if steps is not None:
        synapses = dict(state.shared["synapses"])
        synapses[SYNAPSES] = synapses[SYNAPSES] | {"step": jnp.asarray(steps)[:, None]}
        state = State(state.shared | {"synapses": synapses}, state.lane)
    state, errors = _life(learner)[0](state, jnp.asarray(X), jnp.asarray(y))
    return np.asarray(errors, np.float64), state


@cache
def _life(learner: Learner):
    """One compiled life, and the newborn state it begins with."""
    system = net(learner)
    later = learner.optimiser == "swift_td"  # a reward comes a tick after what it is for

    def one(state, now):
        x, y, before = now
        if later:
            state = system.step(state, _seen(input=x, reward=before))[0]
        (name,) = state.shared["weights"]
        error = y - state.shared["weights"][name][:, 0] @ x
        if not later:
            state = system.step(state, _seen(input=x, target=y))[0]
        return state, error

    def life(state, X, y):
        before = jnp.concatenate([jnp.zeros(1, y.dtype), y[:-1]])
        return jax.lax.scan(one, state, (X, y, before))

    return jax.jit(life), system.init(0)


def _seen(**values) -> Observation:
    evidence = {}
    for name, value in values.items():
        v = jnp.atleast_1d(value)
        evidence[name] = Evidence(v, jnp.full_like(v, jnp.inf), jnp.zeros_like(v))
    return Observation(evidence, {}, jnp.asarray(True), jnp.asarray(False))


def rows(seed: int, form: str):
    """Return what is measured: learned steps, their lesions, and one rate for all."""
    wanted = {row: partial(measure, row, seed, form) for row in LEARNERS}
    return wanted | {row: partial(lesioned, row, seed, form) for row in (FROZEN, SHUFFLED)}


def measure(row: str, seed: int, form: str) -> Figures:
    """Return the mean squared error after the warming up, and the step sizes that were found."""
    X, y = world(seed, WARM[form] + COUNTED[form])
    errors, state = live(LEARNERS[row], X, y)
    figures = {"error": float((errors[WARM[form] :] ** 2).mean())}
    if row in OURS:
        found = steps_of(state)
        figures |= {
            "step_relevant": float(found[:RELEVANT].mean()),
            "step_irrelevant": float(found[RELEVANT:].mean()),
        }
    return figures


def lesioned(row: str, seed: int, form: str) -> Figures:
    """Return the same for step sizes that IDBD found in another life, frozen or in wrong places."""
    X, y = world(seed, WARM[form] + COUNTED[form])
    steps = steps_of(live(LEARNERS["IDBD"], *world(seed + 1000, len(X)))[1])
    if row == SHUFFLED:
        # Every relevant input gets the step of one that means nothing.
        steps = np.roll(steps, RELEVANT)
    errors, _ = live(LEARNERS["IDBD"]._replace(meta_rate=0.0), X, y, steps)
    return {"error": float((errors[WARM[form] :] ** 2).mean())}


def steps_of(state: State) -> np.ndarray:
    """Return the step sizes of the synapses [inputs]."""
    (synapse,) = state.shared["synapses"].values()
    found = synapse["step"] if "step" in synapse else np.exp(synapse["log_step"])
    return np.asarray(found)[:, 0]


def check_full(m: Measured) -> list[Check]:
    """The target: a good deal less error than any one rate, and steps large where they should."""
    checks = []
    for row in OURS:
        ours = m(row, "error")
        share = {seed: 0.7 * value for seed, value in m(RIVALS[0], "error").items()}
        checks += [
            above(f"{row}: error below .7 of the best single rate's", share, ours),
            above(f"{row}: error below Adam's", m("Adam", "error"), ours),
            above(f"{row}: relevant inputs have ten times the step", m(row, "step_relevant"),
                  {s: 10 * v for s, v in m(row, "step_irrelevant").items()}),
        ]  # fmt: skip
    checks.append(
        above("lesion: shuffled steps err more than one rate for all", m(SHUFFLED, "error"),
              m(RIVALS[0], "error"))
    )  # fmt: skip
    return checks


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""
    other = m(RIVALS[0], "error")
    gain = {seed: other[seed] - value for seed, value in m("IDBD", "error").items()}
    return [by_mean("IDBD: error below one rate's by .5", gain, 0.5)]


CLAIM = Claim(
    name="tracking",
    source={
        "document": "R. S. Sutton, Toward better deep learning (talk, 2024)",
        "sentence": "Learning within the backbone can be ordinary backpropagation; we want it "
        "together with step-size optimisation, because the backbone is to be protected.",
    },
    rows=rows,
    rivals={
        "one rate for all": "the same cell with one step size (least mean squares), the best of "
        "seven from .02 to .08",
        "Adam": "steps scaled by moments of the gradient, the best rate of five from .01 to .2",
        "ObGD": "one rate, each step bounded so that it cannot overshoot (kappa 2); made to be "
        "safe at any rate, not to track: from .02 to 1 it errs the same",
    },
    lesion={
        SHUFFLED: "the step sizes that IDBD found in another life, handed to the wrong synapses",
        FROZEN: "the same at the right synapses, and no longer learned: how much of the gain the "
        "sizes themselves are",
    },
    quick=Protocol(
        words="8,000 examples, then 4,000 that count; judged on means of two seeds.",
        seeds=(0, 1),
        target="IDBD errs .5 less (squared) than the best single rate.",
        check=check_quick,
    ),
    full=Protocol(
        words="Sutton's task (1992): 20 normal inputs, the target the sum of five of them with "
        "signs, one of which turns every 20 examples; one linear cell; mean squared error of the "
        "prediction before learning, over 10,000 examples after 20,000. Direction: up. The energy "
        "names each synapse's curvature. Tuned on two other worlds: IDBD rate .02 and .05, its own "
        "rate .0003 to .08 (from .04 on it diverges; Autostep, rate .05, does from 1; SwiftTD, "
        "bound 1, from .03, and its targets come as rewards a tick later, discount 0).",
        seeds=tuple(range(10)),
        target="IDBD, Autostep and SwiftTD each err less than .7 of the best single rate and less "
        "than Adam; relevant inputs have ten times the step sizes of others; shuffled steps err "
        "more than one rate for all. All apart.",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(100, 101),
    shown=("error", "step_relevant", "step_irrelevant"),
)
