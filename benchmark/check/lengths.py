"""Checks of what comes out: as long as what went in, finite, of the right rate, at any length."""

import numpy as np

from codecbench.benchmark.check.subject import (
    Check,
    Finding,
    Subject,
    failed,
    named,
    passed,
    warned,
)
from codecbench.core.audio import Audio
from codecbench.core.errors import CodecBenchError, TooShortError

_PRIMES = (997, 4999)
_LONG_S, _LONG_NEURAL_S = 60.0, 5.0


def _length(subject: Subject) -> Finding:
    frame = subject.codec.info.frame_samples
    lengths = {2, frame - 1, frame, frame + 1, 3 * frame - 1, 3 * frame, 3 * frame + 1, *_PRIMES}
    tried = sorted(length for length in lengths if length > 1)
    for point in subject.edges:
        for length in tried:
            try:
                out = subject.through(subject.cut_samples(length), point)
            except TooShortError:
                continue
            if out.n_samples != length:
                return failed(f"{length} samples in, {out.n_samples} out at {point.name}")
    return passed(f"{len(tried)} lengths from {tried[0]} to {tried[-1]} samples are exact")


def _output(subject: Subject) -> Finding:
    rate = subject.codec.info.sample_rate
    clipped = 0.0
    for point in subject.points:
        out = subject.through(subject.clip, point)
        # A codec is foreign code: what it hands over need not be what it promises.
        if not isinstance(out, Audio):
            return failed(f"decode returns {type(out).__name__} instead of Audio at {point.name}")
        if out.sample_rate != rate:
            return failed(f"{out.sample_rate} Hz at {point.name}, declared {rate} Hz")
        if out.samples.dtype != np.float32 or not np.isfinite(out.samples).all():
            return failed(f"samples at {point.name} are not finite float32")
        clipped = max(clipped, out.clipped_share)
    return passed(f"finite float32 at {rate} Hz, {clipped:.2%} of the samples limited")


def _one_sample(subject: Subject) -> Finding:
    done = []
    for length in (1, subject.codec.info.frame_samples):
        for point in subject.edges:
            try:
                subject.through(subject.cut_samples(length), point)
            except TooShortError as error:
                done.append(f"{length} refused ({error})")
                break
            except CodecBenchError as error:
                return failed(
                    f"{length} sample(s) at {point.name}: {type(error).__name__}: {error}; "
                    "wanted sound or TooShortError"
                )
        else:
            done.append(f"{length} coded")
    return passed("; ".join(done))


def _long_clip(subject: Subject) -> Finding:
    seconds = _LONG_NEURAL_S if subject.is_neural and not subject.thorough else _LONG_S
    audio = subject.cut(seconds)
    point = subject.codec.points[0]
    out = subject.through(audio, point)
    if out.n_samples != audio.n_samples:
        return failed(f"{audio.n_samples} samples in, {out.n_samples} out")
    if seconds < _LONG_S:
        return passed(f"{seconds:g} s at {point.name} ({_LONG_S:g} s with --thorough)")
    return passed(f"{seconds:g} s at {point.name}")


def _points(subject: Subject) -> Finding:
    info, points = subject.codec.info, list(subject.codec.points)
    if len({point.name for point in points}) != len(points) or not points:
        return failed(
            f"points must exist and have different names; found {named(points) or 'none'}"
        )
    rates = [point.nominal_bps for point in points]
    if rates != sorted(rates):
        return failed(f"the points do not rise in rate: {', '.join(f'{rate:g}' for rate in rates)}")
    wrong = [
        key
        for key, good in (
            ("frame_samples", info.frame_samples > 0),
            ("lookahead_samples", info.lookahead_samples >= 0),
            ("sample_rate", info.sample_rate > 0),
            ("name", bool(info.name)),
            ("version", bool(info.version)),
            ("fingerprint", bool(info.fingerprint)),
        )
        if not good
    ]
    if wrong:
        return failed(f"info lacks a proper {', '.join(wrong)}")
    thin = [key for key in ("licence", "source") if getattr(info, key) in ("", "unknown")]
    if thin:
        return warned(f"{len(points)} points; info says nothing about {' and '.join(thin)}")
    return passed(f"{len(points)} points, latency {info.latency_ms:.1f} ms")


CHECKS = (
    Check(
        number=1,
        name="length",
        asks="as many samples come out as went in",
        advice="keep the length in Encoded.n_samples and cut the output to it; fill up the last "
        "frame before coding",
        run=_length,
    ),
    Check(
        number=2,
        name="output",
        asks="output is finite mono float32 at the declared rate",
        advice="return Audio.clip(samples, encoded.sample_rate)",
        run=_output,
    ),
    Check(
        number=15,
        name="one_sample",
        asks="one sample and one frame are coded, or refused with TooShortError",
        advice="fill short clips up with zeros, or raise TooShortError with the least length",
        run=_one_sample,
    ),
    Check(
        number=27,
        name="long_clip",
        asks="a minute is coded like a second",
        advice="code in frames or segments; the length must not be limited, nor the output cut",
        run=_long_clip,
    ),
    Check(
        number=32,
        name="points",
        asks="points have different names and rise in rate; the facts are complete",
        advice="sort points by nominal_bps, name each by its rate, and fill info in",
        run=_points,
    ),
)
