"""Checks of refusals: what cannot be coded or decoded is refused with a typed error."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.registry import CODECS, get_codec, system_name
from codecbench.benchmark.check.subject import Check, Finding, Subject, failed, passed, warned
from codecbench.core.audio import Audio
from codecbench.core.construct import resolve_options
from codecbench.core.errors import CodecBenchError, ConfigError
from codecbench.core.spec import Spec

_UNKNOWN = "no_codec_has_this_option"


def unchecked_audio(samples: NDArray[np.float32], sample_rate: int) -> Audio:
    """Return audio that `Audio` itself would refuse, as a caller with a wrapper of its own might.

    Args:
        samples: Anything.
        sample_rate: In Hz.
    """
    audio = Audio(np.zeros(1, np.float32), sample_rate)
    object.__setattr__(audio, "samples", samples)
    return audio


def _refused(action: Callable[[], object]) -> tuple[str, str]:
    """Say whether something is refused: "typed", "untyped" or "" where it is done, and how."""
    try:
        action()
    except CodecBenchError as error:
        return "typed", f"{type(error).__name__}: {error}"
    except Exception as error:  # noqa: BLE001  (which exceptions a codec lets out is the question)
        return "untyped", f"{type(error).__name__}: {error}"
    return "", ""


def _empty(subject: Subject) -> Finding:
    empty = Audio(np.zeros(0, np.float32), subject.codec.info.sample_rate)
    outs: list[Audio] = []
    kind, text = _refused(lambda: outs.append(subject.through(empty, subject.codec.points[0])))
    if kind == "untyped":
        return failed(f"an empty signal ends in {text}; wanted EncodeError")
    if kind:
        return passed(text)
    if outs[0].n_samples:
        return failed(f"an empty signal comes back with {outs[0].n_samples} samples")
    return passed("an empty signal is coded as such")


def _refusal(subject: Subject, audio: Audio, what: str) -> Finding:
    kind, text = _refused(lambda: subject.through(audio, subject.codec.points[0]))
    if kind == "typed":
        return passed(text)
    return failed(f"{what} ends in {text}" if kind else f"{what} is coded without a word")


def _non_finite(subject: Subject) -> Finding:
    finding = passed("")
    for value, what in ((np.nan, "NaN"), (np.inf, "infinity")):
        samples = subject.clip.samples.copy()
        samples[samples.size // 2] = value
        audio = unchecked_audio(samples, subject.clip.sample_rate)
        finding = _refusal(subject, audio, f"a clip with {what}")
        if finding.outcome != "pass":
            break
    return finding


def _wrong_rate(subject: Subject) -> Finding:
    other = 22050 if subject.codec.info.sample_rate != 22050 else 16000
    audio = Audio(subject.clip.samples, other)
    return _refusal(subject, audio, f"a clip at {other} Hz")


def _stereo(subject: Subject) -> Finding:
    both = np.stack([subject.clip.samples] * 2)
    return _refusal(subject, unchecked_audio(both, subject.clip.sample_rate), "a stereo clip")


def _options(subject: Subject) -> Finding:
    spec = Spec.parse(subject.spec)
    canonical = system_name(spec)
    if system_name(Spec.parse(canonical)) != canonical:
        return failed(f"the canonical spec {canonical} leads to another one")
    made = {point.name for point in get_codec(canonical).points}
    asked = {point.name for point in subject.codec.points}
    if type(subject.codec).rate_option is None and made != asked:
        return failed(f"the canonical spec {canonical} makes another codec")
    unknown = Spec(
        name=spec.name, sample_rate=spec.sample_rate, options={**spec.options, _UNKNOWN: (1,)}
    )
    try:
        get_codec(unknown)
    except ConfigError:
        pass
    else:
        return failed("an unknown option is accepted in the spec")
    cls = CODECS.load(spec.name)
    given = resolve_options(cls, spec, sweep=cls.rate_option)
    kind, _ = _refused(lambda: cls(**given, **{_UNKNOWN: 1}))
    if not kind:
        return failed("the constructor accepts an unknown option")
    return passed(f"unknown options are refused; canonical: {canonical}")


def _damaged(subject: Subject) -> Finding:
    point = subject.codec.points[0]
    whole = subject.encode(subject.clip, point)
    half = len(whole.packets) // 2
    streams = {
        "no packets": (),
        "an empty packet": (b"", *whole.packets[1:]),
        "half of the packets" if half else "half of the packet": whole.packets[:half]
        or (whole.packets[0][: len(whole.packets[0]) // 2],),
    }
    notes = []
    for what, packets in streams.items():
        damaged = Encoded(
            packets=packets,
            point=whole.point,
            n_samples=whole.n_samples,
            sample_rate=whole.sample_rate,
            header=whole.header,
            header_bits=whole.header_bits,
        )
        kind, text = _refused(lambda stream=damaged: subject.codec.decode(stream))  # type: ignore[misc]  # bound now
        if kind == "untyped":
            return warned(f"{what} ends in {text}; wanted BitstreamError")
        if not kind:
            notes.append(f"{what} is decoded")
    return passed("; ".join(notes) or "cut and empty streams are refused")


CHECKS = (
    Check(
        number=11,
        name="empty",
        asks="an empty signal is refused with a typed error, or coded as such",
        advice="call self.require_codable(audio) first in encode",
        run=_empty,
    ),
    Check(
        number=12,
        name="non_finite",
        asks="NaN and infinity are refused, should they slip by",
        advice="call self.require_codable(audio) first in encode; one NaN ends LAME's process",
        run=_non_finite,
    ),
    Check(
        number=13,
        name="wrong_rate",
        asks="another sample rate is refused",
        advice="call self.require_codable(audio) first in encode; the harness resamples",
        run=_wrong_rate,
    ),
    Check(
        number=14,
        name="stereo",
        asks="two channels are refused",
        advice="call self.require_codable(audio) first in encode",
        run=_stereo,
    ),
    Check(
        number=22,
        name="options",
        asks="the spec can be written canonically, and unknown options are refused",
        advice="take options as keyword-only arguments, without **kwargs",
        run=_options,
    ),
    Check(
        number=23,
        name="damaged",
        asks="cut and empty packets are refused, or decoded to sound; never a crash",
        advice="check the number and size of packets in decode and raise BitstreamError",
        run=_damaged,
    ),
)
