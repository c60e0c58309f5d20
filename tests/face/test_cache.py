"""The compilation cache is used only in a folder that nobody else can write."""

import logging
import os
import subprocess
import sys

import pytest

from sodachi.face.cache import cache_fault, cache_folder, use_cache

pytestmark = pytest.mark.unit


@pytest.fixture
def configured(monkeypatch):
    """Collect what would be set in JAX's configuration."""
    import jax

    chosen = {}
    monkeypatch.setattr(jax.config, "update", lambda name, value: chosen.update({name: value}))
    return chosen


def test_the_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("SODACHI_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "sodachi" / "programs"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "sodachi" / "programs"
    monkeypatch.setenv("SODACHI_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"


@pytest.mark.parametrize("value", ["", "off", "OFF", "0"])
def test_it_can_be_switched_off(monkeypatch, configured, value):
    monkeypatch.setenv("SODACHI_CACHE", value)
    assert use_cache() is None
    assert configured == {}


def test_a_new_folder_is_private_and_small_programs_are_kept(monkeypatch, tmp_path, configured):
    folder = tmp_path / "deep" / "cache"
    monkeypatch.setenv("SODACHI_CACHE", str(folder))
    assert use_cache() == folder
    assert folder.stat().st_mode & 0o777 == 0o700
    assert configured == {
        "jax_compilation_cache_dir": str(folder),
        "jax_persistent_cache_min_compile_time_secs": 0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }


@pytest.mark.parametrize("mode", [0o755, 0o720, 0o702, 0o704])
def test_a_folder_open_to_others_is_not_used(monkeypatch, tmp_path, configured, caplog, mode):
    folder = tmp_path / "cache"
    folder.mkdir()
    folder.chmod(mode)
    monkeypatch.setenv("SODACHI_CACHE", str(folder))
    with caplog.at_level(logging.WARNING):
        assert use_cache() is None
    assert "open to others" in caplog.text and configured == {}


def test_links_files_and_strangers_are_not_used(monkeypatch, tmp_path):
    real = tmp_path / "real"
    real.mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(real)
    (tmp_path / "file").write_text("")
    assert cache_fault(real) is None
    assert cache_fault(tmp_path / "link") == "is not a folder"
    assert cache_fault(tmp_path / "file") == "is not a folder"
    assert "cannot be read" in (cache_fault(tmp_path / "none") or "")
    own = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: own + 1)
    assert cache_fault(real) == "belongs to another user"


def test_a_place_where_no_folder_can_be_made_switches_it_off(monkeypatch, tmp_path, configured):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SODACHI_CACHE", str(tmp_path / "file" / "cache"))
    assert use_cache() is None
    assert configured == {}


def test_programs_are_kept_for_the_next_process(tmp_path):
    code = (
        "from sodachi.face.cache import use_cache\n"
        "assert use_cache()\n"
        "import jax, numpy as np\n"
        "jax.jit(lambda x: x * 3 + 1)(np.ones(3, np.float32)).block_until_ready()\n"
    )
    folder = tmp_path / "programs"
    environment = {
        **os.environ,
        "SODACHI_CACHE": str(folder),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=environment)
    kept = {path.name for path in folder.iterdir()}
    assert any(name.endswith("-cache") for name in kept)
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=environment)
    again = {path.name for path in folder.iterdir() if path.name.endswith("-cache")}
    assert again <= kept  # nothing was compiled anew
