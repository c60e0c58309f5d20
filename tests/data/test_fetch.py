"""A file is used only when its bytes are right, and a failed download leaves nothing behind."""

import gzip
import hashlib
import http.server
import socket
import stat
import threading

import pytest

from sodachi.data import fetch
from sodachi.data.table import File
from sodachi.errors import DataError

CONTENT = bytes(range(256)) * 40


class _Quiet(http.server.BaseHTTPRequestHandler):
    answers: dict[str, bytes]
    asked: list[str]

    def do_GET(self):
        self.asked.append(self.path)
        body = self.answers.get(self.path)
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


@pytest.fixture
def server():
    handler = type("Handler", (_Quiet,), {"answers": {}, "asked": []})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        handler.base = f"http://127.0.0.1:{running.server_port}/"
        yield handler
        running.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SODACHI_DATA", raising=False)
    return tmp_path / "cache" / "sodachi" / "data"


def _file(base: str, name: str = "a.bin") -> File:
    return File(name, hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), base + name)


def _left(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_download_is_checked_named_private_and_used_again(server, cache):
    server.answers["/a.bin"] = CONTENT
    file = _file(server.base)
    assert not fetch.present("set", file)
    assert fetch.fetch("set", file) == CONTENT
    assert fetch.fetch("set", file) == CONTENT
    assert server.asked == ["/a.bin"]
    assert _left(cache) == [cache / "set" / "a.bin"]
    assert fetch.present("set", file)
    for folder in (cache.parent, cache, cache / "set"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_gzip_is_unpacked_whatever_its_header(server, cache):
    file = _file(server.base, "a.gz")
    for packed in (gzip.compress(CONTENT, mtime=0), gzip.compress(CONTENT, 1, mtime=1)):
        server.answers["/a.gz"] = packed
        assert fetch.fetch("set", file) == CONTENT
        (cache / "set" / "a.gz").unlink()
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("a.bin", CONTENT[:-1] + b"?", "sha256"),
        ("a.bin", CONTENT[:-1], f"got {len(CONTENT) - 1} bytes"),
        ("a.bin", CONTENT + b"?", "got more"),
        ("a.bin", CONTENT + bytes(1 << 20), "got more"),
        ("a.bin", b"", "got 0 bytes"),
        ("a.gz", gzip.compress(CONTENT, mtime=0)[:-20], "readable bytes"),
        ("a.gz", b"not packed", "readable bytes"),
        ("a.gz", gzip.compress(CONTENT + bytes(1 << 24), mtime=0), "got more"),
        ("a.bin", None, "404"),
    ],
)
def test_wrong_bytes_raise_and_leave_nothing(server, cache, name, body, message):
    if body is not None:
        server.answers[f"/{name}"] = body
    with pytest.raises(DataError, match=message) as caught:
        fetch.fetch("set", _file(server.base, name))
    assert caught.value.field == name
    assert _left(cache) == []


def test_nobody_answers(cache, monkeypatch):
    with socket.socket() as taken:  # bound but not listening: refused at once
        taken.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        with pytest.raises(DataError, match="a download from"):
            fetch.fetch("set", _file(base))
    assert _left(cache) == []


def test_a_silent_server_times_out(cache, monkeypatch):
    monkeypatch.setattr(fetch, "TIMEOUT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        base = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(DataError, match="timed out"):
            fetch.fetch("set", _file(base))
    assert _left(cache) == []


def test_a_slow_server_meets_the_deadline(server, cache, monkeypatch):
    server.answers["/a.bin"] = CONTENT
    monkeypatch.setattr(fetch, "DEADLINE_SECONDS", -1.0)
    with pytest.raises(DataError, match="a download within"):
        fetch.fetch("set", _file(server.base))
    assert _left(cache) == []


def test_spoilt_cache_is_replaced(server, cache):
    server.answers["/a.bin"] = CONTENT
    (cache / "set").mkdir(parents=True)
    (cache / "set" / "a.bin").write_bytes(b"spoilt")
    assert fetch.fetch("set", _file(server.base)) == CONTENT
    assert (cache / "set" / "a.bin").read_bytes() == CONTENT


def test_given_folder_is_read_and_never_mended(server, cache, tmp_path, monkeypatch):
    given = tmp_path / "given"
    (given / "set").mkdir(parents=True)
    monkeypatch.setenv("SODACHI_DATA", str(given))
    server.answers["/a.bin"] = CONTENT
    (given / "set" / "a.bin").write_bytes(CONTENT)
    assert fetch.fetch("set", _file(server.base)) == CONTENT
    (given / "set" / "a.bin").write_bytes(CONTENT[::-1])
    with pytest.raises(DataError, match="sha256"):
        fetch.fetch("set", _file(server.base))
    assert (given / "set" / "a.bin").read_bytes() == CONTENT[::-1]
    assert server.asked == [] and not cache.exists()


def test_what_is_not_downloaded_says_where_to_put_it(cache):
    file = File("a.bin", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
    with pytest.raises(DataError, match="folder set of SODACHI_DATA"):
        fetch.fetch("set", file)
