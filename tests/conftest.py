"""What all tests share: programs compiled once a run, and tests of one file (or row) together."""

import os
import shutil
import tempfile

import pytest

MADE: list[str] = []  # the folder that this very process made; its workers and children only use it


def pytest_configure(config):
    """Give this run one folder of compiled programs, inherited with the environment."""
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    MADE.append(tempfile.mkdtemp(prefix="sodachi-tests-"))
    os.environ |= {
        "JAX_COMPILATION_CACHE_DIR": MADE[0],
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


def pytest_unconfigure(config):
    """Remove the folder where it was made."""
    while MADE:
        shutil.rmtree(MADE.pop(), ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Keep tests that share compiled programs in one worker: one row of a table, or one file."""
    for item in items:
        row = item.callspec.params.get("row") if item.path.name == "test_table.py" else None
        item.add_marker(pytest.mark.xdist_group(f"{item.path}:{row}"))
