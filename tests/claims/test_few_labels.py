"""Few labels: what is believed without a tick, which guesses count, and that images only move."""

import jax
import numpy as np
import pytest

from sodachi.claims.few_labels_lives import (
    Lessons,
    believe_by_ticks,
    believe_exactly,
    few_of,
    moved,
    taught,
)
from sodachi.models import deep_boltzmann_machine

RNG = np.random.default_rng(0)
IMAGES = (RNG.random((60, 9)) < 0.5).astype(np.float32)
CLASSES = np.arange(60) % 10


def machine():
    return deep_boltzmann_machine(
        layers=(9, 6), labels=10, rate=5.0, generative=0.0, discriminative=1.0
    )


def after(**how):
    system = machine()
    few = few_of(IMAGES, CLASSES, IMAGES[:1], CLASSES[:1], 2, 0)
    lessons = Lessons(updates=60, told=4, guessed=6)._replace(**how)
    believe = believe_exactly(system)
    return taught(system, system.init(0).shared, few, lessons, 0, believe)


@pytest.mark.theory
def test_what_is_believed_without_a_tick_is_what_a_tick_says():
    system, state = machine(), after()
    exact = np.asarray(believe_exactly(system)(state.shared, IMAGES))
    told = np.asarray(believe_by_ticks(system, 60)(state.shared, IMAGES))
    assert np.allclose(exact.sum(1), 1.0, atol=1e-5) and np.ptp(exact, 0).max() > 0.05
    assert np.allclose(exact, told, atol=1e-5)


@pytest.mark.unit
def test_a_guess_counts_where_it_is_sure_and_not_before_its_time():
    none, never = after(sure=2.0), after(sure=0.0, after=1.0)
    guessed = after(sure=0.0, after=0.0)
    for name, w in none.shared["weights"].items():
        assert np.array_equal(w, never.shared["weights"][name]), name
    name = "hidden1-label"
    assert not np.allclose(none.shared["weights"][name], guessed.shared["weights"][name])


@pytest.mark.unit
def test_a_moved_image_keeps_its_pixels_and_none_moves_too_far():
    image = np.zeros((200, 25), np.float32)
    image[:, 12] = 1.0
    places = np.asarray(moved(image, jax.random.key(0), 1)).argmax(1)
    assert set(places) == {6, 7, 8, 11, 12, 13, 16, 17, 18}
