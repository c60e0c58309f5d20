"""Claim: climbing the likelihood of a series, a dynamic Boltzmann machine learns by spike timing.

Pairs of single spikes at many lags are shown to the binary machine. What its rules change is held
against the derivative of the log-likelihood, and drawn against the lag; beside it stands the window
that is usually fitted to Bi and Poo's data.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from sodachi.claims.claim import Claim, Figures, Measured, Protocol
from sodachi.claims.spike_pairs import Pair, rule_change, slope, spikes, window
from sodachi.claims.statistics import Check, above, at_most, by_mean
from sodachi.claims.stdp_window import BI_POO, PAIRS, Window, paired
from sodachi.rules import stdp

FARTHEST = {"quick": 6, "full": 16}  # ticks
DT_ms = {"quick": 5.0, "full": 2.0}
FARTHEST_ms = 80.0
SYMMETRIC_ms = np.geomspace(5.0, 80.0, 9)  # time constants that the rival may choose from
OURS, DATA, HEBB, LESION = "its own rules", "beside the data's fit", "symmetric Hebb", "no v"


def drawn(seed: int) -> Pair:
    """Return a pair of cells: delay 1 to 4, decays .5 to .9, a chance to fire of .02 to .3."""
    rng = np.random.default_rng([seed, 61])
    lam, mu = rng.uniform(0.5, 0.9, 2)
    return Pair(1 + seed % 4, float(lam), float(mu), float(rng.uniform(0.02, 0.3)))


def all_lags(form: str) -> np.ndarray:
    """Return every lag in ticks but 0: two spikes of one tick are linked by no synapse."""
    far = FARTHEST[form]
    return np.concatenate([np.arange(-far, 0), np.arange(1, far + 1)])


def own_rules(seed: int, form: str) -> Figures:
    """Return how the rules agree with the slope, and the window's sign and decays."""
    pair, lags = drawn(seed), all_lags(form)
    ticks = 2 * FARTHEST[form] + 4
    rng = np.random.default_rng([seed, 67])
    lively = pair._replace(u=float(rng.normal()), v=float(rng.normal()))
    trains = spikes(lags, ticks)
    rule, truth = rule_change(lively, trains), slope(lively, trains)
    apart = max(np.abs(rule[n] - truth[n]).max() / np.abs(truth[n]).max() for n in truth)

    seen = window(pair, lags, rule_change, ticks)
    late = lags >= pair.delay  # the pre spike had arrived
    wrong = np.sign(seen["w"]) != np.where(late, 1, -1)
    lam = np.exp(np.polyfit(lags[late], np.log(seen["u"][late]), 1)[0])
    mu = np.exp(-np.polyfit(lags[~late], np.log(-seen["v"][~late]), 1)[0])
    likelier = np.where(late, seen["u"], -seen["v"])  # to the pair's log-odds u adds, v takes away
    return {
        "slope_error": float(apart),
        "wrong_signs": float(wrong.sum()),
        "turn": float(lags[seen["w"] > 0].min() - pair.delay),
        "lambda_error": abs(float(lam) - pair.trace_decay),
        "mu_error": abs(float(mu) - pair.depression_decay),
        "less_likely": float((likelier <= 0).sum()),
    }


def _lags_ms(form: str) -> np.ndarray:
    side = np.arange(DT_ms[form], FARTHEST_ms + 1e-9, DT_ms[form])
    return np.concatenate([-side[::-1], side])


def _residual(shape, lags_ms) -> float:
    """How far the best multiple (of each lobe) is from the fit to the data, in its deviations."""
    fit = BI_POO(lags_ms)
    size = np.linalg.lstsq(shape, fit, rcond=None)[0]
    return float(np.sqrt(np.mean((shape @ size - fit) ** 2)) / np.std(fit))


def beside_data(seed: int, form: str, with_depression: bool = True) -> Figures:
    """Return the residual of the machine's window to the fit: its decays, and two step sizes."""
    dt, lags_ms = DT_ms[form], _lags_ms(form)
    lags = np.rint(lags_ms / dt).astype(int)
    lam, mu = np.exp(-dt / BI_POO.tau_plus_ms), np.exp(-dt / BI_POO.tau_minus_ms)
    pair = Pair(1, float(lam), float(mu), drawn(seed).chance)
    measure = partial(rule_change, with_depression=with_depression)
    seen = window(pair, lags, measure, 2 * len(lags) + 4)
    lobes = np.stack([seen["u"], seen["v"]], 1)
    return {
        "residual": _residual(lobes, lags_ms),
        "depression": float(-seen["w"][lags < 0].min()),
    }


def symmetric(seed: int, form: str) -> Figures:
    """Return the same of a Hebbian rule that counts near spikes in whichever order they come."""
    lags_ms = _lags_ms(form)
    rule = stdp(1e-3, -1e-3, (-1.0, 1.0))  # both orders potentiate, alike
    found = []
    for tau in SYMMETRIC_ms:
        grown = paired(rule, 0.0, lags_ms, Window(1, 1, tau, tau), DT_ms[form]) / PAIRS
        found.append((_residual(grown[:, None], lags_ms), grown))
    residual, best = min(found, key=lambda pair: pair[0])
    return {"residual": residual, "depression": float(-best[lags_ms < 0].min())}


def rows(seed: int, form: str) -> dict[str, Callable[[], Figures]]:
    """Return what is measured."""
    return {
        OURS: partial(own_rules, seed, form),
        DATA: partial(beside_data, seed, form),
        HEBB: partial(symmetric, seed, form),
        LESION: partial(beside_data, seed, form, False),
    }


def check_full(m: Measured) -> list[Check]:
    """The target: the rules are the slope; the sign turns at arrival; decays are λ and μ."""
    return [
        at_most("rules and derivative within 1e-6, every parameter", m(OURS, "slope_error"), 1e-6),
        at_most("no lag with the wrong sign", m(OURS, "wrong_signs"), 0.5),
        at_most("the sign turns where the pre spike arrives",
                {s: abs(t) for s, t in m(OURS, "turn").items()}, 0.5),
        at_most("no pair makes itself less likely", m(OURS, "less_likely"), 0.5),
        at_most("potentiation decays by λ, within 1e-6", m(OURS, "lambda_error"), 1e-6),
        at_most("depression decays by μ, within 1e-6", m(OURS, "mu_error"), 1e-6),
        at_most("residual to the data's fit below .05", m(DATA, "residual"), 0.05),
        above("symmetric Hebb: .5 farther", m(HEBB, "residual"), m(DATA, "residual"), 0.5),
        at_most("lesion: without v no depression", m(LESION, "depression"), 1e-9),
        above("lesion: .2 farther from the data's fit", m(LESION, "residual"),
              m(DATA, "residual"), 0.2),
    ]  # fmt: skip


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""

    def below(row, metric, bound):
        return {seed: bound - value for seed, value in m(row, metric).items()}

    return [
        by_mean("rules and derivative within 1e-5", below(OURS, "slope_error", 1e-5), 0.0),
        by_mean("no lag with the wrong sign", below(OURS, "wrong_signs", 0.5), 0.0),
        by_mean("without v no depression", below(LESION, "depression", 1e-9), 0.0),
    ]


CLAIM = Claim(
    name="stdp-from-likelihood",
    source={
        "document": "T. Osogami and M. Otsuka, Seven neurons memorizing sequences of alphabetical "
        "images via spike-timing dependent plasticity, Scientific Reports 5 (2015)",
        "sentence": "A dynamic Boltzmann machine that climbs the likelihood of a series has a "
        "learning rule with properties of spike-timing-dependent plasticity (in our words).",
    },
    rows=rows,
    rivals={
        HEBB: "pairs count in whichever order they come, with one time constant, the best of nine "
        "from 5 to 80 ms, and the best size: Hebb's rule with a trace",
    },
    lesion={LESION: "the machine without long-term depression: no v, hence no β and no γ"},
    quick=Protocol(
        words="Lags within ±6 ticks (5 ms beside the data's fit); judged on means of two seeds.",
        seeds=(0, 1),
        target="Rules and derivative within 1e-5; no wrong sign; without v no depression.",
        check=check_quick,
    ),
    full=Protocol(
        words="Two cells, one synapse; delay 1 to 4, λ, μ and the chance to fire drawn anew for "
        "each seed. One spike each at every lag within ±16 ticks. What the machine's own rules "
        "add up to is compared with the derivative of the log-likelihood, which is written out by "
        "definition and differentiated automatically, in float64, at random u and v. What pairing "
        "alone changes (both spikes, less what each does by itself) is drawn against the lag at u "
        "= v = 0; w is u + v. Depression means that v falls: v holds a spike down, so that pair, "
        "too, becomes likelier, as a likelihood demands; the name follows the source. Beside it "
        "the fit to Bi and Poo's data, in ticks of 2 ms within ±80 ms: λ and μ take its time "
        "constants and each lobe its best size (amplitudes from memory, see `stdp_window`), so "
        "agreement is of form alone.",
        seeds=tuple(range(10)),
        target="Rules and derivative within 1e-6; the sign of w turns where the pre spike arrives, "
        "and is right at every lag; decays are λ and μ within 1e-6; every pair makes itself "
        "likelier; residual to the data's fit below .05 deviations, symmetric Hebb .5 farther, "
        "without v no depression and .2 farther. All apart.",
        check=check_full,
    ),
    module=__name__,
    shown=("slope_error", "wrong_signs", "residual", "depression"),
)
