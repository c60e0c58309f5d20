"""Hidden sources: given by the experimenter, or inferred from the stimuli alone."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.decomposition import FastICA
from sklearn.exceptions import ConvergenceWarning

from sodachi.errors import DataError
from sodachi.recordings.recording import Recording

#: Variances of the stimuli fall by at least this factor after those that sources cause.
FALL = 2.0
#: Inferred sources must be two-valued: the share of variance between the two values.
TWO_VALUED = 0.75
#: Searches from different starts; the most two-valued components are taken.
RESTARTS = 5


def infer_sources(stimuli: np.ndarray, count: int | None = None, seed: int = 0) -> np.ndarray:
    r"""Return binary sources that explain the stimuli, each [trials], columns in order of inputs.

    Stimuli are noisy mixtures, ``E[o | s] = B s``. How many sources there are is where the
    eigenvalues of their covariance fall most steeply, by a factor of 2 or more; what they are is
    independent components (Hyvärinen, 1999) cut at the middle of their two values. A source is on
    when its own inputs are; sources are sorted by the inputs that follow them.

    Parameters
    ----------
    stimuli
        [trials, inputs], 0 or 1.
    count
        How many sources; judged from the stimuli when None.
    seed
        Of the search for components.

    Returns
    -------
    sources : [trials, count], 0 or 1

    Raises
    ------
    DataError
        Fewer directions than ``count``, none at all, or components that are not two-valued: no
        binary sources can be told apart (as where inputs mix two sources half and half).

    Examples
    --------
    >>> s = np.random.default_rng(0).integers(0, 2, (500, 2))
    >>> bool((infer_sources(np.repeat(s, 8, 1)) == s).all())
    True
    """
    stimuli = np.asarray(stimuli, np.float64)
    found = _directions(stimuli)
    if count is None:
        count = found
    if not 1 <= count <= found:
        expected = f"{count} that can be told apart" if count else "one or more in the stimuli"
        raise DataError("sources", expected, f"{found} directions")
    tries = (_components(stimuli, count, seed + k) for k in range(RESTARTS))
    on, two_valued = max(tries, key=lambda found: found[1])
    if two_valued < TWO_VALUED:
        worst = f"a component {two_valued:.0%} of which is two-valued"
        raise DataError("sources", "binary sources that can be told apart", worst)
    follow = (stimuli - stimuli.mean(0)).T @ (on - on.mean(0)) / len(on)
    centre = (np.arange(len(follow))[:, None] * np.maximum(follow, 0) ** 2).sum(0)
    order = np.argsort(centre / (np.maximum(follow, 0) ** 2).sum(0))
    return on[:, order].astype(np.float64)


def _components(stimuli: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, float]:
    """Return components cut in two [trials, count], and how two-valued the least of them is."""
    search = FastICA(count, whiten="unit-variance", random_state=seed, max_iter=1000, tol=1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # two-valuedness is judged instead
        parts = search.fit_transform(stimuli)
    parts = np.asarray(parts)
    follow = (stimuli - stimuli.mean(0)).T @ parts / len(parts)  # inputs × components
    parts = parts * np.sign(follow[np.abs(follow).argmax(0), np.arange(count)])
    on = np.stack([part > two_means(part) for part in parts.T], 1)
    return on, min(_between(part, half) for part, half in zip(parts.T, on.T, strict=True))


def known_sources(recording: Recording, count: int | None = None) -> tuple[np.ndarray, bool]:
    """Return the sources of a recording and whether they had to be inferred."""
    if recording.sources is not None:
        return recording.sources, False
    return infer_sources(recording.stimuli, count), True


def _directions(stimuli: np.ndarray) -> int:
    inputs = stimuli.shape[1]
    values = np.linalg.eigvalsh(np.cov(stimuli.T).reshape(inputs, inputs))[::-1]
    values = np.maximum(values, 1e-3 * values[0])
    if inputs == 1 or not values[0] > 0:
        return int(values[0] > 0)
    falls = values[:-1] / values[1:]
    place = int(np.argmax(falls))
    return place + 1 if falls[place] > FALL else 0


def two_means(part: np.ndarray) -> float:
    """Return the cut in the middle of two means that it makes (Ridler and Calvard's threshold).

    Examples
    --------
    >>> two_means(np.array([0.0, 0.1, 0.9, 1.0]))
    0.5
    """
    cut = float(part.min() + part.max()) / 2
    for _ in range(50):
        low, high = part[part <= cut], part[part > cut]
        new = float(low.mean() + high.mean()) / 2 if len(low) and len(high) else cut
        if abs(new - cut) < 1e-9:
            break
        cut = new
    return cut


def _between(part: np.ndarray, on: np.ndarray) -> float:
    """Return the share of a component's variance that lies between its two values."""
    if on.all() or not on.any():
        return 0.0
    share = on.mean()
    return float(share * (1 - share) * (part[on].mean() - part[~on].mean()) ** 2 / part.var())
