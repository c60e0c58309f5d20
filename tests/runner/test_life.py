"""A life predicts before it learns, and no pause, chunk size or bad row moves one bit of it."""

import jax
import numpy as np
import pytest
from runner_toy import CLASSES, INPUTS, Rows, toy

from sodachi.errors import CheckpointError, SpecError
from sodachi.models import backprop_net
from sodachi.observation import observe
from sodachi.runner import Life, load, predict_then_learn
from sodachi.runner.life import CHECKPOINT
from sodachi.running import run
from sodachi.system import State, System, build

NET = toy()


def saved(folder):
    return (folder / CHECKPOINT).read_bytes()


def bits(state):
    leaves = jax.tree.leaves(state)
    plain = [
        jax.random.key_data(x) if jax.numpy.issubdtype(x.dtype, jax.dtypes.prng_key) else x
        for x in leaves
    ]
    return [np.asarray(x).tobytes() for x in plain]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The checkpoint of 300 rows lived in one go."""
    folder = tmp_path_factory.mktemp("whole")
    with Life(folder, NET, Rows(300, bad=11), chunk=32) as life:
        life.live()
    return saved(folder)


def test_it_predicts_before_it_learns(tmp_path):
    """Against the recursion in float64: answer = xW, then W ← W + rate · x (label − answer)."""
    before, after, rate = 2, 3, 0.05
    seen = []
    net = toy(noise=0.0)
    with Life(
        tmp_path, net, Rows(40), chunk=16, ticks_before=before, ticks_after=after,
        on_chunk=lambda life, chunk: seen.append(chunk),
    ) as life:  # fmt: skip
        w = np.array(life.state.shared["weights"]["w"], np.float64)
        summary = life.live()
    right = []
    for row, (x, y) in enumerate(Rows(40)):
        answer = seen[row // 16].answers[row % 16]
        assert answer == pytest.approx(x @ w, abs=1e-5)
        right.append(float(np.argmax(x @ w) == y))
        for _ in range(after):
            w += rate * np.outer(x, np.eye(CLASSES)[y] - x @ w)
    assert np.concatenate([chunk.scores for chunk in seen]).tolist() == right
    assert summary["metrics"]["accuracy"] == np.mean(right)


def test_predict_then_learn_equals_the_stream_of_its_ticks_bit_for_bit():
    life = predict_then_learn(NET, before=2, after=1)
    rows = list(Rows(5))
    state, outputs = run(life, emit=("answer", "energy"), chunk=4)(
        life.init(0),
        observe(life.spec, steps=5, input=[x for x, _ in rows], label=[y for _, y in rows]),
    )
    again, step = NET.init(0), run(NET, emit=("label", "energy"), chunk=4)
    for i, (x, y) in enumerate(rows):
        asked = observe(NET.spec, steps=2, input=[x, x])
        again, answer = step(again, asked)
        again, told = step(again, observe(NET.spec, steps=1, input=[x], label=[y]))
        assert outputs["answer"][i].tobytes() == answer["label"][1].tobytes()
        assert outputs["energy"][i].tobytes() == told["energy"][0].tobytes()
    assert bits(state) == bits(again)
    assert build(life.spec).spec == life.spec


def test_pauses_anywhere_and_new_processes_leave_the_same_checkpoint(tmp_path, whole):
    for rows in (1, 40, 0, 32, 100, None):
        with Life(tmp_path, NET, Rows(300, bad=11), chunk=32, seed=0 if rows == 1 else 9) as life:
            life.live(rows)
    assert saved(tmp_path) == whole


def test_a_source_that_grew_is_lived_on(tmp_path, whole):
    for length in (77, 77, 300):
        with Life(tmp_path, NET, Rows(length, bad=11), chunk=32) as life:
            assert life.live()["rows"] == length
    assert saved(tmp_path) == whole


@pytest.mark.parametrize("chunk", [1, 7, 512])
def test_the_chunk_size_moves_no_bit(tmp_path, whole, chunk):
    with Life(tmp_path, NET, Rows(300, bad=11), chunk=chunk, every_rows=100) as life:
        life.live()
    assert saved(tmp_path) == whole


def test_bad_rows_are_as_if_they_had_not_been(tmp_path):
    class Clean(Rows):
        def __next__(self):
            row = super().__next__()
            while self.at % 5 == 0:  # every fifth is bad
                row = super().__next__()
            return row

    with Life(tmp_path / "bad", NET, Rows(100, bad=5), chunk=16) as bad:
        counted = bad.live()
    with Life(tmp_path / "clean", NET, Clean(100, bad=5), chunk=16) as clean:
        clean.live()
    assert bits(bad.state) == bits(clean.state)
    assert counted["rows"] == 100 and counted["learned"] == 80
    assert counted["quarantine"] == {"input NaN": 7, "label unseen": 6, "no row": 7}


def test_checkpoints_fall_where_they_should(tmp_path):
    marks = []

    class Watched(Life):
        def checkpoint(self):
            super().checkpoint()
            marks.append(self.rows)

    with Watched(tmp_path / "rows", NET, Rows(100), chunk=16, every_rows=40) as life:
        life.live()
    assert marks == [48, 80, 100]
    marks.clear()
    with Watched(
        tmp_path / "seconds", NET, Rows(40), chunk=16, every_rows=None, every_seconds=1e-9
    ) as life:
        life.live()
    assert marks == [16, 32, 40]


def test_real_labels_and_absent_ones(tmp_path):
    class Half(Rows):
        def __next__(self):
            x, y = super().__next__()
            return x, np.eye(CLASSES)[y] * 2.0 if self.at % 2 else None

    net = toy(kind="real", noise=0.0)
    path = tmp_path / "p.jsonl"
    with Life(tmp_path / "a", net, Half(20), chunk=8, incomplete=True, predictions=path) as life:
        summary = life.live()
    assert summary["learned"] == 20 and summary["metrics"]["count"] == 10
    assert len(path.read_text().splitlines()) == 20
    with Life(tmp_path / "b", net, Half(20), chunk=8) as life:
        assert life.live()["quarantine"] == {"no label": 10}
    labelled = life.state
    with Life(tmp_path / "a", net, Half(20), chunk=8, incomplete=True) as life:
        # Without noise an unlabelled row teaches the toy nothing.
        learned = life.state.shared["weights"]["w"]
    assert np.asarray(learned).tobytes() == np.asarray(labelled.shared["weights"]["w"]).tobytes()


def test_another_system_seed_source_or_setting_is_met_with_a_typed_error(tmp_path):
    class Marked(Rows):
        mark = "one"

        def fingerprint(self):
            return self.mark

    with Life(tmp_path, NET, Marked(20), chunk=8) as life:
        life.live()
    with pytest.raises(CheckpointError, match=r"arguments\.inner\.arguments\.rate: expected 0.5"):
        Life(tmp_path, toy(rate=0.5), Rows(20))
    with pytest.raises(CheckpointError, match=r"arguments\.inner\.factory"):
        Life(tmp_path, backprop_net(layers=(INPUTS, CLASSES)), Rows(20))
    with pytest.raises(CheckpointError, match=r"arguments\.before: expected 4, got 1"):
        Life(tmp_path, NET, Rows(20), ticks_before=4)
    Marked.mark = "two"
    with pytest.raises(CheckpointError, match="source: expected the one lived so far, one"):
        Life(tmp_path, NET, Marked(20))
    assert load(tmp_path / CHECKPOINT).offset == 20


@pytest.mark.parametrize(
    ("settings", "field"),
    [({"chunk": 0}, "chunk"), ({"every_seconds": -1}, "every_seconds"), ({"colour": 1}, "settings"),
     ({"ticks_before": 0}, "ticks_before"), ({"every_rows": 1.5}, "every_rows"),
     ({"predictions": "x.txt"}, "predictions")],
)  # fmt: skip
def test_wrong_settings_are_refused(tmp_path, settings, field):
    with pytest.raises(SpecError) as caught:
        Life(tmp_path, NET, Rows(5), **settings)
    assert caught.value.field == field


def test_a_source_without_a_place_and_a_file_as_a_folder_are_refused(tmp_path):
    with pytest.raises(SpecError, match="source"):
        Life(tmp_path, NET, iter([]))  # pyright: ignore[reportArgumentType]
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="a folder"):
        Life(tmp_path / "file", NET, Rows(5))


def test_a_life_broken_off_in_a_chunk_goes_on_only_from_its_checkpoint(tmp_path, whole):
    class Breaking(Rows):
        def __next__(self):
            if self.at == 70:
                raise OSError("the wire broke")
            return super().__next__()

    with Life(tmp_path, NET, Breaking(300, bad=11), chunk=32, every_rows=32) as life:
        with pytest.raises(OSError, match="wire"):
            life.live()
        for act in (life.live, life.checkpoint):
            with pytest.raises(CheckpointError, match="open it again"):
                act()
    with Life(tmp_path, NET, Rows(300, bad=11), chunk=32) as life:
        assert life.rows == 64
        life.live()
    assert saved(tmp_path) == whole


def test_written_files_that_lost_their_end_are_refused(tmp_path):
    path = tmp_path / "p.csv"
    with Life(tmp_path / "life", NET, Rows(20), predictions=path) as life:
        life.live()
    path.write_text("row,prediction\n")
    with pytest.raises(CheckpointError, match="bytes or more"):
        Life(tmp_path / "life", NET, Rows(20), predictions=path)


def test_growth_comes_on_the_host_at_multiples_of_the_chunk(tmp_path):
    """Twice the weights after each whole chunk: nothing depends on where the life paused."""
    at = []

    def grow(state):
        at.append(len(state.shared["extra"]))
        shared = state.shared | {"extra": np.zeros(2 * len(state.shared["extra"]), np.float32)}
        return State(shared, state.lane)

    def init(key):
        state = NET.init(key)
        return State(state.shared | {"extra": np.zeros(1, np.float32)}, state.lane)

    growing = System(NET.spec, init, NET.step, grow)
    with Life(tmp_path, growing, Rows(30), chunk=8) as life:
        life.live(12)
        assert at == [1]
        life.live()
    assert at == [1, 2, 4]
    assert load(tmp_path / CHECKPOINT).state.shared["extra"].shape == (8,)


def test_health_looks_at_the_state_and_the_last_chunk(tmp_path):
    with Life(tmp_path, NET, Rows(20), chunk=8) as life:
        life.live()
        report = life.health()
    assert report["not_finite"] == 0
    norm = np.linalg.norm(np.asarray(life.state.shared["weights"]["w"], np.float64))
    assert report["weights"]["w"]["norm"] == pytest.approx(norm)
    assert report["dead"]["answer"] == 0.0
    assert report["energy"] > 0.0
    with pytest.raises(CheckpointError, match="an open life"):
        life.live()
