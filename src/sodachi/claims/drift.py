"""Claim: a world that drifts is followed better by inferring activity before learning.
"""
from __future__ import annotations
import numpy as np
from sodachi.claims.prospective import *
N=3008
def task(seed: int, tuning: bool = False, updates: int = 3008) -> Task:
    seen = images(seed, 100, tuning)
    rng = np.random.default_rng([seed, 21])
    learned = np.concatenate([rows[:120] for rows in seen.by_class])
    others = np.concatenate([rows[120:3120] for rows in seen.by_class])
    rows = batches(rng, learned, 32, updates)
    names = np.tile(np.arange(10), (updates, 1))
    for start in range(0, updates, 64):
        names[start : start + 64, 5:] = rng.permutation(names[0, 5:])
    labels = np.take_along_axis(names, seen.labels[rows], 1)
    truth = names[15::16][:, seen.truth]
    before = batches(rng, others, 60, 1500)
    start = Task((784,32,32,10), seen.learned, before, seen.labels[before], seen.tests, seen.truth[None])
    state = life(Learner("adam", 1e-3), start, seed)[2]
    return Task((784,32,32,10), seen.learned, rows, labels, seen.tests, truth, state.shared["weights"])
