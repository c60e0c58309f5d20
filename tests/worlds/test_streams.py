"""Streams: what each mode promises, and exactness from a seed and an offset."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sodachi.errors import DataError, SpecError
from sodachi.worlds import RewiredDigits, RewiredWorlds, Source

N, D = 11, 9
# Every entry is unlike every other, so a row and its wiring can be read off a shown row.
X = np.arange(N * D, dtype=np.float32).reshape(N, D)
Y = np.arange(N) % 4


def _stream(mode="pixels", worlds=23, **more):
    return RewiredWorlds(X, Y, worlds=worlds, mode=mode, **more)


def _read(rows):
    """Return which rows of the data set these are, and the wiring of each."""
    rows = rows.astype(int)
    np.testing.assert_array_equal(rows // D, np.repeat(rows[:, :1] // D, D, axis=1))
    return rows[:, 0] // D, rows % D


@pytest.mark.parametrize("mode", ["pixels", "labels", "drift", "unseen"])
def test_rows_are_the_worlds_end_to_end(mode):
    stream = _stream(mode)
    blocks = list(stream.worlds())
    shown = list(stream)
    assert isinstance(stream, Source) and len(shown) == len(stream) == stream.offset()
    np.testing.assert_array_equal(
        np.stack([x for x, _ in shown]), np.concatenate([b[0] for b in blocks])
    )
    assert [y for _, y in shown] == np.concatenate([b[1] for b in blocks]).tolist()
    assert shown[0][0].dtype == np.float32 and type(shown[0][1]) is int
    with pytest.raises(StopIteration):
        next(stream)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(["pixels", "labels", "drift", "unseen"]), st.integers(0, 99))
def test_seek_is_exact(data, mode, seed):
    straight = list(_stream(mode, seed=seed, worlds=7))
    stream = _stream(mode, seed=seed, worlds=7)
    for place in data.draw(st.lists(st.integers(0, len(straight)), max_size=6)):
        stream.seek(place)
        for number in range(place, min(place + 3, len(straight))):
            assert stream.offset() == number
            x, y = next(stream)
            assert x.tobytes() == straight[number][0].tobytes() and y == straight[number][1]


@pytest.mark.parametrize("mode", ["pixels", "labels", "drift", "unseen"])
def test_a_longer_stream_begins_with_the_shorter(mode):
    short, long = _stream(mode, worlds=9), _stream(mode, worlds=30)
    assert short.infos == long.infos[:9]
    for index in range(9):
        for a, b in zip(short.world(index)[:2], long.world(index)[:2], strict=True):
            assert a.tobytes() == b.tobytes()


def test_every_fifth_world_is_an_earlier_one_in_a_new_order():
    stream = _stream(worlds=100)
    new, lived = [], {}
    for rows, labels, info in stream.worlds():
        shown, wiring = _read(rows)
        assert sorted(shown.tolist()) == list(range(N))
        np.testing.assert_array_equal(labels, Y[shown])
        assert (wiring == wiring[0]).all() and sorted(wiring[0].tolist()) == list(range(D))
        assert info.returning == (info.index % 5 == 4)
        if info.returning:
            assert info.original in new
        else:
            assert info.original == info.index
            new.append(info.index)
        visits = lived.setdefault(info.original, [])
        assert info.visit == len(visits)
        assert all((wiring[0] == before[1]).all() for before in visits)
        assert all((shown != before[0]).any() for before in visits)
        visits.append((shown, wiring[0]))
    assert len({tuple(visits[0][1]) for visits in lived.values()}) == len(new) == 80


def test_returns_choose_each_earlier_world_equally_often():
    # World 4 returns one of 0 to 3: over 400 seeds each is expected 100 times, sd 8.7.
    drawn = [_stream(worlds=5, seed=seed).infos[4].original for seed in range(400)]
    counts = np.bincount(drawn, minlength=4)
    assert len(counts) == 4 and (abs(counts - 100) < 5 * np.sqrt(400 * 0.25 * 0.75)).all()


def test_seeds_differ_and_repeat():
    same, again, other = (_stream(seed=seed).world(3)[0] for seed in (1, 1, 2))
    assert same.tobytes() == again.tobytes() != other.tobytes()


def test_labels_mode_permutes_labels_only():
    stream = _stream("labels")
    maps = {}
    for rows, labels, info in stream.worlds():
        shown, wiring = _read(rows)
        assert (wiring == np.arange(D)).all()
        table = dict(zip(Y[shown].tolist(), labels.tolist(), strict=True))
        assert sorted(table.values()) == [0, 1, 2, 3]
        assert [table[y] for y in Y[shown].tolist()] == labels.tolist()
        assert maps.setdefault(info.original, table) == table
    assert len({tuple(sorted(table.items())) for table in maps.values()}) > 5


def test_drift_never_jumps_and_swaps_at_its_stated_rate():
    stream = _stream("drift", swaps=3)
    assert not any(info.returning for info in stream.infos)
    wirings = []
    for rows, labels, _ in stream.worlds():
        shown, wiring = _read(rows)
        assert sorted(shown.tolist()) == list(range(N))
        np.testing.assert_array_equal(labels, Y[shown])
        wirings.append(wiring)
    moved = (np.diff(np.concatenate(wirings), axis=0) != 0).sum(1)
    # 11 rows and 3 swaps: before rows 11k // 4, that is 2, 5 and 8 of every world, never between.
    expected = [2 if row % N in (2, 5, 8) else 0 for row in range(1, N * 23)]
    assert moved.tolist() == expected


def test_unseen_mode_shows_the_other_half_on_returns():
    stream = _stream("unseen", worlds=60)
    halves = {}
    for rows, _, info in stream.worlds():
        shown, wiring = _read(rows)
        assert len(rows) == stream.length == N // 2
        seen = halves.setdefault((info.original, info.returning), set(shown.tolist()))
        assert seen == set(shown.tolist()) and len(seen) == N // 2
        assert seen.isdisjoint(halves[info.original, False]) or not info.returning
        assert (wiring == wiring[0]).all()
    assert len({frozenset(half) for half in halves.values()}) > 5


def test_digits_are_a_hundred_and_twenty_five_worlds_of_1797():
    stream = RewiredDigits(seed=0)
    assert len(stream) == 125 * 1797 and stream.swaps == 8 and stream.classes == 10
    assert sum(info.returning for info in stream.infos) == 25
    rows, labels, _ = stream.world(124)
    assert rows.shape == (1797, 64) and np.bincount(labels).sum() == 1797
    stream.seek(124 * 1797 + 5)
    x, y = next(stream)
    assert x.tobytes() == rows[5].tobytes() and y == labels[5]


def test_what_is_shown_cannot_be_written_and_owes_nothing_to_the_caller():
    mine = X.copy()
    stream = RewiredWorlds(mine, Y, worlds=3)
    before = stream.world(0)[0].tobytes()
    mine[:] = -1
    assert stream.world(0)[0].tobytes() == before
    with pytest.raises(ValueError, match="read-only"):
        next(stream)[0][0] = 5


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"X": X[0]}, "X"),
        ({"X": X[:0], "y": Y[:0]}, "X"),
        ({"X": np.full((N, D), np.nan)}, "X"),
        ({"X": np.full((N, D), 1e300)}, "X"),
        ({"X": np.full((N, D), "a")}, "X"),
        ({"y": Y[:-1]}, "y"),
        ({"y": Y - 1}, "y"),
        ({"y": Y + 0.5}, "y"),
        ({"seed": -1}, "seed"),
        ({"worlds": 0}, "worlds"),
        ({"worlds": 2.5}, "worlds"),
        ({"every": 1}, "every"),
        ({"every": -1}, "every"),
        ({"mode": "sideways"}, "mode"),
        ({"swaps": -1}, "swaps"),
        ({"X": X[:, :1], "mode": "drift"}, "X"),
        ({"X": X[:1], "y": Y[:1], "mode": "unseen"}, "X"),
    ],
)
def test_wrong_descriptions_are_named(arguments, field):
    with pytest.raises(SpecError) as caught:
        RewiredWorlds(**({"X": X, "y": Y, "worlds": 3} | arguments))
    assert caught.value.field == field


@pytest.mark.parametrize("place", [-1, 3 * N + 1, 1.0, None])
def test_no_such_place(place):
    stream = _stream(worlds=3)
    stream.seek(4)
    with pytest.raises(DataError, match="offset"):
        stream.seek(place)
    assert stream.offset() == 4
    with pytest.raises(DataError, match="world"):
        stream.world(place)


@pytest.mark.parametrize("mode", ["pixels", "labels", "drift", "unseen"])
def test_a_shorter_visit_shows_rows_of_the_whole_drawn_anew(mode):
    whole, short = _stream(mode, worlds=40), _stream(mode, worlds=40, length=3)
    assert len(short) == 40 * 3 and short.infos == whole.infos
    seen = set()
    for index in range(40):
        shown, labels, _ = short.world(index)
        assert shown.shape == (3, D) and labels.shape == (3,)
        which, _ = _read(shown)
        there, _ = _read(whole.world(index)[0])
        np.testing.assert_array_equal(which, there[:3])
        seen |= set(which.tolist())
    assert len(seen) == N  # over the visits every row comes


def test_all_rows_are_shown_where_no_length_is_given():
    given, open_ = _stream(length=N), _stream()
    for index in (0, 4, 9):
        assert given.world(index)[0].tobytes() == open_.world(index)[0].tobytes()


@pytest.mark.parametrize(("mode", "length"), [("pixels", 0), ("pixels", N + 1), ("unseen", 6)])
def test_a_length_that_is_not_there_is_refused(mode, length):
    with pytest.raises(SpecError, match="length"):
        _stream(mode, length=length)
