"""Gated modules against one backprop net for each world, taught only what its module was taught."""

import jax
import numpy as np
import pytest

from sodachi import minibatch, observe, run
from sodachi.errors import SpecError
from sodachi.models.backprop import backprop_net
from sodachi.models.gated import gated_net
from sodachi.system import build

LAYERS = (16, 5, 3)
RULE = {"rate": 0.01, "decay_to_initial": 0.2}


def worlds(*names, n=300):
    """Return rows of the worlds in turn: a world's own ground, its picture of a label, noise."""
    draw = np.random.default_rng(7)
    pictures = draw.integers(0, 2, (4, 1, 16)) + 0.4 * draw.uniform(size=(4, 3, 16))
    rng = np.random.default_rng(1)
    y = rng.integers(0, 3, (len(names), n))
    x = np.stack([pictures[w][labels] for w, labels in zip(names, y, strict=True)])
    return (x + 0.05 * rng.normal(size=x.shape)).reshape(-1, 16).astype("f4"), y.reshape(-1)


def lived(net, X, Y):
    told = observe(net.spec, steps=len(X), input=X, label=Y)
    state, kept = run(net, emit=("context", "label"))(net.init(0), told)
    return state, np.array(kept["context"]), np.array(kept["label"])


def require_twins(state, context, X, Y, contexts):
    """Each module is the twin that learned at those ticks alone."""
    lanes = X.shape[1] if X.ndim == 3 else 0
    twin = backprop_net(layers=LAYERS, **RULE)
    twin = minibatch(twin, lanes) if lanes else twin
    start = twin.init(0)
    alone = (gated_net(layers=LAYERS, **RULE).init(0)).shared["synapses"]["initial"]
    for c in contexts:
        shared = start.shared | {"weights": alone}
        shared["synapses"] = start.shared["synapses"] | {"initial": alone}
        told = observe(twin.spec, steps=len(X), input=X, label=Y, learn=context == c)
        after, _ = run(twin, emit=())(start._replace(shared=shared), told)
        for name, array in after.shared["weights"].items():
            assert np.allclose(state.shared["weights"][name][c], array, atol=1e-5), (c, name)


@pytest.mark.theory
def test_every_world_has_a_module_that_is_the_twin_of_that_world_alone():
    X, Y = worlds(0, 1, 0, 2, 1)
    net = gated_net(layers=LAYERS, contexts=4, **RULE)
    state, context, answers = lived(net, X, Y)
    usual = [int(np.bincount(part).argmax()) for part in context.reshape(5, -1)]
    assert usual == [0, 1, 0, 2, 1]
    require_twins(state, context, X, Y, range(3))
    fresh = np.array(state.shared["weights"]["weight_0"][3])
    assert np.array_equal(fresh, state.shared["synapses"]["initial"]["weight_0"])
    assert (answers[-300:].argmax(1) == Y[-300:]).mean() > 2 / 3


@pytest.mark.theory
def test_where_no_context_is_free_the_longest_unused_begins_anew():
    X, Y = worlds(0, 1, 2)
    state, context, _ = lived(gated_net(layers=LAYERS, contexts=2, **RULE), X, Y)
    assert [int(np.bincount(part).argmax()) for part in context.reshape(3, -1)] == [0, 1, 0]
    third = context.copy()
    third[:600] = -1  # what module 0 learned in world 0 is gone
    require_twins(state, third, X, Y, [0])
    require_twins(state, context, X, Y, [1])


@pytest.mark.theory
def test_lanes_in_different_worlds_teach_different_modules():
    # The second lane goes ahead into the other world; both meet there.
    (X0, Y0), (X1, Y1) = worlds(0, 0, 1), worlds(0, 1, 1)
    X, Y = np.stack([X0, X1 + 0.01], 1), np.stack([Y0, Y1], 1)
    net = minibatch(gated_net(layers=LAYERS, contexts=3, **RULE), 2)
    state, context, _ = lived(net, X, Y)
    assert context[590].tolist() == [0, 1] and context[-1].tolist() == [1, 1]
    require_twins(state, context, X, Y, [0, 1])


@pytest.mark.unit
def test_one_context_is_the_twin():
    X, Y = worlds(0, 1)
    state, context, _ = lived(gated_net(layers=LAYERS, contexts=1, **RULE), X, Y)
    assert not context.any()
    require_twins(state, context, X, Y, [0])


@pytest.mark.unit
@pytest.mark.parametrize("given", [{"label": None}, {"label": 1, "learn": False}])
def test_without_a_label_or_without_learn_no_weight_moves(given):
    net = gated_net(layers=LAYERS, contexts=3, **RULE)
    step = jax.jit(net.step)
    x = np.linspace(0, 1, 16)
    state, _ = step(net.init(0), observe(net.spec, input=x, label=2))
    after, _ = step(state, observe(net.spec, input=x, **given))
    for part in ("weights", "synapses"):
        old, new = jax.tree.leaves(state.shared[part]), jax.tree.leaves(after.shared[part])
        for a, b in zip(old, new, strict=True):
            assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


@pytest.mark.unit
def test_the_spec_builds_the_same_net_again():
    net = gated_net(layers=LAYERS, contexts=3, surprise=10.0)
    assert build(net.spec).spec == net.spec


@pytest.mark.unit
@pytest.mark.parametrize(
    "wrong", [{"contexts": 0}, {"surprise": 0.0}, {"beta": -1.0}, {"rate": -1.0}]
)
def test_a_wrong_argument_is_named(wrong):
    with pytest.raises(SpecError) as error:
        gated_net(**({"layers": LAYERS} | wrong))
    assert error.value.field == next(iter(wrong))
