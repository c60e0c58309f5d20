"""The doctor: what is fine, and that each fault is found and says what to mend."""

import shutil
from pathlib import Path

import pytest

from sodachi.face import doctor
from sodachi.face.cli import run_command

pytestmark = pytest.mark.unit


@pytest.fixture
def healthy(monkeypatch, tmp_path):
    """Give a home of its own, where the cache is private and no data is."""
    folder = tmp_path / "programs"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("SODACHI_CACHE", str(folder))
    monkeypatch.delenv("SODACHI_DATA", raising=False)
    monkeypatch.setattr("sodachi.face.cli._prepare", lambda: None)
    return tmp_path


def test_a_healthy_installation_is_0_and_names_everything(healthy, capsys):
    assert run_command(["doctor"]) == 0
    said = capsys.readouterr().out
    for word in ("python", "jax", "device", "cpu", "threads", "cache", "mnist", "disk"):
        assert word in said
    assert "BAD" not in said and "to mend" not in said


def test_an_open_cache_is_named(healthy, capsys):
    (healthy / "programs").chmod(0o777)
    assert run_command(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "open to others (mode 0777" in said
    assert f"to mend: cache: chmod 700 {healthy / 'programs'}" in said


def test_a_missing_data_folder_is_named(healthy, monkeypatch, capsys):
    monkeypatch.setenv("SODACHI_DATA", str(healthy / "nowhere"))
    assert run_command(["doctor"]) == 1
    assert "to mend: SODACHI_DATA: set SODACHI_DATA" in capsys.readouterr().out


def test_a_spoilt_data_set_is_found_by_its_checksum(healthy, monkeypatch):
    (healthy / "mnist").mkdir()
    (healthy / "mnist" / "mnist.npz").write_bytes(b"not this")
    monkeypatch.setenv("SODACHI_DATA", str(healthy))
    mnist = next(f for f in doctor.data_sets() if f.name == "mnist")
    assert not mnist.fine and "train spoilt" in mnist.found and "mnist.npz" in mnist.mend


def test_a_real_data_set_is_right(monkeypatch):
    import os

    if not os.environ.get("SODACHI_DATA"):
        pytest.skip("SODACHI_DATA is not set: no data sets to check")
    present = [f for f in doctor.data_sets() if "here, checksum right" in f.found]
    assert present and all(f.fine for f in present)


def test_missing_and_old_packages_are_named(monkeypatch):
    def version(name):
        if name == "optax":
            raise doctor.metadata.PackageNotFoundError(name)
        return "0.9.9" if name == "jax" else "99.0"

    monkeypatch.setattr(doctor.metadata, "version", version)
    found = {f.name: f for f in doctor.versions()}
    assert not found["optax"].fine and "optax>=0.2.5" in found["optax"].mend
    assert not found["jax"].fine and "jax>=0.10" in found["jax"].mend
    assert found["numpy"].fine


def test_a_full_disk_is_named(monkeypatch):
    usage = shutil.disk_usage(Path.cwd())._replace(free=1000)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage)
    assert not doctor.disk().fine


def test_a_device_that_fails_is_a_finding_and_no_traceback(monkeypatch):
    import jax

    def broken():
        raise RuntimeError("no device\nsecond line")

    monkeypatch.setattr(jax, "devices", broken)
    found = doctor.device()
    assert not found.fine and found.found == "RuntimeError: no device"
