"""The returning world, lives in it, and what is measured of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.claims.changing_rivals import Recipe, _newborn, side_by_side
from sodachi.claims.claim import Measured
from sodachi.claims.few_synapses import chosen
from sodachi.claims.grid_lives import asking, live
from sodachi.claims.returning_contexts import OURS, undominated
from sodachi.claims.returning_figures import PARTS, figures
from sodachi.claims.returning_world import AGO, CYCLE, HOMES, World, world
from sodachi.claims.step_size_protection import old_step

SMALL = {"units": 4, "levels": 2, "fan_in": 4, "patience": 20, "hunger": 0.0}


def test_the_context_drifts_bit_by_bit_and_the_first_ones_return():
    w = world(3, 30, 40)
    slow = w.X[:, 0, :15]
    assert (w.X[:, :, :15] == slow[:, None]).all()
    drift = np.flatnonzero(w.earlier < 0)
    assert (np.abs(np.diff(slow[drift], axis=0)).sum(1) == 1).all()
    returns = np.flatnonzero(w.earlier >= 0)
    assert len(returns) == 30 // CYCLE - AGO // CYCLE and (returns % CYCLE == CYCLE - 1).all()
    assert set(w.earlier[returns]) <= set(drift[:HOMES].tolist())
    assert (slow[returns] == slow[w.earlier[returns]]).all()
    assert (returns - w.earlier[returns] >= AGO - 1).all()
    longer = world(3, 33, 40)
    assert (longer.all_X[:30] == w.all_X).all() and (longer.earlier[:30] == w.earlier).all()
    # An example's target is that of its context's own table.
    for v in (0, 11):
        rows = [np.flatnonzero((w.all_X[v] == x).all(1))[0] for x in w.X[v]]
        assert (w.all_y[v][rows] == w.y[v]).all()


def test_numbers_handed_to_a_program_live_as_if_it_were_made_for_them():
    w = world(0, 3, 60)
    options = [SMALL, SMALL | {"rate": 0.05, "meta_rate": 0.0, "patience": 7}]
    lives = [live(one, w, 1) for one in options]
    assert not np.array_equal(lives[0].errors, lives[1].errors)
    assert lives[1].births.sum() > 2
    from sodachi.claims.bit_flipping import seen
    from sodachi.models import growing_grid

    for one, life in zip(options, lives, strict=True):
        net = growing_grid(inputs=20, **one)
        step, state = jax.jit(net.step), net.init(1)
        errors = []
        for x, y in zip(w.X[0], w.y[0], strict=True):
            state, out = step(state, seen(jnp.asarray(x), jnp.asarray(y)))
            errors.append(float((y - out["label"][0]) ** 2))
        np.testing.assert_allclose(life.errors[0], errors, rtol=1e-4, atol=1e-6)


def test_a_grid_is_asked_what_it_answers_and_what_each_unit_adds():
    w = world(0, 3, 60)
    life = live(SMALL, w, 1)
    last = jax.tree.map(lambda a: jnp.asarray(a[-1]), life.after)
    parts, answer = asking(2)(last, jnp.asarray(w.all_X[2]))
    linear = w.all_X[2] @ np.asarray(last["weights"]["output"])[1:21, 0]
    constant = np.asarray(last["weights"]["output"])[0, 0]
    np.testing.assert_allclose(parts.sum(1) + linear + constant, answer, rtol=1e-4, atol=1e-5)
    assert parts.shape == (32, 4)


def table_of(answers, parts):
    """A learner that knows by heart: what it adds and answers, by visit; inputs do not matter."""
    return {"answer": jnp.asarray(answers), "parts": jnp.asarray(parts)}


def test_figures_are_those_of_a_life_known_by_heart():
    w = world(1, 12, 300)
    v = len(w.X)
    rng = np.random.default_rng(0)
    errors = rng.random((v, 300))
    off = rng.normal(size=v)
    parts = rng.normal(size=(v, 32, PARTS)) * 2.0 ** -np.arange(PARTS)
    after = table_of(off, parts)

    def ask(here, X):
        # Wrong by a number of the visit, on every input alike, as far as targets go: they are 0.
        return here["parts"], jnp.broadcast_to(here["answer"], X.shape[:1])

    blank = w._replace(all_y=np.zeros_like(w.all_y))
    found = figures(blank, errors, after, ask)
    returns, drift = np.flatnonzero(w.earlier >= 0), np.flatnonzero(w.earlier < 0)
    assert found["drift"] == pytest.approx(errors[drift].mean())
    assert found["return"] == pytest.approx(errors[returns, :200].mean())
    follows = [t for t in drift if t and w.earlier[t - 1] < 0]
    rise = np.mean([off[t] ** 2 - off[t - 1] ** 2 for t in follows])
    assert found["interference"] == pytest.approx(rise, rel=1e-4)
    assert found["previous"] == pytest.approx(np.mean([off[t] ** 2 for t in follows]), rel=1e-4)
    left = [
        max(u for u in range(t) if u == w.earlier[t] or w.earlier[u] == w.earlier[t])
        for t in returns
    ]
    forgot = np.mean([off[t - 1] ** 2 - off[u] ** 2 for t, u in zip(returns, left, strict=True)])
    assert found["forgot"] == pytest.approx(forgot, rel=1e-4)
    change, whole = np.zeros(PARTS), np.zeros(PARTS)
    for t, u in zip(returns, left, strict=True):
        a, b = (parts[i] - parts[i].mean(0) for i in (u, t - 1))
        order = np.argsort(-(a**2).sum(0))
        change += ((a - b) ** 2).sum(0)[order]
        whole += (a**2 + b**2).sum(0)[order]
    for i in range(PARTS):
        assert found[f"forgot_{i + 1}"] == pytest.approx(change[i] / whole[i], rel=1e-3)


@pytest.mark.theory
@pytest.mark.parametrize("adam", [False, True])
def test_remedies_are_those_of_a_plain_loop(adam):
    """L2 by its slope; shrinking without noise; noise and UPGD move what they are told to."""
    w = world(0, 2, 50)
    base = Recipe(3, 0.01, adam=adam, skip=True)
    l2 = base._replace(remedy="L2", strength=0.05)
    errors, _ = side_by_side([l2, l2._replace(strength=0.0)], w.X, w.y, 4)
    plain, after = side_by_side([base], w.X, w.y, 4)
    np.testing.assert_allclose(errors[..., 1], plain[..., 0], rtol=1e-4, atol=1e-6)
    assert not np.allclose(errors[..., 0], plain[..., 0])
    if not adam:
        start = {k: np.asarray(v, np.float64) for k, v in _newborn(3, 20, 4)[0].items()}
        for x, y in zip(w.X[0][:20], w.y[0][:20], strict=True):
            hidden = np.maximum(x @ start["in"] + start["bias"], 0)
            e = hidden @ start["out"] + start["constant"] + x @ start["skip"] - y
            back = np.where(hidden > 0, e * start["out"], 0)
            slope = {"in": np.outer(x, back), "bias": back, "out": e * hidden, "constant": e,
                     "skip": e * x}  # fmt: skip
            start = {k: v - 0.01 * (slope[k] + 0.05 * v) for k, v in start.items()}
        twenty, weights = side_by_side([l2], w.X[:1, :20], w.y[:1, :20], 4)
        for name, value in weights.items():
            np.testing.assert_allclose(value[0, 0], start[name], rtol=1e-3, atol=1e-5)
        assert twenty.shape == (1, 20, 1)
    shrunk = base._replace(remedy="shrink and perturb", strength=0.01)
    _, small = side_by_side([shrunk, shrunk._replace(noise=0.1)], w.X, w.y, 4)
    assert np.abs(small["in"][-1, 0]).sum() < 0.5 * np.abs(after["in"][-1, 0]).sum()
    assert not np.allclose(small["in"][-1, 0], small["in"][-1, 1])
    upgd = base._replace(remedy="UPGD")
    _, still = side_by_side([upgd, upgd._replace(noise=1.0)], w.X, w.y, 4)
    # Without a useful weight every step is whole (2 · ½); later the useful ones move less.
    assert np.isfinite(still["in"]).all() and not np.allclose(
        still["in"][-1, 0], still["in"][-1, 1]
    )


def test_a_rival_dominates_only_where_both_errors_are_lower_apart():
    def measured(drift, back):
        ours = {"drift": 0.5, "return": 0.5}
        return Measured({s: {OURS: ours, "r": {"drift": 0.5 + drift[s], "return": 0.5 + back[s]}}
                         for s in range(4)})  # fmt: skip

    lower, mixed, higher = [-0.2, -0.1, -0.2, -0.1], [-0.2, 0.2, 0.1, -0.1], [0.2, 0.1, 0.2, 0.1]
    assert undominated("r", measured(lower, lower)).holds is False
    for other in (mixed, higher):
        assert undominated("r", measured(lower, other)).holds is True
        assert undominated("r", measured(other, lower)).holds is True


def test_frozen_synapses_never_move_and_free_ones_do():
    w = world(0, 4, 60)
    life = live(SMALL, World(*(a[:3] for a in w)), 1)
    shared = jax.tree.map(lambda a: jnp.asarray(a[-1]), life.after)
    rng = np.random.default_rng(0)
    values = {n: np.where(np.asarray(a) != 0, rng.random(a.shape), np.nan)
              for n, a in shared["weights"].items()}  # fmt: skip
    free = chosen(values, "top", 30, 0)
    synapses = {n: p | {"step": jnp.where(free[n], p["step"], 0.0)}
                for n, p in shared["synapses"].items()}  # fmt: skip
    from sodachi.system import State

    lane = {"activity": {"label": jnp.zeros(1)}, "key": jax.random.key(0)}
    state = State(shared | {"synapses": synapses}, lane)
    on = live(SMALL | {"hunger": 1e9}, World(*(a[3:] for a in w)), 1, state)
    for name, before in shared["weights"].items():
        moved = np.asarray(before) != on.after["weights"][name][-1]
        assert moved.any() and not (moved & ~free[name]).any()
    assert on.births.sum() == 0


def test_old_steps_are_compared_with_young_ones():
    after = {
        "cells": {"age": np.array([[9, 1, 5]])},
        "structure": {"live": np.array([[True, True, False]]),
                      "source": np.array([[[0, 1], [0, -1], [0, 1]]])},
        "synapses": {"units": {"step": np.full((1, 3, 2), 0.1)},
                     "output": {"step": np.full((1, 5, 1), 0.1)}},
    }  # fmt: skip
    assert old_step(after) == pytest.approx(1.0)
    after["synapses"]["units"]["step"][0, 0] = 0.1 / 8
    after["synapses"]["output"]["step"][0, 2] = 0.1 / 8
    assert old_step(after) == pytest.approx(1 / 8)
    after["structure"]["live"][:] = False
    assert old_step(after) == 1.0
