"""What is declared is believed only as far as it is so: planted look-aheads, PSQ, patch, others."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from codecbench.adapters.base import Codec
from codecbench.adapters.registry import get_codec
from codecbench.benchmark.complexity import measure_latency
from codecbench.benchmark.streaming.agreement import compare_ways
from codecbench.benchmark.streaming.causality import measure_reach
from codecbench.benchmark.streaming.latency import (
    buffering_latency,
    impulse_latency,
    impulse_place,
    send,
)
from codecbench.benchmark.streaming.truth import StreamTruth, measure_streaming
from codecbench.cli.stream_command import command
from codecbench.core.audio import Audio
from codecbench.core.errors import NotAvailableError

PLANTED = Path(__file__).parent / "planted_streams.py"


def planted(options: str = "") -> str:
    return f"{PLANTED}:FrameCodec{options}"


def loaded(spec: str) -> Codec:
    pytest.importorskip("torch", reason="not here: torch")
    codec = get_codec(spec)
    codec.load()
    return codec


@pytest.fixture(scope="module")
def honest() -> StreamTruth:
    return measure_streaming(planted(), minutes=0.02)


def test_an_honest_stream_is_shown_causal(honest: StreamTruth) -> None:
    assert honest.holds
    assert "causal, shown" in honest.verdict
    # Frames of 160 samples: the first of them waits for the last, and its own.
    assert (honest.measured, honest.declared, honest.packet) == (160, 160, 160)
    assert honest.agreement is not None
    assert honest.agreement.mismatch_rate == 0.0
    assert honest.impulse_place == 0
    assert honest.impulse == 160


def test_what_is_timed_is_complete(honest: StreamTruth) -> None:
    assert honest.endurance is not None
    assert honest.endurance.minutes == pytest.approx(0.02, rel=0.05)
    for pace in honest.paces:
        assert 0 < pace.encode_ms[0] <= pace.encode_ms[1] <= pace.encode_ms[2]
        assert pace.first_audio_ms > 10.0  # not before the first frame has been recorded
        assert pace.real_time_factor > 0


def test_a_planted_look_ahead_of_one_frame_is_found_offline() -> None:
    found = measure_streaming(planted(":peeks=true,waits=true"), minutes=0.02)
    assert not found.holds
    assert "further ahead than declared" in found.verdict
    # Frame and one more: the change of the last sample of the next frame is the first's latest.
    assert found.perturbation == 320
    assert found.buffering == 320


def test_a_stream_that_waits_is_found_without_any_change_of_input() -> None:
    codec = get_codec(planted(":peeks=true,waits=true"))
    samples = 0.3 * np.sin(np.arange(8000) / 9).astype(np.float32)
    arrival = send(codec, codec.points[0], samples)
    assert buffering_latency(arrival, samples.size) == 320
    assert arrival.first_pushed == 320
    assert impulse_latency(codec, codec.points[0], samples) > 160


def test_a_stream_that_differs_from_offline_is_found() -> None:
    found = measure_streaming(planted(":peeks=true"), minutes=0.02)
    assert found.agreement is not None
    assert found.agreement.mismatch_rate > 0.3  # pauses are alike
    assert "another codec" in found.verdict
    assert not found.holds


GROWTH = """
import sys
import numpy as np
from codecbench.adapters.registry import get_codec
from codecbench.benchmark.streaming.pace import run_stream

codec = get_codec(sys.argv[1])
voice = np.sin(np.arange(16000) / 9).astype(np.float32)
print(run_stream(codec, codec.points[0], voice, 4.0, 1).growth_mib)
"""


@pytest.mark.parametrize(("options", "grows"), [("", False), (":hoards=true", True)])
def test_a_stream_that_hoards_is_found(options: str, grows: bool) -> None:
    # In a process of its own: this one has freed memory that would be taken first.
    # 400 packets of 320 bytes, each kept 2000 times: well above what an allocator moves.
    # Half of them come after memory has settled.
    done = subprocess.run(
        [sys.executable, "-P", "-c", GROWTH, planted(options)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (float(done.stdout) > 50) == grows


def test_command_says_so_and_fails() -> None:
    outcome = CliRunner().invoke(
        command,
        [planted(":peeks=true,waits=true"), "--minutes", "0.01", "--json"],
        standalone_mode=False,
    )
    assert outcome.return_value == 3
    told = json.loads(outcome.output)
    assert told["holds"] is False
    text = CliRunner().invoke(command, ["g711"], standalone_mode=False)
    assert text.return_value == 0
    assert "no streaming mode" in text.output
    assert "causal as declared" in text.output


@pytest.mark.slow
def test_what_is_not_here_is_not_measured(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="not here: torch")
    with pytest.raises(NotAvailableError):
        measure_streaming(f"psq:checkpoint={tmp_path}/absent.pt")


@pytest.mark.parametrize(("spec", "ms"), [("psq", 30.0), ("patch:causal=true", 32.0)])
def test_psq_and_causal_patch_stream_as_declared(spec: str, ms: float, speech: Audio) -> None:
    """psq.md §7: 20 ms of framing and 10 ms of overlap; patch.md §4: a packet of 32 ms."""
    codec = loaded(spec)
    point, samples = codec.points[-1], speech.samples[:16000]
    assert codec.info.latency_ms == ms
    arrival = send(codec, point, samples)
    assert 1000 * buffering_latency(arrival, samples.size) / 16000 == ms
    agreement = compare_ways(codec, point, Audio(samples, 16000), arrival)
    assert agreement.holds
    assert agreement.max_difference <= 1e-5
    gaps = {gap.name: gap for gap in agreement.metrics}
    assert gaps["mel_dac"].stream == pytest.approx(gaps["mel_dac"].offline, abs=1e-3)
    declared = codec.info.frame_samples + codec.info.lookahead_samples
    assert measure_latency(codec, point) <= declared
    reach = measure_reach(codec, point, samples)
    # The decoder has no threshold: its reach is exact up to where the window's tail vanishes.
    assert declared - 48 <= reach.latency <= declared
    assert not reach.whole


@pytest.mark.slow
def test_the_published_vocoder_of_patch_is_not_causal(speech: Audio) -> None:
    """patch.md §4: 3158 samples of look-ahead beyond its packet, by perturbation in float64."""
    codec = loaded("patch:causal=false")
    assert not codec.info.causal
    found = measure_reach(codec, codec.points[-1], speech.samples[:24000])
    assert found.decoder == pytest.approx(3158, abs=400)
    assert found.frame + found.decoder <= codec.info.frame_samples + codec.info.lookahead_samples


def test_impulse_place_is_the_delay(speech: Audio) -> None:
    for delay in (0, 37):
        codec = get_codec(f"shift:delay={delay}")
        assert impulse_place(codec, codec.points[-1], speech.samples) == delay
