"""What a receiver does about packets that never arrived."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import Codec
from codecbench.adapters.bit_packer import pack_packets, unpack_packets
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.neural.neural_codec import NeuralCodec
from codecbench.core.audio import Audio
from codecbench.core.errors import UnsupportedSettingError

FADE_MS = 5.0
"""Cross-fade where lost upper codebooks begin and end."""


def read_codes(codec: NeuralCodec, encoded: Encoded) -> NDArray[np.int64]:
    """Return the codes of a clip from its packets, ``(codebooks, frames)``."""
    sizes = codec.codebook_sizes(codec.point(encoded.point))
    frames = codec.code_frames(codec.padded_length(encoded.n_samples))
    return unpack_packets(encoded.packets, sizes, frames, codec.packet_frames or frames)


def code_frame_samples(codec: NeuralCodec, n_samples: int) -> float:
    """Return the samples that one frame of codes stands for.

    The declared frame, or a whole part of it: a padded length need not be whole frames.
    """
    padded = codec.padded_length(n_samples)
    about = padded / codec.code_frames(padded)
    return codec.info.frame_samples / max(1, round(codec.info.frame_samples / about))


def write_codes(codec: NeuralCodec, encoded: Encoded, codes: NDArray[np.int64]) -> Encoded:
    """Return a clip with other codes in its packets; fewer codebooks make it one of a lower point.

    Raises:
        UnsupportedSettingError: No point of the system has so many codebooks.
    """
    point = codec.point(encoded.point)
    if len(codes) != len(codec.codebook_sizes(point)):
        fitting = [each for each in codec.points if len(codec.codebook_sizes(each)) == len(codes)]
        if not fitting:
            msg = f"no point of this system of {codec.info.name} has {len(codes)} codebooks"
            raise UnsupportedSettingError(msg)
        point = fitting[0]
    sizes = codec.codebook_sizes(point)
    packets, bits = pack_packets(codes, sizes, codec.packet_frames or codes.shape[1])
    return replace(
        encoded,
        packets=packets,
        packet_bits=bits,
        point=point.name,
        codes=None,
        codebook_sizes=(),
    )


def conceal_own(decoder: Codec, encoded: Encoded, lost: NDArray[np.bool_]) -> Audio:
    """Let the codec fill in by itself."""
    return decoder.decode_lossy(encoded, [bool(gone) for gone in lost])


def repeat_packets(decoder: Codec, encoded: Encoded, lost: NDArray[np.bool_]) -> Audio:
    """Decode with the bytes of the last packet that arrived in place of each lost one.

    Before the first that arrived there is nothing to repeat: the output is muted there.
    """
    sources = last_arrived(lost)
    if sources is None:
        return _silence(encoded)
    packets = [encoded.packets[source] for source in sources]
    others = {len(packet) for packet in encoded.packets[:-1]}
    if len(others) == 1 and lost[-1]:
        # Packets of one size, the last one cut: a copy is cut too.
        packets[-1] = packets[-1][: len(encoded.packets[-1])]
    filled = replace(
        encoded,
        packets=tuple(packets),
        packet_bits=tuple(8 * len(packet) for packet in packets),
        codes=None,
        codebook_sizes=(),
    )
    return decoder.decode(filled)


def repeat_codes(
    decoder: NeuralCodec, encoded: Encoded, lost: NDArray[np.bool_], step: int
) -> Audio:
    """Decode with the codes of the last packet that arrived in place of each lost one.

    Args:
        decoder: The codec.
        encoded: The clip.
        lost: One entry per packet.
        step: Frames per packet.
    """
    sources = last_arrived(lost)
    if sources is None:
        return _silence(encoded)
    codes = read_codes(decoder, encoded)
    frames = np.arange(codes.shape[1])
    taken = sources[frames // step] * step + frames % step
    # The last packet may be shorter than what is copied from elsewhere, never longer.
    filled = codes[:, np.minimum(taken, codes.shape[1] - 1)]
    return decoder.decode(write_codes(decoder, encoded, filled))


def drop_upper_codebooks(
    decoder: NeuralCodec, encoded: Encoded, spans: Sequence[slice], keep: int
) -> Audio:
    """Decode lost packets from their first codebooks alone.

    The clip is decoded twice, with all codebooks and with the first ones, and the second takes
    the place of the first where packets were lost, cross-faded over 5 ms inside the loss.

    Args:
        decoder: The codec.
        encoded: The clip.
        spans: Samples of each lost packet.
        keep: Codebooks that arrive.
    """
    codes = read_codes(decoder, encoded)
    whole = decoder.decode(encoded).samples
    coarse = decoder.decode(write_codes(decoder, encoded, codes[:keep])).samples
    share = np.zeros(encoded.n_samples, dtype=np.float64)
    for span in spans:
        share[span] = 1.0
    fade = max(1, round(FADE_MS / 1000 * encoded.sample_rate))
    inside = np.minimum(_distance(share == 0.0), _distance((share == 0.0)[::-1])[::-1])
    share *= np.minimum(inside / fade, 1.0)
    mixed = whole * (1.0 - share) + coarse * share
    return Audio.clip(mixed.astype(np.float32), encoded.sample_rate)


def mute(audio: Audio, spans: Sequence[slice]) -> Audio:
    """Put zeros where packets were lost."""
    samples = audio.samples.copy()
    for span in spans:
        samples[span] = 0.0
    return Audio(samples, audio.sample_rate, audio.clipped_share)


def last_arrived(lost: NDArray[np.bool_]) -> NDArray[np.intp] | None:
    """Return for each packet the last one up to it that arrived.

    Before the first that arrived, that one; None where none arrived.
    """
    if lost.all():
        return None
    places = np.where(lost, -1, np.arange(lost.size))
    found = np.maximum.accumulate(places)
    return np.where(found < 0, int(np.argmin(lost)), found)


def require_concealment(decoder: Codec) -> None:
    """Refuse a codec without concealment of its own.

    Raises:
        UnsupportedSettingError: It has none.
    """
    if not decoder.conceals:
        msg = f"{decoder.info.name} has no concealment of its own; ask for conceal=repeat or zero"
        raise UnsupportedSettingError(msg)


def _silence(encoded: Encoded) -> Audio:
    return Audio(np.zeros(encoded.n_samples, dtype=np.float32), encoded.sample_rate)


def _distance(outside: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return how many samples ago the last one outside was; beyond the start none is."""
    at = np.arange(outside.size)
    last = np.maximum.accumulate(np.where(outside, at, -outside.size))
    return at - last
