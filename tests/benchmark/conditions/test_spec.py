"""The grammar of conditions: canonical names, sweeps, references, and errors with a way out."""

from pathlib import Path

import pytest

from codecbench.benchmark.conditions.spec import parse_condition, parse_conditions
from codecbench.benchmark.suite import Suite, find_suite, read_suite, resolve, write_suite
from codecbench.core.errors import ConfigError, UnknownNameError

CANONICAL = {
    "clean": "clean",
    "level=-36": "level=-36,reference=clean",
    "noise=babble,snr=15.0": "noise=babble,snr=15,reference=clean",
    "lowpass=3500,reference=treated": "lowpass=3500,reference=treated",
    "tandem=opus:bitrate=24000": 'tandem="opus:bitrate=24000",reference=clean',
    'tandem="opus:mode=cbr,bitrate=24000"': 'tandem="opus:bitrate=24000,mode=cbr",reference=clean',
    "loss=0.05,burst=1.5,conceal=auto": "loss=5%,burst=1.5",
    "loss=5%+level=-20": "level=-20,reference=clean+loss=5%",
    "level=-30+noise=white,snr=5": "level=-30+noise=white,snr=5,reference=clean",
}


@pytest.mark.parametrize(("text", "name"), CANONICAL.items())
def test_names_are_canonical(text: str, name: str) -> None:
    assert parse_condition(text).name == name
    assert parse_condition(name).name == name


def test_the_order_of_treatments_is_kept() -> None:
    one, other = (
        parse_condition(text) for text in ("level=-20+lowpass=900", "lowpass=900+level=-20")
    )
    assert one.name != other.name
    assert one.identity() != other.identity()


def test_sweeps_are_taken_apart_and_clean_comes_first() -> None:
    found = parse_conditions(["loss=5%|10%,burst=1.5", "level=-16"])
    assert [each.name for each in found] == [
        *("clean", "loss=5%,burst=1.5", "loss=10%,burst=1.5", "level=-16,reference=clean")
    ]


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("nois=white,snr=1", UnknownNameError, "did you mean noise"),
        ("noise=bable,snr=1", UnknownNameError, "did you mean babble"),
        ("noise=white,sn=1", UnknownNameError, "did you mean snr"),
        ("loss=5%,refrence=clean", UnknownNameError, "did you mean reference"),
        ("level", ConfigError, "needs a value"),
        ("", ConfigError, "cannot be read"),
        ("level=loud", ConfigError, "must be float"),
        ("level=3", ConfigError, "-80 … 0"),
        ("loss=95%,burst=1.5", ConfigError, "at least 19 slots"),
        ("loss=5%+loss=10%", ConfigError, "two channels"),
        ("loss=5%,reference=treated", ConfigError, "treats no input"),
        ("level=-20,reference=clean+lowpass=900,reference=treated", ConfigError, "two references"),
        ("level=-20,reference=dirty", ConfigError, "clean or treated"),
        ("tandem=opus", ConfigError, "one operating point"),
        ("tandem=opus:bitrate=1|2", ConfigError, "one operating point"),
        ("noise=no_such.wav,snr=3", ConfigError, "no such file"),
        ("clean+level=-20", ConfigError, "stands alone"),
        ("loss=trace.txt", ConfigError, "cannot be read"),
    ],
)
def test_errors_name_the_way_out(text: str, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        parse_condition(text)


def test_a_condition_stands_once() -> None:
    with pytest.raises(ConfigError, match="twice"):
        parse_conditions(["loss=5%", "loss=0.05"])


def test_zero_loss_is_clean() -> None:
    assert parse_condition("loss=0%").identity() is None
    assert parse_condition("loss=0%,conceal=zero").identity() is None
    noisy = [parse_condition(text).identity() for text in ("lowpass=900", "lowpass=900+loss=0")]
    assert noisy[0] == noisy[1] is not None


def test_what_is_heard_does_not_hang_on_how_a_noise_file_is_called(tmp_path: Path) -> None:
    for name in ("a.wav", "b+1.wav"):
        (tmp_path / name).write_bytes(b"RIFF")
    one, other = (f'noise="{tmp_path / name}",snr=3' for name in ("a.wav", "b+1.wav"))
    assert parse_condition(other).name.startswith('noise="')
    contents = [
        [part.condition.content() for part in parse_condition(text).treatments]
        for text in (one, other)
    ]
    assert contents[0] == contents[1]


def test_suites_keep_conditions(tmp_path: Path) -> None:
    suite = resolve(Suite(codecs=("pcm",), data="demo", conditions=("loss=5%|10%", "level=-36")))
    write_suite(suite, tmp_path / "suite.toml")
    assert read_suite(tmp_path / "suite.toml") == suite
    assert suite.conditions[0] == "clean"


@pytest.mark.parametrize("name", ["voip", "noisy-input", "tandem"])
def test_our_suites_resolve(name: str) -> None:
    assert len(resolve(find_suite(name)).conditions) > 2
