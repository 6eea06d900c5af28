"""Speex, the free speech codec before Opus, by libspeex of the system."""

from collections.abc import Sequence

from codecbench.adapters.base import CodecInfo, OperatingPoint
from codecbench.adapters.bitstream import Received
from codecbench.adapters.reference.libspeex import LibSpeex
from codecbench.adapters.reference.reference_codec import (
    ConcealingCodec,
    Packets,
    Signal,
    pad_to_frames,
    require_packet_sizes,
)
from codecbench.adapters.reference.settings import (
    Number,
    point_number,
    rate_points,
    require_choice,
    require_whole,
)
from codecbench.adapters.reference.shared_library import (
    describe,
    find_in_system,
    require_in_system,
)
from codecbench.core.audio import Audio, round_to_int16
from codecbench.core.errors import BitstreamError

_SONAMES = ("libspeex.so.1",)
_DEBIAN_PACKAGE = "libspeex1"

# Exact bits per frame of 20 ms by quality 0 … 10: The Speex Codec Manual 1.2, tables 9.2 and 10.1.
_BITS = {
    8000: (43, 79, 119, 160, 160, 220, 220, 300, 300, 364, 492),
    16000: (79, 115, 155, 196, 256, 336, 412, 476, 556, 684, 844),
}
_DELAYS = {8000: 80, 16000: 223}
"""Encoder and decoder together, in samples: what SPEEX_GET_LOOKAHEAD returns for both."""


class SpeexCodec(ConcealingCodec):
    """Speex at a constant rate, narrowband at 8 kHz and wideband at 16 kHz.

    Zeros are coded after the end until the delay has come out; all packets count. In narrowband
    the qualities 3 and 4, 5 and 6, 7 and 8 share a rate and differ in the encoder's effort.

    Source:
        The Speex Codec Manual 1.2; RFC 5574.
    """

    rate_option = "quality"

    def __init__(
        self,
        *,
        quality: int | Sequence[int] = (2, 4, 6, 8),
        complexity: int = 8,
        sample_rate: int = 16000,
    ) -> None:
        """Check the options.

        Args:
            quality: 0 … 10, which fixes the rate: 2150 … 24600 bit/s in narrowband, 3950 … 42200
                in wideband.
            complexity: 0 … 10, the effort of the encoder; 2 is the library's own default.
            sample_rate: 8000 (narrowband) or 16000 Hz (wideband).

        Raises:
            UnsupportedSettingError: An option is out of range.
        """
        rate = require_choice("speex", "sample_rate", sample_rate, _BITS)
        self._complexity = require_whole("speex", "complexity", complexity, 0, 10)

        def check(value: Number) -> Number:
            return require_whole("speex", "quality", value, 0, 10)

        self.points = rate_points(
            "speex",
            "quality",
            quality,
            check=check,
            nominal_bps=lambda value: 50.0 * _BITS[rate][int(value)],
        )
        version, fingerprint = describe(find_in_system(_SONAMES))
        self._lib: LibSpeex | None = None
        self.info = CodecInfo(
            name="speex",
            version=version,
            fingerprint=fingerprint,
            sample_rate=rate,
            frame_samples=rate // 50,
            lookahead_samples=_DELAYS[rate],
            licence="BSD-3-Clause",
            source="The Speex Codec Manual 1.2",
            needs=(f"lib:{_DEBIAN_PACKAGE}",),
        )

    def load(self) -> None:
        """Load libspeex.

        Raises:
            MissingDependencyError: It is not installed.
        """
        self._library()

    def _library(self) -> LibSpeex:
        if self._lib is None:
            self._lib = LibSpeex(require_in_system(_SONAMES, debian_package=_DEBIAN_PACKAGE))
        return self._lib

    def delay_samples(self, point: OperatingPoint) -> int:
        """Return the delay of encoder and decoder."""
        return self.info.lookahead_samples

    def encode_packets(self, audio: Audio, point: OperatingPoint) -> Packets:
        """Code frame by frame, until the delay has come out."""
        frames = pad_to_frames(
            round_to_int16(audio.samples),
            self.info.frame_samples,
            extra=self.info.lookahead_samples,
        )
        return self._library().encode(
            frames,
            sample_rate=self.info.sample_rate,
            quality=int(point_number(point, "quality")),
            complexity=self._complexity,
        )

    def decode_received(self, received: Received, point: OperatingPoint) -> Signal:
        """Decode frame by frame."""
        bits = _BITS[self.info.sample_rate][int(point_number(point, "quality"))]
        require_packet_sizes(received, "speex", [-(-bits // 8)])
        signal, refused = self._library().decode(
            received,
            sample_rate=self.info.sample_rate,
            frame=self.info.frame_samples,
        )
        if refused:
            msg = f"packet {refused[0]} of speex is damaged"
            raise BitstreamError(msg)
        return signal
