"""G.711, the companded PCM of telephony, in numpy."""

import numpy as np

from codecbench.adapters.base import CodecInfo, OperatingPoint
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.reference.g711_laws import LAWS, decoding_table, encoding_table
from codecbench.adapters.reference.pcm_packets import packet_samples
from codecbench.adapters.reference.reference_codec import Packets, ReferenceCodec, Signal
from codecbench.adapters.reference.settings import require_choice, require_whole
from codecbench.core.audio import Audio, round_to_int16


class G711Codec(ReferenceCodec):
    """8 bits per sample by the mu-law or the A-law, in packets of 20 ms, without delay.

    FFmpeg's mu-law encoder chooses another code than the standard's for 851 of the 65536 inputs;
    this one follows the standard.

    Source:
        ITU-T G.711 (11/1988).
    """

    def __init__(self, *, law: str = "mulaw", sample_rate: int = 8000) -> None:
        """Check the options.

        Args:
            law: "mulaw" or "alaw".
            sample_rate: 8000 Hz in the standard; any from 1000 to 192000 works.

        Raises:
            UnsupportedSettingError: An option is out of range.
        """
        self._law = require_choice("g711", "law", law, LAWS)
        rate = require_whole("g711", "sample_rate", sample_rate, 1000, 192000)
        self.points = (OperatingPoint(name=str(8 * rate), nominal_bps=8.0 * rate),)
        self.info = CodecInfo(
            name="g711",
            version="1",
            fingerprint="g711 1",
            sample_rate=rate,
            frame_samples=packet_samples(rate),
            licence="MIT",
            source="ITU-T G.711 (11/1988)",
        )

    def encode_packets(self, audio: Audio, point: OperatingPoint) -> Packets:
        """Look each sample up."""
        pcm = round_to_int16(audio.samples).astype(np.int64)
        codes = encoding_table(self._law)[pcm + 32768]
        frame = self.info.frame_samples
        packets = [codes[at : at + frame].tobytes() for at in range(0, codes.size, frame)]
        return [(packet, 8 * len(packet)) for packet in packets]

    def decode_packets(self, encoded: Encoded, point: OperatingPoint) -> Signal:
        """Look each code up."""
        codes = np.frombuffer(b"".join(encoded.packets), dtype=np.uint8)
        return decoding_table(self._law)[codes]
