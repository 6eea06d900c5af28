"""The whole way on real speech, against figures that independent scripts found."""

from pathlib import Path

import pandas as pd
import pytest

import codecbench
from codecbench.core.audio_file import read_audio, write_audio
from codecbench.core.resampling import resample

# PESQ-WB and STOI on the 20 LibriSpeech clips: an independent script with libopus 1.6.1 (voip,
# complexity 10, 20 ms); they agree within 0.05 and 0.005.
OPUS = {
    ("cbr", "6000"): (1.78, 0.855),
    ("cbr", "8000"): (2.47, 0.937),
    ("cbr", "12000"): (3.60, 0.960),
    ("cbr", "16000"): (4.08, 0.978),
    ("cbr", "24000"): (4.39, 0.991),
    ("vbr", "12000"): (3.77, None),
    ("vbr", "24000"): (4.39, None),
}


@pytest.fixture(scope="module")
def frame(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Opus, MNRU and PCM on the LibriSpeech clips of the evaluation set."""
    folder = tmp_path_factory.mktemp("real")
    run = codecbench.run(
        codecs=[
            "opus:mode=cbr,bitrate=6000|8000|12000|16000|24000",
            "opus:mode=vbr,bitrate=12000|24000",
            "mnru:q=5|15|25|35",
            "pcm",
        ],
        data=sorted((shared / "speech" / "eval").glob("en_LS-*.flac")),
        metrics="core",
        out=folder / "run",
        cache=folder / "cache",
    )
    return run.frame()


@pytest.mark.xdist_group("real_speech")
@pytest.mark.slow
def test_every_cell_has_a_value(frame: pd.DataFrame) -> None:
    assert frame["clip"].nunique() == 20
    assert set(frame["status"]) == {"ok"}


@pytest.mark.xdist_group("real_speech")
@pytest.mark.slow
@pytest.mark.parametrize(("mode", "point"), OPUS)
def test_opus_scores_as_the_independent_script_found(
    frame: pd.DataFrame, mode: str, point: str
) -> None:
    rows = frame[frame["codec"].str.contains(f"mode={mode}") & (frame["point"] == point)]
    means = rows.groupby("metric")["value"].mean()
    pesq, stoi = OPUS[mode, point]
    assert means["pesq_wb"] == pytest.approx(pesq, abs=0.05)
    if stoi is not None:
        assert means["stoi"] == pytest.approx(stoi, abs=0.005)


@pytest.mark.xdist_group("real_speech")
@pytest.mark.slow
def test_constant_bit_rate_is_whole_packets(frame: pd.DataFrame) -> None:
    rows = frame[frame["codec"].str.contains("mode=cbr")].drop_duplicates(["point", "clip"])
    bits = (rows["payload_bps"] * rows["clip_s"]).round(6)
    packet = rows["nominal_bps"] * 0.02
    packets = bits / packet
    assert (packets == packets.round()).all()
    # The clip in whole frames, and at most one more for the look-ahead.
    whole = (rows["clip_s"] / 0.02 - 1e-9).apply(lambda frames: int(frames) + 1)
    assert (packets - whole).between(0, 1).all()


@pytest.mark.xdist_group("real_speech")
@pytest.mark.slow
def test_every_core_metric_is_ordered_in_q(frame: pd.DataFrame) -> None:
    rows = frame[frame["codec"].str.startswith("mnru")]
    for name, values in rows.groupby("metric"):
        means = values.groupby("point")["value"].mean()[["5", "15", "25", "35"]]
        falling = name in ("mcd", "mel_dac")
        assert (means.diff().dropna() < 0).all() if falling else (means.diff().dropna() > 0).all()


@pytest.mark.xdist_group("real_speech")
@pytest.mark.slow
def test_pcm_at_16_bit_is_at_every_ceiling(frame: pd.DataFrame) -> None:
    rows = frame[frame["codec"].str.startswith("pcm")]
    best = {"pesq_wb": 4.644, "stoi": 1, "estoi": 1, "mcd": 0, "visqol": 5, "mel_dac": 0}
    for name, values in rows.groupby("metric")["value"]:
        expected = {**best, "si_sdr": 100}[str(name)]
        assert values.to_numpy() == pytest.approx(expected, abs=1e-3)


def test_scores_hang_little_on_the_rate_of_the_files(shared: Path, tmp_path: Path) -> None:
    # Acceptance test 3: a harness that takes a rate for a number of samples fails here.
    folder = shared / "metrics" / "pairs"
    pair = [read_audio(folder / f"013_{side}.flac") for side in ("ref", "deg")]
    scores = {}
    for rate in (16000, 24000, 44100, 48000):
        paths = []
        for side, audio in zip(("ref", "deg"), pair, strict=True):
            paths.append(tmp_path / f"{side}{rate}.wav")
            write_audio(paths[-1], resample(audio, rate))
        cells = codecbench.score(*paths, metrics="pesq_wb stoi")
        scores[rate] = [cells[name].value for name in ("pesq_wb", "stoi")]
    for rate in (24000, 44100, 48000):
        assert scores[rate][0] == pytest.approx(scores[16000][0], abs=0.02)
        assert scores[rate][1] == pytest.approx(scores[16000][1], abs=0.001)
