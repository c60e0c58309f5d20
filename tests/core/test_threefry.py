"""Random words against the published answers, and as numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from sodachi.core.threefry import random_words, threefry

#: Known answers of the authors' own library, key and counter as words: zeros, ones, digits of π.
KNOWN = [
    ((0x0, 0x0), (0x0, 0x0), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
]


@pytest.mark.theory
@pytest.mark.parametrize(("key", "counter", "answer"), KNOWN)
def test_the_published_answers(key, counter, answer):
    words = threefry(*(tuple(jnp.uint32(w) for w in pair) for pair in (key, counter)))
    assert tuple(int(w) for w in words) == answer


@pytest.mark.theory
def test_words_are_uniform_and_differ_by_key_and_place():
    words = np.asarray(random_words(jax.random.key(3), (301, 333)))
    assert len(np.unique(words)) > 0.9999 * words.size
    for bits in (words >> 24, (words >> 8) & 255, words & 255):
        counts = np.bincount(bits.ravel(), minlength=256)
        assert stats.chisquare(counts).pvalue > 1e-3
    other = np.asarray(random_words(jax.random.key(4), (301, 333)))
    assert not np.any(words == other)
    assert abs(np.corrcoef(words[:-1].ravel(), words[1:].ravel())[0, 1]) < 0.01


@pytest.mark.unit
def test_lanes_of_their_own_keys_have_words_of_their_own():
    keys = jax.random.split(jax.random.key(0), 3)
    together = jax.vmap(lambda k: random_words(k, (5,)))(keys)
    for key, words in zip(keys, together, strict=True):
        assert np.array_equal(random_words(key, (5,)), words)


@pytest.mark.unit
def test_other_kinds_of_keys_are_served():
    assert random_words(jax.random.key(0, impl="rbg"), (4,)).shape == (4,)
