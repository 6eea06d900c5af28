"""FreqCodec of FunCodec: the published baseline on magnitude and phase."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from struct import pack, unpack
from typing import TYPE_CHECKING, ClassVar, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import CodecInfo, OperatingPoint
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.neural.freqcodec_config import (
    CODEBOOKS,
    CONFIG_FILE,
    PARTS,
    VARIANTS,
    FreqCodecConfig,
    parse_config,
    read_config,
)
from codecbench.adapters.neural.neural_codec import NeuralCodec
from codecbench.adapters.neural.reach import Conv, Transposed, lookahead_samples, same
from codecbench.adapters.reference.settings import (
    Number,
    point_number,
    rate_points,
    require_choice,
    require_whole,
)
from codecbench.core.audio import Audio
from codecbench.core.checkpoint import (
    Checkpoint,
    find_checkpoint,
    load_tensors,
    tensor_shapes,
)
from codecbench.core.errors import BitstreamError, EncodeError, MissingWeightsError
from codecbench.core.fingerprint import hash_bytes

if TYPE_CHECKING:
    from torch import Tensor, nn

    from codecbench.adapters.neural.freqcodec_model import FreqCodecModel

T = TypeVar("T")
_LEVEL_FORMATS = {"float32": "<f", "float16": "<e", "free": "<f"}
_TRAINED_WITH = (1, 2, 4, 8, 16, 32)


class FreqCodecCodec(NeuralCodec):
    """FreqCodec in the domain of magnitude and phase: 16 kHz, 50 frames a second, 500 bit/s each.

    It is the system that the PSQ paper calls M6, as far as that can be told. Known: M6 is FreqCodec
    with magnitude and phase, of 0.52 M parameters and 340 MMAC/s, run at 1.5 and 3 kbit/s. Those
    are the public figures of FunCodec's file "gr1nq32ds320", of which 3 and 6 of 32 codebooks make
    these rates. Unknown: the paper trained M6 anew on its own data; the configuration of "gr1" is
    in no repository, only beside its weights; no natural setting of the network has both figures.
    The 340 MMAC/s are counted as the package thop does, with all taps for each output of a
    transposed convolution and without the search in codebooks. So what the published file gives
    is "FreqCodec gr1 as released, 3 or 6 codebooks", numbers that its training did not draw (it
    drew 1, 2, 4, 8, 16 or 32), and not M6.

    The network divides the utterance by its root mean square and normalises every layer over all
    of it: **every code depends on the whole utterance**, and the level is not in the codes. Here it
    is sent beside them and charged as 32 bits a clip (``level=float32``), as 16, or sent and
    **declared free** (``level=free``), as it is in the official scripts, which leave the level of
    the output open. The paper does not say what it did.

    Nothing is appended to a clip: one more spectrum would pair all others differently. Where their
    number is odd, the network puts a mirrored one in front, so that the official decoder's output
    comes one hop (10 ms) late; `decode` takes that back unless ``align=false``. Up to 159
    samples at the end that the decoder does not reach are zero.

    Source:
        Du et al., arXiv:2309.07405; https://github.com/modelscope/FunCodec.
    """

    rate_option: ClassVar[str | None] = "codebooks"
    weight_files = ("model.pth",)
    unwrap = ()

    def __init__(
        self,
        *,
        codebooks: int | Sequence[int] | None = None,
        variant: Literal["recipe", "gr1", "gr8", "gr1_half"] = "recipe",
        level: Literal["float32", "float16", "free"] = "float32",
        align: bool = True,
        checkpoint: str | None = None,
        device: str = "cpu",
    ) -> None:
        """Check the options.

        Args:
            codebooks: 1 … 32, each worth 500 bit/s; 1, 2, 4, 8, 16 and 32 by default.
            variant: Network of random weights: that of the public recipe, or one with grouped
                convolutions and without LSTM. A checkpoint says itself what it is.
            level: How the clip's level is sent: "float32" and "float16" are charged, "free" is
                sent as float32 and not charged.
            align: Take back the hop by which clips of an odd number of spectra come late.
            checkpoint: The published ``model.pth`` with its ``config.yaml`` beside it, or their
                folder; without it the weights are random.
            device: "cpu" or "cuda".

        Raises:
            UnsupportedSettingError: An option that FreqCodec does not have.
            CheckpointError: The configuration is missing, or not that of the weights.
        """
        require_choice("freqcodec", "variant", variant, VARIANTS)
        require_choice("freqcodec", "level", level, _LEVEL_FORMATS)
        self.level, self.align = level, align
        self.config = _find_config(checkpoint) or VARIANTS[variant]
        hop = self.config.frame_samples
        self.tail_samples = self.config.hop_length - 1
        info = CodecInfo(
            name="freqcodec",
            version="",
            fingerprint="",
            sample_rate=self.config.sample_rate,
            frame_samples=hop,
            lookahead_samples=lookahead_samples(self._layers(), hop),
            causal=False,
            licence="MIT",
            source="arXiv:2309.07405",
        )
        super().__init__(info, self._points(codebooks), checkpoint=checkpoint, device=device)

    def _points(self, codebooks: int | Sequence[int] | None) -> tuple[OperatingPoint, ...]:
        most, config = self.config.codebooks, self.config
        if codebooks is None or (isinstance(codebooks, Sequence) and None in codebooks):
            codebooks = [count for count in _TRAINED_WITH if count <= most]
        bits = (config.codebook_size - 1).bit_length()
        frame_rate = config.sample_rate / config.frame_samples

        def check(value: Number) -> Number:
            return require_whole("freqcodec", "codebooks", value, 1, most)

        return rate_points(
            "freqcodec",
            "codebooks",
            codebooks,
            check=check,
            nominal_bps=lambda value: value * bits * frame_rate,
        )

    def _layers(self) -> list[Conv | Transposed]:
        config = self.config
        half = config.n_fft // 2
        units = [
            same((config.residual_kernel - 1) * config.dilation_base**j)
            for j in range(config.residual_layers)
        ]
        layers: list[Conv | Transposed] = [Conv(2 * half - 1, config.hop_length, half)]
        layers.append(same(config.kernel - 1))
        for _, time in reversed(config.ratios):
            layers += [*units, Conv(2 * time - 1, time, time - time // 2)]
        layers += [same(config.last_kernel - 1), same(config.kernel - 1)]
        for _, time in config.ratios:
            layers += [Transposed(time, time - time // 2), *units]
        return [*layers, same(config.last_kernel - 1), Transposed(config.hop_length, half)]

    def _weights_fingerprint(self) -> str:
        weights = super()._weights_fingerprint()
        if self.checkpoint is None or not weights.startswith("sha256"):
            return weights
        config = _weights_path(self.checkpoint).with_name(CONFIG_FILE)
        return f"{weights} config {hash_bytes(config.read_bytes())[:12]}"

    def make_model(self, checkpoint: Checkpoint | None) -> "nn.Module":
        """Make the network; see `NeuralCodec.make_model`."""
        from codecbench.adapters.neural.freqcodec_model import FreqCodecModel

        model = FreqCodecModel(self.config)
        if checkpoint is not None:
            what = f"FreqCodec from '{checkpoint.path}'"
            tensors = _model_tensors(checkpoint.tensors)
            tensors["quantizer.embed"] = tensors.pop(CODEBOOKS)
            load_tensors(model, tensors, what=what)
        return model

    @property
    def _network(self) -> "FreqCodecModel":
        model: FreqCodecModel = self.model  # type: ignore[assignment]  # what make_model made
        return model

    def codebook_sizes(self, point: OperatingPoint) -> tuple[int, ...]:
        """Return the entries of each codebook of a point."""
        return (self.config.codebook_size,) * int(point_number(point, "codebooks"))

    def padded_length(self, n_samples: int) -> int:
        """Return the length itself, but at least one more than half a window: see the class."""
        return max(n_samples, self.config.n_fft // 2 + 1)

    def code_frames(self, padded_length: int) -> int:
        """Return the number of frames of codes."""
        from codecbench.adapters.neural.freqcodec_model import frames_of

        return frames_of(padded_length, self.config)

    def official_samples(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return all samples.

        Raises:
            EncodeError: They are too few to be mirrored.
        """
        if samples.size < self.padded_length(0):
            msg = (
                f"the official FreqCodec needs {self.padded_length(0)} samples, found "
                f"{samples.size}; encode() fills up"
            )
            raise EncodeError(msg)
        return samples

    def model_codes(self, samples: "Tensor", point: OperatingPoint) -> "Tensor":
        """Run encoder and quantiser; see `NeuralCodec.model_codes`."""
        network = self._network
        count = int(point_number(point, "codebooks"))
        return network.quantizer.encode(network.frames(samples), count)

    def model_samples(self, codes: "Tensor") -> "Tensor":
        """Run the decoder, at the level that it gives; see `NeuralCodec.model_samples`."""
        return self._network.decode(codes)

    def encode_points(self, audio: Audio, points: Sequence[OperatingPoint]) -> list[Encoded]:
        """Code one clip, with its level as a header."""
        encoded = super().encode_points(audio, points)
        padded = max(audio.n_samples, self.padded_length(0))
        power = np.square(audio.samples, dtype=np.float64).sum() / padded
        header = pack(_LEVEL_FORMATS[self.level], 1e-8 + np.sqrt(power))
        bits = 0 if self.level == "free" else 8 * len(header)
        return [replace(one, header=header, header_bits=bits) for one in encoded]

    def start_of(self, n_samples: int) -> int:
        """Return the hop by which odd numbers of spectra come late; see `NeuralCodec`."""
        from codecbench.adapters.neural.freqcodec_model import late_spectra

        if not self.align:
            return 0
        return self.config.hop_length * late_spectra(self.padded_length(n_samples), self.config)

    def finish_samples(self, samples: NDArray[np.float32], encoded: Encoded) -> NDArray[np.float32]:
        """Give the signal the level that was sent; see `NeuralCodec`."""
        form = _LEVEL_FORMATS[self.level]
        if len(encoded.header) != len(pack(form, 0)):
            msg = f"freqcodec with level={self.level} has no header of {len(encoded.header)} bytes"
            raise BitstreamError(msg)
        scale = unpack(form, encoded.header)[0]
        if not (np.isfinite(scale) and scale >= 0):
            msg = f"bitstream damaged: the level is {scale}"
            raise BitstreamError(msg)
        return samples * np.float32(scale)


def _weights_path(checkpoint: str) -> Path:
    return find_checkpoint(checkpoint, FreqCodecCodec.weight_files)


def _find_config(checkpoint: str | None) -> FreqCodecConfig | None:
    """Return what file and configuration say, None without them."""
    if checkpoint is None:
        return None
    try:
        path = _weights_path(checkpoint)
    except MissingWeightsError:
        return None  # load() will say so
    config, shapes = read_config(path.parent), tensor_shapes(path, unwrap=())
    return parse_config(config, _model_tensors(shapes), what=f"'{path}'")


def _model_tensors(tensors: Mapping[str, T]) -> dict[str, T]:
    """Return the tensors of the network: without discriminators and averages of training."""
    return {
        key: value
        for key, value in tensors.items()
        if key.split(".")[0] in PARTS and (key == CODEBOOKS or not key.startswith("quantizer."))
    }
