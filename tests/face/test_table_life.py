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
NAMES = ("x", "c", "y", "z")
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
        (("1", "a", "no", "3"), "column z: expected a column that was there at birth, got 3"),
    ],
)
def test_a_broken_row_is_put_aside_and_moves_no_bit(fields, fault):
    life = TableLife(CLASSES, 0, fixed=True)
    life.live(rows(30))
    before, score = bits(life), life.score.state()
    predictions, broken = life.live([Row(30, fields, "expected 3 fields, got 2")], NAMES)
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


# --- columns, categories and classes that come late, and go --------------------------------------


def changing(count=300, seed=1):
    """Return rows in which z replaces x from row 100, d and many columns come, and a class."""
    rng, made = np.random.default_rng(seed), []
    for i in range(count):
        x, c = rng.normal(), "abc"[rng.integers(2 + (i > 150))]
        y = "odd" if i > 120 and rng.random() < 0.2 else ("yes" if x > 0 else "no")
        z = f"{5 + 3 * x:.6g}" if i >= 80 else ""
        more = [f"{x + 0.5 * rng.normal():.6g}" for _ in range(20 * (i >= 200))]
        word = "odd" if y == "odd" else "even"
        fields = (f"{x:.6g}" if i < 100 else "", c, y, z, word if i > 120 else "?", *more)
        made.append(Row(i, fields))
    return made, ("x", "c", "y", "z", "word", *(f"more{i}" for i in range(20)))


def test_columns_classes_and_categories_emerge_and_vanish_without_restart():
    stream, names = changing()
    life = TableLife(CLASSES, 0)
    small = life.network.inputs
    predictions, broken = life.live(stream, names)
    assert broken == [] and life.network.inputs > small  # it outgrew its first network
    right = [said == truth for _, said, truth in predictions]
    assert np.mean(right[110:]) > 0.75  # x, on which the classes hung, is gone: three classes
    said = life.changes(600)
    late = {"column z emerged at row 80", "column word emerged at row 121",
            "column more19 emerged at row 200", "column x: not since row 99"}  # fmt: skip
    first = next(row.number for row in stream if row.fields[2] == "odd")
    assert late | {f"class odd emerged at row {first}"} <= set(said)
    assert not any(line.startswith(("column c emerged", "class yes emerged")) for line in said)
    assert len([line for line in life.changes(310) if "not since" in line]) == 1


def test_any_cut_gives_the_same_bits_while_things_emerge():
    stream, names = changing()
    whole, said = TableLife(CLASSES, 0), []
    expected = whole.live(stream, names)[0]
    part = TableLife(CLASSES, 0)
    for start, stop in ((0, 90), (90, 122), (122, 201), (201, 300)):
        resumed = TableLife(CLASSES, 0)
        resumed.restore(part.state(), part.notes())
        resumed.score.restore(part.score.state())
        said += resumed.live(stream[start:stop], names)[0]
        part = resumed
    assert said == expected
    assert bits(part) == bits(whole) and part.notes() == whole.notes()


def test_a_broken_row_brings_nothing_new():
    life = TableLife(CLASSES, 0)
    life.live(rows(30))
    before, notes = bits(life), life.notes()
    _, broken = life.live([Row(30, ("one", "q", "maybe", "3"))], NAMES)
    assert broken == [(30, "column x: expected a finite number, got 'one'")]
    assert bits(life) == before and life.notes() == notes


def test_too_many_classes_are_put_aside_and_too_many_categories_counted():
    life = TableLife(CLASSES, 0)
    made = [Row(i, ("1", f"word{i}", f"class{i}")) for i in range(80)]
    life.classes |= {f"other{i}": 2 + i for i in range(190)}  # 64 more, and it is full
    _, broken = life.live(made)
    assert len(broken) == 16 and "at most 256 classes, got another" in broken[0].fault
    assert len(life.encoder.notes()["categories"]["c"]) == 64
    assert life.encoder.unseen.tolist() == [2]
