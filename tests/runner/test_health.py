"""Health figures against linear algebra done by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.runner import health
from sodachi.runner.health import effective_rank, not_finite
from sodachi.system import State


def test_effective_rank_is_the_exponential_entropy_of_the_singular_values():
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.normal(size=(6, 6)))[0] for _ in range(2))
    values = np.array([4.0, 2.0, 1.0, 1.0, 0.0, 0.0])
    share = np.array([0.5, 0.25, 0.125, 0.125])
    expected = 2.0 ** -(share * np.log2(share)).sum()  # 2^1.75
    assert effective_rank(left @ np.diag(values) @ right) == pytest.approx(expected, rel=1e-8)
    assert expected == pytest.approx(2.0**1.75)


def test_equal_singular_values_give_the_full_rank_and_zeros_give_none():
    assert effective_rank(3 * np.eye(5)) == pytest.approx(5.0)
    assert effective_rank(np.zeros((3, 4))) == 0.0
    assert effective_rank(np.zeros((0, 4))) is None


def test_a_state_and_its_outputs():
    w = np.zeros((3, 4), np.float32)
    w[0, 0], w[1, 1] = 3.0, 4.0
    shared = {"weights": {"w": w, "filter": np.ones((2, 2, 1, 3))}, "n": np.array([np.nan, 1])}
    state = State(shared, {"key": jax.random.key(0), "x": jnp.array([jnp.inf, -jnp.inf])})
    ticks = np.array([[0.0, 1.0, 5.0, 2.0], [0.0, 2.0, 5.0, 2.0]])
    report = health(state, {"energy": np.array([1.0, 3.0]), "hidden": ticks})
    assert report["not_finite"] == 3
    assert report["weights"]["w"]["norm"] == 5.0
    assert report["weights"]["w"]["unused"] == 0.5
    p = np.array([3, 4]) / 7
    entropy = -(p * np.log(p)).sum()
    assert report["weights"]["w"]["effective_rank"] == pytest.approx(np.exp(entropy), rel=1e-8)
    assert report["weights"]["filter"]["effective_rank"] == pytest.approx(1.0)
    assert report["dead"] == {"hidden": 0.75}
    assert (report["energy"], report["residual"]) == (2.0, None)


def test_weights_that_are_not_finite_are_reported_not_crashed_on():
    report = health(State({"weights": {"w": np.full((2, 2), np.nan)}}, {}))
    assert report["not_finite"] == 4
    assert report["weights"]["w"]["norm"] is None
    assert report["weights"]["w"]["effective_rank"] is None


def test_two_systems_in_one_state_and_states_without_weights():
    one = {"weights": {"w": np.eye(2)}}
    both = health(State((one, {"weights": {"w": np.eye(3)}}), ({}, {})))
    assert {n: f["effective_rank"] for n, f in both["weights"].items()} == {"0.w": 2.0, "1.w": 3.0}
    assert health(State({"clock": np.zeros(2)}, {}))["weights"] == {}


def test_not_finite_looks_at_every_float_type():
    tree = {"a": jnp.array([jnp.nan], jnp.bfloat16), "b": np.float64(np.inf), "c": np.arange(3)}
    assert not_finite(tree) == 2
