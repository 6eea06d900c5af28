"""ViSQOL from two signals to the features of their similarity.

Source: A. Hines, J. Skoglund, A. Kokaram, N. Harte, "ViSQOL: an objective speech quality model",
EURASIP J. Audio, Speech, Music Process. 2015:13; M. Chinen and others, "ViSQOL v3: an open source
production ready objective speech and audio metric", QoMEX 2020. The order of steps and the
constants follow google/visqol 38d0b016, with whose conformance values the tests compare.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codecbench.core.errors import MetricError, SilentSignalError, TooShortError
from codecbench.metrics.visqol_activity import grid_patches, speech_patches
from codecbench.metrics.visqol_alignment import (
    best_lags,
    correlation_length,
    envelope_spectra,
    plausible,
)
from codecbench.metrics.visqol_gammatone import FilterBank, filter_bank
from codecbench.metrics.visqol_realignment import (
    ReferencePieces,
    Signal,
    cut_reference,
    realign,
)
from codecbench.metrics.visqol_search import find_offsets
from codecbench.metrics.visqol_similarity import (
    PatchSimilarity,
    apply_common_floor,
    compare_patches,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """What tells speech mode from audio mode before the mapping; visqol_manager.cc.

    Attributes:
        name: "speech" or "audio".
        bands: Filters.
        highest_hz: Upper end of the filters' scale, limited to half the sample rate.
        width: Frames in a patch.
        patches: Finds the patches of the reference.
    """

    name: str
    bands: int
    highest_hz: float
    width: int
    patches: Callable[[NDArray[np.float64], FilterBank, int], NDArray[np.int64]]


SPEECH = Mode(name="speech", bands=21, highest_hz=8000.0, width=20, patches=speech_patches)
AUDIO = Mode(name="audio", bands=32, highest_hz=float("inf"), width=30, patches=grid_patches)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """All that depends on the reference alone; not to be changed.

    Attributes:
        mode: Speech or audio.
        bank: Filters and framing.
        signal: Samples and spectrogram.
        rms: Root mean square of the samples.
        patches: First frame of each patch.
        cuts: The samples under the patches.
        length: Transform length of the global alignment with a signal of the same length.
        spectrum: `envelope_spectra` of the whole signal at that length.
    """

    mode: Mode
    bank: FilterBank
    signal: Signal
    rms: float
    patches: NDArray[np.int64]
    cuts: ReferencePieces
    length: int
    spectrum: NDArray[np.complex128]


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """Similarity of two signals, band by band, lowest first; each of shape ``(bands,)``.

    Attributes:
        mean: NSIM, mean over patches ("fvnsim").
        low: Mean of the worst tenth of the patches, at least one ("fvnsim10").
        deviation: Pooled standard deviation over frames ("fstdnsim").
        energy: Level of the degraded patches in dB above the floor ("fvdegenergy").
    """

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    deviation: NDArray[np.float64]
    energy: NDArray[np.float64]

    @property
    def overall(self) -> float:
        """Mean NSIM over bands ("vnsim"), at most 1."""
        return float(self.mean.mean())


def prepare_reference(samples: NDArray[np.floating], sample_rate: int, mode: Mode) -> Reference:
    """Analyse the reference.

    Args:
        samples: In [-1, 1] (the noise floor is absolute), shape ``(samples,)``.
        sample_rate: In Hz; 16000 in speech mode and 48000 in audio mode, if scores are to be
            comparable. Nothing is resampled.
        mode: `SPEECH` or `AUDIO`.

    Raises:
        TooShortError: There is no room for a patch.
        SilentSignalError: Every sample is zero.
    """
    signal = np.ascontiguousarray(samples, dtype=np.float64)
    bank = filter_bank(sample_rate, mode.bands, mode.highest_hz)
    patches = mode.patches(signal, bank, mode.width)
    if patches.size == 0:
        frames = mode.width + mode.width // 2 - (1 if mode is SPEECH else 0)
        needed = (bank.size + (frames - 1) * bank.hop) / sample_rate
        msg = (
            f"ViSQOL in {mode.name} mode needs {needed:.2f} s for one patch, "
            f"found {signal.size / sample_rate:.2f} s; leave the clip out or join it with another"
        )
        raise TooShortError(msg)
    rms = float(np.sqrt(np.mean(signal * signal)))
    if rms == 0.0:
        msg = "the reference of ViSQOL is silent, every sample is zero; leave the clip out"
        raise SilentSignalError(msg)
    length = correlation_length(signal.size)
    return Reference(
        mode=mode,
        bank=bank,
        signal=Signal(samples=signal, spectrogram=bank.spectrogram_db(signal)),
        rms=rms,
        patches=patches,
        cuts=cut_reference(signal, patches, mode.width, bank),
        length=length,
        spectrum=envelope_spectra([signal], length),
    )


def compare(reference: Reference, samples: NDArray[np.floating]) -> Features:
    """Compare a degraded signal with the reference.

    Args:
        reference: From `prepare_reference`.
        samples: Degraded signal of the same rate, shape ``(samples,)``; its length may differ.

    Raises:
        MetricError: Nothing of it can be compared: too short or silent after alignment.
    """
    bank, width = reference.bank, reference.mode.width
    degraded = _match(reference, np.ascontiguousarray(samples, dtype=np.float64))
    ours, theirs = apply_common_floor(reference.signal.spectrogram, degraded.spectrogram)
    offsets, lost = find_offsets(ours, theirs, reference.patches, width)
    if offsets.size == 0:
        msg = "the degraded signal ends before the first patch of the reference"
        raise MetricError(msg, reason="no_matching_patch")
    patches = reference.patches[: offsets.size]
    similarity = compare_patches(
        _gather(ours, patches, width),
        _gather(np.pad(theirs, ((0, 0), (0, width))), offsets, width),
    )
    means = np.where(lost[:, None], 0.0, similarity.means)
    deviations, energies = similarity.deviations.copy(), similarity.energies.copy()
    starts = patches * bank.frame_s
    seconds = starts + bank.frame_s * width - starts

    scores = np.where(lost, 0.0, similarity.scores)
    numbers = np.flatnonzero(~lost).tolist()
    pairs = [(i, int(patches[i]), int(offsets[i])) for i in numbers]
    for again in realign(reference.signal, reference.cuts, degraded, pairs, width, bank):
        better = again.similarity.scores >= scores[again.patches]
        chosen = again.patches[better]
        means[chosen] = again.similarity.means[better]
        deviations[chosen] = again.similarity.deviations[better]
        energies[chosen] = again.similarity.energies[better]
        seconds[chosen] = again.seconds[better]
    final = PatchSimilarity(means=means, deviations=deviations, energies=energies)
    return aggregate(final, np.ceil(seconds / bank.frame_s))


def _match(reference: Reference, samples: NDArray[np.float64]) -> Signal:
    """Align the degraded signal as a whole and bring it to the reference's level."""
    ours = reference.signal.samples
    longest = max(ours.size, samples.size)
    if correlation_length(longest) == reference.length:
        length, spectrum = reference.length, reference.spectrum
    else:
        length = correlation_length(longest)
        spectrum = envelope_spectra([ours], length)
    found = best_lags(spectrum, envelope_spectra([samples], length), np.array([longest]), length)[0]
    lag = plausible(found, ours.size)
    moved = np.concatenate([np.zeros(lag), samples]) if lag > 0 else samples[-lag:]
    if reference.bank.count_frames(moved.size) == 0:
        msg = f"after alignment by {lag} samples, {moved.size} are left: too few for ViSQOL"
        raise MetricError(msg, reason="no_matching_patch")
    rms = float(np.sqrt(np.mean(moved * moved)))
    if rms == 0.0:
        msg = f"after alignment by {lag} samples, the degraded signal is silent"
        raise MetricError(msg, reason="silent_degraded")
    moved = moved * (reference.rms / rms)
    return Signal(samples=moved, spectrogram=reference.bank.spectrogram_db(moved))


def _gather(
    spectrogram: NDArray[np.float64], firsts: NDArray[np.int64], width: int
) -> NDArray[np.float64]:
    """Return the patches that begin at some frames, shape ``(patches, bands, width)``."""
    columns = firsts[:, None] + np.arange(width)
    return np.ascontiguousarray(spectrogram[:, columns].transpose(1, 0, 2))


def aggregate(similarity: PatchSimilarity, frames: NDArray[np.float64]) -> Features:
    """Summarise over patches.

    Args:
        similarity: Of all patches.
        frames: How many frames each patch counts for in the pooled deviation, shape
            ``(patches,)``.
    """
    means, count = similarity.means, similarity.means.shape[0]
    mean = means.mean(axis=0)
    worst = np.sort(means, axis=0)[: max(1, int(count * 0.1))]
    total = float(frames.sum())
    within = (frames - 1) @ similarity.deviations**2
    # Pooled variance: within patches and between their means. Rounding may make it negative.
    variance = (within + frames @ means**2 - total * mean**2) / max(total - 1, 1)
    return Features(
        mean=mean,
        low=worst.mean(axis=0),
        deviation=np.sqrt(np.maximum(variance, 0.0)),
        energy=similarity.energies.mean(axis=0),
    )
