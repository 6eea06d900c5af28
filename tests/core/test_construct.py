"""From options to keyword arguments: types, defaults, sweeps, and mistakes named in one line."""

from collections.abc import Sequence
from typing import Literal

import pytest

from codecbench.core.construct import option_defaults, resolve_options
from codecbench.core.errors import ConfigError, UnknownNameError
from codecbench.core.spec import Spec


class Plain:
    """No options."""


class Coder:
    """Options of every kind."""

    def __init__(
        self,
        positional: int = 0,
        *,
        bitrate: int | Sequence[int] = (6000, 12000),
        mode: Literal["cbr", "vbr"] = "cbr",
        frame_ms: Literal[2.5, 20] = 20,
        gain: float = 1.0,
        dtx: bool = False,
        seed: int | None = None,
        checkpoint: str = "",
        sample_rate: int = 16000,
    ) -> None:
        """Take them."""


class Child(Coder):
    """Inherits its constructor."""


class Needy:
    """An option without a default."""

    def __init__(self, *, checkpoint: str, streams: tuple[int, ...] = (1, 2)) -> None:
        """Take them."""


class Untyped:
    """Options without annotations."""

    def __init__(self, *, anything=3) -> None:
        """Take it."""


class Dangling:
    """An annotation that only a type checker can resolve."""

    def __init__(self, *, model: "NotImported" = None) -> None:  # noqa: F821
        """Take it."""


def resolve(cls: type, text: str, sweep: str | None = "bitrate") -> dict:
    return resolve_options(cls, Spec.parse(text), sweep=sweep)


def test_only_keyword_arguments_are_options():
    assert set(option_defaults(Coder)) == {
        "bitrate", "mode", "frame_ms", "gain", "dtx", "seed", "checkpoint", "sample_rate",
    }  # fmt: skip
    assert option_defaults(Plain) == {}


def test_defaults_fill_what_is_not_given():
    assert resolve(Coder, "coder") == {
        "bitrate": (6000, 12000),
        "mode": "cbr",
        "frame_ms": 20,
        "gain": 1.0,
        "dtx": False,
        "seed": None,
        "checkpoint": "",
        "sample_rate": 16000,
    }


def test_the_swept_option_is_a_tuple_even_of_one():
    assert resolve(Coder, "coder:bitrate=8000")["bitrate"] == (8000,)
    assert resolve(Coder, "coder:bitrate=8000|9000")["bitrate"] == (8000, 9000)
    assert resolve(Coder, "coder", sweep="gain")["gain"] == (1.0,)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("gain=2", 2.0),
        ("gain=0.5", 0.5),
        ("seed=7", 7),
        ("seed=7.0", 7),
        ("seed=none", None),
        ("dtx=true", True),
        ("mode=vbr", "vbr"),
        ("frame_ms=2.5", 2.5),
        ("checkpoint=12", "12"),
        ("checkpoint=true", "true"),
        ("checkpoint=a/b.pt", "a/b.pt"),
    ],
)
@pytest.mark.parametrize("cls", [Coder, Child])
def test_values_take_the_type_of_their_option(cls: type, option: str, value):
    key = option.partition("=")[0]
    found = resolve(cls, f"coder:{option}")[key]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("gain=loud", "option 'gain' of 'coder' must be float; found loud"),
        ("gain=true", "must be float; found true"),
        ("seed=1.5", "must be int or none; found 1.5"),
        ("seed=true", "must be int or none; found true"),
        ("dtx=1", "must be bool; found 1"),
        ("mode=abr", "must be one of cbr, vbr; found abr"),
        ("frame_ms=10", "must be one of 2.5, 20; found 10"),
        ("checkpoint=none", "must be str; found none"),
        ("mode=cbr|vbr", "takes one value here, found 2"),
        ("bitrate=6000|fast", "option 'bitrate' of 'coder' must be int; found fast"),
    ],
)
@pytest.mark.parametrize("cls", [Coder, Child])
def test_wrong_values_are_named_with_what_is_wanted(cls: type, option: str, message: str):
    with pytest.raises(ConfigError) as caught:
        resolve(cls, f"coder:{option}")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_options_are_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="option of 'coder' 'bitrat'; did you mean bitrate"):
        resolve(Coder, "coder:bitrat=6000")


def test_positional_arguments_are_no_options():
    with pytest.raises(UnknownNameError, match="positional"):
        resolve(Coder, "coder:positional=1")


def test_a_class_without_options_says_so():
    with pytest.raises(ConfigError, match="'plain' takes no options, found 'a'"):
        resolve(Plain, "plain:a=1")
    with pytest.raises(ConfigError, match="leave out '@8000'"):
        resolve(Plain, "plain@8000")


def test_the_rate_after_the_at_sign_is_the_option_sample_rate():
    assert resolve(Coder, "coder@8000")["sample_rate"] == 8000


def test_a_required_option_must_be_given():
    with pytest.raises(ConfigError, match=r"must be given, as in needy:checkpoint=…"):
        resolve(Needy, "needy")
    assert resolve(Needy, "needy:checkpoint=x", sweep="streams") == {
        "checkpoint": "x",
        "streams": (1, 2),
    }


def test_elements_of_a_swept_tuple_are_checked():
    with pytest.raises(ConfigError, match="'streams' of 'needy' must be int; found x"):
        resolve(Needy, "needy:checkpoint=x,streams=1|x", sweep="streams")


def test_options_without_annotations_take_anything():
    assert resolve(Untyped, "u:anything=x") == {"anything": "x"}


def test_annotations_that_cannot_be_resolved_are_named():
    with pytest.raises(ConfigError, match="'d' have annotations that cannot be resolved"):
        resolve(Dangling, "d")
