"""Optional packages: whatever is wrong with one becomes one error with its fix."""

import sys
from pathlib import Path

import pytest

from codecbench.core.dependency import require
from codecbench.core.errors import MissingDependencyError


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Make a module of one line that can be imported as `cb_optional`."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(line: str) -> str:
        (tmp_path / "cb_optional.py").write_text(line + "\n")
        return "cb_optional"

    yield make
    sys.modules.pop("cb_optional", None)


def test_returns_what_is_there(package):
    assert require(package("mark = 7")).mark == 7


def test_an_absent_package_is_named_with_its_fix():
    with pytest.raises(MissingDependencyError) as caught:
        require("cb_not_there.part")
    assert str(caught.value) == "cb_not_there is not usable; run: pip install cb_not_there"


def test_a_known_package_has_a_fix_of_its_own(monkeypatch):
    monkeypatch.setitem(sys.modules, "pesq", None)  # what Python does with a blocked import
    with pytest.raises(MissingDependencyError, match=r'pip install "codecbench\[pesq\]"'):
        require("pesq")


def test_what_the_package_lacks_itself_is_named(package):
    with pytest.raises(MissingDependencyError, match=r"\(No module named 'cb_deeper'\)"):
        require(package("import cb_deeper"))


@pytest.mark.parametrize(
    "line",
    [
        "raise ImportError('libx.so: undefined symbol')",
        "raise OSError('libx.so: cannot open shared object file')",
        "raise ValueError('numpy.dtype size changed')",
        "raise AttributeError('_ARRAY_API not found')",
        "raise RuntimeError('first line\\nsecond line')",
        "1 +",
    ],
)
def test_a_broken_package_says_why_in_one_line(package, line: str):
    with pytest.raises(MissingDependencyError) as caught:
        require(package(line))
    assert caught.value.detail
    assert "\n" not in str(caught.value)
    assert "cb_optional" in str(caught.value)


def test_a_stop_from_the_keyboard_is_no_missing_package(package):
    with pytest.raises(KeyboardInterrupt):
        require(package("raise KeyboardInterrupt"))
