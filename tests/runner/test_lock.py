"""One process a folder, and no lock left behind by a killed one."""

import os
import signal
import subprocess
import sys

import pytest
from runner_toy import Rows, toy

from sodachi.errors import LockError
from sodachi.runner import FolderLock, Life

HOLDER = """
import sys, time
from sodachi.runner.lock import FolderLock
lock = FolderLock(sys.argv[1])
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the folder."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, env=environment
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_two_processes_on_one_folder_and_a_killed_holder(tmp_path, holder):
    with pytest.raises(LockError) as caught:
        Life(tmp_path, toy(), Rows(10))
    assert caught.value.field == str(tmp_path)
    assert caught.value.got == f"process {holder.pid}"
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with FolderLock(tmp_path) as lock:
        assert lock.path.read_text().strip() == str(os.getpid())


def test_a_released_lock_is_free_and_releasing_twice_does_nothing(tmp_path):
    lock = FolderLock(tmp_path)
    with pytest.raises(LockError, match=f"process {os.getpid()}"):
        FolderLock(tmp_path)
    lock.release()
    lock.release()
    with FolderLock(tmp_path):
        assert lock.path.exists()


def test_a_life_that_could_not_open_lets_go_of_the_folder(tmp_path):
    (tmp_path / "checkpoint.safetensors").write_bytes(b"damaged")
    with pytest.raises(Exception, match="checkpoint"):
        Life(tmp_path, toy(), Rows(10))
    with FolderLock(tmp_path) as lock:
        assert lock.path.exists()
