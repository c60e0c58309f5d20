"""The deletions of the claim: as many units in every row, and figures that follow from them."""

import numpy as np
import pytest

from sodachi.claims import backbone_suffices as claim
from sodachi.claims.bit_flipping import live, world
from sodachi.models import growing_grid
from sodachi.models.deletion import delete
from sodachi.observation import observe


@pytest.fixture(scope="module")
def small(monkeypatch_module):
    monkeypatch_module.setattr(claim, "UNITS", 16)
    monkeypatch_module.setattr(claim, "ALLOWED", 0.02)
    monkeypatch_module.setattr(claim, "PASSES", {"quick": 1})
    claim.grown.cache_clear()
    yield claim.grown(100, "quick")
    claim.grown.cache_clear()


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def test_every_row_keeps_as_many_units_as_the_backbone_but_for_the_complement(small):
    live_ = np.asarray(small.net.wiring.live)
    kept = {row: claim.kept_by(row, 100, "quick") for row in claim.rows(100, "quick")}
    backbone = kept.pop(claim.TRUTH)
    assert 0 < backbone.sum() < live_.sum()
    np.testing.assert_array_equal(kept.pop(claim.COMPLEMENT), live_ & ~backbone)
    assert {row: k.sum() for row, k in kept.items()} == dict.fromkeys(kept, backbone.sum())
    assert not any((k & ~live_).any() for k in kept.values())


def test_figures_are_those_of_the_deletion(small):
    figures = claim.measure(claim.TRUTH, 100, "quick")
    keep = claim.kept_by(claim.TRUTH, 100, "quick")
    assert figures["units_removed"] == 1 - keep.sum() / small.net.wiring.live.sum()
    answers = claim._answers(small, delete(small.state, keep).state)
    off = np.sqrt(((answers - small.answers) ** 2).sum(1).mean())
    spread = np.sqrt(((small.answers - small.answers.mean(0)) ** 2).sum(1).mean())
    assert figures["moved"] == pytest.approx(off / spread, rel=1e-5)
    whole = np.ones(16, bool)
    np.testing.assert_array_equal(
        claim._answers(small, delete(small.state, whole).state), small.answers
    )


def test_a_life_of_bits_is_that_of_single_steps():
    X, y = world(100, 50)
    net = growing_grid(inputs=20, units=4, levels=1, fan_in=20, patience=5, maturity=10)
    _, kept = live(net, X, y, 3)
    state, errors = net.init(3), []
    for x, target in zip(X, y, strict=True):
        state, out = net.step(state, observe(net.spec, input=x, label=[target]))
        errors.append((target - out["label"][0]) ** 2)
    np.testing.assert_allclose(kept["error"], np.reshape(errors, (10, 5)).mean(1), rtol=1e-4)
    assert kept["births"].sum() > 4 and kept["error"].shape == (10,)
