"""Spectral losses against the same formulas in NumPy and SciPy."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from scipy.signal import get_window  # noqa: E402

from codecbench.training.losses.log_mel_distance import LogMelDistance  # noqa: E402
from codecbench.training.losses.multi_resolution_stft import MultiResolutionStft  # noqa: E402


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(5)
    target = rng.standard_normal((2, 4000)) * 0.1
    return target + rng.standard_normal((2, 4000)) * 0.03, target


def magnitudes(signal, n_fft, hop, window):
    """Magnitudes of centred frames of a mirrored signal, window in the middle of the frame."""
    shape = np.zeros(n_fft)
    left = (n_fft - window) // 2
    shape[left : left + window] = get_window("hann", window)
    padded = np.pad(signal, n_fft // 2, mode="reflect")
    starts = range(0, signal.size + 1, hop)
    return np.array([np.abs(np.fft.rfft(padded[s : s + n_fft] * shape)) for s in starts])


def as_tensors(pair):
    return [torch.from_numpy(each).float() for each in pair]


def test_both_terms_are_those_of_parallel_wavegan(pair):
    """arXiv:1910.11480, equations 6 and 7, with its three resolutions."""
    convergence, logarithmic = [], []
    for n_fft, hop, window in ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240)):
        found, wanted = (
            np.array([magnitudes(row, n_fft, hop, window) for row in each]) for each in pair
        )
        convergence.append(np.linalg.norm(wanted - found) / np.linalg.norm(wanted))
        logarithmic.append(np.abs(np.log(wanted) - np.log(found)).mean())
    terms = MultiResolutionStft()(*as_tensors(pair))
    assert [float(term) for term in terms] == pytest.approx(
        [np.mean(convergence), np.mean(logarithmic)], rel=1e-4
    )


def test_silence_has_finite_losses_and_gradients():
    decoded = torch.zeros(1, 4000, requires_grad=True)
    terms = MultiResolutionStft()(decoded, torch.ones(1, 4000) * 0.1)
    (sum(terms) + LogMelDistance()(decoded, torch.zeros(1, 4000))).backward()
    assert bool(decoded.grad.isfinite().all())


def test_the_mel_distance_is_that_of_independent_filters(pair):
    """Filters of transformers, Slaney's scale and area; the rest in NumPy."""
    audio_utils = pytest.importorskip("transformers.audio_utils")
    wanted = []
    for window, bands in ((512, 40), (1024, 80)):
        filters = audio_utils.mel_filter_bank(
            num_frequency_bins=window // 2 + 1,
            num_mel_filters=bands,
            min_frequency=0.0,
            max_frequency=8000.0,
            sampling_rate=16000,
            norm="slaney",
            mel_scale="slaney",
        )
        logs = [
            np.array(
                [
                    np.log(np.maximum(magnitudes(row, window, window // 4, window) @ filters, 1e-5))
                    for row in each
                ]
            )
            for each in pair
        ]
        roots = [np.exp(each / 2) for each in logs]
        wanted.append(
            [np.abs(logs[0] - logs[1]).mean(), np.abs(roots[0] - roots[1]).sum() / roots[1].sum()]
        )
    distance = LogMelDistance(((512, 40), (1024, 80)))
    both = [float(each) for each in distance.both(*as_tensors(pair))]
    assert both == pytest.approx(np.mean(wanted, axis=0), rel=1e-4)
    assert float(distance(*as_tensors(pair))) == pytest.approx(both[0])


def test_losses_of_equal_signals_are_zero(pair):
    _, target = as_tensors(pair)
    assert [float(term) for term in MultiResolutionStft()(target, target)] == [0.0, 0.0]
    assert float(LogMelDistance()(target, target)) == 0.0
