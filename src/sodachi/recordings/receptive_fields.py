"""What a cell is tuned to: its receptive field fitted by a Gabor, and asked with drifting gratings.

A field is what a cell adds up of an image, [side, side]; lengths are in pixels, frequencies in
cycles a pixel, angles in radians. An orientation is that of the wave: 0 varies along x.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import ndimage, optimize

from sodachi.errors import DataError

#: From coarse to near the finest that pixels show.
FREQUENCIES = (0.06, 0.08, 0.11, 0.15, 0.2, 0.27, 0.35)
ORIENTATIONS = 36
#: Starts of a fit: standard deviations of the envelope, in pixels.
STARTS = (1.2, 3.0)
SMALLEST = 0.5
"""Standard deviation of the narrowest envelope: narrower ones are single pixels."""


class Gabor(NamedTuple):
    """A sinusoid under a Gaussian envelope, and how much of a field it explains."""

    centre: tuple[float, float]
    """x and y from the middle of the field."""
    orientation: float
    """In [0, π)."""
    frequency: float
    widths: tuple[float, float]
    """Standard deviations of the envelope, along the wave and across it."""
    image: np.ndarray
    """The fitted field, [side, side]."""
    explained: float
    """``1 − Σ (field − image)² / Σ field²``."""


def fit_gabor(field: np.ndarray) -> Gabor:
    r"""Return the Gabor nearest to a field: ``e^{−u²/2σ² − v²/2τ²} (a cos 2πfu + b sin 2πfu)``.

    u and v are coordinates turned about a centre. Of eight numbers a and b are linear, and solved
    for in every step of SciPy's least squares; the others start at the peak of the field's energy
    and of its Fourier transform.

    Raises
    ------
    DataError
        For anything but a square of finite numbers that are not all 0.

    References
    ----------
    Jones & Palmer, An evaluation of the two-dimensional Gabor filter model of simple receptive
    fields in cat striate cortex (1987).

    Examples
    --------
    >>> x = np.arange(12) - 5.5
    >>> wave = np.exp(-(x**2 + x[:, None] ** 2) / 8) * np.cos(2 * np.pi * 0.2 * x)
    >>> found = fit_gabor(wave)
    >>> round(found.frequency, 3), round(found.explained, 3)
    (0.2, 1.0)
    """
    (field,) = _checked(np.asarray(field, np.float64)[None])
    side = len(field)
    flat = field.ravel() / np.linalg.norm(field)
    half, wide = side / 2, np.log(2.0 * side)
    bounds = (
        [-half, -half, -np.inf, 0.0, np.log(SMALLEST), np.log(SMALLEST)],
        [half, half, np.inf, 0.5, wide, wide],
    )
    place = _start(field)
    tries = (
        optimize.least_squares(
            lambda p: flat - _shape(p, flat, side),
            [*place, np.log(width), np.log(width)],
            bounds=bounds,
            max_nfev=40,
        )
        for width in STARTS
    )
    best: Any = min(tries, key=lambda found: found.cost)
    x, y, angle, frequency, along, across = best.x.tolist()
    return Gabor(
        centre=(x, y),
        orientation=angle % np.pi,
        frequency=frequency,
        widths=(float(np.exp(along)), float(np.exp(across))),
        image=(_shape(best.x, flat, side) * np.linalg.norm(field)).reshape(side, side),
        explained=1.0 - 2.0 * float(best.cost),
    )


def _start(field: np.ndarray) -> list[float]:
    """Return where the energy is, and the orientation and frequency of the strongest wave."""
    side, x, y = len(field), *_places(len(field))
    energy = ndimage.gaussian_filter(field**2, 1.0).argmax()
    size = 4 * side
    wave = np.fft.fftfreq(size)
    fx, fy = np.meshgrid(wave, wave)
    strength = np.abs(np.fft.fft2(field, (size, size))) * ((fx > 0) | ((fx == 0) & (fy >= 0)))
    peak = strength.argmax()
    fx, fy = fx.flat[peak], fy.flat[peak]
    frequency = float(np.clip(np.hypot(fx, fy), 0.02, 0.49))
    return [float(x.flat[energy]), float(y.flat[energy]), float(np.arctan2(fy, fx)), frequency]


def _shape(p: np.ndarray, flat: np.ndarray, side: int) -> np.ndarray:
    """Return the best sum of a cosine and a sine under the envelope that ``p`` says."""
    x, y = _places(side)
    cos, sin = np.cos(p[2]), np.sin(p[2])
    u, v = (x - p[0]) * cos + (y - p[1]) * sin, (y - p[1]) * cos - (x - p[0]) * sin
    envelope = np.exp(-0.5 * (u**2 * np.exp(-2 * p[4]) + v**2 * np.exp(-2 * p[5])))
    phase = 2 * np.pi * p[3] * u
    both = np.stack([envelope * np.cos(phase), envelope * np.sin(phase)]).reshape(2, -1)
    inner = both @ both.T + 1e-9 * np.eye(2)  # at frequency 0 there is no sine
    return np.linalg.solve(inner, both @ flat) @ both


def _places(side: int) -> tuple[np.ndarray, np.ndarray]:
    middle = np.arange(side) - (side - 1) / 2
    x, y = np.meshgrid(middle, middle)
    return x, y


def grating_responses(
    fields: np.ndarray,
    frequencies: tuple[float, ...] = FREQUENCIES,
    orientations: int = ORIENTATIONS,
) -> np.ndarray:
    r"""Return how strongly each cell follows drifting gratings, [cells, frequencies, orientations].

    The amplitude of ``Σ_xy field(x, y) cos(2πf(x cos θ + y sin θ) − φ)`` while φ drifts; θ are
    equal steps from 0 to π. Gratings have no mean over the field.

    Raises
    ------
    DataError
        As `fit_gabor`, for any of the fields [cells, side, side].

    Examples
    --------
    >>> grating_responses(np.eye(4)[None] - 0.25).shape
    (1, 7, 36)
    """
    fields = _checked(fields)
    x, y = _places(fields.shape[-1])
    angle = np.arange(orientations) * np.pi / orientations
    along = x[..., None] * np.cos(angle) + y[..., None] * np.sin(angle)
    phase = 2 * np.pi * along[..., None] * np.asarray(frequencies)
    wave = np.exp(1j * phase)
    wave -= wave.mean((0, 1))
    return np.abs(np.einsum("cxy,xyof->cfo", fields, wave, optimize=True))


class Tuning(NamedTuple):
    """How a cell is tuned to orientation, at the frequency that it likes best; each [cells]."""

    curve: np.ndarray
    """Responses, [cells, orientations]."""
    preferred: np.ndarray
    """Orientation of the strongest response."""
    circular_variance: np.ndarray
    """``1 − |Σ R e^{2iθ}| / Σ R``: 0 for one orientation alone, 1 for all alike."""
    selectivity: np.ndarray
    """``(R_pref − R_orth) / (R_pref + R_orth)``, the orientation selectivity index."""
    half_width: np.ndarray
    """Angle from the peak to where the curve is 1/√2 of it, mean of both sides; at most π/2."""


def orientation_tuning(responses: np.ndarray) -> Tuning:
    """Return the orientation tuning of cells from their `grating_responses`.

    Raises
    ------
    DataError
        For anything but [cells, frequencies, orientations] with some response of every cell.

    References
    ----------
    Ringach, Shapley & Hawken, Orientation selectivity in macaque V1 (2002): circular variance and
    the half-width at 1/√2 of the peak.

    Examples
    --------
    >>> angle = np.arange(36) * np.pi / 36
    >>> tuned = orientation_tuning(1 + np.cos(2 * angle)[None, None])
    >>> round(float(tuned.circular_variance[0]), 3), round(float(tuned.selectivity[0]), 3)
    (0.5, 1.0)
    """
    responses = np.asarray(responses, np.float64)
    if responses.ndim != 3 or not (responses.max((1, 2)) > 0).all():
        raise DataError("responses", "[cells, frequencies, orientations], above 0", responses.shape)
    cells, (count,) = np.arange(len(responses)), responses.shape[2:]
    curve = responses[cells, responses.max(2).argmax(1)]
    angle = np.arange(count) * np.pi / count
    sum_ = np.abs(curve @ np.exp(2j * angle)) / curve.sum(1)
    best = curve.argmax(1)
    peak, across = curve[cells, best], curve[cells, (best + count // 2) % count]
    widths = [[_falls(np.roll(row, -b)), _falls(np.roll(row, -b)[-np.arange(count)])]
              for row, b in zip(curve, best, strict=True)]  # fmt: skip
    return Tuning(
        curve=curve,
        preferred=angle[best],
        circular_variance=1.0 - sum_,
        selectivity=(peak - across) / (peak + across),
        half_width=np.minimum(np.mean(widths, axis=1) * np.pi / count, np.pi / 2),
    )


def _falls(curve: np.ndarray) -> float:
    """Return after how many steps from its peak, the first value, a curve is 1/√2 of it."""
    level = curve[0] / np.sqrt(2)
    below = np.flatnonzero(curve < level)
    if not len(below):
        return float(len(curve))
    i = below[0]
    return float(i - (level - curve[i]) / (curve[i - 1] - curve[i]))


def effective_area(fields: np.ndarray) -> np.ndarray:
    r"""Return the share of a field's pixels that carry it, ``(Σ w²)² / (n Σ w⁴)``: [cells].

    1/n for a single pixel, 1 where all weigh the same, 1/3 for independent normal weights.

    Raises
    ------
    DataError
        As `fit_gabor`.

    Examples
    --------
    >>> effective_area(np.stack([np.ones((2, 2)), np.diag([1.0, 0.0])])).tolist()
    [1.0, 0.25]
    """
    square = _checked(fields).reshape(len(fields), -1) ** 2
    return square.sum(1) ** 2 / (square.shape[1] * (square**2).sum(1))


def _checked(fields: Any) -> np.ndarray:
    fields = np.asarray(fields, np.float64)
    if fields.ndim != 3 or fields.shape[1] != fields.shape[2] or fields.shape[1] < 2:
        raise DataError("fields", "squares [side, side] of 2 or more", fields.shape)
    if not np.isfinite(fields).all() or not (np.abs(fields).max((1, 2)) > 0).all():
        raise DataError("fields", "finite numbers, not all 0", "other values")
    return fields
