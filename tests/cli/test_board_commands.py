"""``bundle`` and ``merge`` as users meet them: what is printed, and the exit codes."""

import json
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

Cli = Callable[..., subprocess.CompletedProcess[str]]


def test_a_folder_without_a_run_is_no_bundle(cli: Cli, tmp_path: Path) -> None:
    done = cli("bundle", "nowhere", "-o", "x.zip")
    assert (done.returncode, done.stdout) == (2, "")
    assert "nowhere: no run there" in done.stderr
    assert not (tmp_path / "x.zip").exists()


def test_merge_names_each_bundle_that_it_refuses(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("no bundle")
    done = cli("merge", "text.zip", "nowhere.zip", "--board", "board")
    assert (done.returncode, done.stdout) == (2, "")
    first, second = done.stderr.splitlines()
    assert first.startswith("codecbench: text.zip: refused: text.zip: no bundle, or a damaged one")
    assert second == "codecbench: nowhere.zip: refused: nowhere.zip: no such bundle"
    assert not (tmp_path / "board" / "board.json").exists()


@pytest.mark.slow
def test_bundle_and_merge_say_what_they_did(cli: Cli, sounds: Path, tmp_path: Path) -> None:
    made = cli("run", "-c", "pcm:bits=8", "-d", str(sounds), "-m", "si_sdr", "-o", "r", "-q", "-j1")
    assert made.returncode == 0, made.stderr
    done = cli("bundle", "r", "-o", "r.zip", "--author", "Ann")
    assert "bitstreams:     2 files" in done.stdout
    assert "references:     left out" in done.stdout
    assert f"sha256 {sha256(tmp_path / 'r.zip')}" in done.stdout
    merge = ("merge", "r.zip", "--board", "board", "--data", str(sounds), "--seed", "3")
    done = cli(*merge, "--by", "me")
    assert done.returncode == 0, done.stderr
    assert "sample       3 clips, seed 3" in done.stdout
    assert "decoded      2 bitstreams, 2 to equal samples" in done.stdout
    assert "scored       2 cells; 1 undefined ones looked at" in done.stdout
    (entry,) = json.loads((tmp_path / "board/board.json").read_text())["entries"]
    assert (entry["author"], entry["by"]) == ("Ann", "me")
    forge_author(tmp_path / "r.zip", "<img src=x onerror=alert(1)>")
    done = cli("merge", "r.zip", "--board", "other", "--data", str(sounds), "--sample", "0")
    assert "taken on trust" in done.stdout
    done = cli("report", "other", "--site", "site")
    assert done.returncode == 0, done.stderr
    for name in ("index.html", "report.html"):
        page = (tmp_path / "site" / name).read_text()
        assert "Taken on trust" in page
        assert "&lt;img src=x" in page
        assert "<img src=x" not in page


def sha256(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


def forge_author(path: Path, author: str) -> None:
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files["manifest.json"]) | {"author": author}
    files["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
