"""The nearest neighbour against scikit-learn's, on a ring buffer that forgets the oldest."""

import jax
import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from sodachi import minibatch, observe
from sodachi.errors import SpecError
from sodachi.models.nearest import nearest_neighbour
from sodachi.system import build

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(20, 3)).astype("f4")
Y = RNG.integers(0, 4, 20)
NET = nearest_neighbour(inputs=3, labels=4, capacity=6)
STEP = jax.jit(NET.step)


@pytest.mark.theory
def test_every_answer_is_that_of_the_nearest_of_the_last_samples():
    state = NET.init(0)
    for i, (x, y) in enumerate(zip(X, Y, strict=True)):
        state, output = STEP(state, observe(NET.spec, input=x, label=int(y)))
        if i == 0:
            assert np.allclose(output["label"], 0.25)
            continue
        recent = slice(max(0, i - 6), i)
        model = KNeighborsClassifier(n_neighbors=1).fit(X[recent], Y[recent])
        assert int(np.argmax(output["label"])) == model.predict(x[None])[0]
        distance = model.kneighbors(x[None])[0].item()
        assert float(output["energy"]) == pytest.approx(0.5 * distance**2, rel=1e-5)
    assert int(output["stored"]) == 6


@pytest.mark.unit
def test_absent_inputs_do_not_count_and_are_completed_from_the_nearest():
    state, _ = STEP(NET.init(0), observe(NET.spec, input=[0.0, 0.0, 1.0], label=1))
    state, _ = STEP(state, observe(NET.spec, input=[1.0, 1.0, 0.0], label=2))
    half = observe(NET.spec, input=np.array([0.9, np.nan, np.nan]), missing="absent")
    _, output = STEP(state, half)
    assert int(np.argmax(output["label"])) == 2
    assert np.allclose(output["input"], [0.9, 1.0, 0.0])


@pytest.mark.unit
@pytest.mark.parametrize(
    "given",
    [
        {"input": X[1], "label": None},
        {"input": X[1], "label": 1, "learn": False},
        {"input": None, "label": 1},
    ],
)
def test_nothing_is_stored_without_label_input_and_learn(given):
    state, _ = STEP(NET.init(0), observe(NET.spec, input=X[0], label=3))
    after, _ = STEP(state, observe(NET.spec, **given))
    for old, new in zip(
        jax.tree.leaves(state.shared["structure"]),
        jax.tree.leaves(after.shared["structure"]),
        strict=True,
    ):
        assert np.asarray(old).tobytes() == np.asarray(new).tobytes()


@pytest.mark.unit
def test_lanes_are_stored_in_their_order_and_the_last_stay():
    many = minibatch(NET, 8)
    learns = np.array([True] * 7 + [False])
    state, _ = jax.jit(many.step)(
        many.init(0), observe(many.spec, input=X[:8], label=Y[:8], learn=learns)
    )
    structure = state.shared["structure"]
    # Seven samples into six places from place 0: sample 6 lies where sample 0 would.
    order = [6, 1, 2, 3, 4, 5]
    assert np.array_equal(structure["inputs"].T, X[order])
    assert np.array_equal(structure["labels"], Y[order])
    assert int(structure["next"]) == 1


@pytest.mark.unit
def test_the_spec_builds_the_same_system_again_and_wrong_sizes_are_named():
    assert build(NET.spec).spec == NET.spec
    with pytest.raises(SpecError) as error:
        nearest_neighbour(capacity=0)
    assert error.value.field == "capacity"
