"""The three finders of the backbone against nets made by hand, and what deletion leaves."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sodachi.errors import SpecError
from sodachi.models import backbone, deletion
from sodachi.models.backbone import Net
from sodachi.models.grid import NOBODY, Wiring, forward
from sodachi.models.growing import growing_grid
from sodachi.models.settling import settling_net
from sodachi.observation import observe
from sodachi.running import run

INPUTS, LEVELS, UNITS, TERMINALS, LABELS = 3, 3, 12, 5, 2
FIRST = 1 + INPUTS


def random_net(seed, dead=0.2):
    rng = np.random.default_rng(seed)
    source = np.full((UNITS, TERMINALS), NOBODY)
    source[:, 0] = 0
    for u in range(UNITS):
        earlier = [FIRST + v for v in range(UNITS) if v % LEVELS < u % LEVELS]
        chosen = rng.permutation([*range(1, FIRST), *earlier])[: rng.integers(1, TERMINALS)]
        source[u, 1 : 1 + len(chosen)] = chosen
    weight = rng.normal(0, 0.7, source.shape) * (source >= 0)
    wiring = Wiring(jnp.asarray(source), jnp.asarray(rng.random(UNITS) > dead))
    out = rng.normal(0, 1, (FIRST + UNITS, LABELS))
    inputs, labels = rng.normal(0, 1, (20, INPUTS)), rng.normal(0, 1, (20, LABELS))
    return Net(LEVELS, jnp.asarray(weight), wiring, jnp.asarray(out)), inputs, labels


def answers(net, inputs, push=0.0):
    nodes = jax.vmap(lambda x: forward(net.levels, net.units, net.wiring, x, push))
    return np.asarray(nodes(jnp.asarray(inputs)) @ net.out)


@pytest.mark.theory
@pytest.mark.parametrize("seed", range(3))
def test_moving_a_unit_is_scaling_all_its_weights(seed):
    """``relu((1 + δ) w·x) = (1 + δ) relu(w·x)``: the same, in float64, unit by unit."""
    with jax.enable_x64(True):
        net, inputs, _ = random_net(seed)
        found = np.asarray(backbone.by_moving(net, inputs, 1e-6))
        before = answers(net, inputs)
        for u in range(UNITS):
            scaled = net._replace(units=net.units.at[u].multiply(1 + 1e-6))
            moved = np.sqrt(((answers(scaled, inputs) - before) ** 2).sum(1).mean()) / 1e-6
            np.testing.assert_allclose(found[u], moved, rtol=1e-6, atol=1e-9)
        live = np.asarray(net.wiring.live)
        assert (found[~live] == 0).all() and (found[live] > 0).sum() > 2


@pytest.mark.theory
@pytest.mark.parametrize("seed", range(3))
def test_gradients_are_those_of_the_energy(seed):
    with jax.enable_x64(True):
        net, inputs, labels = random_net(seed)

        def energy(weight, x, label):
            nodes = forward(LEVELS, weight, net.wiring, x)
            return 0.5 * jnp.sum((label - nodes @ net.out) ** 2)

        slopes = jax.vmap(lambda x, y: jax.jacfwd(energy)(net.units, x, y))(inputs, labels)
        squared = np.sqrt((slopes**2).mean(0).sum(1))
        plain = np.sqrt((slopes.mean(0) ** 2).sum(1))
        np.testing.assert_allclose(backbone.by_gradients(net, inputs, labels), squared, atol=1e-9)
        np.testing.assert_allclose(
            backbone.by_gradients(net, inputs, labels, squared=False), plain, atol=1e-9
        )


def two_units(out=(2.0, 0.5)):
    """A fires where the input is positive, B where it is negative; y = 2A + B/2."""
    wiring = Wiring(jnp.array([[0, 1], [0, 1]]), jnp.ones(2, bool))
    weight = jnp.array([[0.0, 1.0], [0.0, -1.0]])
    return Net(1, weight, wiring, jnp.zeros((4, 1)).at[2:, 0].set(jnp.array(out)))


@pytest.mark.theory
def test_at_equilibrium_the_mean_gradient_vanishes_and_the_squared_one_does_not():
    with jax.enable_x64(True):
        net = two_units()
        x = np.repeat([[1.0], [-1.0]], 50, axis=0)
        noise = np.tile([[0.3], [-0.3]], (50, 1))  # the best answer is the mean: no weight may move
        labels = answers(net, x) + noise
        truth = np.asarray(backbone.by_moving(net, x))
        assert np.all(np.asarray(backbone.by_gradients(net, x, labels, squared=False)) < 1e-12)
        squared = np.asarray(backbone.by_gradients(net, x, labels))
        np.testing.assert_allclose(squared / squared[0], truth / truth[0], rtol=1e-9)


@pytest.mark.theory
def test_similar_samples_and_a_vanished_error_blind_the_squared_gradient_but_not_the_weights():
    with jax.enable_x64(True):
        net = two_units()
        for_a = np.ones((10, 1))
        similar = np.asarray(backbone.by_gradients(net, for_a, answers(net, for_a) + 1.0))
        assert similar[0] > 0 and similar[1] == 0.0  # B carries half the world, unseen here
        both = np.array([[1.0], [-1.0]])
        assert not np.asarray(backbone.by_gradients(net, both, answers(net, both))).any()
        np.testing.assert_allclose(backbone.by_weights(net), [0.8, 0.2])
        assert np.asarray(backbone.by_moving(net, both)).min() > 0.3


@pytest.mark.theory
def test_a_nonzero_gradient_over_similar_samples_does_not_make_a_backbone():
    """A period of rare inputs, all alike, puts B first, though A carries most of it."""
    with jax.enable_x64(True):
        net = two_units(out=(0.5, 1.0))
        world = np.concatenate([np.ones((99, 1)), -np.ones((1, 1))])
        rare = -np.ones((10, 1))
        truth = np.asarray(backbone.by_moving(net, world))
        assert truth[0] > 4 * truth[1]
        seen = np.asarray(backbone.by_gradients(net, rare, answers(net, rare) + 1.0))
        assert seen[1] > seen[0] == 0.0


@pytest.mark.theory
def test_strength_of_paths_multiplies_with_depth():
    # input -> a -> b -> c -> y, each beside the raw input with equal weight: 1/2 a step.
    source = jnp.array([[0, 1, NOBODY], [0, 1, 2], [0, 1, 3]])
    weight = jnp.array([[0.0, 1.0, 0.0], [5.0, -2.0, 2.0], [0.0, 0.1, 0.1]])
    out = jnp.zeros((5, 1)).at[jnp.array([1, 4])].set(jnp.array([[1.0], [1.0]]))
    net = Net(3, weight, Wiring(source, jnp.ones(3, bool)), out)
    np.testing.assert_allclose(backbone.by_weights(net), [0.125, 0.25, 0.5])
    # Half of c's share comes back to b's ancestors on a second way once b also speaks to y itself.
    out = out.at[3, 0].set(2.0)
    net = net._replace(out=out)
    np.testing.assert_allclose(backbone.by_weights(net), [0.25, 0.5, 0.25])
    np.testing.assert_allclose(backbone.by_weights(net, strongest=False), [0.3125, 0.625, 0.25])


@given(seed=st.integers(0, 10_000), threshold=st.floats(0.001, 0.3))
@settings(max_examples=40, deadline=None)
def test_what_lies_above_a_threshold_hangs_together(seed, threshold):
    """Every unit of it is heard by an output, or by a unit of it: the closure needs no repair."""
    net, _, _ = random_net(seed)
    inside = np.asarray(backbone.by_weights(net)) > threshold
    outputs = np.abs(np.asarray(net.out))
    source, weight = np.asarray(net.wiring.source), np.asarray(net.units)
    for u in np.flatnonzero(inside):
        users = np.flatnonzero(((source == FIRST + u) & (weight != 0)).any(1))
        assert outputs[FIRST + u].any() or inside[users].any()
        assert net.wiring.live[u]
        best = np.asarray(backbone.by_weights(net))[users]
        direct = outputs[FIRST + u] / outputs[1:][np.r_[[True] * INPUTS, net.wiring.live]].sum(0)
        assert float(np.asarray(backbone.by_weights(net))[u]) <= max([*best, *direct]) + 1e-6


@given(seed=st.integers(0, 10_000), negligible=st.floats(0.0, 0.5))
@settings(max_examples=40, deadline=None)
def test_the_closure_holds_all_that_its_members_use_and_nothing_else(seed, negligible):
    net, _, _ = random_net(seed)
    members = np.random.default_rng(seed).random(UNITS) > 0.7
    wanted, live = set(np.flatnonzero(members).tolist()), np.asarray(net.wiring.live)
    wanted &= set(np.flatnonzero(live).tolist())
    pending = sorted(wanted)
    while pending:
        u = pending.pop()
        for node, w in zip(np.asarray(net.wiring.source[u]), np.asarray(net.units[u]), strict=True):
            v = int(node) - FIRST
            if v >= 0 and abs(w) > negligible and live[v] and v not in wanted:
                wanted.add(v)
                pending.append(v)
    found = np.asarray(backbone.closure(net, members, negligible))
    assert set(np.flatnonzero(found).tolist()) == wanted


@given(effect=st.lists(st.floats(0, 10), min_size=2, max_size=12), allowed=st.floats(0, 20))
@settings(max_examples=60, deadline=None)
def test_enough_leaves_out_as_much_as_is_allowed_and_no_more(effect, allowed):
    effect = np.array(effect)
    keep = deletion.enough(effect, np.ones(len(effect), bool), allowed)
    assert effect[~keep].sum() <= allowed + 1e-9
    if keep.any():
        assert effect[~keep].sum() + effect[keep].min() > allowed - 1e-9


GROWN = {"units": 24, "levels": 2, "inputs": 2, "fan_in": 3, "patience": 20, "maturity": 300}


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "fringe"])
def grown(request):
    extra = {"fringe": True, "spare": 2, "shy": 0.1, "proven": 0.2} if request.param else {}
    net = growing_grid(**GROWN, **extra)
    state, _ = run(net, chunk=1000)(net.init(0), stream(net.spec, 3000, 0))
    return net, state


def stream(spec, n, seed):
    told = samples(n, seed)
    return observe(spec, steps=n, input=told["input"], label=told["label"])


def samples(n, seed):
    x = np.random.default_rng(seed).uniform(-1, 1, (n, 2))
    return {"input": x, "label": 2.0 * np.abs(x[:, :1]) + 0.5 * x[:, :1] * x[:, 1:] - 0.6}


def test_deleting_all_but_the_backbone_moves_the_output_by_little(grown):
    net, state = grown
    told = samples(300, 9)
    found = backbone.net_of(net, state)
    effect = backbone.by_moving(found, told["input"])
    before = answers(found, told["input"])
    spread = before.std()
    keep = deletion.enough(effect, found.wiring.live, 0.1 * spread)
    left = deletion.delete(state, keep)
    moved = answers(backbone.net_of(net, left.state), told["input"]) - before
    assert np.sqrt((moved**2).mean()) < 0.1 * spread
    assert 0 < left.units < 1 and left.synapses == pytest.approx(left.units, abs=0.2)
    lesion = deletion.delete(state, ~keep).state
    lost = answers(backbone.net_of(net, lesion), told["input"]) - before
    assert np.sqrt((lost**2).mean()) > 0.5 * spread


def test_deletion_leaves_no_trace_and_the_grid_grows_again(grown):
    net, state = grown
    live = np.asarray(state.shared["structure"]["live"])
    keep = live & (np.cumsum(live) % 2 == 0)
    left = deletion.delete(state, keep)
    shared = left.state.shared
    kept = np.asarray(shared["structure"]["live"])
    assert (kept <= keep).all() and left.units == 1 - kept.sum() / live.sum()
    source = np.asarray(shared["structure"]["source"])
    gone = np.flatnonzero(live & ~kept)
    assert not np.isin(source, 3 + gone).any()
    assert (source[gone, 1:] == NOBODY).all()
    for weight in (shared["weights"]["units"][gone], shared["weights"]["output"][3 + gone]):
        assert not np.asarray(weight).any()
    assert not np.asarray(shared["weights"]["units"])[source == NOBODY].any()
    if "fringe" in shared:
        member, master = (np.asarray(shared["fringe"][k]) for k in ("member", "master"))
        assert (member <= kept).all() and (master[gone] == NOBODY).all()
        assert kept[master[member & (master >= 1)] - 1].all() and (master[member] >= 0).all()
    after, out = run(net, ("live", "energy"), chunk=500)(left.state, stream(net.spec, 1500, 3))
    assert out["live"][-1] > kept.sum()
    assert all(np.isfinite(w).all() for w in after.shared["weights"].values())
    assert out["energy"][-300:].mean() < 0.1


def test_keeping_all_moves_no_bit(grown):
    _, state = grown
    left = deletion.delete(state, np.ones(GROWN["units"], bool))
    assert left.units == left.synapses == 0.0
    for a, b in zip(
        jax.tree.leaves(state.shared["weights"]), jax.tree.leaves(left.state.shared["weights"]),
        strict=True,
    ):  # fmt: skip
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


def test_the_finders_agree_on_a_grown_net(grown):
    told, found = samples(300, 9), backbone.net_of(*grown)
    truth, live = backbone.by_moving(found, told["input"]), found.wiring.live
    k = int(np.sum(live)) // 2
    by_chance = deletion.agreement(truth, np.arange(GROWN["units"]), live, k)
    for other in (backbone.by_gradients(found, told["input"], told["label"]),
                  backbone.by_weights(found)):  # fmt: skip
        one = deletion.agreement(truth, other, live, k)
        assert one.rank > 0.5 > by_chance.rank and one.overlap > 0.6
    assert deletion.agreement(truth, truth, live, k) == (1.0, 1.0)
    assert deletion.agreement(truth, -np.asarray(truth), live, k).rank == -1.0


def test_what_cannot_be_judged_is_refused():
    net = settling_net(layers=(4, 3, 2))
    with pytest.raises(SpecError, match="growing_grid"):
        backbone.net_of(net, net.init(0))
    with pytest.raises(SpecError, match="two units"):
        deletion.agreement([1.0], [1.0], [1], 1)
    with pytest.raises(SpecError, match="k"):
        deletion.agreement([1.0, 2.0], [1.0, 2.0], [1, 1], 3)
