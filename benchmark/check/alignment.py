"""Checks of time and level: no delay, no inversion, no gain, and silence stays silent."""

import numpy as np

from codecbench.adapters.base import OperatingPoint
from codecbench.benchmark.check.subject import (
    Check,
    Finding,
    Subject,
    failed,
    level_db,
    not_applicable,
    passed,
    warned,
)
from codecbench.core.audio import Audio
from codecbench.core.errors import SilentSignalError
from codecbench.metrics.alignment import Alignment, measure_alignment

_DELAY_SAMPLES = 3.0
"""Largest delay where the waveform tells it. Filters of a codec turn phases by up to one sample."""
_DELAY_ENVELOPE_S = 0.003
"""Largest delay where only the envelope tells it, in steps of 1 ms; for parametric codecs."""
_DELAY_PARAMETRIC_S = 0.006
"""As above for a codec that makes up its waveform: its parameters hold for frames of 20 ms."""
_GAIN_DB = 4.0
"""Half the level is 6 dB; noise at 0 dB SNR adds 3."""
_LEVEL_STEP_DB = 20.0
_LEVEL_DB = 3.0
_QUIET_DBFS = -50.0


def _align(subject: Subject, point: OperatingPoint) -> Alignment | None:
    """Return how the voice comes back; None where nothing does."""
    try:
        return measure_alignment(subject.voice, subject.voiced(point)[1])
    except SilentSignalError:
        return None


def _delay(subject: Subject) -> Finding:
    if subject.says_nothing:
        return not_applicable(subject.says_nothing)
    rate = subject.codec.info.sample_rate
    largest, unlike = ("", -1.0), ""
    for point in subject.points:
        found = _align(subject, point)
        if found is None or found.method == "none":
            unlike = unlike or f"the output at {point.name} does not resemble the input"
            continue
        allowed = _allowed_delay(subject, found)
        text = (
            f"{found.delay_samples:+.2f} samples = {1000 * found.delay_samples / rate:+.2f} ms by "
            f"{found.method} at {point.name} (allowed ±{allowed:g})"
        )
        if abs(found.delay_samples) > largest[1]:
            largest = text, abs(found.delay_samples)
        if abs(found.delay_samples) > allowed:
            side = "late" if found.delay_samples > 0 else "early"
            return failed(f"{text}: the output comes {side}")
    if unlike:
        return warned(unlike) if subject.is_neural else failed(unlike)
    return passed(f"at most {largest[0]}")


def _allowed_delay(subject: Subject, found: Alignment) -> float:
    rate = subject.codec.info.sample_rate
    if subject.codec.info.kind == "parametric":
        return _DELAY_PARAMETRIC_S * rate
    if found.method == "envelope":
        return _DELAY_ENVELOPE_S * rate
    return _DELAY_SAMPLES


def _polarity(subject: Subject) -> Finding:
    if subject.says_nothing:
        return not_applicable(subject.says_nothing)
    if subject.codec.info.kind == "parametric":
        return not_applicable("a parametric codec does not follow the waveform")
    known = []
    for point in subject.points:
        found = _align(subject, point)
        if found is None or found.polarity == 0:
            continue
        known.append(found.correlation)
        if found.polarity < 0:
            return failed(f"correlation -{found.correlation:.2f} at {point.name}: inverted")
    if not known:
        return not_applicable("the waveform does not correlate with the input")
    return passed(f"correlation +{min(known):.2f} … +{max(known):.2f}")


def _gain(subject: Subject) -> Finding:
    if subject.says_nothing:
        return not_applicable(subject.says_nothing)
    gains = {}
    for point in subject.points:
        out = subject.voiced(point)[1]
        gains[point.name] = level_db(out) - level_db(subject.voice)
    name, gain = max(gains.items(), key=lambda item: abs(item[1]))
    text = f"{gain:+.1f} dB at {name} (allowed ±{_GAIN_DB:g})"
    if abs(gain) > _GAIN_DB:
        return warned(text) if subject.is_neural else failed(text)
    return passed(f"at most {text}")


def _level(subject: Subject) -> Finding:
    if subject.says_nothing:
        return not_applicable(subject.says_nothing)
    quiet = Audio(
        subject.voice.samples * np.float32(10 ** (-_LEVEL_STEP_DB / 20)), subject.voice.sample_rate
    )
    worst = ("", 0.0)
    for point in subject.edges:
        step = level_db(subject.fitted(quiet, point)) - level_db(subject.voiced(point)[1])
        worst = max(worst, (point.name, step + _LEVEL_STEP_DB), key=_magnitude)
    name, error = worst
    text = (
        f"{-_LEVEL_STEP_DB:g} dB in, {error - _LEVEL_STEP_DB:.1f} dB out at {name or 'all points'}"
    )
    if abs(error) > _LEVEL_DB:
        return warned(text) if subject.is_neural else failed(text)
    return passed(text)


def _magnitude(named_value: tuple[str, float]) -> float:
    return abs(named_value[1])


def _silence(subject: Subject) -> Finding:
    if subject.says_nothing:
        return not_applicable(subject.says_nothing)
    silence = Audio(np.zeros(subject.clip.n_samples, np.float32), subject.clip.sample_rate)
    loudest = max(level_db(subject.through(silence, point)) for point in subject.points)
    text = f"{loudest:.0f} dBFS" if loudest > -200 else "digital silence"
    if loudest > _QUIET_DBFS:
        text = f"{text} from digital silence (allowed {_QUIET_DBFS:g})"
        return warned(text) if subject.is_neural else failed(text)
    return passed(text)


CHECKS = (
    Check(
        number=16,
        name="silence",
        asks="silence comes back quiet",
        advice="look for noise or a constant that the decoder adds",
        run=_silence,
    ),
    Check(
        number=17,
        name="delay",
        asks="the output lies on the input",
        advice="cut the codec's own delay off the front in decode, by a constant of the codec, and "
        "code so much further that the end comes out",
        run=_delay,
    ),
    Check(
        number=19,
        name="level",
        asks="a quieter input gives an output quieter by as much",
        advice="do not normalise the level; a gain that must be sent belongs into the bytes",
        run=_level,
    ),
    Check(
        number=28,
        name="polarity",
        asks="the output is not inverted",
        advice="turn the sign of the output round in decode",
        run=_polarity,
    ),
    Check(
        number=29,
        name="gain",
        asks="the output is as loud as the input",
        advice="scale by the codec's full scale (32768 for 16 bit) on both sides",
        run=_gain,
    ),
)
