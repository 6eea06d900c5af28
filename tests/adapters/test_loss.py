"""Lost packets: what every codec with a concealment of its own does with them."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from codecbench.adapters.base import Codec
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.registry import CODECS, get_codec
from codecbench.core.audio import Audio
from codecbench.core.errors import (
    BitstreamError,
    MissingDependencyError,
    UnsupportedSettingError,
)
from codecbench.core.resampling import resample

REFERENCES = sorted(
    name for name, target in CODECS.builtin.items() if target.startswith("codecbench.adapters.ref")
)
CONCEALING = ["amrnb", "amrwb", "lc3", "opus", "speex"]
SPECS = [
    "amrnb:mode=12200",
    "amrwb:mode=12650",
    "lc3:bitrate=32000",
    "opus:bitrate=16000",
    "speex:quality=6",
    "speex@8000:quality=3",
    "amrnb:mode=4750",
    "amrwb:mode=6600",
    "lc3:bitrate=64000,frame_ms=7.5",
    "opus:bitrate=6000",
    "opus:bitrate=24000,expected_loss=10,fec=true",
    "opus:application=lowdelay,bitrate=32000,frame_ms=5",
]


def loaded(spec: str) -> Codec:
    codec = get_codec(spec)
    try:
        codec.load()
    except MissingDependencyError as error:
        pytest.skip(str(error))
    return codec


@pytest.fixture(scope="module", params=SPECS)
def spec(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def codec(spec: str) -> Codec:
    return loaded(spec)


@pytest.fixture(scope="module")
def encoded(codec: Codec, speech: Audio) -> Encoded:
    return codec.encode(resample(speech, codec.info.sample_rate), codec.points[-1])


def draw_mask(count: int, seed: int, loss: float = 0.3) -> list[bool]:
    return [bool(gone) for gone in np.random.default_rng(seed).random(count) < loss]


def only(index: int, count: int) -> list[bool]:
    return [each == index for each in range(count)]


def stretch(codec: Codec, index: int) -> slice:
    """Samples of a clip that packet `index` carries: its frame, earlier by the codec's delay."""
    frame, late = codec.info.frame_samples, codec.info.lookahead_samples
    return slice(max(0, index * frame - late), max(0, (index + 1) * frame - late))


def distance(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean((a.astype(np.float64) - b) ** 2)))


def test_these_codecs_conceal() -> None:
    """reference_codecs.md, section 5; it lists no other of ours."""
    assert [name for name in REFERENCES if CODECS.load(name).conceals] == CONCEALING


@pytest.mark.parametrize("name", sorted(set(REFERENCES) - set(CONCEALING)))
def test_others_say_that_they_do_not(name: str, speech: Audio) -> None:
    codec = loaded(name)
    audio = resample(speech, codec.info.sample_rate)
    encoded = codec.encode(audio, codec.points[0])
    with pytest.raises(UnsupportedSettingError, match=name):
        codec.decode_lossy(encoded, [False] * len(encoded.packets))


def test_nothing_lost_is_plain_decoding(codec: Codec, encoded: Encoded) -> None:
    lost = [False] * len(encoded.packets)
    assert codec.decode_lossy(encoded, lost) == codec.decode(encoded)
    assert codec.decode_lossy(encoded, np.array(lost)) == codec.decode(encoded)


def test_all_lost_is_finite_and_as_long(codec: Codec, encoded: Encoded) -> None:
    out = codec.decode_lossy(encoded, [True] * len(encoded.packets))
    assert out.sample_rate == encoded.sample_rate
    assert out.samples.shape == (encoded.n_samples,)
    assert np.isfinite(out.samples).all()
    # A decoder that has heard nothing has nothing to extrapolate.
    assert np.sqrt(np.mean(out.samples.astype(np.float64) ** 2)) < 1e-3


@pytest.mark.parametrize("n_samples", [1, 319, 4999])
def test_gives_exactly_as_many_samples_whatever_is_lost(
    codec: Codec, speech: Audio, n_samples: int
) -> None:
    audio = resample(speech, codec.info.sample_rate)
    part = Audio(audio.samples[9000 : 9000 + n_samples], audio.sample_rate)
    encoded = codec.encode(part, codec.points[0])
    count = len(encoded.packets)
    masks = [only(0, count), only(count - 1, count), [True] * count]
    masks += [draw_mask(count, seed) for seed in range(3)]
    for lost in masks:
        out = codec.decode_lossy(encoded, lost)
        assert out.samples.shape == (n_samples,)
        assert out.samples.dtype == np.float32


def test_a_loss_changes_its_neighbourhood_alone(codec: Codec, encoded: Encoded) -> None:
    """Nothing before its own samples; a second later the decoder has found back."""
    rate, count = codec.info.sample_rate, len(encoded.packets)
    clean = codec.decode(encoded).samples
    level = distance(clean, np.zeros_like(clean))
    # Where the clip is loud, so that the loss is heard, and a second remains after it.
    loud = [distance(clean[stretch(codec, i)], np.float32(0)) for i in range(count // 2)]
    index = int(np.argmax(loud))
    place = stretch(codec, index)
    lossy = codec.decode_lossy(encoded, only(index, count)).samples
    assert np.array_equal(lossy[: place.start], clean[: place.start])
    assert distance(lossy[place], clean[place]) > 0.01 * level
    after = slice(place.stop + rate, None)
    assert clean[after].size > rate // 4
    assert distance(lossy[after], clean[after]) < 0.02 * level


def test_every_packet_can_be_the_lost_one(codec: Codec, encoded: Encoded) -> None:
    """Each loss begins where that packet's samples begin: masks and packets are in step."""
    clean = codec.decode(encoded).samples
    count = len(encoded.packets)
    for index in range(count // 4, 3 * count // 4, 11):
        lossy = codec.decode_lossy(encoded, only(index, count)).samples
        changed = np.flatnonzero(lossy != clean)
        place = stretch(codec, index)
        if distance(clean[place], np.float32(0)) > 0.01:
            assert place.start <= changed[0] < place.stop


def test_same_losses_same_samples(spec: str, codec: Codec, encoded: Encoded) -> None:
    lost = draw_mask(len(encoded.packets), 1)
    first = codec.decode_lossy(encoded, lost)
    codec.decode_lossy(encoded, [not gone for gone in lost])
    assert codec.decode_lossy(encoded, lost) == first
    assert first != codec.decode(encoded)
    other = loaded(spec)
    assert other.decode_lossy(Encoded.from_bytes(encoded.to_bytes()), lost) == first


def test_nothing_of_a_lost_packet_is_used(codec: Codec, encoded: Encoded) -> None:
    lost = draw_mask(len(encoded.packets), 2)
    emptied = tuple(
        b"" if gone else packet for packet, gone in zip(encoded.packets, lost, strict=True)
    )
    arrived = replace(encoded, packets=emptied, packet_bits=())
    assert codec.decode_lossy(arrived, lost) == codec.decode_lossy(encoded, lost)


def test_what_arrived_is_still_checked(codec: Codec, encoded: Encoded) -> None:
    count = len(encoded.packets)
    broken = replace(encoded, packets=(b"", *encoded.packets[1:]), packet_bits=())
    with pytest.raises(BitstreamError, match="packet 0"):
        codec.decode_lossy(broken, only(1, count))
    other = replace(encoded, point="no such point")
    with pytest.raises(BitstreamError, match="no such point"):
        codec.decode_lossy(other, only(1, count))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda lost: lost[:-1],
        lambda lost: [*lost, False],
        lambda lost: [],
        lambda lost: [int(gone) for gone in lost],
        lambda lost: np.asarray(lost, dtype=np.float64),
        lambda lost: [*lost[:-1], None],
        lambda lost: np.stack([lost, lost], axis=1),
    ],
    ids=["short", "long", "empty", "integers", "floats", "None", "two dimensions"],
)
def test_refuses_bad_masks(
    codec: Codec, encoded: Encoded, spoil: Callable[[Sequence[bool]], Sequence[bool]]
) -> None:
    lost = [False] * len(encoded.packets)
    with pytest.raises(BitstreamError, match="loss mask") as caught:
        codec.decode_lossy(encoded, spoil(lost))
    assert "\n" not in str(caught.value)
