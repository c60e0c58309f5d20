"""Every format gives the same recording; what is none is refused by name."""

from datetime import UTC, datetime

import numpy as np
import pytest
import scipy.io

from sodachi.errors import DataError
from sodachi.recordings import from_neo, read_recording, read_recordings, simulate_culture
from sodachi.recordings.events import count_spikes

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def culture():
    return simulate_culture(2, units=6, inputs=3, sessions=4, trials=20)[0]


def assert_same(found, culture):
    assert np.array_equal(found.responses, culture.responses)
    assert np.array_equal(found.stimuli, culture.stimuli)
    assert np.array_equal(found.sources, culture.sources)
    assert found.lengths.tolist() == culture.lengths.tolist()


def fields(culture):
    return {"s": culture.sources.astype("u1"), "o": culture.stimuli.astype("u1"),
            "r": culture.responses.astype("u1")}  # fmt: skip


def test_matlab_cells_of_structs(culture, tmp_path):
    cell = np.empty((2, 1), object)
    cell[0, 0] = cell[1, 0] = fields(culture)
    scipy.io.savemat(tmp_path / "c.mat", {"data_c": cell})
    found = read_recordings(tmp_path / "c.mat", trials=20)
    assert [one.name for one in found] == ["c 1", "c 2"]
    assert_same(found[1], culture)
    assert_same(read_recording(tmp_path / "c.mat", 2, trials=20), culture)
    with pytest.raises(DataError, match="culture: expected 1 to 2, got 3"):
        read_recording(tmp_path / "c.mat", 3, trials=20)


def test_matlab_of_plain_variables(culture, tmp_path):
    scipy.io.savemat(tmp_path / "c.mat", fields(culture) | {"session": culture.sessions})
    assert_same(read_recording(tmp_path / "c.mat"), culture)


def test_matlab_7_3_as_h5py_sees_it(culture, tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "new.mat", "w") as file:
        for name, value in fields(culture).items():
            file[f"#refs#/{name}"] = value.T
        group = file.create_group("data")
        for name in fields(culture):
            group.create_dataset(name, (1, 2), h5py.ref_dtype)
            for k in range(2):
                group[name][0, k] = file[f"#refs#/{name}"].ref
        cell = file.create_dataset("cell", (1, 1), h5py.ref_dtype)
        cell[0, 0] = group.ref
    found = read_recordings(tmp_path / "new.mat", trials=20)
    assert len(found) == 4  # a struct array of two, and a cell that holds it again
    assert_same(found[1], culture)


def test_npz_and_csv(culture, tmp_path):
    np.savez(tmp_path / "c.npz", **fields(culture), sessions=culture.sessions)
    assert_same(read_recording(tmp_path / "c.npz"), culture)
    head = ["session", "s1", "s2", *(f"o{k}" for k in range(6)), *(f"unit {k}" for k in "abcdef")]
    head[9:] = [f"unit_{k}" for k in range(6)]
    rows = np.c_[culture.sessions, culture.sources, culture.stimuli, culture.responses]
    text = "\n".join([",".join(head), *(",".join(f"{v:g}" for v in row) for row in rows)])
    (tmp_path / "c.csv").write_text(text)
    found = read_recording(tmp_path / "c.csv")
    assert_same(found, culture)
    assert found.units[2] == "unit_2" and found.inputs[0] == "o0"


def spike_times(culture):
    """Spread each trial's counts over its second."""
    times = [[] for _ in range(culture.responses.shape[1])]
    for trial, row in enumerate(culture.responses.astype(int)):
        for unit, count in enumerate(row):
            times[unit].extend(trial + (np.arange(count) + 0.5) / (count + 1))
    return [np.array(t) for t in times]


def write_nwb(path, culture, units=True, trials=True):
    pynwb = pytest.importorskip("pynwb")
    file = pynwb.NWBFile("a culture", "id", datetime(2026, 1, 1, tzinfo=UTC))
    if trials:
        for name in ("stimuli", "sources", "session"):
            file.add_trial_column(name, name)
        for k in range(culture.trials):
            file.add_trial(
                start_time=float(k),
                stop_time=k + 1.0,
                stimuli=culture.stimuli[k],
                sources=culture.sources[k],
                session=int(culture.sessions[k]),
            )
    if units:
        for times in spike_times(culture):
            file.add_unit(spike_times=times)
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(file)


@pytest.mark.filterwarnings("ignore")
def test_nwb_written_by_pynwb(culture, tmp_path):
    write_nwb(tmp_path / "c.nwb", culture)
    assert_same(read_recording(tmp_path / "c.nwb"), culture)
    half = read_recording(tmp_path / "c.nwb", window=(0.0, 0.5))
    assert 0 < half.responses.sum() < culture.responses.sum()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("missing", "said"), [("units", "units"), ("trials", "trials")])
def test_nwb_without_units_or_trials_is_refused(culture, tmp_path, missing, said):
    write_nwb(tmp_path / "c.nwb", culture, **{missing: False})
    with pytest.raises(DataError, match=f"c.nwb: {said}: expected"):
        read_recording(tmp_path / "c.nwb")


@pytest.mark.filterwarnings("ignore")
def test_neo_segments_are_sessions(culture):
    neo = pytest.importorskip("neo")
    block, times = neo.Block(), spike_times(culture)
    for k in range(4):
        segment, start = neo.Segment(), 20 * k
        for train in times:
            part = train[(train >= start) & (train < start + 20)]
            segment.spiketrains.append(
                neo.SpikeTrain(part, units="s", t_start=start, t_stop=start + 20)
            )
        rows = slice(start, start + 20)
        segment.epochs.append(
            neo.Epoch(np.arange(start, start + 20.0), np.ones(20), units="s", labels=[""] * 20,
                      array_annotations={f"o{j}": culture.stimuli[rows, j] for j in range(6)}
                      | {f"s{j}": culture.sources[rows, j] for j in range(2)})
        )  # fmt: skip
        block.segments.append(segment)
    assert_same(from_neo(block), culture)
    block.segments[1].epochs.clear()
    with pytest.raises(DataError, match="segment 1: trials: expected epochs annotated"):
        from_neo(block)
    block.segments[0].spiketrains.clear()
    with pytest.raises(DataError, match="segment 0: units: expected spike trains"):
        from_neo(block)


def test_where_no_session_is_said_the_usual_length_is_assumed_and_noted(tmp_path):
    np.savez(tmp_path / "c.npz", r=np.ones((512, 2)), o=np.ones((512, 2)))
    found = read_recording(tmp_path / "c.npz")
    assert found.shape == (2, 256, 2)
    assert found.notes == ("the file names no sessions: 256 trials each assumed",)
    np.savez(tmp_path / "d.npz", r=np.ones((500, 2)), o=np.ones((500, 2)))
    with pytest.raises(DataError, match="sessions: expected sessions in the file"):
        read_recording(tmp_path / "d.npz")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.csv", None, "expected a file"),
        ("a.csv", "o1,unit_1\n", "a header and rows"),
        ("b.csv", "o1,unit_1\n1,2\n1\n", "2 fields in row 3"),
        ("c.csv", "o1,unit_1\n1,many\n", "unit_1: expected numbers"),
        ("d.csv", "o1,x\n1,2\n", "expected responses"),
        ("e.csv", "unit_1,x\n1,2\n", "expected stimuli"),
        ("f.mat", "no MATLAB", "a MATLAB file"),
        ("g.npz", "no archive", "an archive of plain arrays"),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path, name, content, said):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=said):
        read_recording(tmp_path / name)


def test_stimuli_of_another_length_are_refused(tmp_path):
    np.savez(tmp_path / "c.npz", r=np.ones((8, 2)), o=np.ones((7, 2)))
    with pytest.raises(DataError, match=r"as many trials everywhere, got .*stimuli \[7\]"):
        read_recording(tmp_path / "c.npz", trials=4)


def test_spikes_are_counted_in_half_open_trials():
    times = [np.array([1.0, 0.0, 1.5, 2.0]), np.array([])]
    found = count_spikes(times, np.array([0.0, 1.0]), np.array([1.0, 2.0]))
    assert found.tolist() == [[1, 0], [2, 0]]
    with pytest.raises(DataError, match="trial 1 does not"):
        count_spikes(times, np.array([0.0, 1.0]), np.array([1.0, 1.0]))
