"""Gabors are found again, tuning is that of closed forms, and what is no field is refused."""

import numpy as np
import pytest

from sodachi.errors import DataError
from sodachi.recordings.receptive_fields import (
    ORIENTATIONS,
    effective_area,
    fit_gabor,
    grating_responses,
    orientation_tuning,
)

SIDE = 14


def gabor(x0=1.0, y0=-1.5, angle=0.7, frequency=0.18, along=1.8, across=2.6, phase=0.4):
    """By the formula, independently of the library."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    u = np.cos(angle) * (x - x0) + np.sin(angle) * (y - y0)
    v = -np.sin(angle) * (x - x0) + np.cos(angle) * (y - y0)
    envelope = np.exp(-0.5 * ((u / along) ** 2 + (v / across) ** 2))
    return envelope * np.cos(2 * np.pi * frequency * u + phase)


@pytest.mark.theory
@pytest.mark.parametrize("angle", [0.0, 0.7, 1.9, 3.0])
@pytest.mark.parametrize("scale", [-3.0, 0.01])
def test_a_gabor_is_found_again(angle, scale):
    found = fit_gabor(scale * gabor(angle=angle))
    assert found.explained == pytest.approx(1.0, abs=1e-6)
    assert found.centre == pytest.approx((1.0, -1.5), abs=1e-3)
    assert abs(np.sin(found.orientation - angle)) < 1e-3 and 0 <= found.orientation < np.pi
    assert found.frequency == pytest.approx(0.18, abs=1e-3)
    assert found.widths == pytest.approx((1.8, 2.6), abs=1e-2)
    np.testing.assert_allclose(found.image, scale * gabor(angle=angle), atol=2e-4 * abs(scale))


@pytest.mark.theory
def test_what_is_explained_is_one_less_the_share_of_noise_and_little_of_noise_alone():
    rng = np.random.default_rng(0)
    clean, noise = gabor(), rng.normal(size=(SIDE, SIDE))
    noise *= np.linalg.norm(clean) / np.linalg.norm(noise) / 2  # a fifth of the whole
    assert fit_gabor(clean + noise).explained == pytest.approx(0.8, abs=0.04)
    alone = [fit_gabor(rng.normal(size=(SIDE, SIDE))).explained for _ in range(5)]
    assert np.mean(alone) < 0.2
    x = np.arange(SIDE) - (SIDE - 1) / 2
    chequered = np.cos(np.pi * 0.4 * x)[:, None] * np.cos(np.pi * 0.4 * x)  # two orientations
    assert fit_gabor(chequered).explained < 0.7


@pytest.mark.theory
def test_the_response_to_gratings_is_the_field_s_fourier_transform():
    field = gabor()
    responses = grating_responses(field[None], (0.18,), 4)[0, 0]
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    for k, angle in enumerate(np.arange(4) * np.pi / 4):
        drift = []
        for phase in np.linspace(0, 2 * np.pi, 400):
            wave = np.cos(2 * np.pi * 0.18 * (x * np.cos(angle) + y * np.sin(angle)) - phase)
            drift.append(np.sum(field * (wave - wave.mean())))
        assert responses[k] == pytest.approx(max(drift), rel=1e-3)
    best = orientation_tuning(grating_responses(field[None]))
    assert abs(best.preferred[0] - 0.7) < np.pi / ORIENTATIONS


@pytest.mark.theory
def test_tuning_is_that_of_closed_forms():
    angle = np.arange(ORIENTATIONS) * np.pi / ORIENTATIONS
    flat, narrow = np.ones_like(angle), (angle == angle[7]).astype(float)
    for mean, swing in ((1.0, 1.0), (2.0, 1.0)):
        tuned = orientation_tuning((mean + swing * np.cos(2 * (angle - 0.7)))[None, None])
        assert tuned.circular_variance[0] == pytest.approx(1 - swing / (2 * mean), abs=1e-9)
        assert tuned.selectivity[0] == pytest.approx(swing / mean, abs=0.01)
    tuned = orientation_tuning(np.stack([flat, narrow])[:, None])
    assert tuned.circular_variance == pytest.approx([1.0, 0.0], abs=1e-9)
    assert tuned.preferred[1] == angle[7] and tuned.half_width[0] == pytest.approx(np.pi / 2)
    # A Gaussian of deviation s is 1/√2 of its peak at s √(ln 2).
    away = (angle - angle[10] + np.pi / 2) % np.pi - np.pi / 2
    bell = np.exp(-0.5 * (away / 0.3) ** 2)
    half = orientation_tuning(bell[None, None]).half_width[0]
    assert half == pytest.approx(0.3 * np.sqrt(np.log(2)), abs=0.005)
    both = np.stack([0.5 * narrow, bell])[None]  # the second frequency is the better
    assert np.array_equal(orientation_tuning(both).curve[0], bell)


@pytest.mark.theory
def test_the_area_of_normal_weights_is_a_third():
    rng = np.random.default_rng(0)
    one = np.zeros((1, 9, 9))
    one[0, 3, 4] = -2.0
    assert effective_area(one) == pytest.approx(1 / 81)
    assert effective_area(rng.normal(size=(200, 30, 30))).mean() == pytest.approx(1 / 3, abs=0.01)


@pytest.mark.unit
@pytest.mark.parametrize(
    "fields",
    [np.ones((3, 4)), np.ones((1, 3, 4)), np.zeros((1, 4, 4)), np.full((1, 4, 4), np.nan)],
)
def test_what_is_no_field_is_refused(fields):
    for use in (grating_responses, effective_area, lambda f: fit_gabor(f[0])):
        with pytest.raises(DataError, match="fields"):
            use(fields)
    with pytest.raises(DataError, match="responses"):
        orientation_tuning(np.zeros((1, 2, 3)))
