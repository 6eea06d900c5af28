"""libopus through ctypes: what PyAV does not offer, such as decoding at 16 kHz.

The library is the one inside PyAV's wheel, so that everybody with the same wheel gets the same
bytes; its packets are those of PyAV's own libopus encoder. Functions and constants are those of
opus.h and opus_defines.h (https://opus-codec.org/docs/opus_api-1.5/).

`opus_encoder_ctl` is variadic: no argument types are set for it, because ctypes passes variadic
arguments rightly only on platforms where they travel like others, which excludes Apple's arm64.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.bitstream import Received
from codecbench.adapters.reference.shared_library import LibraryFile
from codecbench.core.errors import BitstreamError, EncodeError

APPLICATIONS = {"voip": 2048, "audio": 2049, "lowdelay": 2051}
"""OPUS_APPLICATION_VOIP, _AUDIO, _RESTRICTED_LOWDELAY."""
_SET_BITRATE = 4002
_SET_VBR = 4006
_SET_COMPLEXITY = 4010
_SET_INBAND_FEC = 4012
_SET_PACKET_LOSS_PERC = 4014
_SET_VBR_CONSTRAINT = 4020
_GET_LOOKAHEAD = 4027
_MAX_PACKET_BYTES = 4000  # what opus.h recommends


@dataclass(frozen=True, slots=True, kw_only=True)
class OpusSettings:
    """Settings of one encoder.

    Attributes:
        sample_rate: In Hz: 8000, 12000, 16000, 24000 or 48000.
        application: Key of `APPLICATIONS`.
        bitrate_bps: Asked for, in bit/s.
        vbr: Whether packets may differ in size.
        constrained: With `vbr`, whether the rate is held over each short stretch.
        complexity: 0 … 10.
        fec: Whether packets carry a coarser copy of the frame before them.
        expected_loss: Packets in percent that the encoder expects to be lost, 0 … 100.
    """

    sample_rate: int
    application: str
    bitrate_bps: int
    vbr: bool
    constrained: bool
    complexity: int
    fec: bool = False
    expected_loss: int = 0


class LibOpus:
    """A loaded libopus."""

    def __init__(self, file: LibraryFile) -> None:
        """Load the library.

        Raises:
            MissingDependencyError: It cannot be loaded.
        """
        self._lib = file.open()
        pointer, integer = ctypes.c_void_p, ctypes.c_int
        self._lib.opus_get_version_string.restype = ctypes.c_char_p
        self._lib.opus_strerror.restype = ctypes.c_char_p
        self._lib.opus_encoder_create.restype = pointer
        self._lib.opus_encoder_destroy.argtypes = [pointer]
        self._lib.opus_encode.argtypes = [pointer, pointer, integer, pointer, ctypes.c_int32]
        self._lib.opus_decoder_create.restype = pointer
        self._lib.opus_decoder_destroy.argtypes = [pointer]
        self._lib.opus_decode.argtypes = [
            *(pointer, ctypes.c_char_p, ctypes.c_int32, pointer, integer, integer)
        ]

    @property
    def version(self) -> str:
        """What the library calls itself, such as "libopus 1.6.1"."""
        text: bytes = self._lib.opus_get_version_string()
        return text.decode()

    def lookahead(self, settings: OpusSettings) -> int:
        """Return the encoder's look-ahead in samples at its own rate."""
        value = ctypes.c_int32()
        with self._encoder(settings) as encoder:
            code = self._lib.opus_encoder_ctl(encoder, _GET_LOOKAHEAD, ctypes.byref(value))
            self._check(code, "OPUS_GET_LOOKAHEAD")
        return value.value

    def encode(self, frames: NDArray[np.int16], settings: OpusSettings) -> list[bytes]:
        """Code frames with a fresh encoder.

        Args:
            frames: int16 ``(frames, samples)``.
            settings: All settings of the encoder.

        Returns:
            One packet for each frame.

        Raises:
            EncodeError: libopus refuses.
        """
        buffer = ctypes.create_string_buffer(_MAX_PACKET_BYTES)
        packets = []
        with self._encoder(settings) as encoder:
            for frame in np.ascontiguousarray(frames):
                size = self._lib.opus_encode(
                    encoder, frame.ctypes.data, frame.size, buffer, _MAX_PACKET_BYTES
                )
                self._check(size, "opus_encode")
                packets.append(buffer.raw[:size])
        return packets

    def decode(
        self, received: Received, *, sample_rate: int, frame: int, fec: bool = False
    ) -> NDArray[np.int16]:
        """Decode packets with a fresh decoder.

        A lost packet is taken from the copy in the packet after it where `fec` says that there is
        one and that packet arrived, and extrapolated otherwise.

        Args:
            received: In order, None where one was lost.
            sample_rate: Rate of the output, in Hz.
            frame: Samples of each packet at that rate.
            fec: Whether to look for copies.

        Returns:
            int16 ``(packets * frame,)``, late by the encoder's look-ahead.

        Raises:
            BitstreamError: A packet is damaged, or of another duration.
        """
        error = ctypes.c_int()
        decoder = ctypes.c_void_p(
            self._lib.opus_decoder_create(ctypes.c_int32(sample_rate), 1, ctypes.byref(error))
        )
        if not decoder:
            raise BitstreamError(self._message(error.value, "opus_decoder_create"))
        out = np.zeros((len(received), frame), dtype=np.int16)
        try:
            for index, packet in enumerate(received):
                if packet == b"":  # libopus would conceal a loss without saying so
                    msg = f"packet {index} of opus is empty"
                    raise BitstreamError(msg)
                following = received[index + 1] if index + 1 < len(received) else None
                copied = fec and packet is None and following is not None
                data = following if copied else packet
                size = self._lib.opus_decode(
                    decoder, data, len(data or b""), out[index].ctypes.data, frame, int(copied)
                )
                if size != frame:
                    why = f"gives {size} samples" if size >= 0 else self._message(size, "decode")
                    msg = f"packet {index} of opus, {frame} samples wanted: {why}"
                    raise BitstreamError(msg)
        finally:
            self._lib.opus_decoder_destroy(decoder)
        return out.reshape(-1)

    @contextmanager
    def _encoder(self, settings: OpusSettings) -> Iterator[ctypes.c_void_p]:
        error = ctypes.c_int()
        encoder = ctypes.c_void_p(
            self._lib.opus_encoder_create(
                ctypes.c_int32(settings.sample_rate),
                1,
                APPLICATIONS[settings.application],
                ctypes.byref(error),
            )
        )
        if not encoder:
            raise EncodeError(self._message(error.value, "opus_encoder_create"))
        try:
            for request, value in (
                (_SET_BITRATE, settings.bitrate_bps),
                (_SET_VBR, int(settings.vbr)),
                (_SET_VBR_CONSTRAINT, int(settings.constrained)),
                (_SET_COMPLEXITY, settings.complexity),
                (_SET_INBAND_FEC, int(settings.fec)),
                (_SET_PACKET_LOSS_PERC, settings.expected_loss),
            ):
                code = self._lib.opus_encoder_ctl(encoder, request, ctypes.c_int32(value))
                self._check(code, f"request {request} with value {value}")
            yield encoder
        finally:
            self._lib.opus_encoder_destroy(encoder)

    def _check(self, code: int, what: str) -> None:
        if code < 0:
            raise EncodeError(self._message(code, what))

    def _message(self, code: int, what: str) -> str:
        text: bytes = self._lib.opus_strerror(code)
        return f"libopus: {what}: {text.decode()}"
