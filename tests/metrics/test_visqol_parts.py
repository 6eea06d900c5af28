"""The steps of ViSQOL, each against its formula, a hand computation or another implementation."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from codecbench.core.errors import MissingDependencyError
from codecbench.metrics.visqol_activity import voice_activity
from codecbench.metrics.visqol_alignment import (
    Piece,
    align_pieces,
    best_lags,
    correlation_length,
    cut,
    envelope,
    envelope_spectra,
)
from codecbench.metrics.visqol_analysis import AUDIO, SPEECH, Features, compare, prepare_reference
from codecbench.metrics.visqol_gammatone import filter_bank
from codecbench.metrics.visqol_mapping import (
    SVR_FILE,
    SVR_SHA256,
    SvrMapper,
    map_exponential,
    read_model,
)
from codecbench.metrics.visqol_search import best_path
from codecbench.metrics.visqol_similarity import apply_common_floor, compare_patches


def fft_envelope(x):
    """As google/visqol computes it (conformance.md): the spectrum of the analytic signal, padded to
    a power of two, through an inverse transform for real signals."""
    n = max(32, 1 << (len(x) - 1).bit_length())
    factor = np.full(n // 2 + 1, 2.0)
    factor[0], factor[-1] = 1, 1 if len(x) == n else 0
    return np.abs(np.fft.irfft(np.fft.rfft(x - x.mean(), n) * factor, n)[: len(x)]) + x.mean()


@pytest.mark.parametrize("n", [2, 31, 33, 64, 100, 4096, 6399, 6400])
def test_envelope_is_the_real_part_of_the_analytic_signal(n: int):
    x = np.random.default_rng(n).standard_normal(n) + 0.3
    if n >= 32:
        assert envelope(x) == pytest.approx(fft_envelope(x), abs=1e-12)
    assert envelope(x).shape == (n,)


@pytest.mark.parametrize("lag", [-700, -1, 0, 3, 900])
def test_lag_is_found(lag: int):
    x = np.random.default_rng(0).standard_normal(3000)
    moved = x[-lag:] if lag < 0 else np.concatenate([np.zeros(lag), x])
    length = correlation_length(max(x.size, moved.size))
    spectra = envelope_spectra([moved, x], length)
    longest = np.array([max(x.size, moved.size)])
    assert best_lags(spectra[:1], spectra[1:], longest, length) == [lag]


def test_pieces_behave_like_arrays():
    x = np.arange(1.0, 20.0)
    for zeros, begin, end, count in itertools.product(range(4), (0, 5), (5, 9), range(12)):
        piece = Piece(zeros, begin, end)
        whole = piece.take(x)
        assert len(piece) == whole.size
        assert piece.drop(count).take(x).tolist() == whole[count:].tolist()
        assert piece.limit(count).take(x).tolist() == whole[:count].tolist()
        assert piece.shift(count).take(x).tolist() == [0.0] * count + whole.tolist()


def test_cut_makes_up_for_a_missing_end_in_front():
    # By hand: 100 samples at 10 Hz; 8 s to 11 s is 80:110, of which 80:99 are there and
    # 110 - 100 zeros are put in front.
    assert cut(8.0, 11.0, 100, 10) == Piece(10, 80, 99)


def test_late_degraded_piece_shortens_the_reference():
    left, right = align_pieces(Piece(0, 0, 100), Piece(0, 0, 100), 8, 16000)
    assert (left, right) == (Piece(0, 8, 100), Piece(0, 0, 92))
    left, right = align_pieces(Piece(0, 0, 100), Piece(0, 0, 100), -8, 16000)
    assert (left, right) == (Piece(0, 0, 92), Piece(0, 8, 100))


def test_levels_are_those_of_slaneys_filters():
    # Independent: Slaney's coefficients in their own form, run by scipy, one frame.
    from scipy.signal import lfilter

    rate, bank = 16000, filter_bank(16000, 21, 8000.0)
    x = np.random.default_rng(3).standard_normal(bank.size + 1)
    q, width, t = 9.26449, 24.7, 1 / rate
    centres = -q * width + np.exp(
        np.arange(1, 22) * (-np.log(8000 + q * width) + np.log(50 + q * width)) / 21
    ) * (8000 + q * width)
    found = bank.levels_db(x, np.array([0]))[::-1, 0]
    for level, cf in zip(found, centres, strict=True):
        b = 1.019 * 2 * np.pi * (cf / q + width)
        poles = [1, -2 * np.cos(2 * cf * np.pi * t) / np.exp(b * t), np.exp(-2 * b * t)]
        y, gain = x[:-1] * bank.window, 1.0
        for sign, root in itertools.product((1, -1), (3 + 2**1.5, 3 - 2**1.5)):
            a1 = t * np.cos(2 * cf * np.pi * t) + sign * np.sqrt(root) * t * np.sin(
                2 * cf * np.pi * t
            )
            y = lfilter([t, -a1 / np.exp(b * t)], poles, y)
            z = np.exp(-2j * np.pi * cf * t)
            gain *= abs((t - a1 / np.exp(b * t) * z) / np.polyval(poles[::-1], z))
        assert level == pytest.approx(10 * np.log10(np.sqrt(np.mean(y**2)) / gain), abs=1e-9)


def test_spectrogram_of_a_part_on_the_grid_is_part_of_the_spectrogram():
    bank = filter_bank(16000, 21, 8000.0)
    x = np.random.default_rng(4).standard_normal(20000)
    part = bank.spectrogram_db(x[7 * bank.hop : 7 * bank.hop + 6400])
    assert np.array_equal(part, bank.spectrogram_db(x)[:, 7 : 7 + part.shape[1]])
    assert bank.count_frames(bank.size) == 0
    assert bank.spectrogram_db(np.zeros(2000)).tolist() == [[-45.0] * 3] * 21


def test_voice_activity_has_a_hangover():
    # By hand: peak 1 in every loud frame, so its root mean square is 32767; silent ones have 0.
    loud = np.array([0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0], dtype=float)
    active = voice_activity(np.repeat(loud, 10), 10, 0, loud.size)
    assert active.astype(int).tolist() == [1, 1, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0]
    assert voice_activity(np.zeros(100), 10, 0, 10).tolist() == [True] * 2 + [False] * 8


def test_patch_positions():
    # By hand from image_patch_creator.cc: first at 30 // 2 - 1, then every 30 while they fit.
    frames = 200
    bank = filter_bank(48000, 32, float("inf"))
    samples = np.ones(bank.size + (frames - 1) * bank.hop)
    assert AUDIO.patches(samples, bank, 30).tolist() == [14, 44, 74, 104, 134, 164]
    # vad_patch_creator.cc: first at 20 // 2 - 1, (200 - 9) // 20 of them, all active here.
    assert SPEECH.patches(samples, bank, 20).tolist() == list(range(9, 180, 20))


def test_nsim_of_flat_patches():
    # By hand: without any structure, what is left is the intensity term.
    pairs = np.array([[3.0, 3.0], [3.0, 5.0]])
    reference, degraded = (np.ones((2, 21, 20)) * side[:, None, None] for side in pairs.T)
    expected = [1.0, (2 * 15 + 1e-4) / (9 + 25 + 1e-4)]
    found = compare_patches(reference, degraded)
    assert found.scores == pytest.approx(expected, abs=1e-9)
    assert found.energies[1] == pytest.approx([5.0] * 21)


def test_common_floor():
    # By hand: frame 0 peaks at 30 dB, so -15 dB is its floor; frame 1 at 0 dB, floor -45 dB.
    reference, degraded = np.array([[30.0, -20], [-40, -45]]), np.array([[10.0, 0], [-45, -45]])
    ours, theirs = apply_common_floor(reference, degraded)
    assert ours.tolist() == [[75, 25], [30, 0]]
    assert theirs.tolist() == [[55, 45], [30, 0]]


def test_best_path_is_the_best_of_all_paths():
    # Independent: all rising paths tried; large similarities, so that none is given up.
    similarity = np.random.default_rng(5).uniform(0.5, 1, (3, 7))
    paths = list(itertools.combinations(range(7), 3))
    best = max(paths, key=lambda path: sum(similarity[p, o] for p, o in enumerate(path)))
    lows, highs = np.zeros(3, dtype=np.int64), np.full(3, 6)
    found, lost = best_path(similarity, lows, highs)
    assert tuple(found.tolist()) == best
    assert not lost.any()


def test_patch_without_a_place_is_lost():
    # The first patch fits only at the end, where no place is left for the second.
    similarity = np.array([[0.0, 0.0, 0.9], [0.3, 0.2, 0.2]])
    found, lost = best_path(similarity, np.zeros(2, dtype=np.int64), np.full(2, 2))
    assert (found.tolist(), lost.tolist()) == ([2, 2], [False, True])


def test_regression_agrees_with_libsvm():
    svmutil = pytest.importorskip("libsvm.svmutil")
    text = read_model(SVR_FILE, SVR_SHA256).decode()
    rng = np.random.default_rng(6)
    model_path = Path(pytest.importorskip("visqol").__file__).parent / "model" / SVR_FILE
    assert text.startswith("svm_type nu_svr")
    model = svmutil.svm_load_model(str(model_path))
    for low in (0.3, 0.8, 0.99):
        mean = rng.uniform(low, 1, 32)
        expected, _, _ = svmutil.svm_predict([0], [list(mean)], model, "-q")
        features = Features(mean=mean, low=mean, deviation=mean, energy=mean)
        assert SvrMapper().map(features) == pytest.approx(expected[0], abs=1e-9)


def test_nothing_alike_scores_one():
    zeros = np.full(21, 0.1)
    features = Features(mean=zeros, low=zeros, deviation=zeros, energy=zeros)
    assert map_exponential(features) == 1.0
    assert SvrMapper().map(features) == 1.0


def test_another_model_file_is_refused():
    with pytest.raises(MissingDependencyError, match="not the one"):
        read_model(SVR_FILE, "0" * 64)
    with pytest.raises(MissingDependencyError, match="is missing"):
        read_model("no_such_model.txt", "0" * 64)


@pytest.mark.parametrize(("mode", "rate"), [(SPEECH, 16000), (AUDIO, 48000)])
def test_a_minute_is_scored(mode, rate: int):
    rng = np.random.default_rng(7)
    level = np.repeat(rng.uniform(0.01, 0.2, 600), rate // 10)
    reference = prepare_reference(rng.standard_normal(60 * rate) * level, rate, mode)
    noise = 0.02 * rng.standard_normal(60 * rate)
    features = compare(reference, reference.signal.samples + noise)
    assert 0.3 < features.overall < 1
