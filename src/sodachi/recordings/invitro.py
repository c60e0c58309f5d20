"""The in-vitro recordings of Isomura et al. (2023), and their authors' own results, where present.

Both come from repositories under the GPL: they are read for comparison, and nothing of them is in
the package. They are looked for in the folder ``invitro`` of SODACHI_DATA and of the cache.
"""

from __future__ import annotations

import io

import numpy as np
import scipy.io

from sodachi.data.fetch import fetch, present
from sodachi.data.table import File
from sodachi.errors import DataError
from sodachi.recordings.activity import activity
from sodachi.recordings.fields import recording
from sodachi.recordings.matlab import cultures
from sodachi.recordings.recording import Recording

NAME = "invitro"
#: Pure sources, half-mixed sources, and sources mixed 3 to 1 under bicuculline.
RECORDED = {
    "mix0": File(
        "mix0.mat", "45a56cd147c76c854c0eec48fd58645c76205edd1e7b06ff2d76640f2d7ac072", 2120612
    ),
    "mix50": File(
        "mix50.mat", "8d384c2a6c5aea1ac5c5deaf09820af4791d7e65242f7c2fb18c01da997df542", 2156282
    ),
    "bic": File(
        "bic.mat", "21824a2b09977401b4f9065820ea2f98b16eb82ce8351e405c8eaf734d7d91e9", 3308199
    ),
}
#: What the authors' program makes of one culture of each kind; of the controls there is only this.
RESULTS = {
    "mix0": File(
        "invitro_bss_mix0.npz",
        "a816f3b770816dd59079a17965384b02e86185e788769c88a11b1435071fa7ab",
        169474,
    ),
    "mix50": File(
        "invitro_bss_mix50.npz",
        "37ed52e9bdddab2e72b89800ab8a1a90787d87566b5f88d013b1841b186da5b8",
        441632,
    ),
    "bic": File(
        "invitro_bss_bic.npz",
        "0ce10ff821d1742b54f1039a6c6f2591dba91712ff27c64cc4af1ad21b7a17bd",
        481152,
    ),
    "ctrl": File(
        "invitro_bss_ctrl.npz",
        "546aab572de51631892a1b5cffb98408459400793a7268c46a41ab736789bcd4",
        463186,
    ),
}
#: The control culture of the results saw the stimuli of this bicuculline culture: with them, its
#: weights come out to the last digit, and with no other's.
CONTROL_STIMULI = 1


def invitro_present() -> bool:
    """Return whether all recordings and results are there."""
    files = (*RECORDED.values(), *RESULTS.values())
    return all(present(NAME, file) for file in files)


def load_invitro(kind: str) -> list[Recording]:
    """Return the cultures of a kind: ``mix0`` (4), ``mix50`` (4) or ``bic`` (6).

    Each has 100 sessions of 256 trials, 32 inputs, 64 electrodes and 2 sources. Every session shows
    the same 256 stimuli in the same order.

    Raises
    ------
    DataError
        An unknown kind, changed bytes, or a file that is not there: it is not downloaded.

    Examples
    --------
    >>> load_invitro("rat")
    Traceback (most recent call last):
    ...
    sodachi.errors.DataError: in-vitro recordings: expected one of mix0, mix50, bic, got 'rat'
    """
    if kind not in RECORDED:
        raise DataError("in-vitro recordings", f"one of {', '.join(RECORDED)}", repr(kind))
    content = scipy.io.loadmat(io.BytesIO(fetch(NAME, RECORDED[kind])), simplify_cells=True)
    found = [value for name, value in content.items() if not str(name).startswith("__")]
    return [
        recording(columns, f"{kind} {k + 1}", trials=256)
        for k, columns in enumerate(cultures(found))
    ]


def load_results(kind: str) -> dict[str, np.ndarray]:
    """Return the authors' own results for one culture: ``x, xp, W, Wp, L_list`` and more.

    Raises
    ------
    DataError
        An unknown kind, changed bytes, or a file that is not there.
    """
    if kind not in RESULTS:
        raise DataError("in-vitro results", f"one of {', '.join(RESULTS)}", repr(kind))
    with np.load(io.BytesIO(fetch(NAME, RESULTS[kind])), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def solve_baseline(culture: Recording, x: np.ndarray) -> float:
    """Return the baseline with which a culture's activity [cells, trials] was published.

    For bicuculline it is the mean over controls too, which are not to be had. It enters as
    ``r̄₁/(4b)``, one number for each cell, and is solved from where x is not clipped.
    """
    guess = 1.0
    for _ in range(3):  # the nearer the guess, the more trials are inside on both sides
        ours = activity(culture, normalisation="look-ahead", baseline=guess)
        units = ours.ensembles.units[0]
        mean = float(culture.responses[: ours.length, units].mean())
        inside = (x[0] > 0.01) & (x[0] < 0.99)
        inside &= (ours.values[0] > 0) & (ours.values[0] < 1)
        shift = float(np.median((x[0] - ours.values[0])[inside]))
        guess = mean / (mean / guess + 4 * shift)
    return guess
