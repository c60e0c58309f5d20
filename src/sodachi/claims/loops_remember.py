"""Claim: loops keep a belief when its cue is gone, and settle one that a half cue left open.

A layered machine with a label sees a digit, then nothing. What its layers go on telling each other
is all that is left of the digit: n sweeps later the label is still believed. Where every sweep
begins at rest nothing comes back, and n is 0.
"""

from __future__ import annotations

from functools import lru_cache, partial

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.claims.boltzmann_training import Schooling, schooled, shown
from sodachi.claims.claim import Claim, Figures, Measured, Protocol
from sodachi.claims.statistics import Check, above, ahead, at_least, at_most, by_mean
from sodachi.claims.training import answers
from sodachi.combinators import minibatch
from sodachi.data import load_digits
from sodachi.models.backprop import backprop_net
from sodachi.models.deep_boltzmann import deep_boltzmann_machine
from sodachi.system import Observation, State, System

OURS, CUT, TWIN = "ours", "loops cut", "backprop"
TAUGHT = 1200  # the first digits; those of the test are by other writers
HALF = 32  # pixels of the upper half
#: Sweeps with the cue; all others are whole numbers of it.
CHUNK = 20
#: By form: sweeps without the cue, and over half a digit; how many digits are shown.
AFTER = {"quick": 20, "full": 400}
LOOKS = {"quick": 100, "full": 400}
SHOWN = {"quick": 300, "full": None}
HIDDEN = {"quick": 100, "full": 200}
SCHOOLING = {"quick": Schooling(passes=60, batch=50), "full": Schooling(passes=300, batch=50)}
RATE = {"quick": 0.3, "full": 0.1}
TWIN_RATE = 0.003
CHANCE = 0.1


def rows(seed: int, form: str):
    """Return what is measured: ours, with its loops cut, and a net that has none."""
    measured = {row: partial(ours, seed, form, row == CUT) for row in (OURS, CUT)}
    return measured | ({TWIN: partial(twin, seed, form)} if form == "full" else {})


@lru_cache(2)
def taught(seed: int, form: str) -> tuple[System, State]:
    """Return a machine of one hidden layer and a label, after its lessons on digits."""
    X, y = load_digits()
    machine = deep_boltzmann_machine(
        layers=(X.shape[1], HIDDEN[form]), labels=10, chains=50, rate=RATE[form]
    )
    return machine, schooled(machine, SCHOOLING[form], seed, X[:TAUGHT], y[:TAUGHT])


def remembered(
    system: System, state: State, X: np.ndarray, seed: int, many: int, cut: bool = False
) -> np.ndarray:
    """Return beliefs in the label [1 + many, n, classes]: with the digit held, then without it.

    Where ``cut``, every sweep begins with all cells at rest, as a single pass does.
    """
    start, looks = State(state.shared, minibatch(system, len(X)).init(seed).lane), []
    held = shown(system, len(X), learn=False, input=jnp.asarray(X))
    gone = shown(system, len(X), learn=False)._replace(first=jnp.full(len(X), cut))
    start, cue = looked(system, start, held, CHUNK)
    _, looks = looked(system, start, gone, many)
    return np.concatenate([cue[-1:], looks])


def half_seen(
    system: System, state: State, X: np.ndarray, seed: int, many: int, cut: bool = False
) -> np.ndarray:
    """Return beliefs [many, n, classes] while the upper half of each digit is held."""
    start = State(state.shared, minibatch(system, len(X)).init(seed).lane)
    known = jnp.arange(X.shape[1]) < HALF
    seen = shown(system, len(X), learn=False, input=jnp.where(known, jnp.asarray(X), 0.0))
    pixels = seen.evidence["input"]
    half = pixels._replace(precision=jnp.where(known, pixels.precision, 0.0))
    seen = seen._replace(evidence=seen.evidence | {"input": half}, first=jnp.full(len(X), cut))
    return looked(system, start, seen, many)[1]


def looked(system: System, state: State, seen: Observation, many: int) -> tuple[State, np.ndarray]:
    """Return the state and the beliefs [many, n, classes] after ``many`` sweeps, whole chunks."""
    chunk, beliefs = _chunk(system, len(seen.learn)), []
    for _ in range(0, many, CHUNK):
        state, belief = chunk(state, seen)
        beliefs.append(np.asarray(belief))
    return state, np.concatenate(beliefs)


@lru_cache(2)
def _chunk(system: System, n: int):
    """Some sweeps of n lanes, compiled once for all cues."""
    lanes = minibatch(system, n)

    def one(state, seen):
        state, out = lanes.step(state, seen)
        return state, out["label"]

    return jax.jit(lambda state, seen: jax.lax.scan(lambda s, _: one(s, seen), state, None, CHUNK))


def lasting(shares: np.ndarray) -> int:
    """Return for how many sweeps the share of right beliefs stays nearer to the cue's than chance.

    ``shares[0]`` is the share with the cue held; all that were measured where it never falls.

    Examples
    --------
    >>> lasting(np.array([0.9, 0.8, 0.7, 0.2, 0.6])), lasting(np.array([0.9, 0.1]))
    (2, 0)
    """
    gone = shares[1:] < (shares[0] + CHANCE) / 2
    return int(np.argmax(gone)) if gone.any() else len(gone)


def ours(seed: int, form: str, cut: bool) -> Figures:
    """Return how long unseen digits are remembered, and how well half ones are read."""
    X, y = (a[TAUGHT:][: SHOWN[form]] for a in load_digits())
    system, state = taught(seed, form)
    shares = (remembered(system, state, X, seed, AFTER[form], cut).argmax(-1) == y).mean(1)
    looks = half_seen(system, state, X, seed, LOOKS[form], cut)
    settled = looks[len(looks) // 4 :].mean(0)
    return {
        "sweeps": lasting(shares),
        "held": float(shares[0]),
        "after_10": float(shares[10]),
        "half_first": float((looks[0].argmax(-1) == y).mean()),
        "half_settled": float((settled.argmax(-1) == y).mean()),
    }


def twin(seed: int, form: str) -> Figures:
    """Return the same of a feedforward net: what it answers once there is nothing to see."""
    X, y = load_digits()
    net = backprop_net(
        layers=(X.shape[1], HIDDEN[form], 10), activation="relu", loss="softmax", rate=TWIN_RATE
    )
    state = schooled(net, SCHOOLING[form], seed, X[:TAUGHT], y[:TAUGHT])
    tests, truth = X[TAUGHT:], y[TAUGHT:]
    held, gone = (
        float((answers(net, state, x) == truth).mean()) for x in (tests, np.zeros_like(tests))
    )
    after = np.full(1 + AFTER[form], gone)
    after[0] = held
    return {"sweeps": lasting(after), "held": held, "after_10": gone}


def check_full(m: Measured) -> list[Check]:
    """The target of the claim."""
    return [
        at_least("a belief lasts 10 sweeps or more without its cue", m(OURS, "sweeps"), 10.0),
        at_most("no sweep with the loops cut", m(CUT, "sweeps"), 0.0),
        at_most("no sweep in a feedforward net", m(TWIN, "sweeps"), 0.0),
        above("after ten sweeps, above loops cut by .3", m(OURS, "after_10"),
              m(CUT, "after_10"), 0.3),
        above("after ten sweeps, above the feedforward net by .3", m(OURS, "after_10"),
              m(TWIN, "after_10"), 0.3),
        above("half digits: settled above the first look by .2", m(OURS, "half_settled"),
              m(OURS, "half_first"), 0.2),
        above("half digits: settled above loops cut by .03", m(OURS, "half_settled"),
              m(CUT, "half_settled"), 0.03),
    ]  # fmt: skip


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""
    lead = ahead(m(OURS, "after_10"), m(CUT, "after_10"))
    half = ahead(m(OURS, "half_settled"), m(OURS, "half_first"))
    return [
        by_mean("ten sweeps after its cue a belief is above loops cut by .2", lead, 0.2),
        by_mean("half digits: settled above the first look by .1", half, 0.1),
    ]


CLAIM = Claim(
    name="loops-remember",
    source={
        "document": "Y. Sasaki, Can deep learning take in the behaviour of the brain?",
        "sentence": "A Boltzmann machine may be coupled in any way; with loops it should be "
        "capable of memory and of repeated inference.",
    },
    rows=rows,
    rivals={
        TWIN: "backprop with as many hidden units and passes (ReLU, softmax, Adam): what it "
        "answers to an empty image",
    },
    lesion={
        CUT: "the same machine, every sweep of which begins with all cells at rest: what a sweep "
        "found does not come back to the next"
    },
    quick=Protocol(
        words="As the full form with 100 hidden units, 60 passes, 300 digits in the test, 20 "
        "sweeps without the cue and 100 over half digits; judged on means of two seeds.",
        seeds=(1, 2),
        target="Ten sweeps after its cue above loops cut by .2; on half digits settled above the "
        "first look by .1.",
        check=check_quick,
    ),
    full=Protocol(
        words="scikit-learn's digits, the first 1,200 to learn from, the rest (other writers) for "
        "the test. A machine of 64 pixels, 200 hidden units and a label, 300 passes in batches of "
        "50. Memory: 20 sweeps with a digit clamped, then 400 with nothing clamped; `sweeps` is "
        "how many pass before the share of right beliefs falls below the middle between its share "
        "with the cue (`held`) and chance. Half digits: the upper half clamped, the first sweep's "
        "belief, and the mean of sweeps 101 to 400. 95 % t intervals over ten seeds, paired.",
        seeds=tuple(range(1, 11)),
        target="A belief lasts 10 sweeps or more, none with the loops cut or in a feedforward net, "
        "and ten sweeps after the cue is above both by .3; on half digits the settled belief is "
        "above the first look by .2, and above loops cut by .03. All apart.",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(0, 100),
    shown=("sweeps", "held", "after_10", "half_first", "half_settled"),
)
