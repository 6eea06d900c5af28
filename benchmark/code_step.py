"""One coding step, inside the child: clip → bytes → fresh decoder → degraded audio, kept."""

import base64
import time
import zlib
from collections import OrderedDict
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import Codec
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.registry import get_codec
from codecbench.benchmark.conditions.base import Reception
from codecbench.benchmark.conditions.describe import ready_condition
from codecbench.benchmark.conditions.loss import cut_packets
from codecbench.benchmark.conditions.spec import ParsedCondition
from codecbench.benchmark.framing import Message
from codecbench.benchmark.objects import ObjectStore
from codecbench.benchmark.references import References, UnusableReferenceError, draw_of
from codecbench.core.audio import Audio
from codecbench.core.errors import (
    BitstreamError,
    NonFiniteError,
    SignalError,
    SignalMismatchError,
    UnsupportedSettingError,
)
from codecbench.core.fingerprint import Json
from codecbench.core.resampling import resample
from codecbench.metrics.alignment import measure_alignment
from codecbench.metrics.bit_statistics import count_codes
from codecbench.metrics.screening import degraded_reason, screen_degraded

_KEPT_CODECS = 3
_MAX_COUNTS_BYTES = 2**26
"""Sixteen bytes for each entry of the largest codebook that is counted."""
_KEPT_INPUTS = 2


class CodingBench:
    """Keeps the last few codecs loaded: one instance that encodes, another that decodes."""

    def __init__(self, references: References) -> None:
        """Share the references with the scoring side."""
        self._references = references
        self._codecs: OrderedDict[str, tuple[Codec, Codec]] = OrderedDict()
        self._kept: OrderedDict[tuple[str, ...], dict[str, tuple[Encoded, float]]] = OrderedDict()

    def codecs(self, spec: str) -> tuple[Codec, Codec]:
        """Return the loaded encoder and decoder of a spec; never the same object."""
        if spec not in self._codecs:
            encoder, decoder = get_codec(spec), get_codec(spec)
            encoder.load()
            decoder.load()
            self._codecs[spec] = (encoder, decoder)
            while len(self._codecs) > _KEPT_CODECS:
                self._codecs.popitem(last=False)
        self._codecs.move_to_end(spec)
        return self._codecs[spec]

    def run(self, request: Message) -> Message:
        """Code one clip at one point.

        Args:
            request: ``spec``, ``point``, ``points`` (all that this clip is coded at), ``path``,
                ``sha256``, ``clip`` (id), ``sample_rate`` (of the evaluation), ``condition``,
                ``seed``, ``objects`` (folder). With ``bitstream``, the path of one that was made
                before, nothing is encoded and that one is decoded.

        Returns:
            ``status`` ok with what was measured, or undefined or failed with its reason.
        """
        path, sha256 = str(request["path"]), str(request["sha256"])
        rate = int(str(request["sample_rate"]))
        try:
            self._references.native(path, sha256)
        except UnusableReferenceError as error:
            return {"status": "undefined", "reason": error.reason, "detail": error.detail}
        spec = str(request["spec"])
        started = time.perf_counter()
        encoder, decoder = self.codecs(spec)
        load_s = time.perf_counter() - started
        condition = ready_condition(str(request["condition"]))
        try:
            treated = self._references.treated(request)
            reference = self._references.scored(request, rate)
        except UnusableReferenceError as error:
            return {"status": "undefined", "reason": error.reason, "detail": error.detail}
        audio = resample(treated.audio, encoder.info.sample_rate)
        if "bitstream" in request:
            encoded, encode_s = _read_bitstream(request, audio), 0.0
        else:
            names = request["points"]
            wanted = [str(name) for name in names] if isinstance(names, list) else []
            heard = (spec, *_input_of(request, condition))
            encoded, encode_s = self._encode(encoder, heard, audio, str(request["point"]), wanted)
        blob = encoded.to_bytes()
        started = time.perf_counter()
        try:
            received = condition.receive(decoder, Encoded.from_bytes(blob), draw_of(request))
        except NonFiniteError as error:
            return {"status": "failed", "reason": "nonfinite_degraded", "detail": str(error)}
        except UnsupportedSettingError as error:
            if condition.lossy is None:
                raise
            return {"status": "skipped", "reason": "no_such_concealment", "detail": str(error)}
        decode_s = time.perf_counter() - started
        store = ObjectStore(Path(str(request["objects"])))
        decoded = _undo_gain(received.audio, treated.gain)
        record = _judge(encoder, audio, decoded, reference, store)
        if record["status"] != "ok":
            return record
        record |= {
            "bitstream": store.put_bitstream(blob),
            "load_s": load_s,
            "encode_s": encode_s,
            "decode_s": decode_s,
            "input_clipped_share": treated.audio.clipped_share,
            **_count_packets(decoder, encoded, received),
            **_count_bits(encoded),
        }
        return record

    def _encode(
        self, encoder: Codec, heard: tuple[str, ...], audio: Audio, name: str, wanted: list[str]
    ) -> tuple[Encoded, float]:
        """Return the encoded clip and the time that it took, kept where it was coded before.

        Conditions of the channel code one input again and again.
        """
        kept = self._kept.setdefault(heard, {})
        self._kept.move_to_end(heard)
        while len(self._kept) > _KEPT_INPUTS:
            self._kept.popitem(last=False)
        if name in kept:
            return kept[name]
        started = time.perf_counter()
        if type(encoder).encode_points is Codec.encode_points:
            encoded = encoder.encode(audio, encoder.point(name))
            kept[name] = (encoded, time.perf_counter() - started)
            return kept[name]
        points = [encoder.point(each) for each in dict.fromkeys([*wanted, name])]
        nested = encoder.encode_points(audio, points)
        took = time.perf_counter() - started
        for point, each in zip(points, nested, strict=True):
            kept[point.name] = (each, took if point.name == name else 0.0)
        return kept[name]


def _input_of(request: Message, condition: ParsedCondition) -> tuple[str, ...]:
    """Name what an encoder hears; to hash the signal would take as long as to write it."""
    if not condition.treatments:
        return (str(request["sha256"]),)
    draw = draw_of(request)
    return draw.sha256, draw.clip, str(draw.seed), *(part.text for part in condition.treatments)


def _read_bitstream(request: Message, audio: Audio) -> Encoded:
    """Return what somebody else's encoder made of a clip, where it can be that.

    Raises:
        BitstreamError: It is damaged, or of another signal or point. A decoder takes the length
            on trust, which a stranger's bytes do not deserve.
    """
    encoded = Encoded.from_bytes(Path(str(request["bitstream"])).read_bytes())
    found = (encoded.point, encoded.n_samples, encoded.sample_rate)
    wanted = (str(request["point"]), audio.n_samples, audio.sample_rate)
    if found != wanted:
        msg = f"bitstream of another signal: point, samples and rate are {found}, wanted {wanted}"
        raise BitstreamError(msg)
    return encoded


def _judge(
    codec: Codec, audio: Audio, decoded: Audio, reference: Audio, store: ObjectStore
) -> Message:
    """Measure length, delay, gain and polarity, and keep the degraded audio as it is scored."""
    if decoded.sample_rate != codec.info.sample_rate:
        detail = f"decoded at {decoded.sample_rate} Hz, {codec.info.sample_rate} Hz declared"
        return {"status": "failed", "reason": "wrong_sample_rate", "detail": detail}
    difference = decoded.n_samples - audio.n_samples
    if abs(difference) > codec.info.frame_samples:
        detail = f"{decoded.n_samples} samples decoded, {audio.n_samples} coded"
        return {"status": "failed", "reason": "wrong_length", "detail": detail}
    fitted = decoded.samples[: audio.n_samples]
    if difference < 0:
        fitted = np.pad(fitted, (0, -difference))
    try:
        # Rounding of lengths between two rates is ours, not the codec's: one sample of grace.
        screened = screen_degraded(
            fitted, decoded.sample_rate, reference=reference, frame_samples=1
        )
    except SignalMismatchError as error:
        return {"status": "failed", "reason": "wrong_length", "detail": str(error)}
    except SignalError as error:
        return {"status": "failed", "reason": degraded_reason(error), "detail": str(error)}
    started = time.perf_counter()
    facts: dict[str, Json] = asdict(measure_alignment(reference, screened.audio))
    measure_s = time.perf_counter() - started
    return {
        "status": "ok",
        "degraded": store.put_audio(screened.audio),
        "length_difference": difference,
        "clipped_share": max(decoded.clipped_share, screened.clipped_share),
        "alignment": facts,
        "measure_s": measure_s,
    }


def _undo_gain(decoded: Audio, gain: float) -> Audio:
    """Return the decoded signal as loud as the clip was before a treatment made it louder."""
    if gain == 1.0:
        return decoded
    return Audio.clip((decoded.samples / gain).astype(np.float32), decoded.sample_rate)


def _count_packets(decoder: Codec, encoded: Encoded, received: Reception) -> Message:
    """Say what was lost, and how many packets a network would carry."""
    sent: int | None = received.packets
    if not received.concealment:
        try:
            sent = cut_packets(decoder, encoded).count
        except UnsupportedSettingError:
            sent = None
    return {
        "sent_packets": sent,
        "lost_packets": received.lost,
        "concealment": received.concealment,
    }


def _count_bits(encoded: Encoded) -> Message:
    record: Message = {
        "payload_bits": encoded.payload_bits,
        "wire_bits": encoded.wire_bits,
        "total_bits": encoded.total_bits,
        "packets": len(encoded.packets),
        "coded_s": encoded.duration_s,
    }
    if encoded.codes is not None:
        record["codebook_sizes"] = list(encoded.codebook_sizes)
        record["frames"] = int(encoded.codes.shape[1])
        counts = count_codes(encoded.codes, encoded.codebook_sizes)
        record["code_counts"] = [pack_counts(book) for book in counts]
    return record


def pack_counts(counts: NDArray[np.int64]) -> str:
    """Return how often each index occurs, shape ``(size,)``, as compressed text."""
    values = np.flatnonzero(counts)
    data = np.stack([values, counts[values]]).astype("<i8").tobytes()
    # Higher levels save a fourteenth of the room and take five times as long.
    return base64.b64encode(zlib.compress(data, 1)).decode()


def unpack_counts(text: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices and their counts that `pack_counts` wrote.

    Raises:
        ValueError: It wrote nothing like it.
    """
    try:
        data = zlib.decompressobj().decompress(base64.b64decode(text), _MAX_COUNTS_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    table = np.frombuffer(data, dtype="<i8").reshape(2, -1)
    return table[0], table[1]
