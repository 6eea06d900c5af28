"""Every command and snippet of README and docs runs, in an empty folder (acceptance test 19)."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from codecbench.core.audio import Audio
from codecbench.core.audio_file import write_audio

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```", re.DOTALL | re.MULTILINE)
NOT_RUN = {"text", "toml", "csv", "json", "yaml", "latex", "bibtex", "sh"}
"""Languages that are shown and not run; sh is for installing, which .ci/run does for real."""


@dataclass(frozen=True)
class Block:
    language: str
    title: str
    text: str


def blocks(page: Path) -> list[Block]:
    return [Block(*found) for found in BLOCK.findall(page.read_text(encoding="utf-8"))]


@pytest.fixture
def user_folder(tmp_path: Path) -> Path:
    """What a reader has: two clips of speech-like sound, and something coded from them."""
    rng = np.random.default_rng(1)
    for name, seconds in (("a", 1.5), ("b", 1.2)):
        t = np.arange(round(seconds * 16000)) / 16000
        voice = sum(np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, 20))
        sound = 0.1 * voice * (1 + np.sin(2 * np.pi * 4 * t)) / 2
        write_audio(tmp_path / "my/speech" / f"{name}.wav", Audio(sound, 16000))
        coded = sound + 0.003 * rng.standard_normal(t.size)
        write_audio(tmp_path / "my/coded" / f"{name}.wav", Audio(coded, 16000))
    return tmp_path


FIRST_READ = {"README.md", "CONTRIBUTING.md"}
"""Pages whose blocks run in every test run; those of the others run in CI with the slow tests."""


def page_case(page: Path) -> object:
    """Return the test case of one page."""
    name = page.relative_to(ROOT).as_posix()
    return pytest.param(page, id=name, marks=() if name in FIRST_READ else pytest.mark.slow)


@pytest.mark.parametrize("page", [*map(page_case, PAGES)])
def test_every_block_of_a_page_runs(page: Path, user_folder: Path) -> None:
    for block in blocks(page):
        if block.title:
            place = user_folder / block.title
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(block.text, encoding="utf-8")
            if place.name == "pyproject.toml":
                install(place, user_folder / "site")
        if block.language == "console":
            for line in block.text.splitlines():
                if line.startswith("$ "):
                    run_command(line.removeprefix("$ "), user_folder)
        elif block.language == "python" and not block.title:
            script = user_folder / "snippet.py"
            script.write_text(block.text, encoding="utf-8")
            run([sys.executable, "-P", str(script)], user_folder)
        elif block.language not in {*NOT_RUN, "python", "console"}:
            pytest.fail(f"{page.name}: nobody knows how to run a block of {block.language}")


def install(project: Path, site: Path) -> None:
    """Do what pip would do with a package of modules, which link to their source."""
    table = tomllib.loads(project.read_text(encoding="utf-8"))
    facts = table["project"]
    info = site / f"{facts['name'].replace('-', '_')}-{facts['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {facts['name']}\nVersion: {facts['version']}\n"
    )
    lines = [
        line
        for group, points in facts["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {target}" for name, target in points.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))
    for module in table["tool"]["setuptools"]["py-modules"]:
        (site / f"{module}.py").symlink_to(project.parent / f"{module}.py")


def run_command(line: str, folder: Path) -> None:
    words = shlex.split(line)
    if words[0] == "make":
        # The targets install things; .ci/run runs them for real. Here: they exist.
        run(["make", "-n", "-C", str(ROOT), *words[1:]], folder)
        return
    if words[:2] == ["codecbench", "demo"]:
        words[2:] = ["--help"]  # takes minutes; .ci/run does it for real
    assert words[0] == "codecbench", f"'{line}' is not a command that this test knows"
    run([sys.executable, "-P", "-m", "codecbench", *words[1:]], folder)


def run(command: list[str], folder: Path) -> None:
    environment = {
        **os.environ,
        "XDG_CACHE_HOME": str(folder / "cache"),
        "XDG_DATA_HOME": str(folder / "data"),
        "PYTHONPATH": str(folder / "site"),
    }
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (
        f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
    )


def test_every_link_between_pages_leads_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_page_is_in_the_navigation() -> None:
    said = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    listed = re.findall(r": (\S+\.md)$", said, re.MULTILINE)
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")]
    assert sorted(listed) == sorted(pages), "each page of docs/ stands once in nav of mkdocs.yml"
