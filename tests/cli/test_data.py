"""Fetching, checking and listing corpora from the command line, from a server on this machine."""

import hashlib
import io
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import soundfile

from codecbench.cli import group
from codecbench.cli.exit_codes import run_group
from codecbench.datasets import catalogue, download
from codecbench.datasets.catalogue import Archive, Package

Cli = Callable[..., subprocess.CompletedProcess[str]]
Call = Callable[..., int]
CLIP = "LibriSpeech/test-clean/84/1/84-1-0000.flac"


def archive() -> bytes:
    sound = io.BytesIO()
    samples = 0.1 * np.random.default_rng(0).standard_normal(80000)
    soundfile.write(sound, samples, 16000, format="FLAC")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo(CLIP)
        info.size = len(sound.getvalue())
        tar.addfile(info, io.BytesIO(sound.getvalue()))
    return buffer.getvalue()


class Handler(BaseHTTPRequestHandler):
    data = b""
    cut_after = 0  # bytes after which the first connection dies
    asked: list[str]

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        kind = type(self)
        wanted = self.headers.get("Range", "")
        kind.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header(
                "Content-Range", f"bytes {start}-{len(self.data) - 1}/{len(self.data)}"
            )
        self.send_header("ETag", '"one"')
        self.send_header("Content-Length", str(len(self.data) - start))
        self.end_headers()
        stop = start + kind.cut_after if kind.cut_after else len(self.data)
        kind.cut_after = 0
        self.wfile.write(self.data[start:stop])


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Handler]]:
    """A server of one corpus, which the catalogue then consists of."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    handler = type("Site", (Handler,), {"data": archive(), "asked": []})
    site = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{site.server_port}"
    package = Package(
        name="librispeech:test-clean",
        title="A miniature",
        licence="CC-BY-4.0",
        licence_url="https://creativecommons.org/licenses/by/4.0/",
        homepage=url,
        archives=(
            Archive(
                url=f"{url}/test-clean.tar.gz",
                md5=hashlib.md5(handler.data).hexdigest(),
                size=len(handler.data),
            ),
        ),
    )
    monkeypatch.setattr(catalogue, "PACKAGES", (package,))
    monkeypatch.setattr(download, "PACKAGES", (package,))
    yield handler
    site.shutdown()
    thread.join()
    site.server_close()


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """Run codecbench in this process, whose catalogue is changed; returns the exit code."""

    def run(*arguments: str) -> int:
        words = ["codecbench", *arguments, "--root", str(tmp_path / "data")]
        monkeypatch.setattr(sys, "argv", words)
        return run_group(group)

    return run


def test_get_shows_the_licence_before_it_downloads(
    server: type[Handler], call: Call, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    server.cut_after = 1000
    assert call("data", "get", "librispeech:test-clean", "--tries", "1") == 2
    said = capsys.readouterr()
    assert "licence CC-BY-4.0, https://creativecommons.org/licenses/by/4.0/" in said.out
    assert "run the same again" in said.err
    assert not (tmp_path / "data" / "LibriSpeech").exists()


def test_get_goes_on_where_it_was_and_what_it_got_verifies(
    server: type[Handler], call: Call, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    server.cut_after = 1000
    call("data", "get", "librispeech:test-clean", "--tries", "1")
    assert call("data", "get", "librispeech:test-clean") == 0
    assert server.asked == ["", "bytes=1000-"]
    assert (tmp_path / "data" / CLIP).is_file()
    said = capsys.readouterr()
    assert "1 files in" in said.out
    assert "100 %" in said.err
    assert call("data", "verify") == 0
    assert "librispeech:test-clean: 1 files, all as they were" in capsys.readouterr().out


def test_get_of_what_is_there_downloads_nothing(server: type[Handler], call: Call) -> None:
    assert call("data", "get", "librispeech:test-clean") == 0
    assert call("data", "get", "librispeech:test-clean") == 0
    assert len(server.asked) == 1


def test_verify_names_what_changed_and_what_is_gone(
    server: type[Handler], call: Call, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    call("data", "get", "librispeech:test-clean")
    clip = tmp_path / "data" / CLIP
    clip.write_bytes(clip.read_bytes()[:-1])
    assert call("data", "verify", "librispeech:test-clean") == 3
    assert f"changed {CLIP}" in capsys.readouterr().out
    clip.unlink()
    assert call("data", "verify", "librispeech:test-clean") == 3
    assert f"missing {CLIP}" in capsys.readouterr().out


def test_list_says_what_was_fetched(
    server: type[Handler], call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("data", "list") == 0
    assert "fetched" not in capsys.readouterr().out
    call("data", "get", "librispeech:test-clean")
    capsys.readouterr()
    assert call("data", "list") == 0
    line = capsys.readouterr().out.splitlines()[0].split()
    assert line[:2] == ["librispeech:test-clean", "CC-BY-4.0"]
    assert "fetched" in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["data", "get", "librispeech:test-claen"], "did you mean librispeech:test-clean"),
        (["data", "get"], "Missing argument"),
        (["data", "get", "vctk", "--tries", "0"], "tries"),
        (["data", "verify", "vctk", "--root", "here"], "was not fetched"),
        (["data", "verify", "--root", "here"], "nothing was fetched"),
        (["data", "fetch"], "No such command"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(
    cli: Cli, arguments: list[str], message: str
) -> None:
    done = cli(*arguments)
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.returncode == 2


def test_list_knows_licences_of_real_corpora(cli: Cli) -> None:
    # Facts: OpenSLR 12 and 33, Zenodo 4660670.
    rows = {line.split()[0]: line.split()[1] for line in cli("data", "list").stdout.splitlines()}
    assert rows["librispeech:test-clean"] == "CC-BY-4.0"
    assert rows["aishell"] == "Apache-2.0"
    assert rows["daps"] == "CC-BY-NC-4.0"


@pytest.mark.parametrize("arguments", [[], ["data"]])
def test_a_group_alone_shows_its_help_on_lines(cli: Cli, arguments: list[str]) -> None:
    done = cli(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: ")
    assert len(done.stderr.splitlines()) > 5
