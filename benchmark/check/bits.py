"""Checks of bits: what is claimed is what is sent, and what is sent carries the signal."""

import numpy as np

from codecbench.adapters.base import OperatingPoint
from codecbench.adapters.bit_packer import code_bits
from codecbench.adapters.bitstream import Encoded
from codecbench.benchmark.check.subject import (
    Check,
    Finding,
    Subject,
    failed,
    not_applicable,
    passed,
    warned,
)
from codecbench.core.errors import CodecBenchError

_MAX_PADDING_BITS = 15
"""Seven bits that fill the last byte, and one byte of a mode that the channel is told anyway."""
_RATE_TOLERANCE = 0.10
_EXTRA_PACKETS = 2
"""The end of a clip costs so many packets: its last, half-empty frame, and a flush."""


def _packet_bits(subject: Subject) -> Finding:
    worst = 0
    for point in subject.points:
        encoded = subject.encode(subject.clip, point)
        if not encoded.packets:
            return failed(f"no packets at {point.name}")
        for packet, bits in zip(encoded.packets, encoded.packet_bits, strict=True):
            worst = max(worst, 8 * len(packet) - bits)
        if worst > _MAX_PADDING_BITS:
            return failed(f"a packet at {point.name} holds {worst} bits more than it claims")
    return passed(f"at most {worst} bits of padding in a packet")


def _codes(subject: Subject) -> Finding:
    for point in subject.points:
        encoded = subject.encode(subject.clip, point)
        codes = encoded.codes
        if codes is None:
            return not_applicable("the codec shows no codes")
        if codes.ndim != 2 or codes.dtype.kind not in "iu":
            return failed(f"codes at {point.name} are {codes.dtype} {codes.shape}")
        sizes = np.asarray(encoded.codebook_sizes)[:, None]
        if ((codes < 0) | (codes >= sizes)).any():
            return failed(f"a code at {point.name} lies outside its codebook")
        needed = codes.shape[1] * sum(code_bits(size) for size in encoded.codebook_sizes)
        if encoded.payload_bits > needed:
            return warned(
                f"the codes need {needed} bits at {point.name}, the payload has "
                f"{encoded.payload_bits}: {encoded.payload_bits / needed:.2f} times as many"
            )
    return passed("codes lie in their codebooks, and the payload is no larger than they need")


def _payload(subject: Subject) -> Finding:
    for point in subject.edges:
        encoded = subject.encode(subject.clip, point)
        backwards = _reversed(encoded)
        try:
            out = subject.decode(backwards)
        except CodecBenchError:
            continue
        if out == subject.decode(encoded):
            return failed(f"the payload reversed decodes to the same signal at {point.name}")
    return passed("the payload reversed gives another signal, or is refused")


def _reversed(encoded: Encoded) -> Encoded:
    """Return the packets in reverse order; of a single packet, the bytes."""
    packets = tuple(reversed(encoded.packets))
    if len(packets) == 1:
        packets = (packets[0][::-1],)
    return Encoded(
        packets=packets,
        packet_bits=tuple(reversed(encoded.packet_bits)),
        point=encoded.point,
        n_samples=encoded.n_samples,
        sample_rate=encoded.sample_rate,
        header=encoded.header,
        header_bits=encoded.header_bits,
    )


def _rate(subject: Subject) -> Finding:
    ratios = []
    low = ""
    short = subject.is_neural and not subject.thorough
    info = subject.codec.info
    for point in subject.points:
        encoded = subject.encode(subject.clip, point) if short else subject.voiced(point)[0]
        bps = encoded.payload_bits / encoded.duration_s
        ratios.append(bps / point.nominal_bps)
        allowed = _allowed_bits(encoded, point, info.frame_samples / info.sample_rate)
        found = (
            f"nominal {point.nominal_bps / 1000:.3g} kbit/s, payload {bps / 1000:.3g} kbit/s "
            f"({ratios[-1]:.2f} times) at {point.name}"
        )
        excess = encoded.payload_bits - point.nominal_bps * encoded.duration_s
        if excess > allowed:
            return failed(found)
        if -excess > allowed:
            low = low or found
    if low:
        return warned(low)
    return passed(f"payload over nominal {min(ratios):.3f} … {max(ratios):.3f}")


def _allowed_bits(encoded: Encoded, point: OperatingPoint, frame_s: float) -> float:
    tolerance = _RATE_TOLERANCE * point.nominal_bps * encoded.duration_s
    # A clip in one packet has no packet too many, but its last frame may be nearly empty.
    if len(encoded.packets) <= _EXTRA_PACKETS:
        return max(tolerance, point.nominal_bps * frame_s)
    return max(tolerance, _EXTRA_PACKETS * float(np.median(encoded.packet_bits)))


def _side_information(subject: Subject) -> Finding:
    worst, where = 0.0, ""
    for point in subject.edges:
        encoded = subject.encode(subject.clip, point)
        share = encoded.header_bits / max(1, encoded.payload_bits)
        if share > worst:
            worst, where = share, f"{encoded.header_bits} bits of header at {point.name}"
        unclaimed = 8 * len(encoded.header) - encoded.header_bits
        if unclaimed > _MAX_PADDING_BITS:
            return failed(f"the header at {point.name} holds {unclaimed} bits more than it claims")
    if worst > _RATE_TOLERANCE:
        return warned(f"{where}: {worst:.0%} of the payload of {subject.clip.duration_s:g} s")
    return passed(where or "no header")


CHECKS = (
    Check(
        number=8,
        name="packet_bits",
        asks="packets claim the bits that they hold",
        advice="give packet_bits exactly and cut each packet to whole bytes",
        run=_packet_bits,
    ),
    Check(
        number=9,
        name="codes",
        asks="codes are integers in their codebooks, packed at ceil(log2 size) bits each",
        advice="pack with codecbench.pack_codes, and name the codebook sizes as they are",
        run=_codes,
    ),
    Check(
        number=10,
        name="payload",
        asks="the packets carry the signal",
        advice="decode from encoded.packets, not from what encode kept",
        run=_payload,
    ),
    Check(
        number=18,
        name="rate",
        asks="the payload has the rate that the point promises",
        advice="pack codes at ceil(log2 size) bits (codecbench.pack_codes), and let nominal_bps be "
        "what the setting promises; where the rate follows the signal, compare at measured rates",
        run=_rate,
    ),
    Check(
        number=33,
        name="side_information",
        asks="the header claims the bits that it holds, and is small",
        advice="count header_bits exactly; send per clip only what does not fit into packets",
        run=_side_information,
    ),
)
