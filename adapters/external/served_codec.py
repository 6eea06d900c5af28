"""The far side of a codec in an environment of its own: it makes one codec and does as asked."""

import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict
from typing import BinaryIO

import numpy as np

from codecbench.adapters.base import Codec
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.external.wire import (
    Message,
    pack_message,
    read_message,
    samples_from_bytes,
    samples_to_bytes,
)
from codecbench.adapters.registry import get_codec
from codecbench.core.audio import Audio
from codecbench.core.errors import CodecBenchError, MissingDependencyError
from codecbench.core.fingerprint import class_source_hash

Answer = tuple[Message, list[bytes]]


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until their end."""
    served = ServedCodec()

    def read(count: int) -> bytes:
        data = requests.read(count)
        if len(data) < count:
            raise EOFError
        return data

    while True:
        try:
            request, blobs = read_message(read)
        except EOFError:
            return
        try:
            message, content = served.answer(request, blobs)
        except Exception as error:  # noqa: BLE001  (any fault of a codec goes back as a message)
            message, content = {"error": _describe(error)}, []
        replies.write(pack_message(message, content))
        replies.flush()


class ServedCodec:
    """One codec, and what can be asked of it."""

    def __init__(self) -> None:
        """Make no codec yet; the first request names it."""
        self._codec: Codec | None = None
        self._operations: dict[str, Callable[[Message, list[bytes]], Answer]] = {
            "open": self._open,
            "load": self._load,
            "encode": self._encode,
            "decode": self._decode,
            "decode_lossy": self._decode_lossy,
        }

    def answer(self, request: Message, blobs: list[bytes]) -> Answer:
        """Do what is asked for, and return what came of it."""
        return self._operations[request["op"]](request, blobs)

    @property
    def codec(self) -> Codec:
        """The codec that was opened."""
        assert self._codec is not None  # "open" comes first
        return self._codec

    def _open(self, request: Message, blobs: list[bytes]) -> Answer:
        del blobs
        codec = get_codec(request["codec"])
        self._codec = codec
        facts = {
            "info": asdict(codec.info),
            "points": [asdict(point) for point in codec.points],
            "conceals": codec.conceals,
            "concealment": codec.concealment,
            "packet_samples": {p.name: codec.packet_samples(p) for p in codec.points},
            "violates": sorted(codec.violates),
            "source_hash": class_source_hash(type(codec)),
            "python": sys.version.split()[0],
            "numpy": np.__version__,
        }
        return facts, []

    def _load(self, request: Message, blobs: list[bytes]) -> Answer:
        del request, blobs
        self.codec.load()
        return {}, []

    def _encode(self, request: Message, blobs: list[bytes]) -> Answer:
        samples = samples_from_bytes(blobs[0]).reshape(request["shape"])
        audio = Audio(samples, request["sample_rate"])
        points = [self.codec.point(name) for name in request["points"]]
        if len(points) == 1:
            coded = [self.codec.encode(audio, points[0])]
        else:
            coded = self.codec.encode_points(audio, points)
        content: list[bytes] = []
        shapes = []
        for one in coded:
            codes = one.codes if one.codes is not None else np.zeros((0, 0), np.int64)
            shapes.append([*codes.shape, *one.codebook_sizes])
            content += [one.to_bytes(), np.ascontiguousarray(codes, "<i8").tobytes()]
        return {"codes": shapes}, content

    def _decode(self, request: Message, blobs: list[bytes]) -> Answer:
        del request
        return _sent(self.codec.decode(Encoded.from_bytes(blobs[0])))

    def _decode_lossy(self, request: Message, blobs: list[bytes]) -> Answer:
        return _sent(self.codec.decode_lossy(Encoded.from_bytes(blobs[0]), request["lost"]))


def _sent(audio: Audio) -> Answer:
    facts = {"sample_rate": audio.sample_rate, "clipped_share": float(audio.clipped_share)}
    return facts, [samples_to_bytes(audio.samples)]


def _describe(error: Exception) -> Message:
    first_line = (str(error).strip().splitlines() or [""])[0]
    described: Message = {
        "type": type(error).__name__,
        "ours": isinstance(error, CodecBenchError),
        # An address in a message would make two equal runs differ.
        "message": re.sub(r"0x[0-9a-fA-F]{4,}", "0x…", first_line)[:500],
        "memory": isinstance(error, MemoryError),
        "traceback": "".join(traceback.format_exception(error))[-4000:],
    }
    if isinstance(error, MissingDependencyError):
        described["missing"] = [error.package, error.fix, error.detail]
    return described
