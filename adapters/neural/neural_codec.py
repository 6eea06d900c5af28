"""What all neural codecs share: weights, device, inference mode, packed codes, exact lengths."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import Codec, CodecInfo, OperatingPoint
from codecbench.adapters.bit_packer import pack_packets, unpack_packets
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.neural.identity import code_hash, file_fingerprint
from codecbench.adapters.neural.inference import fold_weight_norm, inference
from codecbench.adapters.neural.shipped import REMARK, UNTRAINED, shipped_weights
from codecbench.core.audio import Audio
from codecbench.core.checkpoint import (
    Checkpoint,
    find_checkpoint,
    read_checkpoint,
)
from codecbench.core.dependency import require
from codecbench.core.errors import (
    BitstreamError,
    DecodeError,
    EncodeError,
    MissingDependencyError,
    UnknownNameError,
    UnsupportedSettingError,
)
from codecbench.core.fingerprint import package_versions

if TYPE_CHECKING:
    from torch import Tensor, nn

DEVICES = ("cpu", "cuda")
RANDOM_SEED = 0
"""Seeds the weights of an untrained codec."""


class NeuralCodec(Codec):
    """A codec whose encoder and decoder are a network and whose payload is codes.

    A subclass takes ``checkpoint`` and ``device`` among its options, hands them on with its facts
    and points, and says how its model is made and run. Without a checkpoint the weights are those
    that come with codecbench, where there are any for these options, or else random, from a fixed
    seed: fit for complexity and for tests, and marked as untrained. ``checkpoint=untrained`` asks
    for the latter.

    The codes of a lower operating point must be the first rows of those of a higher one where
    `nested` is true; then several points are encoded at once.

    Attributes:
        nested: Whether the points are truncations of the highest one.
        weight_files: Names of the weights inside a checkpoint folder, in order of preference.
        unwrap: Entries of a checkpoint below which the weights are; see `read_checkpoint`.
        only: Entries of a checkpoint that are read; all if empty.
        packet_frames: Code frames per packet, each packet filled up to a whole byte; None where
            the codec needs the whole clip anyway and sends it as one packet.
        delay_samples: By how many samples the decoded signal is late.
        tail_samples: How many samples at the end the official decoder leaves out; `decode` puts
            zeros there.
    """

    nested: ClassVar[bool] = True
    weight_files: ClassVar[tuple[str, ...]] = ("model.safetensors", "model.pth")
    unwrap: ClassVar[tuple[str, ...]] = ("model_state_dict", "state_dict")
    only: ClassVar[tuple[str, ...]] = ()
    packet_frames: int | None = None
    delay_samples: int = 0
    tail_samples: int = 0

    def __init__(
        self,
        facts: CodecInfo,
        points: Sequence[OperatingPoint],
        *,
        checkpoint: str | None,
        device: str,
        shipped: bool = False,
    ) -> None:
        """Complete the facts with what weights and device determine.

        Args:
            facts: All but version, fingerprint, trained, deterministic and needs.
            points: In rising order of rate.
            checkpoint: File or folder of weights, "untrained" for random ones, or None.
            device: "cpu" or "cuda".
            shipped: Whether the weights that come with codecbench are for these options.

        Raises:
            UnsupportedSettingError: The device is neither.
        """
        if device not in DEVICES:
            msg = f"{facts.name}: device must be one of {', '.join(DEVICES)}; found {device}"
            raise UnsupportedSettingError(msg)
        own = shipped_weights(facts.name) if shipped and checkpoint is None else None
        self.checkpoint = str(own) if own else None if checkpoint == UNTRAINED else checkpoint
        self.device = device
        self.points = tuple(points)
        self.info = replace(
            facts,
            kind="neural",
            version=f"torch {package_versions(['torch'])['torch']}, code {code_hash()[:8]}",
            fingerprint=self._weights_fingerprint(),
            trained=self.checkpoint is not None,
            remark=REMARK if own else "",
            deterministic=device == "cpu",
            needs=("pkg:torch", *((f"file:{self.checkpoint}",) if self.checkpoint else ())),
        )
        self._model: nn.Module | None = None

    def _weights_fingerprint(self) -> str:
        """Return what tells these weights from others, "absent" if there are none."""
        if self.checkpoint is None:
            return f"untrained, random seed {RANDOM_SEED}"
        return file_fingerprint(self.checkpoint, self.weight_files)

    # What a subclass says.

    @abstractmethod
    def make_model(self, checkpoint: Checkpoint | None) -> "nn.Module":
        """Make the model on the CPU, with the weights of a checkpoint loaded if there is one.

        Called with torch's generator seeded; import the model file here.

        Raises:
            CheckpointError: The weights are not of this model.
        """

    @abstractmethod
    def codebook_sizes(self, point: OperatingPoint) -> tuple[int, ...]:
        """Return the entries of each codebook, one per row of the codes of a point."""

    @abstractmethod
    def padded_length(self, n_samples: int) -> int:
        """Return the length, at least `n_samples`, that a clip is filled up to with zeros.

        The decoded signal of so many samples must reach to ``delay_samples + n_samples``.
        """

    @abstractmethod
    def code_frames(self, padded_length: int) -> int:
        """Return how many frames of codes a signal of a padded length has."""

    @abstractmethod
    def model_codes(self, samples: "Tensor", point: OperatingPoint) -> "Tensor":
        """Run the encoder as the official model does.

        Args:
            samples: float32 ``(1, samples)`` on the device.
            point: Says how many codebooks are wanted.

        Returns:
            Integers ``(codebooks, frames)``.
        """

    @abstractmethod
    def model_samples(self, codes: "Tensor") -> "Tensor":
        """Run the decoder as the official model does.

        Args:
            codes: int64 ``(codebooks, frames)`` on the device.

        Returns:
            float32 ``(samples,)``.
        """

    def official_samples(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the official evaluation feeds the model; by default all samples.

        Raises:
            EncodeError: The official model refuses this length.
        """
        return samples

    def prepare_samples(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the signal that is padded and coded; by default the signal itself."""
        return samples

    def start_of(self, n_samples: int) -> int:
        """Return where a clip of a length begins in the decoded signal; by default the delay."""
        del n_samples
        return self.delay_samples

    def finish_samples(self, samples: NDArray[np.float32], encoded: Encoded) -> NDArray[np.float32]:
        """Return the decoded signal at the clip's own level; by default it has it already.

        Raises:
            BitstreamError: The header is not of this codec.
        """
        del encoded
        return samples

    # What the harness calls.

    @property
    def model(self) -> "nn.Module":
        """The loaded model, in evaluation mode and without weight norm."""
        if self._model is None:
            self.load()
        assert self._model is not None  # load() sets it or raises
        return self._model

    def load(self) -> None:
        """Make the model, read its weights, fold weight norm; see `Codec.load`."""
        if self._model is None:
            self.load_plain()
            # A layer that is made to hold what was merged draws weights that nobody uses.
            with require("torch").random.fork_rng(devices=[]):
                self.fold(self.model)
            self.model.requires_grad_(False)

    def load_plain(self) -> None:
        """Load the model with the layers and the parameters of the published one, nothing folded.

        What is counted is counted on this; coding with it is slower.
        """
        torch = require("torch")
        if self.device == "cuda" and not torch.cuda.is_available():
            raise MissingDependencyError(
                "CUDA", "codecbench with device=cpu", detail="torch sees no CUDA device"
            )
        checkpoint = None
        if self.checkpoint is not None:
            checkpoint = self.read_weights(self.find_weights(self.checkpoint))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(RANDOM_SEED)
            model = self.make_model(checkpoint)
        self._model = model.eval().to(self.device)

    def fold(self, model: "nn.Module") -> None:
        """Merge once what would be computed again for every clip, and lay weights out for coding.

        By default weight norm, and convolutions over time; see `make_time_major`.
        """
        from codecbench.adapters.neural.layers.time_major import make_time_major

        fold_weight_norm(model)
        make_time_major(model)

    def find_weights(self, checkpoint: str) -> Path:
        """Return the file of weights that the option means.

        Raises:
            MissingWeightsError: It is not on this machine.
        """
        return find_checkpoint(checkpoint, self.weight_files)

    def read_weights(self, path: Path) -> Checkpoint:
        """Read the checkpoint; a subclass with another layout overrides this."""
        return read_checkpoint(path, unwrap=self.unwrap, only=self.only)

    def encode_codes(
        self, samples: NDArray[np.float32], point: OperatingPoint
    ) -> NDArray[np.int64]:
        """Encode as the official model does: official framing, no padding of ours.

        Args:
            samples: Signal at ``info.sample_rate``, float32 ``(samples,)``; one signal, since
                coding several at once would not give the same codes.
            point: One of `points`.

        Returns:
            Codes, int64 ``(codebooks, frames)``.

        Raises:
            EncodeError: The official model refuses this length, or the array is not one signal.
        """
        if samples.ndim != 1 or samples.size == 0:
            msg = f"{self.info.name} codes one signal (samples,) at a time, found {samples.shape}"
            raise EncodeError(msg)
        official = self.official_samples(np.ascontiguousarray(samples, dtype=np.float32))
        return self._run_encoder(official, point)

    def decode_codes(self, codes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Decode as the official model does, to as many samples as it gives.

        Args:
            codes: Integers ``(codebooks, frames)`` of any point, such as `encode_codes` returns.

        Raises:
            DecodeError: The shape or the range of the codes is wrong.
        """
        self._require_codes(codes)
        torch = require("torch")
        with inference(self.device):
            given = torch.from_numpy(np.ascontiguousarray(codes, dtype=np.int64)).to(self.device)
            decoded: NDArray[np.float32] = self.model_samples(given).float().cpu().numpy()
        return decoded

    def encode(self, audio: Audio, point: OperatingPoint) -> Encoded:
        """Code one clip; see `Codec.encode`."""
        return self.encode_points(audio, [point])[0]

    def encode_points(self, audio: Audio, points: Sequence[OperatingPoint]) -> list[Encoded]:
        """Code one clip at several points: once at the highest where points are nested."""
        self._require_codable(audio, points)
        signal = self.prepare_samples(audio.samples)
        padded = np.zeros(self.padded_length(audio.n_samples), dtype=np.float32)
        padded[: signal.size] = signal
        if not self.nested or not points:
            return [self._pack(audio, self._run_encoder(padded, point), point) for point in points]
        highest = max(points, key=lambda point: len(self.codebook_sizes(point)))
        codes = self._run_encoder(padded, highest)
        return [
            self._pack(audio, codes[: len(self.codebook_sizes(point))], point) for point in points
        ]

    def decode(self, encoded: Encoded) -> Audio:
        """Decode one clip; see `Codec.decode`."""
        if encoded.sample_rate != self.info.sample_rate:
            msg = (
                f"{self.info.name} decodes {self.info.sample_rate} Hz, "
                f"the bitstream is of {encoded.sample_rate} Hz"
            )
            raise BitstreamError(msg)
        try:
            point = self.point(encoded.point)
        except UnknownNameError as error:
            raise BitstreamError(str(error)) from error
        decoded = self.decode_codes(self._unpack(encoded, point))
        start = self.start_of(encoded.n_samples)
        cut = decoded[start : start + encoded.n_samples]
        if 0 < encoded.n_samples - cut.size <= self.tail_samples:
            cut = np.pad(cut, (0, encoded.n_samples - cut.size))
        if cut.size < encoded.n_samples:
            msg = f"{self.info.name} gave {cut.size} samples of {encoded.n_samples}"
            raise DecodeError(msg)
        return Audio.clip(self.finish_samples(cut, encoded), encoded.sample_rate)

    # Parts.

    def _require_codable(self, audio: Audio, points: Sequence[OperatingPoint]) -> None:
        self.require_codable(audio)
        for point in points:
            if point not in self.points:
                names = ", ".join(known.name for known in self.points)
                msg = f"{self.info.name} was made for the points {names}; found '{point.name}'"
                raise EncodeError(msg)

    def _require_codes(self, codes: NDArray[np.int64]) -> None:
        shapes = {len(self.codebook_sizes(point)): point for point in self.points}
        if codes.ndim != 2 or codes.dtype.kind not in "iu" or codes.shape[0] not in shapes:
            rows = ", ".join(str(count) for count in sorted(shapes))
            msg = (
                f"{self.info.name} decodes integers (codebooks, frames) with {rows} codebooks; "
                f"found {codes.dtype} {codes.shape}"
            )
            raise DecodeError(msg)
        sizes = np.asarray(self.codebook_sizes(shapes[codes.shape[0]]))[:, None]
        if codes.shape[1] == 0 or ((codes < 0) | (codes >= sizes)).any():
            msg = f"{self.info.name}: no frames, or codes outside their codebooks"
            raise DecodeError(msg)

    def _run_encoder(
        self, samples: NDArray[np.float32], point: OperatingPoint
    ) -> NDArray[np.int64]:
        torch = require("torch")
        with inference(self.device):
            given = torch.from_numpy(samples.copy()).to(self.device)[None]
            codes: NDArray[np.int64] = self.model_codes(given, point).cpu().numpy()
        return codes.astype(np.int64, copy=False)

    def _pack(self, audio: Audio, codes: NDArray[np.int64], point: OperatingPoint) -> Encoded:
        sizes = self.codebook_sizes(point)
        frames = codes.shape[1]
        packets, packet_bits = pack_packets(codes, sizes, self.packet_frames or frames)
        return Encoded(
            packets=packets,
            packet_bits=packet_bits,
            point=point.name,
            n_samples=audio.n_samples,
            sample_rate=audio.sample_rate,
            codes=codes,
            codebook_sizes=sizes,
        )

    def _unpack(self, encoded: Encoded, point: OperatingPoint) -> NDArray[np.int64]:
        sizes = self.codebook_sizes(point)
        frames = self.code_frames(self.padded_length(encoded.n_samples))
        step = self.packet_frames or max(1, frames)
        counts = [min(step, frames - start) for start in range(0, frames, step)]
        if len(encoded.packets) != len(counts):
            msg = (
                f"bitstream damaged: {encoded.n_samples} samples of {self.info.name} are "
                f"{len(counts)} packets, found {len(encoded.packets)}"
            )
            raise BitstreamError(msg)
        return unpack_packets(encoded.packets, sizes, frames, step)
