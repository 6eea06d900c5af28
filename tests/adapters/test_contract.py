"""The contract that every registered codec fulfils, whatever it is."""

import functools
import sys
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
    ConfigError,
    EncodeError,
    MissingDependencyError,
    UnsupportedSettingError,
)
from codecbench.core.resampling import resample

SPECS = sorted(
    name for name, target in CODECS.builtin.items() if target.startswith("codecbench.adapters.ref")
)
NEURAL = sorted(name for name, target in CODECS.builtin.items() if ".neural." in target)
"""Networks, with random weights here: what only a trained one can do is not asked of them."""
QUICK = ("psq",)
"""Networks small enough for the default run; the others are slow."""
ALL = [
    *SPECS,
    *(name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in NEURAL),
]
RATED = [name for name in [*SPECS, *QUICK] if CODECS.load(name).rate_option]
BAD_SETTINGS = {
    "aac": ("bitrate=7999", "bitrate=96001", "sample_rate=10000"),
    "amrnb": ("mode=4700", "mode=4750|12650"),
    "amrwb": ("mode=12200",),
    "clip": ("level=1", "level=-61"),
    "codec2": ("mode=450", "mode=700|701"),
    "g711": ("law=ulaw", "sample_rate=10"),
    "g722": (),
    "g726": ("bitrate=8000", "bitrate=32001"),
    "gsm": (),
    "lc3": ("bitrate=15200", "bitrate=320800", "bitrate=16100", "frame_ms=20", "sample_rate=44100"),
    "lowpass": ("cutoff=8000", "cutoff=0", "cutoff=wide"),
    "mnru": ("q=100", "q=loud", "chain=itu"),
    "mp3": ("bitrate=20000", "bitrate=192000", "sample_rate=96000"),
    "noise": ("snr=-41", "snr=81"),
    "noise_floor": ("sample_rate=0.5",),
    "opus": (
        "bitrate=400",
        "bitrate=300000",
        "bitrate=12000.5",
        "bitrate=1000,frame_ms=2.5",
        "mode=abr",
        "application=music",
        "complexity=11",
        "frame_ms=30",
        "fec=true",
        "fec=1,expected_loss=10",
        "expected_loss=101",
    ),
    "pcm": ("bits=1", "bits=17", "bits=8.5"),
    "resample": ("rate=16000", "rate=999"),
    "shift": ("delay=192001", "delay=0.5"),
    "speex": ("quality=11", "complexity=11", "sample_rate=32000"),
}
"""Options that must be refused when the codec is made."""


def loaded(spec: str) -> Codec:
    """Return a fresh, loaded codec, or skip where its library is not installed."""
    codec = get_codec(spec)
    try:
        codec.load()
    except MissingDependencyError as error:
        pytest.skip(str(error))
    if "torch" in sys.modules:
        # As in the benchmark's children; threads that wait for busy cores are far slower than one.
        sys.modules["torch"].set_num_threads(1)
    return codec


@pytest.fixture(params=ALL)
def spec(request: pytest.FixtureRequest) -> str:
    return str(request.param)


shared_network = functools.lru_cache(maxsize=1)(loaded)
"""One instance for all tests of a network, which takes seconds to make."""


@pytest.fixture
def codec(spec: str) -> Codec:
    return shared_network(spec) if spec in NEURAL else loaded(spec)


@pytest.fixture
def clip(codec: Codec, speech: Audio) -> Audio:
    """One second of the speech-like signal at the codec's rate."""
    at_rate = resample(speech, codec.info.sample_rate).samples
    start = codec.info.sample_rate // 2
    return Audio(at_rate[start : start + codec.info.sample_rate], codec.info.sample_rate)


def through_bytes(encoded: Encoded) -> Encoded:
    return Encoded.from_bytes(encoded.to_bytes())


def damaged(encoded: Encoded, *, packets: tuple[bytes, ...], **changes: object) -> Encoded:
    facts: dict[str, object] = {
        "point": encoded.point,
        "n_samples": encoded.n_samples,
        "sample_rate": encoded.sample_rate,
        "header": encoded.header,
    }
    return Encoded(packets=packets, **{**facts, **changes})  # type: ignore[arg-type]  # a test


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
    option = type(codec).rate_option
    assert len({point.name for point in codec.points}) == len(codec.points) > 0
    assert rates == sorted(rates)
    if option is not None:
        values = [float(str(point.settings[option])) for point in codec.points]
        assert values == sorted(values)
    else:
        assert len(codec.points) == 1
    if codec.info.kind != "anchor":
        assert len(set(rates)) == len(rates)


def made_with(codec: Codec, given: object) -> Codec:
    """Make another codec of the same class with a value of its rate option."""
    return type(codec)(**{str(type(codec).rate_option): given})


def rate_values(codec: Codec) -> list[object]:
    return [value for point in codec.points for value in point.settings.values()]


@pytest.mark.parametrize("spec", RATED, indirect=True)
def test_points_are_sorted_whatever_the_order_asked_for(codec: Codec) -> None:
    backwards = made_with(codec, tuple(reversed(rate_values(codec))))
    assert backwards.points == codec.points


@pytest.mark.parametrize("spec", RATED, indirect=True)
def test_rate_option_takes_a_number_a_list_or_a_tuple(codec: Codec) -> None:
    value = rate_values(codec)[-1:]
    for given in (*value, value, tuple(value)):
        assert made_with(codec, given).points == codec.points[-1:]


@pytest.mark.parametrize("spec", RATED, indirect=True)
@pytest.mark.parametrize("given", [(), "twice", True, float("nan"), None])
def test_rate_option_refuses_nonsense(codec: Codec, given: object) -> None:
    if given == "twice":
        given = tuple(rate_values(codec)[:1] * 2)
    with pytest.raises(UnsupportedSettingError):
        made_with(codec, given)


@pytest.mark.parametrize(
    ("name", "options"), [(name, each) for name in SPECS for each in BAD_SETTINGS.get(name, ())]
)
def test_refuses_bad_settings_before_any_audio(name: str, options: str) -> None:
    with pytest.raises(CodecBenchError) as caught:
        get_codec(f"{name}:{options}")
    message = str(caught.value)
    assert "\n" not in message
    assert options.partition("=")[0] in message


def test_every_codec_lists_bad_settings() -> None:
    assert sorted(BAD_SETTINGS) == SPECS


def test_refuses_unknown_options(spec: str) -> None:
    with pytest.raises(ConfigError, match="option"):
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
    """Packets in reverse order, or the bytes of the only one, give another signal, or none."""
    for point in codec.points:
        encoded = codec.encode(clip, point)
        packets = tuple(reversed(encoded.packets))
        if len(packets) == 1:
            packets = (packets[0][::-1],)
        backwards = damaged(encoded, packets=packets)
        try:
            out = codec.decode(backwards)
        except BitstreamError:
            continue
        assert out != codec.decode(encoded)


def test_silence_stays_quiet(codec: Codec) -> None:
    if not codec.info.trained:
        return  # nobody has taught it what silence is
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
