"""Spec strings: what they mean, that they survive being written, and how mistakes are named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codecbench.core.errors import ConfigError
from codecbench.core.spec import Spec, format_option, parse_option

NAMES = st.one_of(
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,8}", fullmatch=True).filter(
        lambda name: not name.endswith(".py")
    ),
    st.sampled_from(["./mine.py:MyCodec", "/a/b-c/mine.py:_My", "mine.py:C1"]),
)
KEYS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}", fullmatch=True)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**39), 10**39),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_characters="\0"), max_size=12),
    st.sampled_from(["true", "none", "007", "1e5", "1e999", "-", "a b", " a", 'say "x"', "a|b,c="]),
)
SWEEPS = st.lists(VALUES, min_size=1, max_size=3, unique_by=format_option).map(tuple)
SPECS = st.builds(
    lambda name, sample_rate, options: Spec(name=name, sample_rate=sample_rate, options=options),
    NAMES,
    st.none() | st.integers(1, 10**6),
    st.dictionaries(KEYS, SWEEPS, max_size=4),
)


@given(SPECS)
def test_parsing_what_was_written_gives_the_spec_back(spec: Spec):
    parsed = Spec.parse(str(spec))
    assert parsed == spec
    for key, values in spec.options.items():
        # Python takes True for 1; the kinds must survive too, but for whole floats.
        kinds = [type(value) for value in parsed.options[key]]
        whole = [isinstance(v, float) and v.is_integer() and abs(v) < 1e15 for v in values]
        assert kinds == [int if w else type(v) for w, v in zip(whole, values, strict=True)]


@given(SPECS)
def test_the_written_form_is_canonical(spec: Spec):
    backwards = Spec(
        name=spec.name,
        sample_rate=spec.sample_rate,
        options=dict(reversed(list(spec.options.items()))),
    )
    assert str(backwards) == str(spec)
    assert str(Spec.parse(str(spec))) == str(spec)


@given(SPECS)
def test_expanding_gives_every_combination_once(spec: Spec):
    expanded = spec.expand()
    count = 1
    for values in spec.options.values():
        count *= len(values)
    assert len({str(one) for one in expanded}) == len(expanded) == count
    assert all(len(values) == 1 for one in expanded for values in one.options.values())


@given(st.text(max_size=40))
def test_any_text_is_a_spec_or_a_config_error(text: str):
    try:
        spec = Spec.parse(text)
    except ConfigError:
        return
    assert Spec.parse(str(spec)) == spec


@given(VALUES)
def test_a_value_survives_being_written_without_quotes_or_with(value):
    written = format_option(value)
    found = Spec.parse(f"x:k={written}").options["k"]
    assert found == (value,)


def test_reads_the_examples_of_the_design():
    opus = Spec.parse("opus:mode=cbr,bitrate=6000|12000")
    assert opus == Spec(name="opus", options={"mode": ("cbr",), "bitrate": (6000, 12000)})
    esc = Spec.parse('esc:checkpoint="/m/a b.pth",streams=1|3|6')
    assert esc.options == {"checkpoint": ("/m/a b.pth",), "streams": (1, 3, 6)}
    mine = Spec.parse("./mine.py:MyCodec:ckpt=best.pt")
    assert (mine.name, mine.options) == ("./mine.py:MyCodec", {"ckpt": ("best.pt",)})
    assert Spec.parse("codec2@8000").sample_rate == 8000
    assert Spec.parse("pcm") == Spec(name="pcm")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12000", 12000),
        ("-3", -3),
        ("+3", 3),
        ("0", 0),
        ("0.5", 0.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e-3", 1e-3),
        ("true", True),
        ("false", False),
        ("none", None),
        ("True", "True"),
        ("cbr", "cbr"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("1e999", "1e999"),
        ("007", "007"),
        ("1_000", "1_000"),
        ("٣", "٣"),
        ("18446744073709551615", 2**64 - 1),
        ("9" * 41, "9" * 41),
        ("a b", "a b"),
    ],
)
def test_unquoted_text_means(text: str, value):
    found = parse_option(text)
    assert found == value
    assert type(found) is type(value)


def test_quotes_make_text_of_anything():
    spec = Spec.parse(r'x:a="12",b="true",c="a|b,c=\"d\"\né"')
    assert spec.options == {"a": ("12",), "b": ("true",), "c": ('a|b,c="d"\né',)}


def test_one_and_true_are_different_values_of_a_sweep():
    values = Spec.parse("x:a=true|1").options["a"]
    assert [type(value) for value in values] == [bool, int]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read"),
        (":a=1", "cannot be read"),
        ("a b", "cannot be read"),
        ("opus@", "cannot be read"),
        ("opus@fast", "cannot be read"),
        ("opus@8000@16000", "cannot be read"),
        ("opus@0", "sample rate 0"),
        ("opus:", "no options"),
        ("opus:bitrate", "expected key=value"),
        ("opus:=1", "expected key=value"),
        ("opus:a=1,", "expected key=value"),
        ("opus:a=1,,b=2", "expected key=value"),
        ("opus:1a=2", "expected key=value"),
        ("opus:a=", "empty value"),
        ("opus:a=|1", "empty value"),
        ("opus:a=1|", "empty value"),
        ("opus:a=1=2", "unexpected '=2'"),
        ('opus:a="x', "unfinished quote"),
        ('opus:a="x"y', "unexpected 'y'"),
        ("opus:a=1,a=2", "stands twice"),
        ("opus:a=1|2|1", "stands twice"),
        ("opus:a=1|1.0", "stands twice"),
        ("opus:a=true|true", "stands twice"),
        ("opus@" + "1" * 5000, "cannot be read"),
        ("opus:a=b\0", "character of code 0"),
        (r'opus:a="\u0000"', "character of code 0"),
    ],
)
def test_mistakes_are_named_in_one_line(text: str, message: str):
    with pytest.raises(ConfigError, match=message) as caught:
        Spec.parse(text)
    assert "\n" not in str(caught.value)


def test_expanding_keeps_the_rate_option_together():
    spec = Spec.parse("opus@16000:mode=cbr|vbr,bitrate=6000|12000")
    assert [str(one) for one in spec.expand(keep="bitrate")] == [
        "opus@16000:bitrate=6000|12000,mode=cbr",
        "opus@16000:bitrate=6000|12000,mode=vbr",
    ]


def test_a_file_without_its_class_is_told_apart_from_nonsense() -> None:
    with pytest.raises(ConfigError, match=r"name the class in it too, as in \./mine\.py:MyClass"):
        Spec.parse("./mine.py")
