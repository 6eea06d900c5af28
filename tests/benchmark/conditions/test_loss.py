"""Losses are as asked for, the same in time for all codecs, and concealed in the way named."""

from pathlib import Path

import numpy as np
import pytest

from codecbench.adapters.base import Codec
from codecbench.adapters.registry import get_codec
from codecbench.benchmark.conditions.base import Draw
from codecbench.benchmark.conditions.concealment import read_codes, write_codes
from codecbench.benchmark.conditions.loss import LossCondition, cut_packets
from codecbench.benchmark.conditions.loss_process import (
    burst_in_packets,
    draw_bad_slots,
    lost_packets,
    read_trace,
)
from codecbench.core.audio import Audio
from codecbench.core.errors import ConfigError, UnsupportedSettingError
from codecbench.core.resampling import resample


def runs(mask: np.ndarray) -> np.ndarray:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    return edges[1::2] - edges[::2]


@pytest.mark.parametrize(
    ("loss", "burst"),
    [(0.05, 1.5), (0.1, 3.0), (0.2, 3.0), (0.01, 1.0), (0.3, None), (0.45, 1.0), (0.001, 10.0)],
)
def test_loss_and_burst_are_as_asked_over_a_million_slots(loss: float, burst: float | None) -> None:
    """Bounds are five standard errors of the chain's own moments, by hand.

    Mean: its variance is loss (1 - loss) (1 + λ) / (1 - λ) / n with λ = 1 - p - r. Bursts are
    geometric: mean b, variance b² - b, over about n·loss/b of them.
    """
    n = 1_000_000
    bad = draw_bad_slots(n, loss, burst, np.random.default_rng(3))
    mean = 1 / (1 - loss) if burst is None else burst
    lag = 1 - (1 / mean) * (1 + loss / (1 - loss))
    error = np.sqrt(loss * (1 - loss) * (1 + lag) / (1 - lag) / n)
    assert bad.mean() == pytest.approx(loss, abs=5 * error)
    lengths = runs(bad)
    spread = np.sqrt((mean**2 - mean) / (n * loss / mean))
    assert lengths.mean() == pytest.approx(mean, abs=5 * spread + 1e-9)


def test_the_chain_is_the_textbook_one() -> None:
    """Against a loop over states, on the same random numbers, where bad slots attract others."""
    loss, burst = 0.2, 2.0
    end = 1 / burst
    begin = end * loss / (1 - loss)
    u = np.random.default_rng(7).random(5000)
    state, expected = bool(u[0] < loss), []
    for index, number in enumerate(u):
        if index:
            state = bool(number < 1 - end) if state else bool(number < begin)
        expected.append(state)
    found = draw_bad_slots(5000, loss, burst, np.random.default_rng(7))
    assert found.tolist() == expected


def test_longer_clips_begin_alike() -> None:
    short, long = (draw_bad_slots(n, 0.1, 2.0, np.random.default_rng(1)) for n in (100, 1000))
    assert np.array_equal(short, long[:100])


def test_masks_are_the_same_in_time_for_two_packet_lengths(draw: Draw) -> None:
    """A 20 ms packet is lost just when the 10 ms packet that ends with it is; at any rate."""
    condition = LossCondition(loss=0.2, burst=2.0)
    bad = condition.bad_slots(2001, draw)
    short = lost_packets(bad, 2000, 160, 16000, 10.0)
    for samples, rate in ((320, 16000), (160, 8000), (960, 48000)):
        assert np.array_equal(short[1::2], lost_packets(bad, 1000, samples, rate, 10.0))
    sixty = lost_packets(bad, 333, 960, 16000, 10.0)
    assert np.array_equal(short[5::6][:333], sixty)


def test_bursts_in_packets_follow_from_the_chain() -> None:
    for slots in (1, 2, 6):
        bad = draw_bad_slots(2_000_000, 0.1, 3.0, np.random.default_rng(5))
        found = runs(bad[::slots]).mean()
        assert burst_in_packets(0.1, 3.0, slots) == pytest.approx(found, rel=0.02)


def test_every_codec_meets_the_same_losses(speech: Audio, draw: Draw) -> None:
    """The slots that codecs of 10, 20 and 22.5 ms meet are those of one mask."""
    condition = LossCondition(loss="20%", burst=3.0)
    for spec in ("lc3:bitrate=32000", "opus:bitrate=16000", "codec2:mode=3200"):
        codec = get_codec(spec)
        encoded = codec.encode(resample(speech, codec.info.sample_rate), codec.points[0])
        packets = cut_packets(codec, encoded)
        mask = condition.mask(packets, encoded.sample_rate, draw)
        sent_ms = (np.arange(packets.count) + 1) * 1000 * packets.samples / encoded.sample_rate
        slots = np.floor(sent_ms / 10 + 1e-9).astype(int)
        assert np.array_equal(mask, condition.bad_slots(2000, draw)[slots])
        assert mask.any()


def test_seeds(draw: Draw) -> None:
    def slots(**changes: object) -> list[bool]:
        loss = LossCondition(loss=0.2, burst=changes.pop("burst", 2.0))
        fields = {"sha256": draw.sha256, "clip": draw.clip, "seed": 0, **changes}
        return loss.bad_slots(500, Draw(**fields)).tolist()

    assert slots() == slots()
    others = [slots(seed=1), slots(clip="else"), slots(sha256="d"), slots(burst=3.0)]
    assert all(other != slots() for other in others)


def test_traces(tmp_path: Path, draw: Draw) -> None:
    path = tmp_path / "trace.txt"
    path.write_text("0010 11 # a comment with 1\n\n0\n")
    assert read_trace(path).tolist() == [False, False, True, False, True, True, False]
    loss = LossCondition(loss=str(path), slot_ms=20)
    bad = loss.bad_slots(700, draw)
    assert bad.mean() == pytest.approx(3 / 7)
    assert np.array_equal(bad[:7], bad[7:14])
    path.write_text("0120")
    with pytest.raises(ConfigError, match="found '2'"):
        LossCondition(loss=str(path))
    path.write_text("01")
    with pytest.raises(ConfigError, match="bursts of its own"):
        LossCondition(loss=str(path), burst=2.0)


def receive(
    spec: str, speech: Audio, draw: Draw, **options: object
) -> tuple[Codec, object, object]:
    codec = get_codec(spec)
    codec.load()
    encoded = codec.encode(resample(speech, codec.info.sample_rate), codec.points[-1])
    return codec, encoded, LossCondition(**options).receive(codec, encoded, draw)


@pytest.mark.parametrize(
    ("spec", "concealment"),
    [
        ("opus:bitrate=16000", "own: PLC"),
        (
            "opus:bitrate=24000,fec=true,expected_loss=10",
            "own: in-band FEC one packet later, else PLC",
        ),
        ("amrwb:mode=12650", "own: bad-frame substitution"),
        ("speex:quality=6", "own: PLC"),
        ("lc3:bitrate=32000", "own: PLC"),
        ("g711", "repeat"),
        ("codec2:mode=3200", "repeat"),
    ],
)
def test_concealment_is_named(spec: str, concealment: str, speech: Audio, draw: Draw) -> None:
    _, encoded, found = receive(spec, speech, draw, loss=0.2)
    assert found.concealment == concealment
    assert found.audio.n_samples == encoded.n_samples
    assert 0 < found.lost < found.packets


def test_nothing_lost_is_decode(speech: Audio, draw: Draw) -> None:
    for conceal in ("own", "repeat", "zero"):
        codec, encoded, found = receive(
            "opus:bitrate=16000", speech, draw, loss=1e-9, conceal=conceal
        )
        assert found.audio == codec.decode(encoded)


def test_zero_is_silence_where_packets_were_lost(speech: Audio, draw: Draw) -> None:
    codec, encoded, found = receive("g711", speech, draw, loss=0.2, conceal="zero")
    whole = codec.decode(encoded).samples
    lost = LossCondition(loss=0.2).mask(cut_packets(codec, encoded), 8000, draw)
    gone = np.repeat(lost, 160)[: encoded.n_samples]
    assert not found.audio.samples[gone].any()
    assert np.array_equal(found.audio.samples[~gone], whole[~gone])


def test_repeat_says_the_last_packet_again(speech: Audio, draw: Draw) -> None:
    codec, encoded, found = receive("g711", speech, draw, loss=0.2, conceal="repeat")
    whole = np.pad(codec.decode(encoded).samples, (0, 160))
    lost = LossCondition(loss=0.2).mask(cut_packets(codec, encoded), 8000, draw)
    last = None
    for index, gone in enumerate(lost):
        last = last if gone else index
        heard = found.audio.samples[160 * index : 160 * index + 160]
        said = np.zeros(160) if last is None else whole[160 * last : 160 * last + 160]
        assert np.array_equal(heard, said[: heard.size])


def test_nothing_of_a_lost_packet_is_heard(speech: Audio, draw: Draw) -> None:
    from dataclasses import replace

    for spec in ("opus:bitrate=16000", "codec2:mode=3200", "g722"):
        for conceal in ("auto", "repeat", "zero"):
            codec, encoded, found = receive(spec, speech, draw, loss=0.2, conceal=conceal)
            packets = cut_packets(codec, encoded)
            loss = LossCondition(loss=0.2, conceal=conceal)
            lost = loss.mask(packets, encoded.sample_rate, draw)
            spoilt = [
                bytes(b ^ 0x5A for b in packet) if gone else packet
                for packet, gone in zip(encoded.packets, lost, strict=True)
            ]
            again = loss.receive(codec, replace(encoded, packets=tuple(spoilt)), draw)
            assert again.audio == found.audio


def test_everything_lost_is_silence(speech: Audio, draw: Draw, tmp_path: Path) -> None:
    (tmp_path / "all.txt").write_text("1")
    loss = str(tmp_path / "all.txt")
    for spec in ("g711", "psq"):
        if spec == "psq":
            pytest.importorskip("torch", reason="not here: torch")
        _, _, found = receive(spec, speech, draw, loss=loss)
        assert found.lost == found.packets
        assert not found.audio.samples.any()


def test_codecs_without_concealment_or_packets_say_so(speech: Audio, draw: Draw) -> None:
    with pytest.raises(UnsupportedSettingError, match="conceal=repeat or zero"):
        receive("g711", speech, draw, loss=0.1, conceal="own")
    with pytest.raises(UnsupportedSettingError, match="no codebooks"):
        receive("g711", speech, draw, loss=0.1, drop_codebooks=2)


class TestNeural:
    """Codecs of codes lose whole frames, as near to 20 ms as can be, or what they stream."""

    @pytest.fixture(autouse=True)
    def torch(self) -> None:
        pytest.importorskip("torch", reason="not here: torch")

    @pytest.mark.parametrize(
        ("spec", "ms"), [("psq", 20.0), ("patch:causal=true", 32.0), ("esc:streams=1", 20.0)]
    )
    def test_packets(self, spec: str, ms: float, speech: Audio) -> None:
        codec = get_codec(spec)
        encoded = codec.encode(speech, codec.points[0])
        packets = cut_packets(codec, encoded)
        assert 1000 * packets.samples / 16000 == pytest.approx(ms, rel=0.01)

    def test_codes_written_are_codes_read(self, speech: Audio) -> None:
        codec = get_codec("psq")
        encoded = codec.encode(speech, codec.points[0])
        codes = read_codes(codec, encoded)
        assert np.array_equal(codes, encoded.codes)
        again = write_codes(codec, encoded, codes)
        assert again.to_bytes() == encoded.to_bytes()

    def test_repeat_copies_codes(self, speech: Audio, draw: Draw) -> None:
        codec, encoded, found = receive("psq", speech, draw, loss=0.2)
        packets = cut_packets(codec, encoded)
        lost = LossCondition(loss=0.2).mask(packets, 16000, draw)
        codes, step = encoded.codes.copy(), packets.frames
        arrived = int(np.argmin(lost))
        for index in np.flatnonzero(lost):
            # Before the first that arrived, that one, muted.
            source = index - 1 if index > arrived else arrived
            place = slice(index * step, (index + 1) * step)
            codes[:, place] = codes[:, source * step : (source + 1) * step]
        expected = codec.decode(write_codes(codec, encoded, codes)).samples
        first = arrived * packets.samples - packets.late
        assert np.array_equal(found.audio.samples[first:], expected[first:])

    def test_upper_codebooks_alone_can_be_lost(self, speech: Audio, draw: Draw) -> None:
        codec, encoded, found = receive(
            "esc:streams=1|2", speech, draw, loss=0.2, burst=3.0, drop_codebooks=3
        )
        assert found.concealment == "drop-codebooks=3"
        whole = codec.decode(encoded).samples
        coarse = codec.decode(write_codes(codec, encoded, encoded.codes[:3])).samples
        packets = cut_packets(codec, encoded)
        lost = LossCondition(loss=0.2, burst=3.0).mask(packets, 16000, draw)
        gone = np.zeros(whole.size, dtype=bool)
        for span in packets.spans(lost, whole.size):
            gone[span] = True
        assert np.array_equal(found.audio.samples[~gone], whole[~gone])
        deep = gone & (found.audio.samples == coarse)
        assert deep.sum() > 0.4 * gone.sum()
        with pytest.raises(UnsupportedSettingError, match="it can lose: 3"):
            receive("esc:streams=1|2", speech, draw, loss=0.2, drop_codebooks=2)
