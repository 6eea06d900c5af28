"""What all neural codecs share, on a network of one layer whose codes are known by hand."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codecbench.adapters.base import CodecInfo, OperatingPoint
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.neural.neural_codec import NeuralCodec
from codecbench.adapters.registry import CODECS
from codecbench.core.audio import Audio
from codecbench.core.checkpoint import Checkpoint, load_tensors, save_checkpoint
from codecbench.core.errors import (
    BitstreamError,
    DecodeError,
    MissingDependencyError,
    UnsupportedSettingError,
)

torch = pytest.importorskip("torch", reason="not here: torch")

SIZES = (5, 8, 3)


class SmallCodec(NeuralCodec):
    """Codes every tenth sample in three digits; sends packets of four frames."""

    packet_frames = 4

    def __init__(self, checkpoint: str | None = None, device: str = "cpu") -> None:
        facts = CodecInfo(
            name="small", version="", fingerprint="", sample_rate=8000, frame_samples=10
        )
        points = [
            OperatingPoint(name=str(rows), nominal_bps=800.0 * bits, settings={"rows": rows})
            for rows, bits in ((1, 3), (2, 6), (3, 8))
        ]
        self.runs = 0
        super().__init__(facts, points, checkpoint=checkpoint, device=device)

    def make_model(self, checkpoint: Checkpoint | None) -> Any:
        model = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(1, 1, bias=False))
        if checkpoint is not None:
            load_tensors(model, checkpoint.tensors, what="small")
        return model

    def codebook_sizes(self, point: OperatingPoint) -> tuple[int, ...]:
        return SIZES[: int(str(point.settings["rows"]))]

    def padded_length(self, n_samples: int) -> int:
        return -(-n_samples // 10) * 10

    def code_frames(self, padded_length: int) -> int:
        return padded_length // 10

    def model_codes(self, samples: Any, point: OperatingPoint) -> Any:
        self.runs += 1
        assert torch.is_inference_mode_enabled()
        level = ((samples[0, ::10] + 1) * 59.5).round().long()
        digits = [level // 24, level // 3 % 8, level % 3]
        return torch.stack(digits)[: len(self.codebook_sizes(point))]

    def model_samples(self, codes: Any) -> Any:
        weights = torch.tensor([24, 3, 1])[: len(codes), None]
        return ((codes * weights).sum(dim=0) / 59.5 - 1).repeat_interleave(10)


@pytest.fixture
def codec() -> SmallCodec:
    made = SmallCodec()
    made.load()
    return made


@pytest.fixture
def clip() -> Audio:
    samples = np.random.default_rng(3).uniform(-1, 1, 123).astype(np.float32)
    return Audio(samples, 8000)


def test_packets_are_packed_exactly_and_end_on_bytes(codec: SmallCodec, clip: Audio) -> None:
    """Indices of 5, 8 and 3 entries take 3 + 3 + 2 bits; 13 frames in packets of four."""
    coded = codec.encode_points(clip, codec.points)
    assert [each.packet_bits for each in coded] == [
        (12, 12, 12, 3),
        (24, 24, 24, 6),
        (32, 32, 32, 8),
    ]
    assert [[len(packet) for packet in each.packets] for each in coded] == [
        [2, 2, 2, 1],
        [3, 3, 3, 1],
        [4, 4, 4, 1],
    ]


def test_nested_rates_are_encoded_once(codec: SmallCodec, clip: Audio) -> None:
    at_once = codec.encode_points(clip, codec.points)
    assert codec.runs == 1
    for point, encoded in zip(codec.points, at_once, strict=True):
        assert encoded.to_bytes() == codec.encode(clip, point).to_bytes()


def test_decodes_what_it_encoded(codec: SmallCodec, clip: Audio) -> None:
    encoded = codec.encode(clip, codec.points[-1])
    decoded = codec.decode(Encoded.from_bytes(encoded.to_bytes()))
    assert decoded.n_samples == clip.n_samples
    assert np.abs(decoded.samples[::10] - clip.samples[::10]).max() <= 1 / 119 + 1e-6
    codes = codec.encode_codes(clip.samples, codec.points[-1])
    assert np.array_equal(codes[:, :13], encoded.codes)


def test_weight_norm_is_folded_only_for_coding(codec: SmallCodec) -> None:
    assert [name for name, _ in codec.model.named_parameters()] == ["weight"]
    plain = SmallCodec()
    plain.load_plain()
    assert len(list(plain.model.parameters())) == 2
    assert torch.equal(plain.model.weight, codec.model.weight)


def test_random_weights_are_the_same_everywhere_and_disturb_nobody() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first = SmallCodec().model.weight
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(SmallCodec().model.weight, first)


def test_facts_tell_random_weights_from_trained_ones(codec: SmallCodec, tmp_path: Path) -> None:
    assert not codec.info.trained
    assert codec.info.fingerprint == "untrained, random seed 0"
    file = tmp_path / "model.safetensors"
    with torch.no_grad():
        codec.load_plain()
        codec.model.parametrizations.weight.original0.fill_(0.125)
    save_checkpoint(file, codec.model, {})
    stored = SmallCodec(checkpoint=str(tmp_path))
    assert stored.info.trained
    assert stored.info.fingerprint.startswith("sha256 ")
    assert stored.model.weight.abs().item() == 0.125
    assert stored.info.needs == ("pkg:torch", f"file:{tmp_path}")


def test_device_must_be_one_and_there() -> None:
    with pytest.raises(UnsupportedSettingError, match="device must be one of cpu, cuda"):
        SmallCodec(device="gpu")
    if not torch.cuda.is_available():
        with pytest.raises(MissingDependencyError, match="device=cpu"):
            SmallCodec(device="cuda").load()


def test_refuses_an_index_outside_its_codebook(codec: SmallCodec, clip: Audio) -> None:
    """Three bits can say 7 where the codebook has five entries."""
    encoded = codec.encode(clip, codec.points[0])
    broken = Encoded(
        packets=(b"\xff\xf0", *encoded.packets[1:]),
        packet_bits=encoded.packet_bits,
        point="1",
        n_samples=encoded.n_samples,
        sample_rate=8000,
    )
    with pytest.raises(BitstreamError, match="index of codebook 0"):
        codec.decode(broken)


@pytest.mark.parametrize("packet_frames", [4, None])
@pytest.mark.parametrize("keep", [0, 1])
def test_refuses_a_stream_of_no_samples(
    codec: SmallCodec, clip: Audio, packet_frames: int | None, keep: int
) -> None:
    codec.packet_frames = packet_frames
    encoded = codec.encode(clip, codec.points[0])
    empty = replace(
        encoded,
        packets=encoded.packets[:keep],
        packet_bits=encoded.packet_bits[:keep],
        n_samples=0,
    )
    with pytest.raises(BitstreamError if keep else DecodeError):
        codec.decode(empty)


def test_adapters_are_made_without_torch() -> None:
    names = [name for name, target in CODECS.builtin.items() if ".neural." in target]
    assert "esc" in names
    code = (
        "import sys; from codecbench.adapters.registry import get_codec\n"
        f"for name in {names}: get_codec(name).info\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-P", "-c", code], check=True)
