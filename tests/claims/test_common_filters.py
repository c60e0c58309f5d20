"""Layers that look through windows: what they are told, how alike they are, what is swapped."""

import numpy as np
import pytest

from sodachi.claims import common_filters as claim
from sodachi.claims.boltzmann_training import Schooling
from sodachi.claims.domains import PHOTOGRAPHS, domain
from sodachi.claims.natural_images import levelled, whitening
from sodachi.claims.similarity import kernel_alignment, matched
from sodachi.claims.windows import KEPT, UNITS, First, given, learned, seen_through


@pytest.fixture(scope="module")
def images():
    return domain(PHOTOGRAPHS, "quick").seen[:60]


@pytest.mark.unit
def test_windows_are_where_they_are_said_to_be():
    image = np.arange(28 * 28.0).reshape(1, 28, 28)
    windows = seen_through(image)
    assert windows.shape == (1, 6, 6, 64)
    assert np.array_equal(windows[0, 2, 5].reshape(8, 8), image[0, 8:16, 20:28])


@pytest.mark.theory
def test_a_pool_is_on_unless_all_its_units_are_off(images):
    white = whitening(levelled(seen_through(images).reshape(-1, 64)), 5)
    rng = np.random.default_rng(0)
    layer = First(white, rng.normal(size=(3, 5)), rng.normal(size=3))
    one = images[:1]
    found = layer.believe(one).reshape(3, 3, 3)
    for row, column, unit in ((0, 0, 0), (1, 2, 1), (2, 1, 2)):
        off = 1.0
        for r in (2 * row, 2 * row + 1):
            for c in (2 * column, 2 * column + 1):
                window = one[0, 4 * r : 4 * r + 8, 4 * c : 4 * c + 8].astype(float).ravel()
                window = window - window.mean()
                if window.var() <= 0.02**2:
                    continue
                level = window / np.sqrt(window.var() + 0.05**2)
                white_window = white.directions @ level / white.spread
                field = layer.weights[unit] @ white_window + layer.bias[unit]
                off *= 1 - 1 / (1 + np.exp(-field))
        assert found[row, column, unit] == pytest.approx(1 - off, abs=1e-5)


@pytest.mark.unit
def test_nothing_is_on_in_a_blank_image(images):
    for layer in (given(images, 500, 0, "random"), given(images, 500, 0, "principal components")):
        assert layer.weights.shape == (UNITS, KEPT)
        assert not layer.believe(np.ones((2, 28, 28), np.float32)).any()
        assert 0.02 < layer.believe(images).mean() < 0.5


@pytest.mark.unit
def test_a_layer_learns_from_windows(images):
    how = Schooling(passes=2, batch=50, drawn=False)
    one, other = (learned(images, 600, how, seed) for seed in (0, 1))
    assert one.fields.shape == (UNITS, 8, 8) and one.believe(images).shape == (60, 9 * UNITS)
    assert np.isfinite(one.bias).all() and not np.allclose(one.weights, other.weights)
    again = learned(images, 600, how, 0)
    assert np.array_equal(one.weights, again.weights)


@pytest.mark.theory
def test_alignment_is_that_of_gram_matrices_and_knows_no_turn():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(40, 5)), rng.normal(size=(40, 7))
    centre = np.eye(40) - 1 / 40
    k, g = (centre @ x @ x.T @ centre for x in (a, b))
    expected = np.sum(k * g) / np.sqrt(np.sum(k * k) * np.sum(g * g))
    assert kernel_alignment(a, b) == pytest.approx(expected)
    turn = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    assert kernel_alignment(3 * a @ turn + 2, a) == pytest.approx(1)
    assert kernel_alignment(rng.normal(size=(3000, 5)), rng.normal(size=(3000, 5))) < 0.02


@pytest.mark.theory
def test_filters_match_over_shifts_and_signs_only():
    rng = np.random.default_rng(0)
    small = rng.normal(size=(4, 4, 4))
    one, other = np.zeros((4, 9, 9)), np.zeros((4, 9, 9))
    one[:, 0:4, 1:5] = small
    other[:, 5:9, 2:6] = -2.0 * small[::-1]
    assert matched(one, other) == pytest.approx(1)
    assert matched(one, rng.normal(size=(4, 9, 9))) < 0.7
    assert matched(one, other) == pytest.approx(matched(other, one))


@pytest.mark.unit
def test_a_swap_changes_one_layer_and_nothing_else(monkeypatch):
    used = []

    def heard(name, lower, upper, seed, form):
        used.append((name, lower, upper))
        return 0.5

    monkeypatch.setattr(claim, "accuracy", heard)
    monkeypatch.setattr(claim, "first", lambda name, seed, form: name)
    monkeypatch.setattr(claim, "second", lambda kind, name, seed, form: (kind, name))
    for row in (claim.OWN, claim.SWAP_1, claim.SWAP_2):
        claim.read(row, 0, "full")
    digits = [(lower, upper) for name, lower, upper in used if name == "digits"]
    assert digits == [
        ("digits", ("digits", "digits")),
        ("photographs", ("photographs", "digits")),  # above the borrowed one, on own images
        ("kana", ("kana", "digits")),
        ("digits", ("digits", "photographs")),  # own filters, what the other's images taught
        ("digits", ("digits", "kana")),
    ]
