"""Claim: from a culture's answers alone, what it believes, expects and will learn is recovered."""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np

from sodachi.claims.claim import Claim, Figures, Measured, Protocol
from sodachi.claims.invitro import SOURCE
from sodachi.claims.statistics import Check, above, at_most, by_mean
from sodachi.recordings.activity import activity
from sodachi.recordings.ensembles import Criteria
from sodachi.recordings.fitting import Fit, fit
from sodachi.recordings.forecasting import forecast
from sodachi.recordings.intervals import Estimate, estimates
from sodachi.recordings.published import SEEN, analyse
from sodachi.recordings.recording import Recording
from sodachi.recordings.simulate import Truth, simulate_culture

#: Sources, recorded units, inputs of each source.
SIZES = {
    "2 sources, 32 units": (2, 32, 16),
    "4 sources, 128 units": (4, 128, 16),
    "8 sources, 256 units": (8, 256, 8),
}
NOISY = "2 sources, noise the model has not"
PUBLISHED, STILL = "published analysis, ", "no plasticity, "
FIRST = 300
PARAMETERS = ("prior_count", "prior", "base", "gain")


def culture(size: str, seed: int, sessions: int = 100) -> tuple[Recording, Truth]:
    """Return a simulated culture of a size; its prior count is drawn, 300 to 3,000."""
    count = 10 ** np.random.default_rng([seed, 53]).uniform(2.5, 3.5)
    if size == NOISY:
        return simulate_culture(seed, sources=2, units=32, sessions=sessions, prior_count=count,
                                noise=0.5, dispersion=1.5, drift=0.02)  # fmt: skip
    sources, units, inputs = SIZES[size]
    return simulate_culture(seed, sources=sources, units=units, inputs=inputs, sessions=sessions,
                            prior_count=count)  # fmt: skip


@lru_cache(2)
def measure(size: str, seed: int, sessions: int = 100) -> tuple[Figures, Figures]:
    """Return errors, coverage of 95 % intervals and the forecast's error; and without plasticity.

    The second has the error of weights that stay as they were after the early sessions.
    """
    recording, truth = culture(size, seed, sessions)
    # Ensembles as found; a simulated unit may answer less than once a trial.
    done = activity(recording, normalisation="none", criteria=Criteria(rate=0.0))
    wrong = sum(
        len(set(found) - set(true))
        for found, true in zip(done.ensembles.units, truth.ensembles, strict=True)
    )
    whole = fit(done)
    figures = recovered(whole, done.ensembles.units, truth) | {"strangers": float(wrong)}
    ahead = forecast(fit(done, sessions=SEEN), strict=False)
    figures["forecast_error"] = distance(ahead.memory.at(-1), truth.memory.at(-1))
    return figures, {"forecast_error": distance(ahead.memory.at(SEEN), truth.memory.at(-1))}


def recovered(found: Fit, units: tuple[np.ndarray, ...], truth: Truth) -> Figures:
    """Return how far a fit is from the truth, and how often its intervals hold it."""
    said = estimates(found)
    A1, A0 = truth.memory.at(-1).likelihood
    true = {
        "prior_count": truth.prior_count,
        "prior": truth.prior,
        "base": np.array([truth.base[u].mean() for u in units]),
        "gain": np.array([truth.gain[u].mean() for u in units]),
    }
    off = np.concatenate([said.A1.value - A1, said.A0.value - A0])
    figures = {
        "A_error": float(np.abs(off).max()),
        "D_error": float(np.abs(said.prior.value - truth.prior).max()),
        "A_covered": float(np.mean([covered(said.A1, A1), covered(said.A0, A0)])),
        "cells": float(len(units)),
    }
    for name in PARAMETERS:
        figures[f"{name}_covered"] = covered(getattr(said, name), true[name])
    return figures


def covered(estimate: Estimate, truth: np.ndarray) -> float:
    """Return the share of intervals that hold the truth."""
    return float(((estimate.low <= truth) & (truth <= estimate.high)).mean())


def distance(memory, truth) -> float:
    """Return ``‖Â − A‖ / ‖A‖`` over both states of all cells (not squared)."""
    A, true = np.concatenate(memory.likelihood), np.concatenate(truth.likelihood)
    return float(np.linalg.norm(A - true) / np.linalg.norm(true))


def rival(size: str, seed: int) -> Figures:
    """Return the errors of the published analysis on the same culture."""
    recording, truth = culture(size, seed)
    # The ensembles that ours finds early: over all sessions a cell may have left its source.
    early = activity(recording, normalisation="none", criteria=Criteria(rate=0.0))
    done = activity(recording, normalisation="look-ahead", ensembles=early.ensembles)
    found = analyse(done)
    A = np.concatenate(found.circuit.memory.at(-1).likelihood)
    off = A - np.concatenate(truth.memory.at(-1).likelihood)
    return {
        "A_error": float(np.abs(off).max()),
        "D_error": float(np.abs(found.circuit.prior - truth.prior).max()),
        "forecast_error": distance(found.memory.at(-1), truth.memory.at(-1)),
    }


def rows(seed: int, form: str):
    """Return each size, the noisy culture, and the published analysis of each size."""
    quick = form == "quick"
    sizes = list(SIZES)[:1] if quick else [*SIZES, NOISY]
    found = {}
    for size in sizes:
        for row, part in ((size, 0), (STILL + size, 1)):
            found[row] = partial(_part, size, seed, 40 if quick else 100, part)
        if not quick and size != NOISY:
            found[PUBLISHED + size] = partial(rival, size, seed)
    return found


def _part(size: str, seed: int, sessions: int, part: int) -> Figures:
    return measure(size, seed, sessions)[part]


def pooled(m: Measured, metric: str) -> dict[int, float]:
    """Return the mean over all cells of all sizes, by seed."""
    cells = {size: m(size, "cells") for size in SIZES}
    shares = {size: m(size, metric) for size in SIZES}
    return {
        seed: sum(shares[z][seed] * cells[z][seed] for z in SIZES)
        / sum(cells[z][seed] for z in SIZES)
        for seed in shares[next(iter(SIZES))]
    }


def check_full(m: Measured) -> list[Check]:
    """The target: near, honest about how near, and ahead of the published analysis."""
    checks = []
    for size in SIZES:
        checks += [
            at_most(f"{size}: every likelihood within .05", m(size, "A_error"), 0.05),
            at_most(f"{size}: every prior within .02", m(size, "D_error"), 0.02),
            *_covers(f"{size}: intervals of A", m(size, "A_covered")),
            at_most(f"{size}: weights forecast within 10 %", m(size, "forecast_error"), 0.10),
            above(f"lesion: {size}: standing still errs more", m(STILL + size, "forecast_error"),
                  m(size, "forecast_error")),
            above(f"{size}: A nearer than the published analysis", m(PUBLISHED + size, "A_error"),
                  m(size, "A_error")),
            above(f"{size}: forecast nearer than the published",
                  m(PUBLISHED + size, "forecast_error"), m(size, "forecast_error")),
        ]  # fmt: skip
    for name in PARAMETERS:
        checks += _covers(f"all sizes: intervals of {name}", pooled(m, f"{name}_covered"))
    return checks


def _covers(words: str, share: dict[int, float]) -> list[Check]:
    """Judge the mean: a few cells a seed hold no interval of their own."""
    return [
        by_mean(f"{words} hold the truth 90 % or more", share, 0.90),
        by_mean(f"{words}: and not above 98 %", {s: -v for s, v in share.items()}, -0.98),
    ]


def check_quick(m: Measured) -> list[Check]:
    """The smallest culture, judged on means."""
    size = next(iter(SIZES))
    return [
        by_mean("every likelihood within .05", {s: -v for s, v in m(size, "A_error").items()},
                -0.05),
        by_mean("every prior within .05", {s: -v for s, v in m(size, "D_error").items()}, -0.05),
        by_mean("weights forecast within 10 %",
                {s: -v for s, v in m(size, "forecast_error").items()}, -0.10),
        by_mean("intervals of A hold at least 80 %", m(size, "A_covered"), 0.80),
    ]  # fmt: skip


CLAIM = Claim(
    name="recovery",
    source=SOURCE,
    rows=rows,
    rivals={
        PUBLISHED + size: "the published analysis: activity scaled by its deviation and clipped, "
        "lambda 3000, gain 2"
        for size in SIZES
    },
    lesion={
        STILL + size: "the fit of ten sessions without plasticity after them" for size in SIZES
    },
    quick=Protocol(
        words="Two sources, 32 units, 40 sessions; judged on means.",
        seeds=(FIRST, FIRST + 1),
        target="Likelihoods and priors within .05, weights forecast within 10 %, intervals of A "
        "holding 80 %.",
        check=check_quick,
    ),
    full=Protocol(
        words="Simulated cultures of 100 sessions of 256 trials: canonical networks that learn "
        "from every eight trials, prior counts 300 to 3,000 (drawn), priors .4 to .6, inputs that "
        "copy their own source with .75; each unit answers by Poisson counts with a base and gain "
        "of its own. Ensembles are found, not told. Errors are the largest of all synapses and "
        "cells; likelihoods are those at the end. Weights are forecast for the end from sessions 1 "
        "to 10: |A - forecast| / |A|, not squared. Coverage of A is judged for each size, that of "
        "the parameters over all 14 cells of a seed, both on the mean of ten seeds. Another row "
        "adds what the model has not: noise of the membrane (.5), overdispersed counts (1.5), "
        "drifting excitability (.02 a session); nothing is claimed of it. The estimator was made "
        "with other seeds (a first set of ten showed intervals of D too short, and was retired).",
        seeds=tuple(range(FIRST, FIRST + 10)),
        target="A within .05, D within .02, weights forecast within 10 %, the largest error and "
        "the whole interval; 95 % intervals hold the truth 90 to 98 % of the time; standing still "
        "and the published analysis err more, apart.",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(*range(25), *range(40, 58), *range(100, 110)),
    shown=("A_error", "D_error", "A_covered", "forecast_error"),
)
