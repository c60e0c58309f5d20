"""Colouring and single pairs: neighbours differ, slots and adjoints are those of the matrix."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sodachi.core.colouring import colour, partners
from sodachi.core.connections import backward, lift
from sodachi.core.edges import Edges, neighbour_slots
from sodachi.errors import SpecError


@st.composite
def graphs(draw):
    nodes = draw(st.integers(1, 30))
    node = st.integers(0, nodes - 1)
    pairs = draw(st.sets(st.tuples(node, node).filter(lambda p: p[0] < p[1]), max_size=80))
    return nodes, sorted(pairs)


@given(graphs())
@settings(max_examples=60, deadline=None)
def test_neighbours_differ_and_colours_are_few(graph):
    nodes, pairs = graph
    colours = colour(partners(pairs, nodes))
    assert all(colours[i] != colours[j] for i, j in pairs)
    assert sorted(set(colours.tolist())) == list(range(colours.max() + 1))
    degrees = np.bincount(np.array(pairs, int).reshape(-1), minlength=nodes)
    assert colours.max() <= degrees.max()


@given(st.sets(st.tuples(st.integers(0, 9), st.integers(10, 19)), min_size=1, max_size=60))
@settings(max_examples=40, deadline=None)
def test_two_sides_need_two_colours(pairs):
    assert colour(partners(pairs, 20)).max() == 1


def test_a_torus_has_two_colours_and_an_odd_ring_three():
    number = np.arange(64).reshape(8, 8)
    torus = [(int(a), int(b)) for axis in (0, 1)
             for a, b in zip(number.flat, np.roll(number, 1, axis).flat, strict=True)]  # fmt: skip
    assert colour(partners(torus, 64)).max() == 1
    assert colour(partners([(i, (i + 1) % 5) for i in range(5)], 5)).max() == 2


PAIRS = ((0, 1), (0, 2), (3, 2), (1, 0))


def test_pairs_are_a_dense_matrix_with_holes():
    edges, rng = Edges((4,), (3,), PAIRS), np.random.default_rng(0)
    w, pre, post = (jnp.asarray(rng.normal(size=n)) for n in (4, 4, 3))
    dense = np.zeros((4, 3))
    for (i, j), value in zip(PAIRS, np.asarray(w), strict=True):
        dense[i, j] = value
    assert np.allclose(edges.apply(w, pre), pre @ dense, atol=1e-6)
    assert np.allclose(backward(edges, w, post), dense @ post, atol=1e-6)
    lanes = [jnp.asarray(rng.normal(size=(5, n))) for n in (3, 4)]
    outer = np.einsum("lj,li->ij", *map(np.asarray, lanes))
    assert np.allclose(lift(edges, *lanes), [outer[p] for p in PAIRS], atol=1e-5)
    assert edges.fan_in == 2


def test_neighbour_slots_name_every_partner_once():
    for side in (0, 1):
        neighbour, pair = neighbour_slots(PAIRS, 4, side)
        used = np.argwhere(pair >= 0).tolist()
        found = {(i, int(neighbour[i, k]), int(pair[i, k])) for i, k in used}
        assert found == {(p[side], p[1 - side], e) for e, p in enumerate(PAIRS)}


@pytest.mark.parametrize("pairs", [(), ((0, 4),), ((0, 1), (0, 1)), ((-1, 0),)])
def test_pairs_that_are_none_are_refused(pairs):
    with pytest.raises(SpecError):
        Edges((3,), (3,), pairs)
