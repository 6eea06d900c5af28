"""The error tree is as its docstring draws it, and errors travel between processes."""

import inspect
import pickle
import re

import pytest

from codecbench.core import errors
from codecbench.core.errors import (
    CodecBenchError,
    ConfigError,
    MetricError,
    MissingDependencyError,
    ProcessError,
    UnknownNameError,
)

CLASSES = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, CodecBenchError)
]
SAMPLES = {
    ProcessError: lambda: ProcessError("it died", reason="crashed:SIGKILL"),
    UnknownNameError: lambda: UnknownNameError("codec", "opsu", ["opus", "pcm"]),
    MissingDependencyError: lambda: MissingDependencyError("pesq", "pip install pesq", detail="x"),
    MetricError: lambda: MetricError("too many utterances", reason="too_many_utterances"),
}


def drawn_tree() -> dict[str, tuple[str, list[str]]]:
    """Name to parent and further bases, as the docstring of the module draws them."""
    text = inspect.getdoc(errors) or ""
    found: dict[str, tuple[str, list[str]]] = {}
    path: list[str] = []
    for line in text[text.index("\nCodecBenchError\n") :].strip().splitlines():
        match = re.match(r"(?P<branch>[│├└─ ]*)(?P<name>\w+)(?P<text>.*)", line)
        assert match is not None, line
        depth = len(match["branch"]) // 4
        path[depth:] = [match["name"]]
        further = re.search(r"also (\w+)", match["text"])
        found[match["name"]] = (
            path[depth - 1] if depth else "",
            further.groups() if further else (),
        )
    return found


def test_the_docstring_draws_exactly_the_classes_that_there_are():
    tree = drawn_tree()
    assert set(tree) == {cls.__name__ for cls in CLASSES}
    for cls in CLASSES:
        parent, further = tree[cls.__name__]
        bases = [base.__name__ for base in cls.__bases__]
        expected = [parent, *further] if parent else ["Exception"]
        assert bases == expected, cls.__name__


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_error_survives_pickling(cls):
    error = SAMPLES.get(cls, lambda: cls("went wrong; do this"))()
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is cls
    assert str(twin) == str(error)
    assert vars(twin) == vars(error)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_error_says_what_it_is_for(cls):
    assert inspect.getdoc(cls)


def test_unknown_names_are_answered_with_the_nearest():
    error = UnknownNameError("codec", "opsu", ["pcm", "opus", "codec2"])
    assert str(error) == "unknown codec 'opsu'; did you mean opus?"
    assert isinstance(error, ConfigError)
    assert isinstance(error, KeyError)


def test_unknown_names_without_a_neighbour_list_what_there_is():
    error = UnknownNameError("codec", "zzz", ["pcm", "opus"])
    assert str(error) == "unknown codec 'zzz'; known: opus, pcm"


def test_a_missing_package_comes_with_its_fix():
    error = MissingDependencyError("pesq", "pip install pesq", detail="needs gcc")
    assert str(error) == "pesq is not usable (needs gcc); run: pip install pesq"
    assert error.package == "pesq"


def test_a_metric_error_has_a_reason_of_its_own():
    assert MetricError("x").reason == "metric_error"
    assert MetricError("x", reason="no_voiced_frames").reason == "no_voiced_frames"
