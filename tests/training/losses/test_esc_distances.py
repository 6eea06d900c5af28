"""ESC's losses against the official code: parity/esc_losses_lengths.json, on esc_base_1s.npz."""

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="not here: torch")

from codecbench.adapters.neural.esc_model import Spectrogram  # noqa: E402
from codecbench.training.losses.esc_distances import (  # noqa: E402
    EscMelDistance,
    compressed_distance,
)

SAMPLES = 15920


@pytest.mark.parametrize("streams", [1, 6])
def test_distances_are_the_official_ones(shared: Path, streams: int) -> None:
    stored = np.load(shared / "parity/esc_base_1s.npz")
    wanted = json.loads((shared / "parity/esc_losses_lengths.json").read_text())
    target = torch.from_numpy(stored["input"][:SAMPLES])[None]
    decoded = torch.from_numpy(stored[f"wav_s{streams}"])[None]
    mel = EscMelDistance()
    whole = wanted[f"mel_loss_input15920_vs_wav_s{streams}"]
    assert float(mel(decoded, target)) == pytest.approx(whole, rel=1e-6)
    for found, official in zip(
        mel.parts(decoded, target), wanted[f"mel_per_window_mag_log_s{streams}"], strict=True
    ):
        assert [float(each) for each in found] == pytest.approx(official, rel=3e-6)
    transform = Spectrogram()
    compressed = compressed_distance(transform(decoded), transform(target))
    official = wanted[f"stft_loss_spec(input15920)_vs_spec(wav_s{streams})"]
    assert float(compressed) == pytest.approx(official, rel=1e-6)


def test_equal_signals_have_no_distance() -> None:
    signal = torch.linspace(-0.5, 0.5, 4000)[None]
    assert float(EscMelDistance()(signal, signal)) == 0.0
    assert float(compressed_distance(signal, signal)) == 0.0
