"""The stream classifier alone and inside a river pipeline."""

import numpy as np
import pytest

from sodachi.errors import ObservationError, SpecError
from sodachi.face.stream import StreamClassifier

pytestmark = pytest.mark.unit
SMALL = {"features": 3, "classes": 3, "units": 16}


def state_bytes(model):
    import jax

    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(model._shared)]


def blobs(samples, seed=0):
    rng = np.random.default_rng(seed)
    for label in rng.integers(0, 3, samples):
        x = rng.normal(scale=0.3, size=2) + 2.0 * np.array([label == 1, label == 2])
        yield {"a": x[0], "b": x[1]}, ("red", "green", "blue")[label]


def test_it_learns_separate_blobs_as_they_come():
    model, right = StreamClassifier(**SMALL), []
    for x, y in blobs(300):
        right.append(model.predict_one(x) == y)
        model.learn_one(x, y)
    assert np.mean(right[30:]) > 0.9  # Bayes' rule has an error below .002 on these


def test_probabilities_cover_the_classes_seen_and_sum_to_one():
    model = StreamClassifier(**SMALL)
    assert model.predict_proba_one({"a": 0.0}) == {} and model.predict_one({"a": 0.0}) is None
    for x, y in blobs(20):
        model.learn_one(x, y)
    answer = model.predict_proba_one({"a": 0.0, "b": 0.0})
    assert set(answer) == {"red", "green", "blue"}
    assert sum(answer.values()) == pytest.approx(1.0)
    assert all(p >= 0 for p in answer.values())


def test_predicting_moves_no_bit_and_an_order_of_keys_does_not_matter():
    model = StreamClassifier(**SMALL)
    for x, y in blobs(20):
        model.learn_one(x, y)
    before = state_bytes(model)
    one = model.predict_proba_one({"a": 0.5, "b": 1.0, "never seen": 3.0})
    two = model.predict_proba_one({"b": 1.0, "a": 0.5, "also": None})
    assert one == two
    assert state_bytes(model) == before


def test_features_may_come_late_and_be_missing():
    model = StreamClassifier(**SMALL)
    model.learn_one({"a": 0.0}, "no")
    model.learn_one({"a": 0.0, "b": 2.0}, "yes")
    model.learn_one({"a": 0.0, "b": -2.0}, "no")
    assert model.predict_one({"b": 2.0}) == "yes"
    assert model.predict_one({"a": float("nan"), "b": -2.0}) == "no"
    missing = [model.predict_proba_one({"b": -2.0} | a) for a in ({}, {"a": None}, {"a": np.nan})]
    assert missing[0] == missing[1] == missing[2]


def test_features_and_classes_emerge_and_vanish_without_restart():
    model, right = StreamClassifier(**SMALL), []
    for i, (x, y) in enumerate(blobs(400)):
        a, b = x["a"], x["b"]
        if i < 200 and y == "blue":
            continue  # the class is not there yet
        sample = {"a": a} if i < 100 else {"a": a, "b": b} if i < 300 else {"b": b, "c": a}
        right.append(model.predict_one(sample) == y)
        model.learn_one(sample, y)
    assert np.mean(right[30:]) > 0.85
    count, seen = len(right), model.seen()
    assert seen["features"]["c"] == (count - 100, count - 1)
    assert seen["features"]["a"] == (0, count - 101)
    assert seen["classes"]["blue"][0] >= count - 200


def test_a_constant_feature_that_emerges_changes_only_the_scale():
    plain, late = StreamClassifier(**SMALL), StreamClassifier(**SMALL)
    for i, (x, y) in enumerate(blobs(120)):
        plain.learn_one(x | {"c": float("nan")}, y)  # three features from the beginning
        late.learn_one(x | {"c": 7.0 if i >= 60 else float("nan")}, y)
    for x, _ in blobs(20, seed=1):
        one, two = plain.predict_proba_one(x), late.predict_proba_one(x | {"c": 7.0})
        assert two == pytest.approx(one, abs=1e-4)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ({"a": float("inf")}, "red", r"x\['a'\]: expected a finite number, got inf"),
        ({"a": "high"}, "red", r"x\['a'\]: expected a finite number, got 'high'"),
        ({"a": [1.0]}, "red", r"x\['a'\]: expected a finite number"),
        ({}, "red", "x: expected at least one feature, got none"),
        ({"a": 1.0, "c": 1.0, "d": 1.0}, "red", "at most 3 features, got another, 'd'"),
        ({"a": 1.0}, "pink", "y: expected at most 3 classes, got another, 'pink'"),
        ({"a": 1.0}, None, "y: expected a class, got None"),
        ({"a": 1.0}, float("nan"), "y: expected a class, got nan"),
    ],
)
def test_a_bad_sample_is_refused_and_changes_nothing(x, y, message):
    model = StreamClassifier(**SMALL)
    for good, label in blobs(20):
        model.learn_one(good, label)
    before, names = state_bytes(model), (dict(model._columns), dict(model._labels))
    with pytest.raises(ObservationError, match=message):
        model.learn_one(x, y)
    assert state_bytes(model) == before
    assert (model._columns, model._labels) == names


@pytest.mark.parametrize("given", [{"units": 0}, {"features": 1.5}, {"sharpness": -1.0}])
def test_bad_parameters_are_refused(given):
    with pytest.raises(SpecError, match=next(iter(given))):
        StreamClassifier(**given)


def test_a_stream_compiles_nothing_after_its_first_sample():
    import jax

    compiled = []
    model = StreamClassifier(**SMALL)
    rows = list(blobs(50))
    model.learn_one(*rows[0])
    model.predict_one(rows[0][0])
    count = lambda name, *_, **__: compiled.append(name) if "backend_compile" in name else None  # noqa: E731
    jax.monitoring.register_event_duration_secs_listener(count)
    for x, y in rows[1:]:
        model.predict_one(x)
        model.learn_one(x, y)
    assert compiled == []


def test_it_works_in_a_river_pipeline_and_is_scored_by_river():
    pytest.importorskip("river")
    from river import base, evaluate, metrics, preprocessing

    model = preprocessing.StandardScaler() | StreamClassifier(**SMALL)
    assert isinstance(model, base.Classifier)
    score = evaluate.progressive_val_score(list(blobs(300)), model, metrics.Accuracy())
    assert score.get() > 0.85
    again = model.clone()
    repeated = evaluate.progressive_val_score(list(blobs(300)), again, metrics.Accuracy())
    assert repeated.get() == score.get()
    loss = evaluate.progressive_val_score(list(blobs(300)), model, metrics.CrossEntropy())
    assert loss.get() < np.log(3)  # what a guess of three equal chances costs


def test_a_clone_starts_anew_or_goes_on_as_asked():
    model = StreamClassifier(**SMALL)
    for x, y in blobs(30):
        model.learn_one(x, y)
    fresh, same = model.clone({"units": 8}), model.clone(include_attributes=True)
    assert fresh.units == 8 and fresh.predict_one({"a": 0.0}) is None
    probe = {"a": 0.3, "b": 0.2}
    assert same.predict_proba_one(probe) == model.predict_proba_one(probe)
    same.learn_one(probe, "green")
    assert same.predict_proba_one(probe) != model.predict_proba_one(probe)
    assert repr(fresh).startswith("StreamClassifier(features=3, classes=3, units=8")
