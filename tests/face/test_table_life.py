"""One network in a table: honest predictions, broken rows, unlabelled rows, exact resumption."""

import jax
import numpy as np
import pytest

from sodachi.face.network import classifier_network
from sodachi.face.scores import Accuracy, Error
from sodachi.face.survey import Column, Survey
from sodachi.face.table_life import TableLife
from sodachi.face.tables import Row

pytestmark = pytest.mark.unit
COLUMNS = (Column("x", 0), Column("c", 1, ("a", "b")))
CLASSES = Survey(COLUMNS, "y", 2, "classification", ("no", "yes"))
NUMBERS = Survey(COLUMNS, "y", 2, "regression", ())


def rows(count, seed=0, regression=False):
    rng = np.random.default_rng(seed)
    made = []
    for i in range(count):
        x, c = rng.normal(), "ab"[rng.integers(2)]
        y = f"{100 + 10 * x:.6g}" if regression else ("yes" if x > 0 else "no")
        made.append(Row(i, (f"{x:.6g}", c, y)))
    return made


def bits(life):
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(life.state())]


@pytest.mark.theory
def test_the_answer_is_the_one_before_the_row_was_learned():
    network = classifier_network(2, 2, 16)
    rng = np.random.default_rng(0)
    values = np.full((20, network.inputs), np.nan, np.float32)
    values[:, :2] = rng.normal(size=(20, 2))
    targets = np.eye(network.labels, dtype=np.float32)[rng.integers(2, size=20)]
    shared, expected = network.start(0), []
    for value, target in zip(values, targets, strict=True):
        expected.append(network.answer(shared, value[None])[0])
        shared = network.learn_one(shared, value, target)
    after, answers = network.learn(network.start(0), values, targets)
    np.testing.assert_allclose(answers, expected, atol=1e-6)
    np.testing.assert_allclose(after["weights"]["label"], shared["weights"]["label"], atol=1e-6)


@pytest.mark.parametrize("regression", [False, True])
def test_any_cut_of_the_stream_gives_the_same_bits(regression):
    table, stream = (NUMBERS if regression else CLASSES), rows(120, regression=regression)
    whole, said = TableLife(table, 0), []
    expected = whole.live(stream)[0]
    part = TableLife(table, 0)
    for start, stop in ((0, 1), (1, 50), (50, 120)):
        resumed = TableLife(table, 0)
        resumed.restore(part.state())
        resumed.score.restore(part.score.state())
        said += resumed.live(stream[start:stop])[0]
        part = resumed
    assert said == expected
    assert bits(part) == bits(whole)
    assert part.score.state() == whole.score.state()


def test_it_learns_a_simple_rule_better_than_the_commonest_class():
    life = TableLife(CLASSES, 0)
    life.live(rows(300))
    assert life.score.value() > 0.8 > life.score.plain_value()


def test_it_learns_a_simple_line_better_than_the_mean():
    life = TableLife(NUMBERS, 0)
    life.live(rows(300, regression=True))
    assert life.score.value() < 0.7 * life.score.plain_value()


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        (None, "expected 3 fields, got 2"),
        (("one", "a", "yes"), "column x: expected a finite number, got 'one'"),
        (("1", "a", "maybe"), "column y: expected a class that was there at birth, got 'maybe'"),
    ],
)
def test_a_broken_row_is_put_aside_and_moves_no_bit(fields, fault):
    life = TableLife(CLASSES, 0)
    life.live(rows(30))
    before, score = bits(life), life.score.state()
    predictions, broken = life.live([Row(30, fields, "expected 3 fields, got 2")])
    assert predictions == [] and broken == [(30, fault)]
    assert bits(life) == before and life.score.state() == score


def test_a_target_that_is_no_number_is_put_aside_in_regression():
    life = TableLife(NUMBERS, 0)
    _, broken = life.live([Row(0, ("1", "a", "inf"))])
    assert broken == [(0, "column y: expected a finite number, got 'inf'")]


def test_a_row_without_a_target_is_predicted_and_not_scored():
    life = TableLife(CLASSES, 0)
    life.live(rows(50))
    label = np.asarray(life.shared["weights"]["label"]).copy()
    predictions, broken = life.live([Row(50, ("2.0", "a", "?"))])
    assert predictions == [(50, "yes", None)] and broken == []
    assert life.score.count == 50
    np.testing.assert_array_equal(life.shared["weights"]["label"], label)


def test_an_infinite_stream_of_strange_rows_leaves_finite_weights():
    life, rng = TableLife(CLASSES, 0), np.random.default_rng(5)
    odd = ["", "nan", "inf", "-1e30", "1e30", "1e-320", "x", "0", "3"]
    life.live([Row(i, (odd[rng.integers(9)], "abz?"[rng.integers(4)], "yes")) for i in range(300)])
    assert all(np.isfinite(np.asarray(leaf)).all() for leaf in jax.tree.leaves(life.state()))


@pytest.mark.theory
def test_scores_are_the_definitions():
    rng = np.random.default_rng(6)
    truth, said = rng.normal(5, 2, 200), rng.normal(5, 2, 200)
    error = Error()
    for prediction, y in zip(said, truth, strict=True):
        error.add(prediction, y)
    so_far = np.concatenate([[0.0], np.cumsum(truth)[:-1] / np.arange(1, 200)])
    assert error.value() == pytest.approx(np.abs(said - truth).mean())
    assert error.plain_value() == pytest.approx(np.abs(so_far - truth).mean())
    r2 = 1 - ((said - truth) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()
    assert error.r2() == pytest.approx(r2)
    accuracy = Accuracy()
    for prediction, y in zip("abab", "aabb", strict=True):
        accuracy.add(prediction, y)
    assert (accuracy.value(), accuracy.plain_value()) == (0.5, 0.25)
