"""Shared libraries: found without importing their package, and named with their fix."""

import ctypes
import hashlib
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from codecbench.adapters.reference import shared_library
from codecbench.adapters.reference.codec2 import Codec2Codec
from codecbench.adapters.reference.opus import OpusCodec
from codecbench.adapters.registry import get_codec
from codecbench.core.audio import Audio
from codecbench.core.errors import MissingDependencyError


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package "fakewheel" with a file that calls itself a library."""
    (tmp_path / "fakewheel").mkdir()
    (tmp_path / "fakewheel/__init__.py").write_text("raise RuntimeError('imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "place", ["fakewheel.libs/libx-1a2b.so.3", "fakewheel/.dylibs/libx.3.dylib"]
)
def test_finds_a_library_where_wheels_carry_it(wheel: Path, place: str) -> None:
    (wheel / place).parent.mkdir()
    (wheel / place).write_bytes(b"content")
    found = shared_library.find_in_wheel("fakewheel", "libx")
    assert found is not None
    assert found.path == wheel / place
    assert found.sha256 == hashlib.sha256(b"content").hexdigest()
    assert "fakewheel" not in sys.modules


def test_changed_content_changes_the_hash(wheel: Path) -> None:
    path = wheel / "fakewheel.libs/libx.so"
    path.parent.mkdir()
    path.write_bytes(b"one")
    found = shared_library.require_in_wheel("fakewheel", "libx")
    before = found.sha256
    path.write_bytes(b"another")
    assert found.sha256 != before


def test_names_what_to_install() -> None:
    with pytest.raises(MissingDependencyError, match="pip install no_such_wheel"):
        shared_library.require_in_wheel("no_such_wheel", "libx")
    with pytest.raises(MissingDependencyError, match="apt-get install libnosuch1"):
        shared_library.require_in_system(["libnosuch.so.1"], debian_package="libnosuch1")


def test_says_so_where_a_package_was_built_without_the_library(wheel: Path) -> None:
    assert wheel.is_dir()
    with pytest.raises(MissingDependencyError, match="carries no libx"):
        shared_library.require_in_wheel("fakewheel", "libx")


def test_refuses_a_broken_library(wheel: Path) -> None:
    path = wheel / "fakewheel.libs/libx.so"
    path.parent.mkdir()
    path.write_bytes(b"no library")
    with pytest.raises(MissingDependencyError, match="libx is not usable"):
        shared_library.require_in_wheel("fakewheel", "libx").open()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks the dynamic linker of Linux")
def test_finds_a_library_of_the_system() -> None:
    found = shared_library.find_in_system(["libnosuch.so.1", "libm.so.6"])
    assert found is not None
    assert found.name == "libm"
    assert found.path.is_file()


@pytest.mark.parametrize(("cls", "package"), [(OpusCodec, "av"), (Codec2Codec, "pycodec2")])
def test_codec_without_its_wheel_is_made_but_not_loaded(
    cls: type[OpusCodec | Codec2Codec], package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == package else real(name)
    )
    codec = cls()
    assert codec.info.version == "absent"
    with pytest.raises(MissingDependencyError, match=f"pip install {package}"):
        codec.load()
    with pytest.raises(MissingDependencyError):
        codec.encode(Audio(np.zeros(9, np.float32), codec.info.sample_rate), codec.points[0])


@pytest.mark.parametrize(
    ("name", "package"),
    [("gsm", "libgsm1"), ("speex", "libspeex1"), ("amrwb", "libvo-amrwbenc0")],
)
def test_codec_without_its_system_library_names_the_package(
    name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str) -> None:
        raise OSError(path)

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    codec = get_codec(name)
    assert codec.info.version == codec.info.fingerprint == "absent"
    assert f"lib:{package}" in codec.info.needs
    with pytest.raises(MissingDependencyError, match=f"apt-get install {package}"):
        codec.load()
