"""Claims on MNIST streams: figures counted right, rivals against independent sums, orders kept."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from sodachi.claims import split_mnist, split_rivals
from sodachi.claims.lives import Life, count_weights
from sodachi.claims.mnist_contestants import LESIONS, LONG, OURS_ROW, contestants
from sodachi.claims.mnist_streams import SHORT, TASKS, mnist_figures, rows_of
from sodachi.claims.split_mnist import KEPT, figures, one_pass, sketches, systems
from sodachi.data import load_mnist
from sodachi.errors import DataError
from sodachi.system import State


def blobs(n=400, d=6, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    y = np.sort(rng.integers(classes, size=n))
    return (np.eye(classes, d)[y] * 3 + rng.normal(0, 0.3, (n, d))).astype(np.float32), y


@pytest.mark.unit
def test_a_life_that_gets_worse_has_a_falling_line():
    correct = np.linspace(1.0, 0.0, 11)[:, None] > (np.arange(10) / 10)[None]
    told = np.ones((11, 10), int)
    found = mnist_figures(Life(State({}, {}), correct[:, :, None].astype(int), told), 2, 6)
    by_task = correct.mean(1)
    assert found["new_first"] == pytest.approx(by_task[:2].mean())
    assert found["early"] == pytest.approx(by_task[4:6].mean())
    assert found["new_last"] == pytest.approx(by_task[-2:].mean())
    assert found["slope"] == pytest.approx(100 * np.polyfit(np.arange(11), by_task, 1)[0])
    assert found["head"] == pytest.approx(correct[:, :2].mean())
    assert found["tail"] == pytest.approx(correct[:, -2:].mean())


@pytest.mark.unit
@pytest.mark.parametrize("mode", sorted(LESIONS))
def test_contestants_are_of_one_size_and_each_row_is_one_of_them(mode):
    known = contestants(mode)
    assert set(rows_of(mode)(0, "full")) == set(known) and set(LONG) <= set(known)
    sizes = {row: count_weights(known[row].make().init(0)) for row in known}
    for row, size in sizes.items():
        assert 0.97 < size / sizes[OURS_ROW] < 1.03, row
    assert SHORT["full"] < TASKS["full"]


@pytest.mark.unit
def test_forgetting_is_counted_since_each_task_was_learned():
    y = np.arange(10)
    only_the_newest = np.stack([np.where(y // 2 == task, y, -1) for task in range(5)])
    found = figures(only_the_newest, y)
    assert (found["accuracy"], found["forgetting"]) == (0.2, 1.0)
    assert (found["first_task"], found["last_task"]) == (0.0, 1.0)
    assert found["average"] == pytest.approx(np.mean([1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]))
    all_met = np.stack([np.where(y // 2 <= task, y, -1) for task in range(5)])
    found = figures(all_met, y)
    assert (found["accuracy"], found["forgetting"], found["average"]) == (1.0, 0.0, 1.0)


@pytest.mark.unit
def test_random_features_are_ridge_regression_on_them():
    X, y = blobs()
    answer, floats = split_rivals.random_features(X, y, 3, 20)
    rng = np.random.default_rng([3, 41])
    R, b = rng.normal(0.0, 6**-0.5, (6, 20)), rng.uniform(-0.2, 0.2, 20)
    phi = np.maximum(X @ R + b, 0.0)
    alpha = split_rivals.RIDGE * (phi**2).sum() / 20
    by_hand = Ridge(alpha=alpha, fit_intercept=False).fit(phi, np.eye(4)[y])
    np.testing.assert_array_equal(answer(X), by_hand.predict(phi).argmax(1))
    assert floats == 20 * 20 + 20 * 4


@pytest.mark.unit
@pytest.mark.parametrize("row", sorted(sketches("quick")))
def test_what_is_made_from_sums_or_a_sample_knows_the_classes(row):
    X, y = blobs(n=800, d=40)
    answer, floats = sketches("quick")[row](X, y, 0)
    assert (answer(X) == y).mean() > 0.95 and floats > 0


@pytest.mark.unit
def test_a_buffer_is_balanced_and_drawn_by_chance():
    y = np.repeat([0, 1, 2], [500, 300, 40])
    rows = split_rivals.balanced(y, 60, 0)
    assert np.bincount(y[rows]).tolist() == [20, 20, 20] and len(set(rows)) == 60
    assert not np.array_equal(rows, split_rivals.balanced(y, 60, 1))


@pytest.mark.unit
def test_equal_memory_is_equal():
    live = systems("full")
    ours = split_mnist.count_floats(live[split_mnist.OURS]().init(0))
    assert 0.99 < ours / KEPT["full"] < 1.01
    replay = live[split_mnist.REPLAY]().init(0)
    unused = split_mnist.NET_WEIGHTS  # the weights at birth, to which this net does not decay
    assert 0.97 < (split_mnist.count_floats(replay) - unused) / KEPT["full"] < 1.01
    with_features = int(KEPT["full"] ** 0.5) - 5
    assert 0.97 < (with_features**2 + 10 * with_features) / KEPT["full"] < 1.01


@pytest.mark.slow
def test_sorted_tasks_reach_an_ordinary_net_as_well_as_ours():
    try:
        load_mnist("test")
    except DataError as error:
        pytest.skip(f"MNIST cannot be had here: {error}")
    data = split_mnist.split(0, "quick")
    assert (np.diff(data.y // 2) >= 0).all() and data.ends[-1] == len(data.y)
    assert not (np.diff(data.y) >= 0).all()  # the two digits of a task are mixed
    net = one_pass("backprop", 0, "quick")
    assert net["last_task"] > 0.6 and net["first_task"] < 0.2
