"""What happens to every metric's score when a pair of signals is changed in a known way.

Each column of the table is a change of the pair, each entry what it may do to the score:

========== ===========================================================================
silence    0.2 s of zeros after both, 1.5 s before
gain       the degraded signal at half its level
polarity   the degraded signal negated
shift      the degraded signal one sample later, at 16 kHz
rate       both brought to 48 kHz before they are given to the metric
stereo     both as files with the signal in two channels: always exactly the same score
========== ===========================================================================

``within(b)`` is a change of at most b either way; ``between(a, b)`` a change from a to b, negative
where the score falls; ``DILUTED`` a distance whose mean now has frames of zeros in it that are
alike, so that it shrinks, by at most the share of the new frames; ``WORSE`` a change for the
worse. Changes by a known amount have tests of their own below the table.

Where the entries come from:

- Definitions. STOI and ESTOI take frames out that are 40 dB below the loudest; SI-SDR projects
  with a gain of either sign; MCD without the zeroth coefficient does not see a level, and with it
  K ln 2 = 4.257 dB of a halved one; PESQ and ViSQOL bring both signals to one level and align them;
  mel distances and LSD compare logarithms of absolute magnitudes, which do not know a sign.
- The sensitivity table of shared/metrics/alignment.md, measured with the published packages on
  seven pairs of 5 s: at one sample of delay PESQ moves by 1e-4, STOI and ESTOI by less, ViSQOL not
  at all, mel by 0.01, LSD by 0.0003 dB, MCD by 0.004 dB, F0 by 0.4 cent, voicing by 0.0007, SI-SDR
  by -14 dB; at any gain and with either polarity PESQ, STOI, ESTOI, ViSQOL, SI-SDR and MCD by at
  most 4e-4. On one pair of 1.5 s the bounds are wider by up to ten times.
- What an edge does. A change of rate keeps what both resamplers pass, and at 16 kHz that is all
  but the last tenth of the band.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_audio
from codecbench.core.errors import MissingDependencyError
from codecbench.core.resampling import resample
from codecbench.metrics.base import Metric
from codecbench.metrics.evaluation import evaluate, prepare_reference
from codecbench.metrics.registry import BUILTIN, get_metric

Signal = NDArray[np.float32]

RATE = 16000
SECONDS = 1.5
SLOW_SECONDS = 0.7
SLOW = {"mcd_harvest", "mcd_versa"}
SILENCE_S = 0.2


@dataclass(frozen=True)
class Change:
    """The change of a score that is allowed: from `low` to `high`, plus shares of the score."""

    low: float
    high: float
    low_share: float = 0.0


def within(bound: float) -> Change:
    return Change(-bound, bound)


def between(low: float, high: float) -> Change:
    return Change(low, high)


DILUTED = Change(-1e-3, 1e-3, low_share=SILENCE_S / (SECONDS + SILENCE_S))
WORSE = None
ROUNDING = within(1e-5)
LEVEL = between(0.5, 4.0)
"""A halved level counts in full where the signals are alike, and less where they differ."""

# fmt: off
TABLE = {
    #                  silence            gain            polarity         shift           rate
    "estoi": (within(1e-3), ROUNDING, ROUNDING, within(1e-3), within(1e-4)),
    "f0_rmse_cents": (within(1e-6), within(1e-3), within(1e-3), within(4.0), within(0.1)),
    "lsd": (DILUTED, LEVEL, ROUNDING, within(0.01), within(0.4)),
    "mcd": (DILUTED, within(5e-3), within(5e-3), within(0.1), within(0.1)),
    "mcd_harvest": (DILUTED, within(5e-3), within(5e-3), within(0.3), within(0.3)),
    "mcd_ref_f0": (DILUTED, within(5e-3), within(5e-3), within(0.1), within(0.1)),
    "mcd_versa": (DILUTED, LEVEL, within(5e-3), within(0.5), within(0.3)),
    "mel_dac": (DILUTED, LEVEL, ROUNDING, within(0.1), within(0.02)),
    "mel_dac_eval": (DILUTED, LEVEL, ROUNDING, within(0.1), within(0.02)),
    "mel_esc": (DILUTED, LEVEL, ROUNDING, within(0.2), within(0.04)),
    "pesq_nb": (within(0.1), within(1e-3), within(1e-3), within(0.01), within(0.02)),
    "pesq_wb": (within(0.1), within(1e-3), within(1e-3), within(0.01), within(0.05)),
    "si_sdr": (within(1e-3), ROUNDING, ROUNDING, WORSE, between(0.0, 1.0)),
    "si_sdr_aligned": (within(1e-3), ROUNDING, ROUNDING, within(0.05), between(0.0, 1.0)),
    "stoi": (within(1e-3), ROUNDING, ROUNDING, within(1e-3), within(1e-4)),
    "visqol": (within(0.1), within(4e-4), within(4e-4), within(0.03), within(0.05)),
    "visqol_audio": (between(-0.1, 0.5), within(4e-4), within(4e-4), within(0.03), within(1e-4)),
    "visqol_lattice": (within(0.8), within(4e-4), within(4e-4), within(0.03), within(0.05)),
    "vuv_error": (DILUTED, within(1e-9), within(1e-9), within(0.02), within(0.01)),
}
# fmt: on
"""Entries that need a word more. SI-SDR at 48 kHz gains what the resampler cuts of the noise above
7.2 kHz, where the reference has next to nothing. ViSQOL's audio mode has patches everywhere, and
silent ones are alike; its lattice network looks at the level of the patches."""

names = pytest.mark.parametrize("name", sorted(BUILTIN))


def usable(name: str) -> Metric:
    metric = get_metric(name)
    try:
        metric.require_modules()
    except MissingDependencyError as error:
        pytest.skip(str(error))
    return metric


class Bench:
    """The pairs of signals, and every metric's score of them as they are."""

    def __init__(self, speech: Audio) -> None:
        self._speech = speech.samples.astype(np.float64)
        self._base: dict[str, float] = {}

    def pair(self, name: str) -> tuple[Signal, Signal]:
        """Return a reference with a noise floor of -46 dBFS, and it with noise that follows it.

        The floor keeps halved levels above the clamps of the mel distances; nothing is rounded to
        16 bit, so that a gain of one half changes no digit.
        """
        rng = np.random.default_rng(5)
        seconds = SLOW_SECONDS if name in SLOW else SECONDS
        speech = 0.6 * self._speech[: round(seconds * RATE)]
        clean = speech + 0.005 * rng.standard_normal(speech.size)
        noise = 0.15 * np.abs(speech) + 0.001
        coded = clean + noise * rng.standard_normal(speech.size)
        return clean.astype(np.float32), coded.astype(np.float32)

    def base(self, name: str) -> float:
        if name not in self._base:
            clean, coded = self.pair(name)
            self._base[name] = score(get_metric(name), Audio(clean, RATE), Audio(coded, RATE))
        return self._base[name]

    def check(self, name: str, column: int, reference: Audio, degraded: Audio) -> None:
        metric = usable(name)
        base, allowed = self.base(name), TABLE[name][column]
        change = score(metric, reference, degraded) - base
        if allowed is WORSE:
            assert change != 0
            assert (change < 0) is metric.higher_is_better
            return
        assert allowed.low - allowed.low_share * base <= change <= allowed.high


@pytest.fixture(scope="module")
def bench(speech: Audio) -> Bench:
    return Bench(speech)


def score(metric: Metric, reference: Audio, degraded: Audio) -> float:
    cell = evaluate(metric, prepare_reference(metric, reference), degraded)[metric.name]
    assert cell.is_ok, str(cell)
    return cell.value


def test_every_metric_is_in_the_table():
    assert set(TABLE) == set(BUILTIN)


@names
def test_appended_silence(name, bench):
    clean, coded = bench.pair(name)
    # As long a share of the clip for the short ones.
    zeros = np.zeros(round(clean.size * SILENCE_S / SECONDS), dtype=np.float32)
    bench.check(
        name,
        0,
        Audio(np.concatenate([clean, zeros]), RATE),
        Audio(np.concatenate([coded, zeros]), RATE),
    )


@names
def test_gain(name, bench):
    clean, coded = bench.pair(name)
    bench.check(name, 1, Audio(clean, RATE), Audio(coded / 2, RATE))


@names
def test_polarity(name, bench):
    clean, coded = bench.pair(name)
    bench.check(name, 2, Audio(clean, RATE), Audio(-coded, RATE))


@names
def test_shift_by_one_sample(name, bench):
    clean, coded = bench.pair(name)
    bench.check(name, 3, Audio(clean, RATE), Audio(np.concatenate([[0], coded[:-1]]), RATE))


@names
def test_sample_rate(name, bench):
    clean, coded = bench.pair(name)
    bench.check(name, 4, resample(Audio(clean, RATE), 48000), resample(Audio(coded, RATE), 48000))


@names
def test_two_equal_channels_are_one(name, bench, tmp_path: Path):
    metric = usable(name)
    clean, coded = bench.pair(name)
    read = []
    for path, samples in (("reference.wav", clean), ("degraded.wav", coded)):
        stereo = np.column_stack([samples, samples])
        soundfile.write(tmp_path / path, stereo, RATE, subtype="FLOAT")
        read.append(read_audio(tmp_path / path))
    assert score(metric, *read) == bench.base(name)


# By definition: every term of these is a difference of logarithms of magnitudes (or, of squared
# magnitudes, twice that), so a copy at half its level is log10(2) away in every bin of every scale.
# mcd_versa: only the zeroth coefficient moves, by ln 2; K = 10 sqrt(2) / ln 10.
@pytest.mark.parametrize(
    ("name", "expected", "tolerance"),
    [
        ("lsd", 20 * math.log10(2), 1e-3),
        ("mel_dac", 7 * math.log10(2), 0.03),
        ("mel_esc", 7 * 2 * math.log10(2), 1e-3),
        ("mcd_versa", 10 * math.sqrt(2) / math.log(10) * math.log(2), 0.02),
    ],
)
def test_a_copy_at_half_its_level_is_as_far_away_as_its_definition_says(
    name, expected, tolerance, bench
):
    metric = usable(name)
    clean, _ = bench.pair(name)
    found = score(metric, Audio(clean, RATE), Audio(clean / 2, RATE))
    assert found == pytest.approx(expected, abs=tolerance)


def test_a_copy_at_half_its_level_costs_its_magnitudes_too_in_the_evaluation_of_dac(bench):
    clean, _ = bench.pair("mel_dac_eval")
    found = score(get_metric("mel_dac_eval"), Audio(clean, RATE), Audio(clean / 2, RATE))
    # Two scales of squared magnitudes, and on top the magnitudes themselves.
    assert 4 * math.log10(2) < found < 4 * math.log10(2) + 0.2


def test_a_copy_one_sample_late_has_the_si_sdr_of_its_autocorrelation(bench):
    clean, _ = bench.pair("si_sdr")
    late = np.concatenate([[np.float32(0)], clean[:-1]])
    # By the definition: the projection has the share r² of the energy, r the correlation.
    squared = np.corrcoef(clean, late)[0, 1] ** 2
    expected = 10 * math.log10(squared / (1 - squared))
    found = score(get_metric("si_sdr"), Audio(clean, RATE), Audio(late, RATE))
    assert found == pytest.approx(expected, abs=1e-3)
    aligned = score(get_metric("si_sdr_aligned"), Audio(clean, RATE), Audio(late, RATE))
    assert aligned == 100.0
