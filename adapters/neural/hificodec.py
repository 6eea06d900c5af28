"""HiFi-Codec: group-residual vector quantisation between two HiFi-GANs."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, prod
from struct import pack, unpack
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import CodecInfo, OperatingPoint
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.neural.neural_codec import NeuralCodec
from codecbench.adapters.neural.reach import Conv, Transposed, lookahead_samples, same
from codecbench.adapters.reference.settings import require_choice
from codecbench.core.audio import Audio
from codecbench.core.checkpoint import (
    Checkpoint,
    CheckpointError,
    load_tensors,
    plain_name,
)
from codecbench.core.errors import BitstreamError, EncodeError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from codecbench.adapters.neural.hificodec_model import HifiCodecModel

CODEBOOK_SIZE = 1024
LAYERS = 2
PEAK = 0.95
"""Peak to which training data were brought when the published checkpoints were announced."""
_SCALE_BYTES = 4
_SILENT_PEAK = 2.0**-126
"""Peaks of subnormal numbers have scales that float32 cannot hold."""
_GROUPS = tuple(2**power for power in range(10))
"""All that divide the 512 channels of the latent vector."""

# Sample rate, and rates and kernels of the generator. Source: the configurations of the official
# code, egs/HiFi-Codec-*/config_*.json.
_VARIANTS: dict[str, tuple[int, tuple[int, ...], tuple[int, ...]]] = {
    "16k_320d": (16000, (8, 5, 4, 2), (16, 11, 8, 4)),
    "24k_320d": (24000, (8, 5, 4, 2), (16, 11, 8, 4)),
    "24k_240d": (24000, (8, 5, 3, 2), (16, 11, 7, 4)),
}


class HifiCodecCodec(NeuralCodec):
    """HiFi-Codec as its official code has it, with one bit rate per checkpoint.

    The encoder normalises over all of a clip, so **every code depends on the whole utterance**: it
    does not stream, chunks give other codes than the whole, and so do appended zeros. What is
    done here: one clip at a time, filled up with zeros to a whole number of frames, the decoded
    signal cut to the length of the input. `encode_codes` adds no zeros and, like the official
    model, drops what is beyond the last whole frame. `info.lookahead_samples` is the reach of the
    convolutions alone.

    The published files were very probably trained on signals with a peak of 0.95, whereas the
    present official script feeds signals as they are; ``normalize=peak0.95`` does the former, and
    sends the scale as 32 bits of side information.

    Source:
        Yang et al., arXiv:2305.02765; https://github.com/yangdongchao/AcademiCodec.
    """

    nested = False
    weight_files = (
        "HiFi-Codec-16k-320d",
        "HiFi-Codec-24k-320d",
        "HiFi-Codec-24k-240d",
        "model.safetensors",
        "model.pth",
    )
    unwrap = ()
    only = ("encoder", "quantizer", "generator")

    def __init__(
        self,
        *,
        variant: Literal["16k_320d", "24k_320d", "24k_240d"] = "16k_320d",
        groups: int = 2,
        normalize: Literal["none", "peak0.95"] = "none",
        checkpoint: str | None = None,
        device: str = "cpu",
    ) -> None:
        """Check the options.

        Args:
            variant: Sample rate and samples per frame. A checkpoint tells the two 320d ones not
                apart.
            groups: Parts of the latent vector, each with two codebooks; divides 512.
            normalize: Code signals as they are, or brought to a peak of 0.95.
            checkpoint: The published single file, a folder with one, or "untrained", which is the
                network of published size; by default the narrow one that comes with codecbench,
                at 16 kHz with two groups.
            device: "cpu" or "cuda".

        Raises:
            UnsupportedSettingError: An option that HiFi-Codec does not have.
        """
        require_choice("hificodec", "variant", variant, _VARIANTS)
        require_choice("hificodec", "normalize", normalize, ("none", "peak0.95"))
        require_choice("hificodec", "groups", groups, _GROUPS)
        self.variant, self.groups, self.normalize = variant, groups, normalize
        sample_rate, self.rates, self.kernels = _VARIANTS[variant]
        self.hop_length = prod(self.rates)
        bits = LAYERS * groups * (CODEBOOK_SIZE - 1).bit_length()
        nominal_bps = bits * sample_rate / self.hop_length
        facts = CodecInfo(
            name="hificodec",
            version="",
            fingerprint="",
            sample_rate=sample_rate,
            frame_samples=self.hop_length,
            lookahead_samples=lookahead_samples(self._layers(), self.hop_length),
            causal=False,
            licence="MIT (code and, by a line in the readme, weights)",
            source="arXiv:2305.02765",
        )
        point = OperatingPoint(name=f"{nominal_bps:g}", nominal_bps=nominal_bps)
        super().__init__(
            facts,
            [point],
            checkpoint=checkpoint,
            device=device,
            shipped=(variant, groups) == ("16k_320d", 2),
        )

    def _layers(self) -> list[Conv | Transposed]:
        # The longest branch of a block: three pairs with 11 taps, dilations 1, 3 and 5.
        block = same(*(10 * dilation for dilation in (1, 3, 5)), 10, 10, 10)
        layers: list[Conv | Transposed] = [same(6)]
        for taps, rate in zip(self.kernels[::-1], self.rates[::-1], strict=True):
            layers += [Conv(taps - 1, rate, (taps - rate) // 2), block]
        layers += [same(2), same(6)]
        for taps, rate in zip(self.kernels, self.rates, strict=True):
            layers += [Transposed(rate, (taps - rate) // 2), block]
        return [*layers, same(6)]

    def make_model(self, checkpoint: Checkpoint | None) -> "nn.Module":
        """Make the network; see `NeuralCodec.make_model`."""
        from codecbench.adapters.neural.hificodec_model import (
            HifiCodecConfig,
            HifiCodecModel,
            infer_config,
        )

        if checkpoint is None:
            return HifiCodecModel(
                HifiCodecConfig(rates=self.rates, kernels=self.kernels, groups=self.groups)
            )
        self._require_variant(checkpoint)
        shapes = {plain_name(key): value.shape for key, value in checkpoint.tensors.items()}
        config = infer_config(shapes, rates=self.rates, kernels=self.kernels)
        model = HifiCodecModel(config)
        what = f"HiFi-Codec {self.variant} from '{checkpoint.path.name}'"
        load_tensors(model, checkpoint.tensors, what=what)
        return model

    def _require_variant(self, checkpoint: Checkpoint) -> None:
        """Say which option is wrong, where the tensors tell."""
        first_books = [
            key for key in checkpoint.tensors if key.startswith("quantizer.quantizer_modules.")
        ]
        if first_books and len(first_books) != self.groups:
            msg = (
                f"'{checkpoint.path}' has {len(first_books)} groups, asked for are {self.groups}; "
                f"say groups={len(first_books)}"
            )
            raise CheckpointError(msg)
        up = checkpoint.tensors.get("generator.ups.2.weight_v")
        if up is not None and up.ndim == 3 and up.shape[2] != self.kernels[2]:
            fitting = [name for name, facts in _VARIANTS.items() if facts[2][2] == up.shape[2]]
            msg = (
                f"'{checkpoint.path}' is not a HiFi-Codec {self.variant}; "
                f"say variant={' or '.join(fitting) or '…'}"
            )
            raise CheckpointError(msg)

    def codebook_sizes(self, point: OperatingPoint) -> tuple[int, ...]:
        """Return the entries of each codebook: all groups of layer 1, then those of layer 2."""
        return (CODEBOOK_SIZE,) * (LAYERS * self.groups)

    def padded_length(self, n_samples: int) -> int:
        """Return the next whole number of frames, in samples."""
        return ceil(n_samples / self.hop_length) * self.hop_length

    def code_frames(self, padded_length: int) -> int:
        """Return the number of whole frames."""
        return padded_length // self.hop_length

    def official_samples(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the signal, at whatever length and level it has.

        Raises:
            EncodeError: It is shorter than a frame.
        """
        if samples.size < self.hop_length:
            msg = (
                f"the official HiFi-Codec {self.variant} needs {self.hop_length} samples, "
                f"found {samples.size}; encode() fills up"
            )
            raise EncodeError(msg)
        return samples

    def model_codes(self, samples: "Tensor", point: OperatingPoint) -> "Tensor":
        """Run encoder and quantiser; see `NeuralCodec.model_codes`."""
        return self._network.encode(samples)[0]

    def model_samples(self, codes: "Tensor") -> "Tensor":
        """Run look-up and generator; see `NeuralCodec.model_samples`."""
        return self._network.decode(codes[None])[0]

    @property
    def _network(self) -> "HifiCodecModel":
        model: HifiCodecModel = self.model  # type: ignore[assignment]  # what make_model made
        return model

    def prepare_samples(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring the signal to its peak of 0.95 where that was asked for."""
        if self.normalize == "none":
            return samples
        return samples * _scale(samples)

    def encode_points(self, audio: Audio, points: Sequence[OperatingPoint]) -> list[Encoded]:
        """Code one clip, with its scale as a header where it was changed."""
        encoded = super().encode_points(audio, points)
        if self.normalize == "none":
            return encoded
        header = pack("<f", _scale(audio.samples))
        return [replace(one, header=header, header_bits=8 * len(header)) for one in encoded]

    def decode(self, encoded: Encoded) -> Audio:
        """Decode one clip, and give it its own level back; see `Codec.decode`."""
        wanted = 0 if self.normalize == "none" else _SCALE_BYTES
        if len(encoded.header) != wanted:
            msg = (
                f"hificodec with normalize={self.normalize} has {wanted} bytes of header, "
                f"the bitstream has {len(encoded.header)}"
            )
            raise BitstreamError(msg)
        decoded = super().decode(encoded)
        if not wanted:
            return decoded
        scale = unpack("<f", encoded.header)[0]
        if not (np.isfinite(scale) and scale > 0):
            msg = f"bitstream damaged: the level is scaled by {scale}"
            raise BitstreamError(msg)
        return Audio.clip(decoded.samples / np.float32(scale), decoded.sample_rate)


def _scale(samples: NDArray[np.float32]) -> np.float32:
    """Return what brings the peak to 0.95; 1 for silence and for what is as good as that."""
    peak = float(np.abs(samples).max(initial=0.0))
    return np.float32(PEAK / peak) if peak > _SILENT_PEAK else np.float32(1.0)
