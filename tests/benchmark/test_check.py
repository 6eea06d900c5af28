"""The conformance kit: our codecs pass, and every planted fault is found by its name."""

from functools import cache
from pathlib import Path

import pytest

from codecbench.adapters.registry import CODECS, get_codec
from codecbench.benchmark.check.follow import CheckResult, check_names, run_checks
from codecbench.benchmark.supervisor import Limits
from codecbench.core.errors import ConfigError, NotAvailableError

PLANTED = Path(__file__).parent / "planted_codecs"
ONE_OF_A_KIND = {"codec2", "mnru", "opus", "pcm"}
"""Adapters that are checked in every test run; the others in CI with the slow tests."""
OURS = [
    pytest.param(name, marks=() if name in ONE_OF_A_KIND else pytest.mark.slow)
    for name, target in sorted(CODECS.builtin.items())
    if target.startswith("codecbench.adapters.ref")
]
NETWORKS = (
    "dac:variant=esc-tiny,codebooks=3|18",
    "encodec",
    "esc:streams=1|6,checkpoint=untrained",
    "hificodec:checkpoint=untrained",
    pytest.param("mimi", marks=pytest.mark.soak),
    "patch:checkpoint=untrained",
    "psq:checkpoint=untrained",
    pytest.param("xcodec", marks=pytest.mark.soak),
)
"""With random weights."""
FAULTS = {
    "KeepsState": {"fresh_instance", "no_state"},
    "DecoderKeepsState": {"no_state", "bytes_alone", "fresh_process", "causality"},
    "Untrimmed": {"delay"},
    "Early": {"delay"},
    "HidesOnSelf": {"bytes_alone", "fresh_process"},
    "HidesOnClass": {"fresh_process"},
    "HidesInModule": {"fresh_process"},
    "ReturnsTheInput": {"bytes_alone", "payload", "fresh_process"},
    "OneHopLonger": {"length", "long_clip"},
    "LimitedTo30s": {"long_clip"},
    "Inverted": {"polarity"},
    "HalfGain": {"gain"},
    "Normalises": {"gain", "level"},
    "Noisy": {"silence"},
    "PeeksAtLost": {"loss"},
    "LeakyBatch": {"batch"},
    "LeakyDecoderBatch": {"batch"},
    "StoresInt64": {"rate"},
    "PacksTooMuch": {"packet_bits"},
    "Random": {"repeat", "fresh_instance", "no_state", "fresh_process", "causality"},
    "AcceptsNan": {"non_finite"},
    "AcceptsAnyRate": {"wrong_rate"},
    "AcceptsStereo": {"stereo"},
    "StumblesOverNothing": {"empty"},
    "TakesAnyOption": {"options"},
    "LooksAhead": {"causality"},
    "ZeroFills": {"truncation", "silence", "level"},
    "NestsWrongly": {"nested"},
    "CrashesOnSilence": {"silence"},
    "PhonesHome": {"network"},
    "DownloadsWeights": {"network"},
    "SeedsTheWorld": {"process_state"},
    "KeepsEveryClip": {"memory"},
    "BrokenLoad": {"load"},
}
"""What each planted codec must be caught at: these checks and no others."""


def planted(name: str) -> str:
    (file,) = (each for each in PLANTED.glob("*.py") if f"class {name}(" in each.read_text())
    return f"{file}:{name}"


@cache
def checked(name: str) -> list[CheckResult]:
    """Check a planted codec once, whatever asks for it."""
    return run_checks(planted(name))


def failures(results: list[CheckResult]) -> dict[str, str]:
    return {result.name: result.found for result in results if result.outcome == "fail"}


def by_name(results: list[CheckResult]) -> dict[str, CheckResult]:
    return {result.name: result for result in results}


def results_or_skip(spec: str) -> list[CheckResult]:
    try:
        get_codec(spec).load()
    except NotAvailableError as error:
        pytest.skip(f"not here: {error}")
    return run_checks(spec)


@pytest.mark.parametrize("spec", OURS)
def test_every_adapter_of_ours_passes(spec: str) -> None:
    results = results_or_skip(spec)
    assert failures(results) == {}
    assert [result.name for result in results] == check_names()
    declared = type(get_codec(spec)).violates
    assert {result.name for result in results if result.on_purpose} == declared
    # Nothing but what is meant to stand out stands out.
    assert {result.name for result in results if result.outcome == "warn"} == declared


@pytest.mark.slow
@pytest.mark.parametrize("spec", NETWORKS)
def test_every_network_of_ours_passes(spec: str) -> None:
    results = by_name(results_or_skip(spec))
    assert failures(list(results.values())) == {}
    assert not get_codec(spec).info.trained
    for name in ("level", "silence", "delay", "gain", "polarity"):
        assert results[name].outcome == "not_applicable", name


def test_an_honest_codec_passes() -> None:
    results = checked("Honest")
    assert {result.outcome for result in results} == {"pass", "not_applicable"}
    unasked = {result.name for result in results if result.outcome == "not_applicable"}
    assert unasked == {"codes", "batch", "stream", "nested", "truncation", "loss"}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_caught_by_name(name: str) -> None:
    results = checked(name)
    assert set(failures(results)) == FAULTS[name]
    for result in results:
        assert bool(result.advice) == (result.outcome in ("warn", "fail"))
        assert "\n" not in result.found


def test_numbers_and_names_are_unique() -> None:
    results = checked("GoodBatch")
    assert [result.number for result in results] == list(range(len(results)))
    assert [result.name for result in results] == check_names()
    assert by_name(results)["batch"].outcome == "pass"


@pytest.mark.parametrize(
    ("name", "check", "words"),
    [
        ("StoresInt64", "rate", "nominal 8 kbit/s, payload 51.2 kbit/s (6.40 times)"),
        ("Untrimmed", "delay", "+40.00 samples = +5.00 ms by waveform"),
        ("Early", "delay", "-8.00 samples = -1.00 ms by waveform"),
        ("HalfGain", "gain", "-6.0 dB"),
        ("OneHopLonger", "length", "2 samples in, 162 out"),
        ("CrashesOnSilence", "silence", "crashed:SIGSEGV"),
        ("LimitedTo30s", "long_clip", "480000 samples in, 240000 out"),
    ],
)
def test_says_what_it_found(name: str, check: str, words: str) -> None:
    assert words in by_name(checked(name))[check].found


def test_bits_of_int64_codes_are_pointed_out() -> None:
    codes = by_name(checked("StoresInt64"))["codes"]
    assert codes.outcome == "warn"
    assert "6.40 times" in codes.found


def test_concealment_that_looks_away_passes() -> None:
    assert by_name(checked("Conceals"))["loss"].outcome == "pass"


def test_a_hang_costs_one_check() -> None:
    results = run_checks(planted("HangsOnSilence"), limits=Limits(timeout_s=3.0, retries=0))
    assert failures(results) == {"silence": "timeout: no answer within 3 s"}


def test_a_declared_violation_is_no_failure() -> None:
    delay = by_name(checked("DeclaredDelay"))["delay"]
    assert (delay.outcome, delay.on_purpose) == ("warn", True)


def test_a_declaration_must_name_a_check() -> None:
    with pytest.raises(ConfigError, match="dealy"):
        run_checks(planted("MisnamesItsFault"))


def test_declared_randomness_is_not_compared() -> None:
    results = by_name(checked("DeclaredRandom"))
    assert failures(list(results.values())) == {}
    assert results["repeat"].outcome == results["fresh_process"].outcome == "not_applicable"


def test_what_is_not_installed_is_not_checked() -> None:
    with pytest.raises(NotAvailableError, match="checkpoint"):
        run_checks("esc:checkpoint=/there/is/none")
