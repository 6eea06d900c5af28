"""PSQ: a small causal network around a projected scalar quantiser."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import CodecInfo, OperatingPoint
from codecbench.adapters.bit_packer import code_bits
from codecbench.adapters.neural.codec_stream import BlockStreamDecoder, BlockStreamEncoder
from codecbench.adapters.neural.neural_codec import NeuralCodec
from codecbench.adapters.neural.psq_dither import subtractive_dither
from codecbench.adapters.neural.shipped import shipped_config
from codecbench.adapters.reference.settings import (
    Number,
    point_number,
    rate_points,
    require_choice,
    require_whole,
)
from codecbench.adapters.streaming import Stream
from codecbench.core.checkpoint import Checkpoint, CheckpointError, load_tensors
from codecbench.core.errors import EncodeError, UnsupportedSettingError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from codecbench.adapters.neural.psq_model import PsqConfig, PsqModel

SAMPLE_RATE = 16000
PACKET_SAMPLES = 320
FRAMES_PER_SECOND = SAMPLE_RATE // PACKET_SAMPLES
HOP = 160
"""By overlap and addition a sample is final one hop after the frame that it lies in."""
_DEFAULT_LEVELS = {"scalar": 8, "rvq": 1024}
_MAX_BITS = 16
"""Per code."""
DITHER_SEED = 20240508


class PsqCodec(NeuralCodec):
    """PSQ from its paper, one network for each bit rate, in packets of 20 ms.

    Dimensions R and levels L of the quantiser are not published; R·log2 L bits every 20 ms are the
    bit rate, and by default L is 8, so R is 10 at 1500 and 20 at 3000 bit/s. Say ``levels`` or
    ``dimensions`` for another split: ``dimensions=30`` at 1500 bit/s has two levels. What else is
    published and what is ours stands in `psq_model`.

    The bit rate is fixed: each packet has bits for R codes, as many as its rate says, in whole
    bytes on the wire. Clips that end within the last 10 ms of a packet need one packet more.

    A checkpoint holds one network, or one for each bit rate with names that begin with it, as in
    ``1500.encoder…``.

    Source:
        Brendel et al., arXiv:2405.08417.
    """

    rate_option = "bitrate"
    nested = False
    weight_files = ("model.safetensors", "psq.safetensors", "model.pth")
    packet_frames = 1

    def __init__(
        self,
        *,
        bitrate: int | Sequence[int] = 1500,
        levels: int | None = None,
        dimensions: int | None = None,
        quantizer: Literal["scalar", "rvq"] = "scalar",
        dither: bool = False,
        dpcrnn: bool = True,
        skips: bool = True,
        styling: bool = True,
        checkpoint: str | None = None,
        device: str = "cpu",
    ) -> None:
        """Check the options.

        Args:
            bitrate: In bit/s, a multiple of 50; the paper's are 1500 and 3000.
            levels: Values of each code, or codewords of each codebook with "rvq".
            dimensions: Codes per packet; then levels follow from the bit rate.
            quantizer: "scalar", or "rvq" for the residual baseline.
            dither: Code with subtractive dither that both ends know.
            dpcrnn: False is the paper's ablation "No DPCRNN".
            skips: False is "No skips".
            styling: False is "No styling".
            checkpoint: File or folder of weights, or "untrained"; by default those that come with
                codecbench, of the plain network at 1500 and 3000 bit/s.
            device: "cpu" or "cuda".

        Raises:
            UnsupportedSettingError: Bit rate, levels and dimensions do not fit together.
        """
        require_choice("psq", "quantizer", quantizer, sorted(_DEFAULT_LEVELS))
        if dither and quantizer == "rvq":
            msg = "psq: dither is for the scalar quantiser; leave it out with quantizer=rvq"
            raise UnsupportedSettingError(msg)
        self.levels, self.dimensions, self.quantizer = levels, dimensions, quantizer
        self.dither = dither
        self.variant = {"dpcrnn": dpcrnn, "skips": skips, "styling": styling}

        def check(value: Number) -> Number:
            self._split(value)
            return int(value)

        points = rate_points("psq", "bitrate", bitrate, check=check, nominal_bps=float)
        if dimensions is not None and len(points) > 1:
            msg = (
                "psq: with dimensions given, codes do not tell at which bit rate they are; "
                "ask for one bitrate at a time"
            )
            raise UnsupportedSettingError(msg)
        facts = CodecInfo(
            name="psq",
            version="",
            fingerprint="",
            sample_rate=SAMPLE_RATE,
            frame_samples=PACKET_SAMPLES,
            lookahead_samples=HOP,
            causal=True,
            licence="MIT",
            source="arXiv:2405.08417",
        )
        plain = levels is None and dimensions is None and quantizer == "scalar"
        shipped = plain and all(self.variant.values())
        super().__init__(
            facts,
            points,
            checkpoint=checkpoint,
            device=device,
            shipped=shipped and {point.name for point in points} <= shipped_config("psq").keys(),
        )

    def _split(self, bitrate: Number) -> tuple[int, int]:
        """Return codes per packet and values of each code.

        Raises:
            UnsupportedSettingError: They do not give this bit rate.
        """
        bits, rest = divmod(
            require_whole("psq", "bitrate", bitrate, FRAMES_PER_SECOND, 50000), FRAMES_PER_SECOND
        )
        if rest:
            msg = f"psq: bitrate must be a multiple of {FRAMES_PER_SECOND}, found {bitrate}"
            raise UnsupportedSettingError(msg)
        levels, dimensions = self.levels, self.dimensions
        if dimensions is not None:
            require_whole("psq", "dimensions", dimensions, 1, 1000)
            width, rest = divmod(bits, dimensions)
            if rest or not 1 <= width <= _MAX_BITS:
                msg = (
                    f"psq: dimensions={dimensions} cannot share {bits} bits per packet equally, "
                    f"1 to {_MAX_BITS} bits each; found bitrate={bitrate}"
                )
                raise UnsupportedSettingError(msg)
            levels = 2**width if levels is None else levels
        levels = _DEFAULT_LEVELS[self.quantizer] if levels is None else levels
        require_whole("psq", "levels", levels, 2, 2**_MAX_BITS)
        count, rest = divmod(bits, code_bits(levels))
        if rest or count == 0 or dimensions not in (None, count):
            msg = (
                f"psq: levels={levels} take {code_bits(levels)} bits per code, which does not fit "
                f"{bits} bits per packet"
                + (f" for dimensions={dimensions}" if dimensions is not None else "")
                + f"; found bitrate={bitrate}"
            )
            raise UnsupportedSettingError(msg)
        return count, levels

    def codebook_sizes(self, point: OperatingPoint) -> tuple[int, ...]:
        """Return the levels of each dimension."""
        dimensions, levels = self._split(point_number(point, "bitrate"))
        return (levels,) * dimensions

    def padded_length(self, n_samples: int) -> int:
        """Fill up so far that the last sample is final."""
        return -(-(n_samples + HOP) // PACKET_SAMPLES) * PACKET_SAMPLES

    def code_frames(self, padded_length: int) -> int:
        """Return the number of packets."""
        return padded_length // PACKET_SAMPLES

    def config(self, point: OperatingPoint) -> "PsqConfig":
        """Return the configuration of the network for a point."""
        from codecbench.adapters.neural.psq_model import PsqConfig

        dimensions, levels = self._split(point_number(point, "bitrate"))
        return PsqConfig(
            dimensions=dimensions, levels=levels, quantizer=self.quantizer, **self.variant
        )

    def make_model(self, checkpoint: Checkpoint | None) -> "nn.Module":
        """Make one network, or a dictionary of one for each point."""
        from torch import nn

        from codecbench.adapters.neural.psq_model import PsqModel

        models = {}
        for point in self.points:
            models[point.name] = PsqModel(self.config(point))
            if checkpoint is not None:
                self._load(models[point.name], checkpoint, point)
        return nn.ModuleDict(models) if len(models) > 1 else models[self.points[0].name]

    def _load(self, model: "PsqModel", checkpoint: Checkpoint, point: OperatingPoint) -> None:
        prefix = f"{point.name}."
        own = {
            key.removeprefix(prefix): tensor
            for key, tensor in checkpoint.tensors.items()
            if key.startswith(prefix)
        }
        stored = checkpoint.config.get(point.name, checkpoint.config)
        if not own and len(self.points) > 1:
            msg = f"'{checkpoint.path}' holds one network; ask psq for one bitrate at a time"
            raise CheckpointError(msg)
        for option in ("levels", "dimensions", "quantizer", *self.variant):
            wanted = getattr(model.config, option)
            if option in stored and stored[option] != wanted:
                msg = (
                    f"'{checkpoint.path}' was trained with {option}={stored[option]}, psq at "
                    f"{point.name} bit/s was asked for {option}={wanted}; change {option} or "
                    "bitrate"
                )
                raise CheckpointError(msg)
        what = f"PSQ at {point.name} bit/s from '{checkpoint.path.name}'"
        load_tensors(model, own or checkpoint.tensors, what=what)

    def point_model(self, point: OperatingPoint) -> "PsqModel":
        """Return the loaded network of a point."""
        from torch import nn

        model = self.model
        return cast("PsqModel", model[point.name] if isinstance(model, nn.ModuleDict) else model)

    def official_samples(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return all whole packets of a signal.

        Raises:
            EncodeError: There is none.
        """
        whole = samples.size // PACKET_SAMPLES * PACKET_SAMPLES
        if whole == 0:
            msg = f"psq codes packets of {PACKET_SAMPLES} samples, found {samples.size} in all"
            raise EncodeError(msg)
        return samples[:whole]

    def model_codes(self, samples: "Tensor", point: OperatingPoint) -> "Tensor":
        """Run the encoder; see `NeuralCodec.model_codes`."""
        model = self.point_model(point)
        frames = samples.shape[-1] // PACKET_SAMPLES
        return model.encode(samples, self._dither(point, 0, frames))[0]

    def model_samples(self, codes: "Tensor") -> "Tensor":
        """Run the decoder; the number of codes per frame tells the bit rate."""
        point = next(p for p in self.points if len(self.codebook_sizes(p)) == codes.shape[0])
        model = self.point_model(point)
        return model.decode(codes[None], self._dither(point, 0, codes.shape[1]))[0]

    def _dither(self, point: OperatingPoint, first_frame: int, frames: int) -> "Tensor | None":
        if not self.dither:
            return None
        import torch

        dimensions, levels = self._split(point_number(point, "bitrate"))
        noise = subtractive_dither(
            first_frame, frames, dimensions=dimensions, step=2.0 / levels, seed=DITHER_SEED
        )
        return torch.from_numpy(noise).to(self.device)

    def open_stream(self, point: OperatingPoint) -> Stream:
        """Open a stream of one packet every 20 ms; see `Codec.open_stream`."""
        from codecbench.adapters.neural.layers.streaming_copy import streaming_copy

        sender, receiver = (streaming_copy(self.point_model(point)) for _ in range(2))
        sent = received = 0

        def encode(samples: "Tensor") -> "Tensor":
            nonlocal sent
            codes = sender.encode(samples, self._dither(point, sent, 1))[0]
            sent += 1
            return codes

        def decode(codes: "Tensor") -> "Tensor":
            nonlocal received
            samples = receiver.decode(codes[None], self._dither(point, received, 1))[0]
            received += 1
            return samples

        sizes = self.codebook_sizes(point)
        return Stream(
            encoder=BlockStreamEncoder(
                encode,
                block_samples=PACKET_SAMPLES,
                tail_samples=HOP,
                codebook_sizes=sizes,
                device=self.device,
            ),
            decoder=BlockStreamDecoder(
                decode, packet_frames=1, codebook_sizes=sizes, device=self.device
            ),
            packet_samples=PACKET_SAMPLES,
            packet_bits=sum(code_bits(size) for size in sizes),
        )
