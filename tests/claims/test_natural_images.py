"""Patches are level and white, held-out parts are apart, and scrambling keeps correlations only."""

import numpy as np
import pytest

from sodachi.claims.natural_images import (
    LEVEL,
    levelled,
    parted,
    patches,
    scenes,
    scrambled,
    whitening,
)
from sodachi.claims.natural_patches import examined
from sodachi.data import load_photographs


@pytest.mark.unit
def test_photographs_are_there_in_grey():
    found = load_photographs()
    assert list(found) == ["china.jpg", "flower.jpg"]
    for grey in found.values():
        assert grey.dtype == np.float32 and 0 <= grey.min() < 0.1 and 0.8 < grey.max() <= 1


@pytest.mark.unit
def test_nothing_that_is_learned_from_is_held_out():
    numbered = (np.arange(300.0).reshape(10, 30),)
    (left,), (right,) = parted(numbered, False), parted(numbered, True)
    assert left.shape == (10, 20) and right.shape == (10, 10)
    assert not set(left.ravel()) & set(right.ravel())


@pytest.mark.theory
def test_patches_are_windows_without_mean_and_contrast_and_not_flat():
    rng = np.random.default_rng(0)
    image = np.outer(np.arange(20.0), np.ones(20))
    image[:, 10:] = 3.0  # flat to the right
    found = patches((image,), 400, 4, rng)
    assert 0 < len(found) < 400
    rows = np.repeat(np.arange(4.0), 4) - 1.5
    expected = rows / np.sqrt(1.25 + LEVEL**2)
    assert np.any(np.all(np.isclose(found, expected), axis=1))
    assert np.allclose(found.mean(1), 0)
    again = levelled(5.0 * rng.normal(size=(50, 9)) + 7.0)
    assert np.allclose(again.std(1), 1, atol=1e-3)


@pytest.mark.theory
def test_white_components_have_unit_covariance_and_fields_are_turned_back():
    seen = patches(parted(scenes(), False), 3000, 8, np.random.default_rng(0))
    white = whitening(seen, 20)
    assert np.allclose(np.cov(white.white(seen).T), np.eye(20), atol=2e-2)
    assert np.allclose(white.directions @ white.directions.T, np.eye(20), atol=1e-9)
    fields = white.fields(np.eye(20))
    assert fields.shape == (20, 8, 8)
    assert np.allclose(fields[3].ravel(), white.directions[3])


@pytest.mark.theory
def test_scrambled_photographs_keep_correlations_and_lose_heavy_tails():
    rng = np.random.default_rng(0)
    (image, _), mixed = scenes(), scrambled(scenes()[0], rng)
    ours, other = (np.abs(np.fft.fft2(x)) for x in (image, mixed))
    assert np.allclose(ours, other, rtol=1e-6, atol=1e-6)
    assert not np.allclose(image, mixed, atol=0.1)

    def kurtosis(x):
        slope = np.diff(x, axis=1)
        return np.mean((slope - slope.mean()) ** 4) / slope.var() ** 2

    assert kurtosis(image) > 5 and kurtosis(mixed) == pytest.approx(3, abs=0.2)


@pytest.mark.unit
def test_gabors_are_told_from_noise():
    y, x = np.mgrid[:12, :12] - 5.5
    waves = [
        np.exp(-(x**2 + y**2) / 12) * np.cos(1.3 * (x * np.cos(a) + y * np.sin(a)))
        for a in (0.0, 0.5, 1.0)
    ]
    good = examined(np.stack(waves), 3)
    bad = examined(np.random.default_rng(0).normal(size=(3, 12, 12)), 3)
    assert good["gabor"] > 0.99 and good["gabors"] == 1 and bad["gabor"] < 0.3
    assert good["circular_variance"] < 0.6 < bad["circular_variance"]
    assert good["area"] < bad["area"] and good["selectivity"] > bad["selectivity"]
