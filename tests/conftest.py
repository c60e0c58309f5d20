"""What all tests share: programs compiled once a run, and tests of one file (or row) together."""

import os
import shutil
import tempfile

import pytest

OWN_CACHE = "SODACHI_TEST_CACHE"  # set by the process that made the folder, for its workers


def pytest_configure(config):
    """Give this run one folder of compiled programs; workers inherit it with the environment."""
    if "JAX_COMPILATION_CACHE_DIR" in os.environ or hasattr(config, "workerinput"):
        return
    folder = tempfile.mkdtemp(prefix="sodachi-tests-")
    os.environ |= {
        OWN_CACHE: folder,
        "JAX_COMPILATION_CACHE_DIR": folder,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


def pytest_unconfigure(config):
    """Remove the folder where it was made."""
    if not hasattr(config, "workerinput") and OWN_CACHE in os.environ:
        shutil.rmtree(os.environ.pop(OWN_CACHE), ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Keep tests that share compiled programs in one worker: one row of a table, or one file."""
    for item in items:
        row = item.callspec.params.get("row") if item.path.name == "test_table.py" else None
        item.add_marker(pytest.mark.xdist_group(f"{item.path}:{row}"))
