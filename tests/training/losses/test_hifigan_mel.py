"""HiFi-Codec's mel distances against the definition, computed with numpy.

The definition is that of codecs/hificodec.md, section 8; the filters are those of our metrics,
which are tested against librosa's.
"""

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="not here: torch")

from codecbench.metrics.mel_filters import mel_weights  # noqa: E402
from codecbench.training.losses.hifigan_mel import (  # noqa: E402
    HifiCodecMelDistance,
    HifiGanMel,
)


def log_mel(x: NDArray[np.float64], n_fft: int, hop: int, window: int) -> NDArray[np.float64]:
    """Compute frame by frame."""
    margin = (n_fft - hop) // 2
    padded = np.pad(x, margin, mode="reflect")
    before = (n_fft - window) // 2
    hann = np.zeros(n_fft)
    hann[before : before + window] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    starts = range(0, len(padded) - n_fft + 1, hop)
    spectra = np.array([np.fft.rfft(padded[s : s + n_fft] * hann) for s in starts])
    magnitudes = np.sqrt(np.abs(spectra) ** 2 + 1e-9)
    mels = magnitudes @ mel_weights(16000, n_fft, 80, "slaney")
    logarithms: NDArray[np.float64] = np.log(np.maximum(mels, 1e-5))
    return logarithms.T


@pytest.fixture(scope="module")
def pair() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(5)
    return 0.1 * rng.standard_normal(8000), 0.1 * rng.standard_normal(8000)


def test_distances_are_those_of_the_definition(pair) -> None:
    sizes = [(1024, 200, 800), (512, 120, 512), (256, 60, 256)]
    wanted = [np.abs(log_mel(pair[0], *s) - log_mel(pair[1], *s)).mean() for s in sizes]
    decoded, target = (torch.from_numpy(each).float()[None] for each in pair)
    main, small = HifiCodecMelDistance()(decoded, target)
    assert float(main) == pytest.approx(wanted[0], rel=1e-4)
    assert float(small) == pytest.approx(wanted[1] + wanted[2], rel=1e-4)


def test_there_is_one_frame_for_each_hop() -> None:
    assert HifiGanMel(n_fft=1024, hop=200, window=800)(torch.zeros(2, 16000)).shape == (2, 80, 80)


def test_silence_has_the_floor_and_a_gradient() -> None:
    silence = torch.zeros(1, 4000, requires_grad=True)
    mel = HifiGanMel(n_fft=512, hop=120, window=512)
    mel.distance(silence, torch.ones(1, 4000)).backward()
    assert bool(silence.grad.isfinite().all())


def test_does_not_know_polarity(pair) -> None:
    signal = torch.from_numpy(pair[0]).float()[None]
    main, small = HifiCodecMelDistance()(-signal, signal)
    assert float(main) < 1e-5
    assert float(small) < 1e-5
