"""The Spectrogram Patch Codec: a mel spectrogram in patches from one codebook, and a HiFi-GAN."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import CodecInfo, OperatingPoint
from codecbench.adapters.bit_packer import code_bits
from codecbench.adapters.neural.codec_stream import BlockStreamDecoder, BlockStreamEncoder
from codecbench.adapters.neural.neural_codec import NeuralCodec
from codecbench.adapters.neural.reach import Conv, Transposed, lookahead_samples, same
from codecbench.adapters.neural.shipped import shipped_config
from codecbench.adapters.reference.settings import (
    Number,
    point_number,
    rate_points,
    require_choice,
)
from codecbench.adapters.streaming import Stream
from codecbench.core.checkpoint import (
    Checkpoint,
    CheckpointError,
    find_checkpoint,
    load_tensors,
    stored_config,
)
from codecbench.core.errors import EncodeError, MissingWeightsError, UnsupportedSettingError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from codecbench.adapters.neural.patch_model import PatchConfig, PatchModel

SAMPLE_RATE = 16000
PACKET_SAMPLES = 512
PATCHES = 20
"""Patches of four bands in a column of 80."""
_SIZES = {
    # Channels and residual blocks of the VQ-VAE, numbers per codeword, channels of the vocoder.
    "small": (64, 2, 32, 128),
    "medium": (128, 4, 32, 128),
    "paper": (256, 4, 512, 512),
}
_CODEBOOK_SIZES = tuple(2**power for power in range(4, 15))


class PatchCodec(NeuralCodec):
    """The Spectrogram Patch Codec from what is known of its paper, in packets of 32 ms.

    Published: the mel spectrogram (80 bands, window 512, hop 128), patches of 4 × 4, one codebook
    of 4096 codewords with 512 numbers each, the vocoder's rates and kernels. That makes 625 codes
    of 12 bits per second: 7500 bit/s in packets of 30 bytes. Derived by us: layers and widths of
    the VQ-VAE, causal framing, the vocoder's widths. ``size=paper`` has the published length of
    codewords and HiFi-GAN's V1; "small" and "medium" are for processors.

    The published vocoder looks ahead, here 3208 samples (201 ms) beyond the packet; with
    ``causal=true`` none of it does, the latency is the packet's 32 ms, and it streams.

    Smaller codebooks are the beginning of the large one, so one network serves several rates,
    where it was trained so. That is ours too: the paper mentions a controllable bit rate and we
    do not know its mechanism.

    Source:
        Chary & Arjona Ramírez, arXiv:2509.02244.
    """

    rate_option = "codebook_size"
    nested = False
    weight_files = ("model.safetensors", "patch.safetensors", "model.pth")
    packet_frames = 1

    def __init__(
        self,
        *,
        codebook_size: int | Sequence[int] = 4096,
        causal: bool | None = None,
        size: Literal["small", "medium", "paper"] | None = None,
        patch_only: bool = False,
        checkpoint: str | None = None,
        device: str = "cpu",
    ) -> None:
        """Check the options.

        Args:
            codebook_size: Powers of two from 16; 256, 1024 and 4096 give 5000, 6250, 7500 bit/s.
            causal: Use a vocoder that sees no later frame, not the published kind; by default what
                the weights are for, and without weights the published kind.
            size: Width and depth; by default what the checkpoint says, or "small".
            patch_only: Quantise each patch by itself, without residual blocks in the encoder.
            checkpoint: File or folder of weights, or "untrained"; by default those that come with
                codecbench, where they are for these options.
            device: "cpu" or "cuda".

        Raises:
            UnsupportedSettingError: A size that there is not.
        """
        if size is not None:
            require_choice("patch", "size", size, _SIZES)
        self.size, self.patch_only = size, patch_only

        def check(value: Number) -> Number:
            return int(require_choice("patch", "codebook_size", value, _CODEBOOK_SIZES))

        points = rate_points(
            "patch",
            "codebook_size",
            codebook_size,
            check=check,
            nominal_bps=lambda entries: (
                PATCHES * code_bits(int(entries)) * SAMPLE_RATE / PACKET_SAMPLES
            ),
        )
        if checkpoint is None:
            stored = shipped_config("patch")
            sizes = {int(point_number(point, "codebook_size")) for point in points}
            trained = sizes <= set(stored.get("codebook_sizes", [stored.get("codebook_size")]))
            shipped = trained and size is None and not patch_only
            shipped = shipped and causal in (None, stored["causal"])
        else:
            stored, shipped = _config_of(checkpoint, self.weight_files), False
        if causal is None:
            causal = bool(stored.get("causal", False)) and (shipped or checkpoint is not None)
        self.causal = causal
        facts = CodecInfo(
            name="patch",
            version="",
            fingerprint="",
            sample_rate=SAMPLE_RATE,
            frame_samples=PACKET_SAMPLES,
            lookahead_samples=0 if causal else _vocoder_lookahead(),
            causal=causal,
            licence="MIT",
            source="arXiv:2509.02244",
        )
        super().__init__(facts, points, checkpoint=checkpoint, device=device, shipped=shipped)

    def codebook_sizes(self, point: OperatingPoint) -> tuple[int, ...]:
        """Return the size of the shared codebook for each patch of a column."""
        return (int(point_number(point, "codebook_size")),) * PATCHES

    def padded_length(self, n_samples: int) -> int:
        """Fill up the last packet."""
        return -(-n_samples // PACKET_SAMPLES) * PACKET_SAMPLES

    def code_frames(self, padded_length: int) -> int:
        """Return the number of packets."""
        return padded_length // PACKET_SAMPLES

    def make_model(self, checkpoint: Checkpoint | None) -> "nn.Module":
        """Make the network; a checkpoint's configuration says of which size."""
        from codecbench.adapters.neural.patch_model import PatchModel

        channels, blocks, latent, vocoder = _SIZES[self.size or "small"]
        config = self._config(channels, blocks, latent, vocoder)
        if checkpoint is None:
            return PatchModel(config)
        stored = checkpoint.config
        fields = asdict(config)
        found = replace(config, **{key: stored[key] for key in fields if key in stored})
        self._require_asked(checkpoint, config, found)
        model = PatchModel(found)
        load_tensors(model, checkpoint.tensors, what=f"patch from '{checkpoint.path.name}'")
        return model

    def _config(self, channels: int, blocks: int, latent: int, vocoder: int) -> "PatchConfig":
        from codecbench.adapters.neural.patch_model import PatchConfig

        return PatchConfig(
            channels=channels,
            encoder_blocks=0 if self.patch_only else blocks,
            decoder_blocks=blocks,
            latent=latent,
            codebook_size=max(self.codebook_sizes(point)[0] for point in self.points),
            vocoder_channels=vocoder,
            causal=self.causal,
        )

    def _require_asked(
        self, checkpoint: Checkpoint, asked: "PatchConfig", found: "PatchConfig"
    ) -> None:
        """Compare the options with what a checkpoint says of itself."""
        if found.causal != asked.causal:
            msg = f"'{checkpoint.path}' is for causal={str(found.causal).lower()}; say so"
            raise CheckpointError(msg)
        if (found.encoder_blocks == 0) != self.patch_only:
            msg = f"'{checkpoint.path}' is for patch_only={str(not self.patch_only).lower()}"
            raise CheckpointError(msg)
        if self.size is not None and replace(found, codebook_size=asked.codebook_size) != asked:
            msg = f"'{checkpoint.path}' is not of size={self.size}; leave size out"
            raise CheckpointError(msg)
        trained = checkpoint.config.get("codebook_sizes", [found.codebook_size])
        wanted = [self.codebook_sizes(point)[0] for point in self.points]
        if not set(wanted) <= set(trained):
            msg = (
                f"'{checkpoint.path}' was trained with codebook_size "
                f"{'|'.join(str(entries) for entries in trained)}, "
                f"not {'|'.join(str(entries) for entries in wanted)}"
            )
            raise CheckpointError(msg)

    def official_samples(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return all whole packets of a signal.

        Raises:
            EncodeError: There is none.
        """
        whole = samples.size // PACKET_SAMPLES * PACKET_SAMPLES
        if whole == 0:
            msg = f"patch codes packets of {PACKET_SAMPLES} samples, found {samples.size} in all"
            raise EncodeError(msg)
        return samples[:whole]

    def model_codes(self, samples: "Tensor", point: OperatingPoint) -> "Tensor":
        """Run the encoder; see `NeuralCodec.model_codes`."""
        return self._network.encode(samples, self.codebook_sizes(point)[0])[0]

    def model_samples(self, codes: "Tensor") -> "Tensor":
        """Run the decoder; a code means the same at all rates."""
        return self._network.decode(codes[None])[0]

    @property
    def _network(self) -> "PatchModel":
        return cast("PatchModel", self.model)

    def open_stream(self, point: OperatingPoint) -> Stream:
        """Open a stream of one packet every 32 ms, with ``causal=true``; see `Codec.open_stream`.

        Raises:
            UnsupportedSettingError: The vocoder is not causal.
        """
        from codecbench.adapters.neural.layers.streaming_copy import streaming_copy

        if not self.causal:
            msg = "patch: the published vocoder needs later packets; say causal=true to stream"
            raise UnsupportedSettingError(msg)
        sender, receiver = (streaming_copy(self._network) for _ in range(2))
        sizes = self.codebook_sizes(point)
        return Stream(
            encoder=BlockStreamEncoder(
                lambda samples: sender.encode(samples, sizes[0])[0],
                block_samples=PACKET_SAMPLES,
                tail_samples=0,
                codebook_sizes=sizes,
                device=self.device,
            ),
            decoder=BlockStreamDecoder(
                lambda codes: receiver.decode(codes[None])[0],
                packet_frames=1,
                codebook_sizes=sizes,
                device=self.device,
            ),
            packet_samples=PACKET_SAMPLES,
            packet_bits=sum(code_bits(entries) for entries in sizes),
        )


def _config_of(checkpoint: str, names: Sequence[str]) -> Mapping[str, Any]:
    """Return the configuration in a file of weights, empty where there is none to be read yet."""
    try:
        path = find_checkpoint(checkpoint, names)
    except MissingWeightsError:  # "untrained", or not there; `load` says so
        return {}
    return stored_config(path) if path.suffix == ".safetensors" else {}


def _vocoder_lookahead() -> int:
    """Return the samples beyond a packet that the published kind of vocoder depends on."""
    # Causal frames of 512 every 128; patches in and out.
    layers: list[Conv | Transposed] = [Conv(511, 128, 384), Conv(3, 4), Transposed(4, 0), same(6)]
    for rate, kernel in ((4, 16), (4, 16), (4, 4), (2, 4)):
        # The widest residual block: 11 taps, dilations 1, 3 and 5, each with one of dilation 1.
        layers += [Transposed(rate, (kernel - rate) // 2), same(10, 30, 50, 10, 10, 10)]
    return lookahead_samples([*layers, same(6)], PACKET_SAMPLES)
