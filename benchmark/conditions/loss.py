"""Packet loss: what arrives is decoded, and what does not is concealed in a way that is named."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import Codec
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.neural.neural_codec import NeuralCodec
from codecbench.benchmark.conditions.base import Channel, Draw, Reception
from codecbench.benchmark.conditions.concealment import (
    code_frame_samples,
    conceal_own,
    drop_upper_codebooks,
    last_arrived,
    mute,
    repeat_codes,
    repeat_packets,
    require_concealment,
)
from codecbench.benchmark.conditions.loss_process import (
    SLOT_MS,
    draw_bad_slots,
    lost_packets,
    read_trace,
    slots_needed,
    transitions,
)
from codecbench.core.audio import Audio
from codecbench.core.errors import ConfigError, UnsupportedSettingError
from codecbench.core.fingerprint import Json, hash_bytes
from codecbench.core.spec import Option

PACKET_MS = 20.0
"""Packet of a codec that has none of its own: whole frames, as near to this as can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packets:
    """How a clip is cut into packets.

    Attributes:
        count: How many.
        samples: Of the signal in each.
        frames: Code frames in each, where the harness cuts codes; 0 where the codec's own bytes
            are the packets.
        late: By how many samples the decoder's signal was late before it was aligned.
    """

    count: int
    samples: int
    frames: int
    late: int

    def spans(self, lost: NDArray[np.bool_], n_samples: int) -> list[slice]:
        """Return the samples of the decoded clip that lost packets carry."""
        ends = [
            (index * self.samples - self.late, (index + 1) * self.samples - self.late)
            for index in np.flatnonzero(lost)
        ]
        return [slice(max(0, a), min(b, n_samples)) for a, b in ends if b > 0 and a < n_samples]


class LossCondition(Channel):
    """Loses packets that are sent in bad slots of 10 ms.

    Slots are good or bad by a Gilbert–Elliott chain, or as a trace says, the same for every codec
    however long its packets are. Side information that is sent once per clip is not lost.

    A neural codec loses packets of whole frames: its own packets where it streams, otherwise as
    many frames as come nearest to 20 ms.
    """

    name = "loss"
    definition = (
        "Gilbert-Elliott on slots of 10 ms, a packet lost when the end of its last sample falls in "
        "a bad slot; repeat: last packet or codes that arrived, muted before the first; zero: "
        "muted; drop_codebooks: decoded from the lower codebooks, 5 ms cross-fade"
    )
    source = "Gilbert, BSTJ 39, 1960; Elliott, BSTJ 42, 1963"

    def __init__(
        self,
        *,
        loss: str | float,
        burst: float | None = None,
        conceal: Literal["auto", "own", "repeat", "zero"] = "auto",
        drop_codebooks: int = 0,
        packet_ms: float = PACKET_MS,
        slot_ms: float = SLOT_MS,
    ) -> None:
        """Check the options.

        Args:
            loss: Share of bad slots, as ``5%`` or ``0.05``; or the path of a trace.
            burst: Mean run of bad slots, in slots of 10 ms; without it slots are independent.
            conceal: "own", the codec's own concealment; "repeat", the last packet again; "zero",
                silence; "auto", the codec's own where it has one, else "repeat".
            drop_codebooks: Of a lost packet only so many upper codebooks are lost; for codecs
                with residual codebooks.
            packet_ms: Packets of codecs that do not stream.
            slot_ms: Time that one entry of a trace stands for.

        Raises:
            ConfigError: No chain has this loss and this burst, the trace cannot be read, or two
                options exclude each other.
        """
        rate = _share(loss)
        self._trace = None if rate is not None else read_trace(Path(str(loss)).expanduser())
        if self._trace is not None and burst is not None:
            msg = f"condition 'loss': a trace has bursts of its own; leave out burst={burst:g}"
            raise ConfigError(msg)
        if self._trace is None and slot_ms != SLOT_MS:
            msg = f"condition 'loss': slot_ms is for traces; the chain has slots of {SLOT_MS:g} ms"
            raise ConfigError(msg)
        if drop_codebooks < 0 or packet_ms <= 0 or slot_ms <= 0:
            msg = "condition 'loss' takes drop_codebooks of 0 or more, and times above 0"
            raise ConfigError(msg)
        if drop_codebooks and conceal != "auto":
            msg = f"condition 'loss': drop_codebooks is a concealment; leave out conceal={conceal}"
            raise ConfigError(msg)
        if rate is not None:
            transitions(rate, burst)
        self._loss = rate
        self._burst = burst
        self._conceal = conceal
        self._drop = drop_codebooks
        self._packet_ms = packet_ms
        self._slot_ms = slot_ms

    @property
    def is_perfect(self) -> bool:
        """Whether nothing is ever lost."""
        return self._loss == 0.0 if self._trace is None else not self._trace.any()

    def shown(self) -> Mapping[str, Option]:
        """Write the share in percent."""
        return {} if self._loss is None else {"loss": f"{100 * self._loss:.10g}%"}

    def content(self) -> Json:
        """Return the hash of the trace."""
        return None if self._trace is None else hash_bytes(np.packbits(self._trace).tobytes())

    def bad_slots(self, n_slots: int, draw: Draw) -> NDArray[np.bool_]:
        """Return the bad slots of one clip; a trace is read from a random place on, in a circle."""
        if self._trace is None:
            assert self._loss is not None  # one of the two is given
            # One stream per clip, loss and burst: reference_codecs' practice, so that two
            # conditions do not share their luck.
            generator = draw.generator(f"loss:{self._loss!r}:{self._burst!r}")
            return draw_bad_slots(n_slots, self._loss, self._burst, generator)
        start = int(draw.generator("loss:trace").integers(self._trace.size))
        return self._trace[(start + np.arange(n_slots)) % self._trace.size]

    def mask(self, packets: Packets, sample_rate: int, draw: Draw) -> NDArray[np.bool_]:
        """Return which packets of a clip are lost."""
        where = (packets.count, packets.samples, sample_rate, self._slot_ms)
        return lost_packets(self.bad_slots(slots_needed(*where), draw), *where)

    def receive(self, decoder: Codec, encoded: Encoded, draw: Draw) -> Reception:
        """Decode what arrives; see `Channel.receive`."""
        packets = cut_packets(decoder, encoded, self._packet_ms)
        policy = self._policy(decoder)
        lost = self.mask(packets, encoded.sample_rate, draw)
        # Also where nothing is lost: a wrong option must not depend on luck.
        keep = self._books_kept(decoder, encoded) if self._drop else 0
        if not lost.any():
            audio = decoder.decode(encoded)
        elif self._drop:
            assert isinstance(decoder, NeuralCodec)  # _books_kept refuses others
            spans = packets.spans(lost, encoded.n_samples)
            audio = drop_upper_codebooks(decoder, encoded, spans, keep)
        else:
            audio = _decode(decoder, encoded, packets, lost, policy)
        return Reception(
            audio=audio, concealment=policy, packets=packets.count, lost=int(lost.sum())
        )

    def _policy(self, decoder: Codec) -> str:
        if self._drop:
            return f"drop-codebooks={self._drop}"
        if self._conceal == "own":
            require_concealment(decoder)
        if self._conceal == "own" or (self._conceal == "auto" and decoder.conceals):
            return f"own: {decoder.concealment}"
        return "repeat" if self._conceal == "auto" else self._conceal

    def _books_kept(self, decoder: Codec, encoded: Encoded) -> int:
        name = decoder.info.name
        if not isinstance(decoder, NeuralCodec):
            msg = f"{name} has no codebooks to drop; ask for conceal=repeat or zero"
            raise UnsupportedSettingError(msg)
        rows = len(decoder.codebook_sizes(decoder.point(encoded.point)))
        can = sorted(rows - len(decoder.codebook_sizes(point)) for point in decoder.points)
        if self._drop not in can or self._drop == 0:
            fits = ", ".join(str(count) for count in can if count > 0) or "none"
            msg = (
                f"{name} at {encoded.point} cannot lose its upper {self._drop} of {rows} "
                f"codebooks; with the points of this system it can lose: {fits}"
            )
            raise UnsupportedSettingError(msg)
        return rows - self._drop


def cut_packets(decoder: Codec, encoded: Encoded, packet_ms: float = PACKET_MS) -> Packets:
    """Return the packets in which a clip travels.

    Args:
        decoder: The codec.
        encoded: The clip.
        packet_ms: Packet wanted of a codec that codes the whole clip in one.

    Raises:
        UnsupportedSettingError: The codec sends the clip in one piece.
    """
    info, rate = decoder.info, encoded.sample_rate
    samples = decoder.packet_samples(decoder.point(encoded.point))
    count = len(encoded.packets)
    late = info.lookahead_samples
    if isinstance(decoder, NeuralCodec):
        n_frames = decoder.code_frames(decoder.padded_length(encoded.n_samples))
        frame = code_frame_samples(decoder, encoded.n_samples)
        own = decoder.packet_frames
        frames = own or max(1, round(packet_ms * rate / 1000 / frame))
        count = -(-n_frames // frames)
        return Packets(
            count=count,
            samples=round(frames * frame),
            frames=0 if own and decoder.conceals else frames,
            late=decoder.start_of(encoded.n_samples),
        )
    if count * samples < encoded.n_samples:
        msg = f"{info.name} sends {count} packets for {encoded.n_samples} samples; none can be lost"
        raise UnsupportedSettingError(msg)
    return Packets(count=count, samples=samples, frames=0, late=late)


def _decode(
    decoder: Codec, encoded: Encoded, packets: Packets, lost: NDArray[np.bool_], policy: str
) -> Audio:
    if policy.startswith("own"):
        return conceal_own(decoder, encoded, lost)
    spans = packets.spans(lost, encoded.n_samples)
    if policy == "zero" and decoder.conceals:
        # Nothing of a lost packet may reach the decoder's state either.
        return mute(conceal_own(decoder, encoded, lost), spans)
    if packets.frames:
        assert isinstance(decoder, NeuralCodec)  # cut_packets counts frames of no others
        audio = repeat_codes(decoder, encoded, lost, packets.frames)
    else:
        audio = repeat_packets(decoder, encoded, lost)
    if policy == "zero":
        return mute(audio, spans)
    first = last_arrived(lost)
    before = lost.copy()
    before[int(first[0]) if first is not None else lost.size :] = False
    return mute(audio, packets.spans(before, encoded.n_samples))


def _share(loss: str | float) -> float | None:
    """Return the share that is written as a number or in percent; None for a path."""
    if isinstance(loss, int | float):
        return float(loss)
    if loss.endswith("%"):
        try:
            return float(loss[:-1]) / 100
        except ValueError as error:
            msg = f"condition 'loss' takes a share such as 5%, found {loss}"
            raise ConfigError(msg) from error
    return None
