"""Opus: exact packets, exact alignment, and what an independent script measured."""

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from codecbench.adapters.reference.libopus import LibOpus, OpusSettings
from codecbench.adapters.reference.opus import OpusCodec, lowest_bitrate
from codecbench.adapters.reference.shared_library import find_in_wheel
from codecbench.adapters.registry import get_codec
from codecbench.core.audio import Audio, round_to_int16
from codecbench.core.audio_file import read_audio
from codecbench.core.resampling import resample

# Mean PESQ-WB (package pesq) and STOI (package pystoi) over the 20 clips en_LS-*, found by a script
# of other authors with libopus 1.6.1 through PyAV, decoded at 48 kHz and resampled: issue 2.
CBR = {6000: (1.78, 0.855), 8000: (2.47, 0.937), 12000: (3.60, 0.960), 16000: (4.08, 0.978)}
CBR[24000] = (4.39, 0.991)
VBR_PESQ = {6000: 2.03, 8000: 2.63, 12000: 3.77, 16000: 4.15, 24000: 4.39}


def packets_of_pyav(pcm: NDArray[np.int16], mode: str, bitrate: int, frame_ms: str) -> list[bytes]:
    """Code with the libopus encoder of PyAV, which takes "lowdelay" for frames below 10 ms."""
    av = pytest.importorskip("av")
    context = av.CodecContext.create("libopus", "w")
    context.sample_rate, context.layout, context.format = 16000, "mono", "s16"
    context.bit_rate, context.time_base = bitrate, Fraction(1, 16000)
    context.options = {
        "vbr": {"cbr": "off", "vbr": "on", "cvbr": "constrained"}[mode],
        "application": "voip" if float(frame_ms) >= 10 else "lowdelay",
        "compression_level": "10",
        "frame_duration": frame_ms,
    }
    context.open()
    assert not dict(context.options)
    packets = []
    for at in range(0, pcm.size, context.frame_size):
        part = pcm[None, at : at + context.frame_size]
        frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 16000, at, Fraction(1, 16000)
        packets += context.encode(frame)
    packets += context.encode(None)
    return [bytes(packet) for packet in packets]


@pytest.mark.parametrize("mode", ["cbr", "vbr", "cvbr"])
@pytest.mark.parametrize(("bitrate", "frame_ms"), [(8000, "20"), (24000, "20"), (32000, "5")])
@pytest.mark.parametrize("n_samples", [48000, 16001, 15897])
def test_packets_are_those_of_pyav(
    speech: Audio, mode: str, bitrate: int, frame_ms: str, n_samples: int
) -> None:
    part = Audio(speech.samples[:n_samples], 16000)
    application = "voip" if float(frame_ms) >= 10 else "lowdelay"
    codec = OpusCodec(mode=mode, bitrate=bitrate, frame_ms=float(frame_ms), application=application)
    ours = codec.encode(part, codec.points[0]).packets
    assert list(ours) == packets_of_pyav(round_to_int16(part.samples), mode, bitrate, frame_ms)


@pytest.mark.parametrize("sample_rate", [8000, 12000, 16000, 24000, 48000])
@pytest.mark.parametrize("application", ["voip", "audio", "lowdelay"])
def test_declared_lookahead_is_what_libopus_tells(sample_rate: int, application: str) -> None:
    file = find_in_wheel("av", "libopus")
    if file is None:
        pytest.skip("PyAV's wheel is not installed")
    told = LibOpus(file).lookahead(
        OpusSettings(
            sample_rate=sample_rate,
            application=application,
            bitrate_bps=16000,
            vbr=False,
            constrained=False,
            complexity=10,
        )
    )
    codec = OpusCodec(application=application, sample_rate=sample_rate)
    assert codec.info.lookahead_samples == told


@pytest.mark.parametrize("frame_ms", [2.5, 5.0, 10.0, 20.0, 40.0, 60.0])
def test_constant_rate_is_exact_to_the_byte(speech: Audio, frame_ms: float) -> None:
    codec = OpusCodec(bitrate=32000, frame_ms=frame_ms)
    encoded = codec.encode(speech, codec.points[0])
    frame = round(16 * frame_ms)
    # 104 samples of look-ahead must come out too (OPUS_GET_LOOKAHEAD at 16 kHz).
    assert len(encoded.packets) == math.ceil((speech.n_samples + 104) / frame)
    assert {len(packet) for packet in encoded.packets} == {round(4 * frame_ms)}


def test_flush_packet_is_paid_for(speech: Audio) -> None:
    codec = OpusCodec(bitrate=16000)
    whole = Audio(speech.samples[: 50 * 320], 16000)
    assert codec.encode(whole, codec.points[0]).payload_bits == 51 * 320
    room = Audio(speech.samples[: 50 * 320 - 104], 16000)
    assert codec.encode(room, codec.points[0]).payload_bits == 50 * 320


def test_silence_costs_all_bits_at_constant_rate_and_few_otherwise() -> None:
    silence = Audio(np.zeros(16000, np.float32), 16000)
    constant, variable = OpusCodec(bitrate=16000), OpusCodec(bitrate=16000, mode="vbr")
    sizes = {len(p) for p in constant.encode(silence, constant.points[0]).packets}
    assert sizes == {40}
    assert variable.encode(silence, variable.points[0]).payload_bits < 16000 * 0.35


def test_bandwidth_switches_between_9_and_10_kbit_per_s(shared: Path) -> None:
    """By the first five bits, RFC 6716 table 2: 1 is narrowband SILK, 9 wideband SILK."""
    audio = read_audio(shared / "speech/eval/en_LS-1995_librispeech-1995-1837-0001_0.flac")
    codec = OpusCodec(bitrate=(9000, 10000))
    configs = [
        np.bincount([packet[0] >> 3 for packet in codec.encode(audio, point).packets]).argmax()
        for point in codec.points
    ]
    assert configs == [1, 9]


@pytest.mark.parametrize("sample_rate", [8000, 12000, 16000, 24000, 48000])
@pytest.mark.parametrize("application", ["audio", "lowdelay"])
def test_output_is_aligned_to_the_sample(speech: Audio, sample_rate: int, application: str) -> None:
    """By waveform; "voip" has a high-pass filter that turns phases."""
    audio = resample(speech, sample_rate)
    codec = OpusCodec(bitrate=64000, application=application, sample_rate=sample_rate)
    out = codec.decode(codec.encode(audio, codec.points[0]))
    x, y = audio.samples.astype(np.float64), out.samples.astype(np.float64)
    lags = range(-8, 9)
    products = [np.dot(x[20:-20], y[20 + lag : y.size - 20 + lag]) for lag in lags]
    assert lags[int(np.argmax(products))] == 0


def test_end_of_the_signal_comes_out(speech: Audio) -> None:
    loud = Audio(np.ascontiguousarray(speech.samples[8000:24000]), 16000)
    codec = OpusCodec(bitrate=64000, application="audio")
    out = codec.decode(codec.encode(loud, codec.points[0])).samples
    tail = slice(-100, None)
    error = np.sum((out[tail] - loud.samples[tail]) ** 2.0)
    assert error < 0.25 * np.sum(loud.samples[tail] ** 2.0)


@pytest.mark.parametrize("option", ["complexity=0", "application=audio", "frame_ms=40"])
def test_every_option_changes_the_bytes(speech: Audio, option: str) -> None:
    plain = get_codec("opus:bitrate=16000")
    other = get_codec(f"opus:bitrate=16000,{option}")
    a = plain.encode(speech, plain.points[0]).packets
    assert a != other.encode(speech, other.points[0]).packets


@pytest.mark.parametrize(("frame_ms", "lowest"), [(2.5, 9600), (10.0, 2400), (20.0, 1200)])
def test_lowest_rate_still_carries_content(speech: Audio, frame_ms: float, lowest: int) -> None:
    """Three bytes are the least in which libopus codes anything: hand computation."""
    assert lowest_bitrate(frame_ms) == lowest
    codec = OpusCodec(bitrate=lowest, frame_ms=frame_ms)
    packets = codec.encode(speech, codec.points[0]).packets
    assert {len(packet) for packet in packets} == {3}
    assert len(set(packets)) > 10


def test_version_and_content_of_the_library_are_in_the_fingerprint() -> None:
    info = OpusCodec().info
    assert info.version.startswith("libopus ")
    assert info.version in info.fingerprint
    assert len(info.fingerprint.rpartition("sha256:")[2]) == 64


def check_means(shared: Path, mode: str, bitrate: int, pesq_wb: float, stoi: float | None) -> None:
    pesq, pystoi = pytest.importorskip("pesq"), pytest.importorskip("pystoi")
    codec = OpusCodec(mode=mode, bitrate=bitrate)
    if codec.info.version != "libopus 1.6.1":
        pytest.skip(f"the numbers are of libopus 1.6.1, this is {codec.info.version}")
    files = sorted((shared / "speech/eval").glob("en_LS-*.flac"))
    assert len(files) == 20
    found = []
    for file in files:
        audio = read_audio(file)
        out = codec.decode(codec.encode(audio, codec.points[0])).quantize_16bit()
        x, y = audio.samples.astype(np.float64), out.samples.astype(np.float64)
        found.append(
            (pesq.pesq(16000, x, y, "wb"), 0.0 if stoi is None else pystoi.stoi(x, y, 16000))
        )
    means = np.mean(found, axis=0)
    assert means[0] == pytest.approx(pesq_wb, abs=0.05)
    if stoi is not None:
        assert means[1] == pytest.approx(stoi, abs=0.005)


def test_quality_at_12_kbit_agrees_with_an_independent_script(shared: Path) -> None:
    check_means(shared, "cbr", 12000, *CBR[12000])


@pytest.mark.slow
@pytest.mark.parametrize("bitrate", sorted(set(CBR) - {12000}))
def test_quality_at_constant_rate_agrees(shared: Path, bitrate: int) -> None:
    check_means(shared, "cbr", bitrate, *CBR[bitrate])


@pytest.mark.slow
@pytest.mark.parametrize("bitrate", sorted(VBR_PESQ))
def test_quality_at_variable_rate_agrees(shared: Path, bitrate: int) -> None:
    check_means(shared, "vbr", bitrate, VBR_PESQ[bitrate], None)
