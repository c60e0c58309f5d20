"""What the claims on cultures share: sources, activity by kind, and the analyses of each."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from sodachi.recordings.activity import Activity, activity
from sodachi.recordings.ensembles import Ensembles
from sodachi.recordings.invitro import CONTROL_STIMULI, load_invitro, load_results, solve_baseline
from sodachi.recordings.published import common_baseline
from sodachi.recordings.recording import Recording

#: Kinds of cultures, and how many of each there are; of the controls, one chosen by its authors.
KINDS = {"mix0": 4, "mix50": 4, "bic": 6, "ctrl": 1}
LOOKING, CAUSAL = "look-ahead", "causal"
SOURCE = {
    "document": "T. Isomura, A unified theory of brain intelligence (talk, 2024)",
    "sentence": "Plasticity follows the free-energy gradient; subsequent plasticity is predicted.",
}


@lru_cache(None)
def baseline(kind: str) -> float:
    """Return the excitability that a kind's activity is related to, as published."""
    if kind in ("bic", "ctrl"):
        return solve_baseline(load_invitro("bic")[0], load_results("bic")["x"])
    return common_baseline(load_invitro(kind))


@lru_cache(None)
def culture_activity(kind: str, mode: str) -> tuple[Activity, ...]:
    """Return the activity of all cultures of a kind.

    Of the controls there is only the published activity of one, looking ahead; its stimuli are
    those of a bicuculline culture (its published weights follow from them to the last digit).
    """
    if kind != "ctrl":
        return tuple(
            activity(culture, normalisation=mode, baseline=baseline(kind))
            for culture in load_invitro(kind)
        )
    x = load_results("ctrl")["x"]
    lent = load_invitro("bic")[CONTROL_STIMULI]
    recording = Recording(x.T, lent.stimuli, lent.sources, 256, name="ctrl 1", kind="rates")
    nothing = Ensembles((np.array([0]), np.array([1])), np.zeros((2, 2)), {})
    like = activity(lent, normalisation=LOOKING, baseline=1.0)
    return (replace(like, values=x, recording=recording, ensembles=nothing),)
