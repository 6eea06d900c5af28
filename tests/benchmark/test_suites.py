"""The suites that come with codecbench, and codecs of one suite beside those of another."""

from dataclasses import replace

import pytest

from codecbench.benchmark.suite import (
    Suite,
    find_suite,
    read_suite,
    resolve,
    suite_names,
    with_codecs,
    write_suite,
)
from codecbench.core.errors import ConfigError, UnknownNameError


@pytest.mark.parametrize("name", suite_names())
def test_every_suite_resolves_and_survives_writing(name, tmp_path):
    suite = resolve(find_suite(name))
    assert suite.name
    write_suite(suite, tmp_path / "suite.toml")
    assert read_suite(tmp_path / "suite.toml") == suite


def test_suites_in_folders_have_names_with_a_slash():
    assert {"demo", "ladder", "paper/esc", "paper/psq"} <= set(suite_names())
    assert find_suite("paper/esc").data == "paper/esc"


@pytest.mark.parametrize("name", ["paper", "paper/none", "../suites/demo", ""])
def test_anything_else_is_refused_with_the_names(name):
    with pytest.raises(ConfigError, match="paper/esc"):
        find_suite(name)


def test_the_ladder_holds_the_steps_that_it_should():
    # Issue text: pcm at 16/8/4 bit, low-pass 7 and 3.5 kHz, MNRU 5 to 35 dB, mu-law.
    assert set(find_suite("ladder").codecs) == {
        "pcm:bits=4|8|16",
        "lowpass:cutoff=3500|7000",
        "mnru:q=5|10|15|20|25|30|35",
        "g711:law=mulaw,sample_rate=16000",
    }


def test_the_ladder_stands_beside_codecs_of_ones_own():
    mine = Suite(codecs=("opus:bitrate=6000|12000",), data="x", metrics=("stoi",))
    both = with_codecs(mine, find_suite("ladder"))
    assert both == replace(mine, codecs=both.codecs)
    assert both.codecs[0] == "opus:bitrate=6000|12000"
    assert len(both.codecs) == 5


def test_a_system_that_both_have_gets_the_points_of_both():
    mine = Suite(codecs=("mnru:q=12|15", "pcm", "lowpass"), data="x")
    both = with_codecs(mine, find_suite("ladder"))
    assert both.codecs == (
        "mnru:q=12|15|5|10|20|25|30|35",
        "pcm:bits=16|4|8",
        "lowpass:cutoff=3500|7000",
        "g711:law=mulaw,sample_rate=16000",
    )
    assert resolve(both) == both


def test_another_setting_is_another_system():
    mine = Suite(codecs=("mnru:q=15,chain=stl",), data="x")
    assert len(with_codecs(mine, find_suite("ladder")).codecs) == 5


def test_a_wrong_codec_is_refused_as_ever():
    with pytest.raises(UnknownNameError, match="opus"):
        with_codecs(Suite(codecs=("opsu",), data="x"), find_suite("ladder"))


def test_ladder_beside_a_codec_orders_every_step(run_it, clips):
    # Noise is the input; SI-SDR of MNRU is Q by its formula, +-0.1 dB as reference_codecs.md,
    # section 2, measured on speech, here +-0.3 dB on short noise.
    suite = with_codecs(Suite(codecs=("resample",), data=str(clips)), find_suite("ladder"))
    frame = run_it(list(suite.codecs), ["si_sdr"]).frame
    means = frame[frame["codec"].str.startswith("mnru")].groupby("point")["value"].mean()
    for q in (5, 10, 15, 20, 25, 30, 35):
        assert means[str(q)] == pytest.approx(q, abs=0.3)
    pcm = frame[frame["codec"].str.startswith("pcm")].groupby("point")["value"].mean()
    assert pcm["4"] < pcm["8"] < pcm["16"]
