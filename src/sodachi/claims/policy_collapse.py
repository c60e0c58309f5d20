"""Claim: where the world changes and returns, a growing actor keeps its policy; others lose it.

A pole on a cart, half a million steps in one life. After every stretch something is different: the
push, gravity, the pole's length, and which action pushes where. Nothing tells the agent.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax

from sodachi.claims.claim import Claim, Figures, Measured, Protocol
from sodachi.claims.policy_lives import figures, life
from sodachi.claims.statistics import Check, above, by_mean, not_below
from sodachi.models import backprop_actor, growing_actor, swift_actor
from sodachi.system import State, System
from sodachi.worlds.cart_pole import LIMIT

STEPS = {"quick": 40_000, "full": 500_000}
EVERY = {"quick": 5_000, "full": 25_000}
SOLVED = 0.95 * LIMIT  # Gymnasium's threshold of CartPole-v1: 475
#: The same sensors for everybody: metres, metres a second, radians, radians a second.
SENSORS: dict[str, Any] = {"scale": (1.2, 1.2, 0.1, 1.2)}

PLAIN: dict[str, Any] = {"rate": 3e-4, "entropy": 0.1}
PEAK: dict[str, Any] = {"rate": 3e-4, "entropy": 0.01}
OBGD: dict[str, Any] = {"optimiser": "obgd", "rate": 0.3, "entropy": 0.1}
SWIFT: dict[str, Any] = {"tiles": 10, "rate": 0.03, "curious": 0.0}

OURS, PLAIN_LIFE, PLAIN_PEAK = "growing actor", "plain agent", "plain agent, tuned for its peak"
GATED, ANEW = "plain agent, our contexts", "plain agent, born anew"
OURS_ROWS: dict[str, dict[str, Any]] = {
    OURS: {},
    "one context": {"contexts": 1},
    "random newborns": {"lesion": "random-newborn"},
    "no recycling": {"lesion": "no-recycling"},
}
BACKPROP: dict[str, dict[str, Any]] = {
    PLAIN_LIFE: PLAIN,
    PLAIN_PEAK: PEAK,
    ANEW: PLAIN,
    GATED: PLAIN | {"contexts": 8},
    "ObGD": OBGD,
}
SWIFT_ROW = "Swift-Sarsa"
#: Without contexts, as they were published.
RIVALS = (PLAIN_LIFE, PLAIN_PEAK, "ObGD", SWIFT_ROW)


def agents() -> dict[str, System]:
    """Return every row's agent."""
    ours = {row: growing_actor(**SENSORS, **kw) for row, kw in OURS_ROWS.items()}
    nets = {row: backprop_actor(**SENSORS, **kw) for row, kw in BACKPROP.items()}
    return ours | nets | {SWIFT_ROW: swift_actor(**SENSORS, **SWIFT)}


def rows(seed: int, form: str):
    """Return ours, its lesions, and the rivals."""
    wanted = {row: partial(measure, row, seed, form) for row in agents()}
    if form == "quick":
        return {row: wanted[row] for row in (OURS, PLAIN_LIFE)}
    return wanted


def measure(row: str, seed: int, form: str) -> Figures:
    """Return what one agent earned."""
    agent = agents()[row]
    state, counted = life(agent, seed, STEPS[form], EVERY[form], anew=row == ANEW)
    return figures(counted) | {"weights": float(count_weights(State(state.shared[0], None)))}


def count_weights(state: State) -> int:
    """Return how many weights an agent has: of every context, also of those not opened."""
    modules = state.shared.get("modules", state.shared)
    return sum(leaf.size for leaf in jax.tree.leaves(modules["weights"]))


def check_full(m: Measured) -> list[Check]:
    """The target: ours keeps what it reached; the plain agent reaches nearly all and loses it."""
    ours = m(OURS, "last")
    checks = [
        above("ours: the last tenth is .95 of the best window or more", m(OURS, "kept"),
              flat(ours, 0.95)),
    ]  # fmt: skip
    for row in (PLAIN_LIFE, PLAIN_PEAK):
        checks += [
            above(f"{row}: its best window reaches .9 of solved", m(row, "best"),
                  flat(ours, 0.9 * SOLVED)),
            above(f"{row}: the last tenth is less than .7 of that", flat(ours, 0.7),
                  m(row, "kept")),
        ]  # fmt: skip
    for row in RIVALS:
        checks.append(above(f"last tenth: ours above {row}", ours, m(row, "last")))
        checks.append(above(f"whole life: ours above {row}", m(OURS, "whole"), m(row, "whole")))
    words = f"last tenth: ours not 25 steps below {GATED}"
    checks.append(not_below(words, ours, m(GATED, "last"), 25.0))
    for row in LESION:
        checks.append(above(f"lesion, {row}: earns less", m(OURS, "whole"), m(row, "whole")))
    return checks


def flat(like: dict[int, float], value: float) -> dict[int, float]:
    """Return the same number for every seed."""
    return dict.fromkeys(like, value)


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""
    ours = m(OURS, "worst")
    gain = {seed: ours[seed] - value for seed, value in m(PLAIN_LIFE, "worst").items()}
    return [by_mean("worst tenth: 50 steps more than the plain agent", gain, 50.0)]


LESION = {
    "one context": "a single world is known: nothing is recalled, everything is learned over",
    "random newborns": "units are imprinted on random places instead of where the agent is",
}
CLAIM = Claim(
    name="policy-collapse",
    source={
        "document": "R. S. Sutton, Toward better deep learning (talk, 2024); Dohare et al. (2024)",
        "sentence": "In reinforcement learning too the policy is learned and then lost: an agent "
        "that goes on learning has to go on being able to.",
    },
    rows=rows,
    rivals={
        PLAIN_LIFE: "streaming actor-critic with eligibility traces, backpropagation and Adam",
        PLAIN_PEAK: "the same, tuned for its best window instead of the whole life",
        "ObGD": "stream AC(λ) as published (Elsayed et al., 2024): ObGD, sparse birth, layer norm, "
        "normalised inputs and rewards",
        SWIFT_ROW: "SwiftTD on tiles of all pairs of inputs, with actions (Javed & Sutton, 2025)",
        GATED: "the plain agent with a pair of nets for every world, recalled as ours does. It is "
        "recall that keeps a policy, whoever learns it: this one need only not be better in the "
        "end, and over its whole life it may earn more",
        ANEW: "the plain agent, born again at every change, which nobody tells the others: what a "
        "life without a past earns",
    },
    lesion=LESION,
    quick=Protocol(
        words="40,000 steps, eight stretches; judged on means of two seeds.",
        seeds=(0, 1),
        target="In the worst tenth of the second half 50 steps more than the plain agent.",
        check=check_quick,
    ),
    full=Protocol(
        words="CartPole-v1 with Gymnasium's own dynamics (reward −1 where the pole falls), 500,000 "
        "steps one at a time in one life; after every 25,000 another of five settings of force, "
        "gravity, length and of which action is which, each once and then in random order. Figures "
        "are steps an episode (500 at most) in the best 5 % of the life, the last tenth, the "
        "whole, and the worst tenth of the second half; kept is last / best. Same sensors for all. "
        "Tuned on seeds 100 to 105 over 200,000 steps with changes every 10,000, also in a plain "
        "prototype: some 20 settings of ours, 25 of the plain agent, 24 of Swift-Sarsa and 26 of "
        "ObGD, of each the most steps over the whole life. The row `no recycling`, births only "
        "while a unit is free, is measured and not judged: with 64 units for every world nothing "
        "is lost without it.",
        seeds=tuple(range(10)),
        target="Ours: the last tenth is .95 of the best 5 % or more. The plain agent, tuned for "
        "its life and for its peak: best 5 % at least .9 of solved, the last tenth less than .7 of "
        "that. Last tenth and whole life above each of these, ObGD and Swift-Sarsa; last tenth not "
        "25 steps below the plain agent that has our contexts; every lesion earns less. All "
        "apart.",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(100, 101, 102, 103, 104, 105),
    shown=("best", "last", "kept", "whole", "worst", "weights"),
)
