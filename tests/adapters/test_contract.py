"""The contract that every registered codec fulfils, whatever it is."""

from collections.abc import Callable

import numpy as np
import pytest

from codecbench.adapters.base import Codec
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.registry import CODECS, get_codec
from codecbench.core.audio import Audio
from codecbench.core.errors import (
    BitstreamError,
    CodecBenchError,
    EncodeError,
    MissingDependencyError,
    UnknownNameError,
    UnsupportedSettingError,
)
from codecbench.core.resampling import resample

SPECS = sorted(name for name in CODECS.builtin)
BAD_SETTINGS = {
    "codec2": ("mode=450", "mode=700|701"),
    "lowpass": ("cutoff=8000", "cutoff=0", "cutoff=wide"),
    "mnru": ("q=100", "q=loud"),
    "opus": (
        "bitrate=400",
        "bitrate=300000",
        "bitrate=12000.5",
        "bitrate=1000,frame_ms=2.5",
        "mode=abr",
        "application=music",
        "complexity=11",
        "frame_ms=30",
    ),
    "pcm": ("bits=1", "bits=17", "bits=8.5"),
}
"""Options that must be refused when the codec is made."""


def loaded(spec: str) -> Codec:
    """Return a fresh, loaded codec, or skip where its library is not installed."""
    codec = get_codec(spec)
    try:
        codec.load()
    except MissingDependencyError as error:
        pytest.skip(str(error))
    return codec


@pytest.fixture(params=SPECS)
def spec(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def codec(spec: str) -> Codec:
    return loaded(spec)


@pytest.fixture
def clip(codec: Codec, speech: Audio) -> Audio:
    """One second of the speech-like signal at the codec's rate."""
    at_rate = resample(speech, codec.info.sample_rate).samples
    start = codec.info.sample_rate // 2
    return Audio(at_rate[start : start + codec.info.sample_rate], codec.info.sample_rate)


def through_bytes(encoded: Encoded) -> Encoded:
    return Encoded.from_bytes(encoded.to_bytes())


def test_facts_are_complete(codec: Codec, spec: str) -> None:
    info = codec.info
    assert info.name == spec
    assert info.version not in ("", "absent")
    assert info.fingerprint not in ("", "absent")
    assert info.licence != "unknown"
    assert info.source
    assert info.frame_samples > 0
    assert info.latency_ms > 0
    assert info.deterministic


def test_facts_need_no_load(spec: str) -> None:
    info = get_codec(spec).info
    assert info == loaded(spec).info


def test_points_rise(codec: Codec) -> None:
    rates = [point.nominal_bps for point in codec.points]
    values = [float(point.name) for point in codec.points]
    assert len({point.name for point in codec.points}) == len(codec.points) > 0
    assert values == sorted(values)
    assert rates == sorted(rates)
    if codec.info.kind != "anchor":
        assert len(set(rates)) == len(rates)


def test_points_are_sorted_whatever_the_order_asked_for(spec: str, codec: Codec) -> None:
    cls = CODECS.load(spec)
    values = [point.settings[cls.rate_option] for point in codec.points]
    backwards = cls(**{cls.rate_option: tuple(reversed(values))})
    assert backwards.points == codec.points


def test_rate_option_takes_a_number_a_list_or_a_tuple(spec: str, codec: Codec) -> None:
    cls = CODECS.load(spec)
    value = codec.points[-1].settings[cls.rate_option]
    made = [cls(**{cls.rate_option: given}).points for given in (value, [value], (value,))]
    assert made == [codec.points[-1:]] * 3


@pytest.mark.parametrize("given", [(), "twice", True, float("nan"), None])
def test_rate_option_refuses_nonsense(spec: str, codec: Codec, given: object) -> None:
    cls = CODECS.load(spec)
    if given == "twice":
        given = (codec.points[0].settings[cls.rate_option],) * 2
    with pytest.raises(UnsupportedSettingError):
        cls(**{cls.rate_option: given})


@pytest.mark.parametrize("options", sorted({o for many in BAD_SETTINGS.values() for o in many}))
def test_refuses_bad_settings_before_any_audio(spec: str, options: str) -> None:
    if options not in BAD_SETTINGS[spec]:
        return
    with pytest.raises(CodecBenchError) as caught:
        get_codec(f"{spec}:{options}")
    message = str(caught.value)
    assert "\n" not in message
    assert options.partition("=")[0] in message


def test_every_codec_lists_bad_settings() -> None:
    assert sorted(BAD_SETTINGS) == SPECS


def test_refuses_unknown_options(spec: str) -> None:
    with pytest.raises(UnknownNameError, match="option"):
        get_codec(f"{spec}:colour=blue")


def test_gives_mono_float32_of_the_same_rate_and_length(codec: Codec, clip: Audio) -> None:
    for point in codec.points:
        out = codec.decode(codec.encode(clip, point))
        assert out.samples.dtype == np.float32
        assert out.samples.shape == clip.samples.shape
        assert out.sample_rate == clip.sample_rate == codec.info.sample_rate


def test_gives_exactly_as_many_samples_as_it_got(codec: Codec, clip: Audio) -> None:
    frame = codec.info.frame_samples
    lengths = {
        1,
        2,
        frame - 1,
        frame,
        frame + 1,
        3 * frame - 1,
        3 * frame,
        3 * frame + 1,
        997,
        4999,
    }
    for point in (codec.points[0], codec.points[-1]):
        for n_samples in sorted(lengths - {0}):
            part = Audio(clip.samples[:n_samples], clip.sample_rate)
            encoded = through_bytes(codec.encode(part, point))
            assert encoded.n_samples == part.n_samples
            assert codec.decode(encoded).n_samples == part.n_samples


def test_same_input_same_bytes_and_samples(codec: Codec, clip: Audio) -> None:
    for point in codec.points:
        first, second = codec.encode(clip, point), codec.encode(clip, point)
        assert first.to_bytes() == second.to_bytes()
        assert codec.decode(first) == codec.decode(second)


def test_decodes_in_another_instance_from_bytes_alone(spec: str, codec: Codec, clip: Audio) -> None:
    for point in codec.points:
        encoded = codec.encode(clip, point)
        here = codec.decode(encoded)
        other = loaded(spec)
        assert other.decode(Encoded.from_bytes(encoded.to_bytes())) == here
        assert other.encode(clip, other.point(point.name)).to_bytes() == encoded.to_bytes()


def test_keeps_nothing_from_one_clip_to_the_next(codec: Codec, clip: Audio) -> None:
    point = codec.points[-1]
    other = Audio(clip.samples[::-1], clip.sample_rate)
    first = codec.encode(clip, point)
    between = codec.encode(other, point)
    assert codec.encode(clip, point).to_bytes() == first.to_bytes()
    out = codec.decode(first)
    codec.decode(between)
    assert codec.decode(first) == out


def test_leaves_its_input_alone(codec: Codec, clip: Audio) -> None:
    before = clip.samples.copy()
    encoded = codec.encode(clip, codec.points[0])
    data = encoded.to_bytes()
    codec.decode(encoded)
    assert np.array_equal(clip.samples, before)
    assert encoded.to_bytes() == data


def test_packet_bits_fill_their_bytes(codec: Codec, clip: Audio) -> None:
    for point in codec.points:
        encoded = codec.encode(clip, point)
        assert encoded.packets
        for packet, bits in zip(encoded.packets, encoded.packet_bits, strict=True):
            assert 8 * len(packet) - 16 < bits <= 8 * len(packet)


def test_payload_rate_is_near_nominal(codec: Codec, clip: Audio) -> None:
    """One second: within 10 %, or two packets where those are more."""
    for point in codec.points:
        encoded = codec.encode(clip, point)
        allowed = max(0.1 * point.nominal_bps, 2 * max(encoded.packet_bits))
        assert abs(encoded.payload_bits / encoded.duration_s - point.nominal_bps) <= allowed


def test_payload_carries_the_signal(codec: Codec, clip: Audio) -> None:
    for point in codec.points:
        encoded = codec.encode(clip, point)
        size = len(encoded.packets[0])
        backwards = [p for p in reversed(encoded.packets) if len(p) == size]
        if len(backwards) != len(encoded.packets):
            continue  # variable sizes, or a last packet that is shorter than the others
        reordered = Encoded(
            packets=tuple(backwards),
            packet_bits=tuple(reversed(encoded.packet_bits)),
            point=encoded.point,
            n_samples=encoded.n_samples,
            sample_rate=encoded.sample_rate,
            header=encoded.header,
        )
        assert codec.decode(reordered) != codec.decode(encoded)


def test_silence_stays_quiet(codec: Codec) -> None:
    silence = Audio(np.zeros(codec.info.sample_rate, np.float32), codec.info.sample_rate)
    for point in codec.points:
        out = codec.decode(codec.encode(silence, point))
        rms = float(np.sqrt(np.mean(out.samples.astype(np.float64) ** 2)))
        assert rms < 10 ** (-50 / 20)


def test_full_scale_input_comes_back_in_range(codec: Codec) -> None:
    t = np.arange(codec.info.sample_rate // 2) / codec.info.sample_rate
    square = np.sign(np.sin(2 * np.pi * 310 * t)).astype(np.float32)
    for point in (codec.points[0], codec.points[-1]):
        out = codec.decode(codec.encode(Audio(square, codec.info.sample_rate), point))
        assert np.abs(out.samples).max() <= 1.0


def test_refuses_an_empty_signal(codec: Codec) -> None:
    empty = Audio(np.zeros(0, np.float32), codec.info.sample_rate)
    with pytest.raises(EncodeError, match="at least one sample"):
        codec.encode(empty, codec.points[0])


def test_refuses_another_sample_rate(codec: Codec, clip: Audio) -> None:
    other = Audio(clip.samples, 22050)
    with pytest.raises(EncodeError, match="22050"):
        codec.encode(other, codec.points[0])


def damaged(encoded: Encoded, *, packets: tuple[bytes, ...], **changes: object) -> Encoded:
    facts: dict[str, object] = {
        "point": encoded.point,
        "n_samples": encoded.n_samples,
        "sample_rate": encoded.sample_rate,
        "header": encoded.header,
    }
    return Encoded(packets=packets, **{**facts, **changes})  # type: ignore[arg-type]  # a test


@pytest.mark.parametrize(
    "damage",
    [
        lambda e: damaged(e, packets=()),
        lambda e: damaged(e, packets=e.packets[: len(e.packets) // 2]),
        lambda e: damaged(e, packets=e.packets, n_samples=100 * e.n_samples),
        lambda e: damaged(e, packets=e.packets, point="no such point"),
        lambda e: damaged(e, packets=e.packets, sample_rate=e.sample_rate + 1),
        lambda e: damaged(e, packets=(b"", *e.packets[1:])),
    ],
    ids=["no packets", "half of them", "longer", "other point", "other rate", "an empty packet"],
)
def test_refuses_damaged_bitstreams(
    codec: Codec, clip: Audio, damage: Callable[[Encoded], Encoded]
) -> None:
    encoded = codec.encode(clip, codec.points[0])
    with pytest.raises(BitstreamError) as caught:
        codec.decode(damage(encoded))
    assert "\n" not in str(caught.value)
