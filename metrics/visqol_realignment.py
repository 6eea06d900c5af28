"""Second look of ViSQOL at each matched pair of patches: aligned to the sample, compared again.

Source: google/visqol 38d0b016, comparison_patches_selector.cc (FinelyAlignAndRecreatePatches).

Every frame of a ViSQOL spectrogram is filtered from rest, so a frame depends only on its own
samples. Hence a piece that begins on the frame grid has the very frames of the whole signal's
spectrogram, and only pieces moved off the grid are filtered again; in most pairs of a waveform
codec there are none.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codecbench.metrics.visqol_alignment import (
    Piece,
    align_pieces,
    best_lags,
    correlation_length,
    cut,
    envelope_spectra,
    plausible,
)
from codecbench.metrics.visqol_gammatone import FilterBank
from codecbench.metrics.visqol_similarity import (
    PatchSimilarity,
    apply_common_floor,
    compare_patches,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A signal with its spectrogram.

    Attributes:
        samples: Shape ``(samples,)``.
        spectrogram: `FilterBank.spectrogram_db` of it, shape ``(bands, frames)``.
    """

    samples: NDArray[np.float64]
    spectrogram: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencePieces:
    """The pieces of the reference under its patches, ready to be correlated.

    Attributes:
        pieces: One for each patch.
        spectra: `envelope_spectra` of them.
        length: Transform length.
    """

    pieces: list[Piece]
    spectra: NDArray[np.complex128]
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Realigned:
    """Pairs compared again.

    Attributes:
        patches: Which of the pairs, shape ``(n,)``.
        similarity: Their new similarity.
        seconds: Duration of the reference piece from its start to its end on ViSQOL's time axis;
            its rounding decides how many frames the piece counts for.
    """

    patches: NDArray[np.int64]
    similarity: PatchSimilarity
    seconds: NDArray[np.float64]


def cut_patches(
    firsts: NDArray[np.int64], width: int, n_samples: int, bank: FilterBank
) -> list[Piece]:
    """Return the piece of a signal under each patch, given the patches' first frames."""
    starts = (firsts * bank.frame_s).tolist()
    return [
        cut(start, start + bank.frame_s * width, n_samples, bank.sample_rate) for start in starts
    ]


def cut_reference(
    samples: NDArray[np.float64], patches: NDArray[np.int64], width: int, bank: FilterBank
) -> ReferencePieces:
    """Cut the reference and transform its envelopes."""
    pieces = cut_patches(patches, width, samples.size, bank)
    # Rounding of times can lengthen a piece by a sample.
    length = correlation_length(width * bank.hop + 2)
    spectra = envelope_spectra([piece.take(samples) for piece in pieces], length)
    return ReferencePieces(pieces=pieces, spectra=spectra, length=length)


def realign(
    reference: Signal,
    cuts: ReferencePieces,
    degraded: Signal,
    pairs: list[tuple[int, int, int]],
    width: int,
    bank: FilterBank,
) -> list[Realigned]:
    """Align each pair of patches in time and compare it again.

    Args:
        reference: The reference.
        cuts: Its pieces.
        degraded: The degraded signal, globally aligned and at the reference's level.
        pairs: Number of the patch, its first frame, and the frame matched to it, of each pair.
        width: Frames in a patch.
        bank: The filter bank.

    Returns:
        What was compared, in groups of equal width. Pairs that do not overlap by more than a
        window are left out.
    """
    numbers = [number for number, _, _ in pairs]
    offsets = np.array([offset for _, _, offset in pairs], dtype=np.int64)
    ours = [cuts.pieces[number] for number in numbers]
    theirs = cut_patches(offsets, width, degraded.samples.size, bank)
    spectra = envelope_spectra([piece.take(degraded.samples) for piece in theirs], cuts.length)
    longest = np.array([max(len(a), len(b)) for a, b in zip(ours, theirs, strict=True)])
    lags = best_lags(cuts.spectra[numbers], spectra, longest, cuts.length)

    kept: list[tuple[int, float]] = []
    wanted: list[tuple[Signal, Piece]] = []
    for (number, first, _), our, their, found in zip(pairs, ours, theirs, lags, strict=True):
        lag = plausible(found, len(our))
        left, right = align_pieces(our, their, lag, bank.sample_rate)
        if bank.count_frames(len(left)) == 0:
            continue
        start = first * bank.frame_s + max(lag, 0) / bank.sample_rate
        kept.append((number, start + len(left) / bank.sample_rate - start))
        wanted += [(reference, left), (degraded, right)]
    images = _levels(wanted, bank)

    groups: dict[int, list[int]] = defaultdict(list)
    for i, image in enumerate(images[::2]):
        groups[image.shape[1]].append(i)
    results = []
    for members in groups.values():
        left_db, right_db = apply_common_floor(
            np.stack([images[2 * i] for i in members]),
            np.stack([images[2 * i + 1] for i in members]),
        )
        results.append(
            Realigned(
                patches=np.array([kept[i][0] for i in members]),
                similarity=compare_patches(left_db, right_db),
                seconds=np.array([kept[i][1] for i in members]),
            )
        )
    return results


def _levels(wanted: list[tuple[Signal, Piece]], bank: FilterBank) -> list[NDArray[np.float64]]:
    """Return the spectrogram of each piece, taken from its signal's where the grid allows."""
    images: dict[int, NDArray[np.float64]] = {}
    buffer: list[NDArray[np.float64]] = []
    starts: list[NDArray[np.int64]] = []
    filled = 0
    for i, (signal, piece) in enumerate(wanted):
        frames = bank.count_frames(len(piece))
        if piece.zeros == 0 and piece.begin % bank.hop == 0:
            first = piece.begin // bank.hop
            images[i] = signal.spectrogram[:, first : first + frames]
        else:
            buffer.append(piece.take(signal.samples))
            starts.append(filled + bank.hop * np.arange(frames, dtype=np.int64))
            filled += len(piece)
    if buffer:
        levels = bank.levels_db(np.concatenate(buffer), np.concatenate(starts))
        ends = np.cumsum([part.size for part in starts])[:-1]
        missing = [i for i in range(len(wanted)) if i not in images]
        images.update(zip(missing, np.split(levels, ends, axis=1), strict=True))
    return [images[i] for i in range(len(wanted))]
