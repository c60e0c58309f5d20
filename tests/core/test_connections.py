"""Connections against NumPy loops, and both adjoints by their defining identity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.core.connections import Convolution, Dense, Local, Sparse, backward, lift
from sodachi.errors import SpecError

CONNECTIONS = {
    "dense": Dense((2, 3), (4,)),
    "dense without self-loops": Dense((5,), (5,), loop=False),
    "convolution, same": Convolution((5, 4, 2), channels=3, size=3),
    "convolution, valid, stride 2": Convolution((6, 5, 2), 3, 3, stride=2, padding="VALID"),
    "sparse": Sparse.random((7,), (2, 2), fan_in=3, seed=1),
    "sparse, padded": Sparse((4,), (3,), ((0, 3), (2, -1), (-1, -1))),
    "local": Local((5, 4, 2), channels=3, size=2),
    "local, stride 2": Local((6, 6, 1), channels=2, size=3, stride=2),
}


def _random(shape, seed):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.theory
@pytest.mark.parametrize("name", CONNECTIONS)
def test_backward_and_lift_are_the_adjoints(name):
    c = CONNECTIONS[name]
    with jax.enable_x64(True):
        w, pre, post = (
            jnp.asarray(_random(s, i)) for i, s in enumerate((c.weights, c.source, c.target))
        )
        forth = float(jnp.vdot(post, c.apply(w, pre)))
        assert abs(forth) > 1e-3
        assert float(jnp.vdot(backward(c, w, post), pre)) == pytest.approx(forth, rel=1e-12)
        assert float(jnp.vdot(lift(c, post[None], pre[None]), w)) == pytest.approx(forth, rel=1e-12)


@pytest.mark.theory
@pytest.mark.parametrize("name", CONNECTIONS)
def test_lift_sums_over_lanes(name):
    c = CONNECTIONS[name]
    with jax.enable_x64(True):
        pre, post = jnp.asarray(_random((3, *c.source), 0)), jnp.asarray(_random((3, *c.target), 1))
        one_by_one = sum(lift(c, post[i][None], pre[i][None]) for i in range(3))
        np.testing.assert_allclose(lift(c, post, pre), one_by_one, rtol=1e-12, atol=1e-14)


def _dense(c, w, pre):
    out = np.zeros(c.weights[1])
    for i, x in enumerate(pre.ravel()):
        for j in range(len(out)):
            if c.loop or i != j:
                out[j] += x * w[i, j]
    return out.reshape(c.target)


def _convolution(c, w, pre):
    h, width, _ = pre.shape
    rows, columns, _ = c.target
    top = left = 0
    if c.padding == "SAME":
        top = max((rows - 1) * c.stride + c.size - h, 0) // 2
        left = max((columns - 1) * c.stride + c.size - width, 0) // 2
    out = np.zeros(c.target)
    for r, col, a, b in np.ndindex(rows, columns, c.size, c.size):
        y, x = r * c.stride + a - top, col * c.stride + b - left
        if 0 <= y < h and 0 <= x < width:
            out[r, col] += pre[y, x] @ w[a, b]
    return out


def _sparse(c, w, pre):
    out = np.zeros(len(c.indices))
    for j, row in enumerate(c.indices):
        for s, i in enumerate(row):
            if i >= 0:
                out[j] += w[j, s] * pre.ravel()[i]
    return out.reshape(c.target)


def _local(c, w, pre):
    out = np.zeros(c.target)
    rows, columns, _ = c.target
    for r, col in np.ndindex(rows, columns):
        y, x = r * c.stride, col * c.stride
        out[r, col] = pre[y : y + c.size, x : x + c.size].ravel() @ w[r, col]
    return out


LOOPS = {Dense: _dense, Convolution: _convolution, Sparse: _sparse, Local: _local}


@pytest.mark.theory
@pytest.mark.parametrize("name", CONNECTIONS)
def test_apply_equals_a_numpy_loop(name):
    c = CONNECTIONS[name]
    w, pre = _random(c.weights, 2), _random(c.source, 3)
    with jax.enable_x64(True):
        got = c.apply(jnp.asarray(w), jnp.asarray(pre))
    assert got.dtype == np.float64 and got.shape == tuple(c.target)
    np.testing.assert_allclose(got, LOOPS[type(c)](c, w, pre), rtol=1e-12, atol=1e-14)


@pytest.mark.unit
def test_padded_synapses_and_self_loops_neither_speak_nor_learn():
    for name in ("dense without self-loops", "sparse, padded"):
        c = CONNECTIONS[name]
        lifted = np.asarray(lift(c, jnp.ones((1, *c.target)), jnp.ones((1, *c.source))))
        none = np.eye(5, dtype=bool) if isinstance(c, Dense) else np.array(c.indices) == -1
        assert (lifted[none] == 0).all() and (lifted[~none] == 1).all()
        nan = jnp.where(none, jnp.nan, 1.0)
        if isinstance(c, Dense):
            assert bool(jnp.isfinite(c.apply(nan, jnp.ones(c.source))).all())


@pytest.mark.unit
def test_random_sparse_sources_are_distinct_and_depend_on_the_seed():
    a, b = (Sparse.random((20,), (10,), 5, seed=s) for s in (0, 1))
    assert all(len(set(row)) == 5 and 0 <= min(row) <= max(row) < 20 for row in a.indices)
    assert a == Sparse.random((20,), (10,), 5, seed=0) != b
    assert a.fan_in == 5 and a.weights == (10, 5)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Dense((2,), (3,), loop=False), "Dense.loop"),
        (lambda: Sparse((3,), (2,), ((0,),)), "Sparse.indices"),
        (lambda: Sparse((3,), (2,), ((0,), (1, 2))), "Sparse.indices"),
        (lambda: Sparse((3,), (1,), ((3,),)), "Sparse.indices"),
        (lambda: Sparse((3,), (1,), ((-2,),)), "Sparse.indices"),
        (lambda: Sparse.random((3,), (1,), 4), "Sparse.fan_in"),
        (lambda: Local((2, 5, 1), 1, 3).target, "Local.size"),
    ],
)
def test_what_cannot_connect_is_refused(make, field):
    with pytest.raises(SpecError, match=field):
        make()
