"""A disk that fails at any write, sync, rename or close: the old or the new one is there."""

import errno
import os

import numpy as np
import pytest
from runner_toy import Rows, toy

from sodachi.errors import CheckpointError
from sodachi.runner import Life, files, journal, load, save
from sodachi.runner.life import CHECKPOINT
from sodachi.system import Spec

TOUCHING = ("open", "pwrite", "fsync", "replace", "close", "ftruncate")
SPEC = Spec("example")


class Disk:
    """Stands in for `os`: the ``at``-th call that touches the disk fails (−1: none does).

    ``short`` lets the failing write take half of its bytes first; with ``halving`` every write
    takes half and none fails.
    """

    def __init__(self, at=-1, error=errno.ENOSPC, short=False, halving=False):
        self.at, self.error, self.short, self.halving, self.calls = at, error, short, halving, 0

    def __getattr__(self, name):
        real = getattr(os, name)
        return (lambda *a, **k: self._call(name, real, *a, **k)) if name in TOUCHING else real

    def _call(self, name, real, *args, **more):
        fails, self.calls = self.calls == self.at, self.calls + 1
        if name == "pwrite" and (self.halving or (fails and self.short)):
            descriptor, data, offset = args
            written = real(descriptor, data[: (len(data) + 1) // 2], offset)
            if not fails:
                return written
        if fails:
            if name == "close":
                real(*args)  # a failing close has closed all the same
            raise OSError(self.error, os.strerror(self.error))
        return real(*args, **more)


def points(act, monkeypatch):
    """How often an act touches the disk when nothing fails."""
    disk = put_in(Disk(), monkeypatch)
    act()
    monkeypatch.undo()
    return disk.calls


def put_in(disk, monkeypatch):
    monkeypatch.setattr(files, "os", disk)
    monkeypatch.setattr(journal, "os", disk)
    return disk


FAULTS = [(errno.ENOSPC, False), (errno.EIO, False), (errno.ENOSPC, True), (errno.EIO, True)]


@pytest.mark.parametrize(("error", "short"), FAULTS)
def test_a_failed_save_leaves_the_old_or_the_new_checkpoint_and_nothing_else(
    tmp_path, monkeypatch, error, short
):
    path = tmp_path / "life"
    old, new = {"w": np.zeros(100)}, {"w": np.ones(100)}
    total = points(lambda: save(path, old, SPEC), monkeypatch)
    assert total >= 8  # open, write, sync, close; rename; open, sync, close
    seen = set()
    for at in range(total):
        save(path, old, SPEC)
        put_in(Disk(at, error, short), monkeypatch)
        with pytest.raises(CheckpointError, match="a file written and synced"):
            save(path, new, SPEC)
        monkeypatch.undo()
        found = load(path).state["w"]
        assert found.tobytes() in (old["w"].tobytes(), new["w"].tobytes())
        assert [p.name for p in tmp_path.iterdir()] == ["life"]
        seen.add(float(found[0]))
    assert seen == {0.0, 1.0}  # before the rename the old one, after it the new one


def test_a_first_save_that_fails_leaves_nothing_or_the_new_one(tmp_path, monkeypatch):
    total = points(lambda: save(tmp_path / "life", {}, SPEC), monkeypatch)
    for at in range(total):
        (tmp_path / "life").unlink(missing_ok=True)
        put_in(Disk(at), monkeypatch)
        with pytest.raises(CheckpointError):
            save(tmp_path / "life", {"w": np.ones(3)}, SPEC)
        monkeypatch.undo()
        left = list(tmp_path.iterdir())
        assert left == [] or load(left[0]).state["w"].tolist() == [1, 1, 1]


def test_writes_that_take_half_each_time_still_write_all(tmp_path, monkeypatch):
    put_in(Disk(halving=True), monkeypatch)
    save(tmp_path / "life", {"w": np.arange(50)}, SPEC)
    monkeypatch.undo()
    assert load(tmp_path / "life").state["w"].tolist() == list(range(50))


def test_a_disk_that_takes_no_bytes_is_an_error_and_no_endless_loop(tmp_path, monkeypatch):
    disk = put_in(Disk(), monkeypatch)
    monkeypatch.setattr(disk, "_call", lambda name, real, *a: 0 if name == "pwrite" else real(*a))
    with pytest.raises(CheckpointError, match="took no bytes"):
        save(tmp_path / "life", {}, SPEC)
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []


def test_temporary_files_of_killed_processes_are_swept_and_nothing_else(tmp_path):
    (tmp_path / ".sodachi-life-00ff.tmp").write_bytes(b"half")
    (tmp_path / "mine.tmp").write_bytes(b"kept")
    with Life(tmp_path, toy(), Rows(0)):
        assert sorted(p.name for p in tmp_path.iterdir()) == ["lock", "mine.tmp"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The files of a life in which no disk failed."""
    folder = tmp_path_factory.mktemp("whole")
    with life_in(folder) as life:
        life.live()
    return contents(folder)


def life_in(folder):
    return Life(
        folder, NET, Rows(48, bad=7), predictions=folder / "p.jsonl", quarantine=True,
        chunk=16, every_rows=16,
    )  # fmt: skip


NET = toy()


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "lock"}


@pytest.mark.parametrize("reopened", [False, True])
def test_a_life_whose_disk_fails_anywhere_ends_as_if_it_had_not(
    tmp_path, monkeypatch, whole, reopened
):
    with life_in(tmp_path / "count") as life:
        total = points(life.live, monkeypatch)
    assert total > 30
    for at in range(total):
        folder = tmp_path / str(at)
        with life_in(folder) as life:
            put_in(Disk(at, short=True), monkeypatch)
            with pytest.raises(CheckpointError):
                life.live()
            monkeypatch.undo()
            if not reopened:
                life.live()  # room was made: nothing was lost, it goes on
        if reopened:
            with life_in(folder) as life:
                life.live()
        assert contents(folder) == whole
        assert load(folder / CHECKPOINT).extra["rows"] == 48
