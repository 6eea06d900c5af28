"""Miniature sound files, made from a seed, and a server that misbehaves on demand."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import soundfile

MakeSound = Callable[..., Path]


@pytest.fixture
def make_sound() -> MakeSound:
    """Write noise of a given length, rate and number of channels; the suffix gives the format."""

    def make(path, *, seconds=0.1, sample_rate=16000, channels=1, seed=0):
        rng = np.random.default_rng(seed)
        shape = (round(seconds * sample_rate), channels)
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.1 * rng.standard_normal(shape), sample_rate)
        return path

    return make


@dataclass
class Site:
    """What the server serves and how it behaves."""

    files: dict[str, bytes] = field(default_factory=dict)
    url: str = ""
    tag: str = '"one"'
    cut_after: list[int] = field(default_factory=list)  # bytes sent before each connection dies
    ranges: bool = True
    status: list[int] = field(default_factory=list)  # answers to give first
    requests: list[str] = field(default_factory=list)  # the Range of each request


class Handler(BaseHTTPRequestHandler):
    site: Site

    def log_message(self, format, *args):
        pass

    def do_GET(self):
        site, asked = self.site, self.headers.get("Range", "")
        site.requests.append(asked)
        if site.status:
            self.send_error(site.status.pop(0))
            return
        data = site.files.get(self.path)
        if data is None:
            self.send_error(404)
            return
        start = 0
        same = self.headers.get("If-Range", site.tag) == site.tag
        if asked and site.ranges and same:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(data):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(data)}")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        if site.tag:
            self.send_header("ETag", site.tag)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        stop = start + site.cut_after.pop(0) if site.cut_after else len(data)
        self.wfile.write(data[start:stop])


@pytest.fixture
def site(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    site = Site()
    handler = type("SiteHandler", (Handler,), {"site": site})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    yield site
    server.shutdown()
    thread.join()
    server.server_close()
