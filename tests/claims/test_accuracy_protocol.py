"""Images move as said, and predictive coding learns what its twin learns."""

import numpy as np
import pytest

from sodachi.claims.accuracy_protocol import (
    LESION,
    PREDICTIVE,
    TWIN,
    Dense,
    Images,
    Recipe,
    dense,
    held_out,
    measured,
    mirrored,
    shifted,
    taught,
)
from sodachi.errors import ClaimError


def test_shifts_move_whole_images_by_at_most_a_pixel():
    X = np.zeros((200, 25), np.float32)
    X[:, 12] = 1.0  # the middle of 5 x 5
    moved = shifted(np.random.default_rng(0), X, side=5)
    np.testing.assert_array_equal(moved.sum(1), 1.0)
    places = {int(i) for i in moved.argmax(1)}
    assert places == {5 * r + c for r in (1, 2, 3) for c in (1, 2, 3)}
    assert X[:, 12].all()


def test_mirrors_exchange_left_and_right_of_about_half():
    X = np.arange(300 * 12, dtype=np.float32).reshape(300, 2, 2, 3)
    turned = mirrored(np.random.default_rng(0), X, side=2)
    exchanged = (turned == X[:, :, ::-1]).all((1, 2, 3))
    assert ((turned == X).all((1, 2, 3)) ^ exchanged).all()
    assert 0.4 < exchanged.mean() < 0.6


def test_held_out_images_are_not_learned():
    X = np.arange(20, dtype=np.float32)[:, None]
    images = held_out(X, np.arange(20), count=5)
    assert len(images.X) == 15 and len(images.tests) == 5
    assert not set(images.y) & set(images.truth)


def test_predictive_coding_learns_what_its_twin_does_and_needs_feedback():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(512, 6)).astype(np.float32)
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    images = Images(X[:384], y[:384], X[384:], y[384:])
    makers = dense(Dense((6, 24, 24, 2), precision=0.02, rate=5e-3))
    found = {
        row: measured(make, lambda: images, Recipe(epochs=30, batch=16), 3)["accuracy"]
        for row, make in makers.items()
    }
    assert found[TWIN] > 0.88
    assert abs(found[PREDICTIVE] - found[TWIN]) < 0.05
    assert set(found) == {PREDICTIVE, TWIN, LESION}


def test_fewer_images_than_a_batch_are_refused():
    make = dense(Dense((2, 2, 2), 0.1))[TWIN]
    X, y = np.zeros((3, 2), np.float32), np.zeros(3, int)
    with pytest.raises(ClaimError, match="images"):
        taught(make(0), Images(X, y, X, y), Recipe(1, 4), 0)
