"""A hundred thousand damaged checkpoints: none is accepted, none does more than raise its error."""

import hashlib

import numpy as np
import pytest
from runner_toy import toy

from sodachi.errors import CheckpointError
from sodachi.runner.checkpoint import from_bytes, to_bytes
from sodachi.runner.container import _DIGEST

MUTANTS, RESIGNED = 100_000, 2_000


@pytest.fixture(scope="module")
def whole():
    net = toy()
    return to_bytes(net.init(0), net.spec, 1234, {"rows": 1234})


def flip(data, rng):
    i = rng.integers(len(data))
    data[i] ^= 1 << rng.integers(8)
    return data


def replace(data, rng):
    i = rng.integers(len(data))
    data[i] = rng.integers(256)
    return data


def cut(data, rng):
    return data[: rng.integers(len(data))]


def insert(data, rng):
    i = rng.integers(len(data) + 1)
    return data[:i] + rng.bytes(rng.integers(1, 9)) + data[i:]


def delete(data, rng):
    i = rng.integers(len(data))
    return data[:i] + data[i + rng.integers(1, 9) :]


def swap(data, rng):
    i, j = rng.integers(len(data) - 8, size=2)
    data[i : i + 8], data[j : j + 8] = data[j : j + 8], data[i : i + 8]
    return data


def blank(data, rng):
    i = rng.integers(len(data))
    n = min(int(rng.integers(1, 512)), len(data) - i)
    data[i : i + n] = bytes(n)
    return data


def length(data, rng):
    data[:8] = int(rng.integers(2 ** rng.integers(1, 63))).to_bytes(8, "little")
    return data


def several(data, rng):
    for _ in range(int(rng.integers(2, 6))):
        data = flip(data, rng)
    return data


KINDS = (flip, replace, cut, insert, delete, swap, blank, length, several)


def accepted(data):
    try:
        from_bytes(data)
    except CheckpointError:
        return False
    return True


def test_the_whole_one_is_accepted(whole):
    assert accepted(whole)


def test_a_change_of_any_single_byte_is_noticed(whole):
    for i in range(len(whole)):
        data = bytearray(whole)
        data[i] ^= 0x20  # also turns a letter of the digest into its capital
        assert not accepted(data), f"byte {i} of {len(whole)}"


def test_of_a_hundred_thousand_mutants_none_is_accepted_and_none_crashes(whole):
    rng = np.random.default_rng(0)
    tried = wrongly = 0
    while tried < MUTANTS:
        mutant = KINDS[tried % len(KINDS)](bytearray(whole), rng)
        if mutant == whole:  # a swap of equal bytes is no mutation
            continue
        tried += 1
        wrongly += accepted(mutant)
    assert (tried, wrongly) == (MUTANTS, 0)


def test_mutants_signed_anew_raise_nothing_but_the_typed_error(whole):
    """A digest is no signature: what a forger can write must not crash either."""
    rng = np.random.default_rng(1)
    refused = 0
    for i in range(RESIGNED):
        mutant = bytearray(KINDS[i % len(KINDS)](bytearray(whole), rng))
        if len(mutant) > _DIGEST.stop:
            mutant[_DIGEST] = b"0" * 64
            mutant[_DIGEST] = hashlib.sha256(mutant).hexdigest().encode()
        refused += not accepted(mutant)
    assert refused > RESIGNED // 2
