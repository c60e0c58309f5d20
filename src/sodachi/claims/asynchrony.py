"""Claim: no common clock. Cells that move when they like, on old news, settle where all others do.

Three ways to have no clock, each against the form that has one: random masks and delays on MNIST,
one unit at a time on digits, and layers on devices of their own that only exchange messages with
their neighbours. What is compared is the equilibrium, what was learned, and who waits for whom.
"""

from __future__ import annotations

from functools import partial

from sodachi.claims import layers_apart
from sodachi.claims.claim import Claim, Measured, Protocol
from sodachi.claims.layer_devices import measure_apart
from sodachi.claims.layers_apart import DEPTHS
from sodachi.claims.statistics import Check, above, at_least, at_most, by_mean, within
from sodachi.claims.unclocked import CLOCK, LAYERS, lived, misled

OLD, APART, STALE = "mnist, news too old", "layers on devices", "layers on devices, stale"
OURS = {"mnist": "masks and delays", "digits": "one unit at a time"}


def rows(seed: int, form: str):
    """Return what is measured: each data set with and without a clock, the devices, the lesions."""
    asked = [(data, way) for data in OURS for way in (CLOCK, OURS[data])]
    if form == "quick":
        asked = [("digits", OURS["digits"])]
    wanted = {f"{data}, {way}": partial(lived, data, way, seed, form) for data, way in asked}
    if form == "full":
        wanted[OLD] = partial(misled, seed, form)
    for row, news in ((APART, "fresh"), (STALE, "stale")):
        count = len(LAYERS["devices"])
        wanted[row] = partial(measure_apart, layers_apart.__name__, count, str(seed), news)
    return wanted


def check_full(m: Measured) -> list[Check]:
    """The target: the same equilibrium, the same accuracy, the same result; lesions undo it."""
    checks = []
    for data, way in OURS.items():
        row, clock = f"{data}, {way}", f"{data}, one clock"
        checks += [
            at_most(f"{row}: largest force left below .001", m(row, "residual"), 1e-3),
            at_most(f"{row}: within .001 of the clock's equilibrium", m(row, "distance"), 1e-3),
            within(f"{row}: accuracy within .02", m(row, "accuracy"), m(clock, "accuracy"), 0.02),
        ]
    checks += [
        at_least(f"{APART}: each on its own", m(APART, "devices"), len(LAYERS["devices"]) - 0.5),
        at_most(f"{APART}: weights within 1e-5 of one device's", m(APART, "difference"), 1e-5),
        at_most(f"{APART}, no order: force left below .001", m(APART, "residual"), 1e-3),
        at_most(f"{APART}, no order: within .001 of the equilibrium", m(APART, "distance"), 1e-3),
        *(above(f"{APART}: {n} layers, backprop idles more", m(APART, f"idle_backprop_{n}"),
                m(APART, f"idle_ours_{n}")) for n in DEPTHS),
    ]  # fmt: skip
    for row in LESION:
        checks.append(at_least(f"{row}: not the equilibrium, off by .01", m(row, "distance"), 0.01))
    return checks


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""

    def minus(values):
        return {seed: -value for seed, value in values.items()}

    near = "within .01 of the equilibrium"
    return [
        *(by_mean(f"{row}: {near}", minus(m(row, "distance")), -0.01)
          for row in (f"digits, {OURS['digits']}", APART)),
        by_mean(f"{APART}: weights within 1e-5", minus(m(APART, "difference")), -1e-5),
        by_mean(f"{STALE}: off by .01", m(STALE, "distance"), 0.01),
    ]  # fmt: skip


LESION = {
    OLD: "the net that grew by the clock, its cells on random masks with a step and delays far "
    "beyond the bound rate × curvature × (1 + delay) < 1 (its figure stands beside)",
    STALE: "layers that act in any order while what comes back from downstream is never fresh",
}

CLAIM = Claim(
    name="asynchrony",
    source={
        "document": "Learning algorithm of biological networks (video lecture on predictive "
        "coding)",
        "sentence": "Neurons and synapses act as autonomous agents on what is physically there, in "
        "parallel and without central control; backpropagation needs global coordination.",
    },
    rows=rows,
    rivals={
        "mnist, one clock": "the same net, all cells moving together: 20 ticks of .1 to learn, "
        "100 to read; label on top and pixels predicted, 784-32-10",
        "digits, one clock": "the same for 64-32-10",
        APART: "in this row too: backpropagation in lock-step, a layer a device, one "
        "batch under way, its waits counted (pipelines of several batches would fill them)",
    },
    lesion=LESION,
    quick=Protocol(
        words="200 digits, lived once in batches of 10, and layers on devices; judged on means of "
        "two seeds.",
        seeds=(0, 1),
        target="Within .01 of the clock's equilibrium in both; weights of layers on devices within "
        "1e-5 of one device's; on stale news off by .01 or more.",
        check=check_quick,
    ),
    full=Protocol(
        words="Predictive coding, label on top and pixels predicted; learning in one pass and "
        "reading by relaxation: 800 images of MNIST with cells that move with chance .5 on news "
        "up to 2 ticks old; 800 digits with one unit at a time; digits 64-32-32-10 with every "
        "layer on a CPU device of its own, first in step, then in random order on the last news. "
        "Equilibria under image and label, certified by the largest force left, relative to the "
        "largest activity. Waiting is counted in units of one product of a layer's weights, not "
        "clocked: predictive coding idles less and sends more (20 ticks against one sweep). 95 % "
        "t intervals over ten seeds, paired by seed.",
        seeds=tuple(range(10)),
        target="Equilibria within .001, forces below .001; accuracy within .02 of the clock's "
        "(the whole interval); weights learned on several devices within 1e-5 of one device's; "
        "idle share below backprop's at 3 and 16 layers; both lesions off by .01 or more.",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(100, 101, 102, 103, 104),
    shown=("accuracy", "distance", "residual", "difference", "messages_a_tick", "idle_ours_16",
           "idle_backprop_16", "time_ours_16", "time_backprop_16"),
)  # fmt: skip
