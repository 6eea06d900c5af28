"""HiFi-Codec against fixtures of the official code, and what its adapter promises beyond."""

import hashlib
import json
import math
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codecbench.adapters.base import Codec
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.neural.hificodec import HifiCodecCodec
from codecbench.adapters.registry import get_codec
from codecbench.core.audio import Audio
from codecbench.core.checkpoint import CheckpointError
from codecbench.core.errors import BitstreamError, EncodeError, UnsupportedSettingError

torch = pytest.importorskip("torch")

HOP = 320
SECTIONS = ("encoder", "quantizer", "generator")
CASES = {"16k_320d_1s": "16k_320d", "16k_320d_odd16123": "16k_320d", "24k_240d_1s": "24k_240d"}
Normal = Callable[[str, tuple[int, ...]], np.ndarray]


def formula(name: str, normal: np.ndarray) -> np.ndarray:
    """FORMULA.md, HiFi-Codec section."""
    one = np.float32
    if re.fullmatch(r"quantizer\.quantizer_modules2?\.\d+\.embedding\.weight", name):
        return normal
    if re.fullmatch(r"encoder\.normalize\.\d+\.weight", name):
        return one(1.0) + one(0.1) * normal
    if name.endswith(".weight_g"):
        gain = one(1.6 if name.startswith("generator.ups.") else 1.0)
        return np.abs(gain * (one(1.0) + one(0.1) * normal))
    if name.endswith(".bias"):
        return one(0.02) * normal
    gain = 6.0 if name == "encoder.conv_post.weight" else 1.0
    return normal * one(gain / math.sqrt(math.prod(normal.shape[1:])))


def write_checkpoint(shared: Path, variant: str, normal: Normal, path: Path) -> str:
    """Write a file laid out as the published ones; return the fingerprint of its weights."""
    facts = json.loads((shared / f"parity/hificodec_{variant}.statedict.json").read_text())
    content: dict[str, dict[str, torch.Tensor]] = {section: {} for section in SECTIONS}
    digest = hashlib.sha256()
    layout = facts["checkpoint_layout"]
    names = sorted(f"{section}.{key}" for section in layout for key in layout[section])
    for name in names:
        section, _, key = name.partition(".")
        values = formula(name, normal(name, layout[section][key]))
        digest.update(name.encode() + values.astype("<f4").tobytes())
        content[section][key] = torch.from_numpy(values)
    torch.save(content, path)
    return digest.hexdigest()


@pytest.fixture(scope="module")
def checkpoints(
    shared: Path, normal: Normal, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], str]]:
    folder = tmp_path_factory.mktemp("hificodec")
    known = json.loads((shared / "parity/hificodec_weight_fingerprints.json").read_text())

    def path_of(variant: str) -> str:
        path = folder / f"HiFi-Codec-{variant}"
        if not path.exists():
            assert write_checkpoint(shared, variant, normal, path) == known[variant]
        return str(path)

    yield path_of
    for path in folder.iterdir():  # 250 MB each
        path.unlink()


@pytest.fixture(scope="module")
def official(checkpoints: Callable[[str], str]) -> Callable[[str], HifiCodecCodec]:
    made: dict[str, HifiCodecCodec] = {}

    def codec_of(variant: str) -> HifiCodecCodec:
        if variant not in made:
            made[variant] = HifiCodecCodec(variant=variant, checkpoint=checkpoints(variant))
            made[variant].load()
        return made[variant]

    return codec_of


@pytest.fixture(scope="module")
def untrained() -> HifiCodecCodec:
    codec = HifiCodecCodec(checkpoint="untrained")
    codec.load()
    return codec


def fixture_of(shared: Path, case: str) -> dict[str, np.ndarray]:
    with np.load(shared / f"parity/hificodec_{case}.npz") as file:
        return dict(file)


@pytest.mark.parametrize("case", CASES)
def test_codes_and_waveform_of_official_code(
    case: str, shared: Path, official: Callable[[str], HifiCodecCodec]
) -> None:
    codec = official(CASES[case])
    expected = fixture_of(shared, case)
    codes = codec.encode_codes(expected["input"], codec.points[0])
    np.testing.assert_array_equal(codes, expected["codes"].T)
    decoded = codec.decode_codes(codes)
    assert decoded.shape == expected["decoded"].shape
    assert np.abs(decoded - expected["decoded"]).max() < 2e-5
    assert codec.info.sample_rate == int(expected["sample_rate"])
    assert codec.info.trained


@pytest.mark.parametrize(
    ("variant", "groups", "rate"),
    [("16k_320d", 2, 2000), ("24k_320d", 2, 3000), ("24k_240d", 2, 4000), ("24k_240d", 4, 8000)],
)
def test_rates_of_the_paper(variant: str, groups: int, rate: int) -> None:
    # hificodec.md, section 1: 2000, 3000, 4000 and, with 8 codebooks, 8000 bit/s.
    codec = get_codec(f"hificodec:variant={variant},groups={groups}")
    assert [point.nominal_bps for point in codec.points] == [rate]
    assert [point.name for point in codec.points] == [str(rate)]


@pytest.mark.parametrize(
    ("variant", "normed", "folded"),
    [("16k_320d", 63630882, 63602497), ("24k_240d", 63614498, 63586113)],
)
def test_parameters_of_official_model(variant: str, normed: int, folded: int) -> None:
    # hificodec.md, section 2: counted by instantiating the official classes.
    codec = HifiCodecCodec(variant=variant, checkpoint="untrained")
    model = codec.make_model(None)
    assert sum(weight.numel() for weight in model.parameters()) == normed
    codec.load()
    assert sum(weight.numel() for weight in codec.model.parameters()) == folded


@pytest.mark.parametrize("groups", [1, 4, 8])
def test_groups_are_quantised_on_their_own(groups: int) -> None:
    # Algorithm 1 of the paper has a residual quantiser of its own for every group; done here in
    # float64 with all distances written out.
    from codecbench.adapters.neural.hificodec_model import Quantizer

    rng = np.random.default_rng(3)
    quantizer = Quantizer(groups, 64)
    for weight in quantizer.parameters():
        weight.data = torch.from_numpy(rng.standard_normal(weight.shape).astype(np.float32))
    latent = rng.standard_normal((1, 512, 9)).astype(np.float32)
    with torch.inference_mode():
        codes = quantizer.encode(torch.from_numpy(latent))
        decoded = quantizer.decode(codes).numpy()
    size = 512 // groups
    for group in range(groups):
        rest = latent[0, group * size : (group + 1) * size].T.astype(np.float64)
        total = np.zeros_like(rest)
        for layer, books in enumerate((quantizer.quantizer_modules, quantizer.quantizer_modules2)):
            words = books[group].embedding.weight.detach().numpy().astype(np.float64)
            nearest = ((rest[:, None] - words[None]) ** 2).sum(-1).argmin(-1)
            np.testing.assert_array_equal(codes[0, layer * groups + group], nearest)
            rest, total = rest - words[nearest], total + words[nearest]
        np.testing.assert_allclose(
            decoded[0, group * size : (group + 1) * size].T, total, atol=1e-5
        )


def test_every_code_depends_on_the_whole_utterance(
    shared: Path, official: Callable[[str], HifiCodecCodec]
) -> None:
    # hificodec.md, section 4: with these weights, filling 16123 samples up to 16320 with zeros
    # changes 25 of the first 200 codes of the official model.
    codec = official("16k_320d")
    expected = fixture_of(shared, "16k_320d_odd16123")
    padded = np.pad(expected["input"], (0, 16320 - 16123))
    codes = codec.encode_codes(padded, codec.points[0])
    assert (codes[:, :50] != expected["codes"].T).sum() == 25
    clip = Audio(expected["input"], 16000)
    np.testing.assert_array_equal(codec.encode(clip, codec.points[0]).codes, codes)


@pytest.mark.parametrize(
    "n_samples", [1, 319, 320, 321, 4001, pytest.param(480000, marks=pytest.mark.soak)]
)
def test_any_length_comes_back(n_samples: int, untrained: HifiCodecCodec) -> None:
    rng = np.random.default_rng(n_samples)
    clip = Audio(0.1 * rng.uniform(-1, 1, n_samples), 16000)
    encoded = untrained.encode(clip, untrained.points[0])
    frames = -(-n_samples // HOP)
    assert encoded.payload_bits == 4 * 10 * frames
    decoded = untrained.decode(Encoded.from_bytes(encoded.to_bytes()))
    assert decoded.n_samples == n_samples


def test_refuses_less_than_a_frame_as_the_official_model_does(untrained: HifiCodecCodec) -> None:
    with pytest.raises(EncodeError, match="needs 320 samples, found 319"):
        untrained.encode_codes(np.zeros(319, np.float32), untrained.points[0])


def test_normalised_clip_is_coded_at_its_peak_and_comes_back_at_its_level(
    untrained: HifiCodecCodec, speech: Audio
) -> None:
    codec = HifiCodecCodec(normalize="peak0.95", checkpoint="untrained")
    codec.load()
    clip = Audio(0.25 * speech.samples[:8000], 16000)
    peak = np.float32(np.abs(clip.samples).max())
    encoded = codec.encode(clip, codec.points[0])
    assert encoded.header_bits == 32
    (scale,) = struct.unpack("<f", encoded.header)
    assert scale == pytest.approx(0.95 / peak, rel=1e-6)
    plain = untrained.encode(Audio(clip.samples * np.float32(scale), 16000), untrained.points[0])
    np.testing.assert_array_equal(encoded.codes, plain.codes)
    loud, own = untrained.decode(plain).samples, codec.decode(encoded).samples
    np.testing.assert_allclose(own, loud * (peak / 0.95), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("level", [0.0, 1e-45])
def test_silence_needs_no_scale(level: float) -> None:
    codec = HifiCodecCodec(normalize="peak0.95", checkpoint="untrained")
    encoded = codec.encode(Audio(np.full(640, level, np.float32), 16000), codec.points[0])
    assert struct.unpack("<f", encoded.header) == (1.0,)
    assert np.isfinite(codec.decode(encoded).samples).all()


@pytest.mark.parametrize("header", [b"", struct.pack("<f", 0.0), struct.pack("<f", math.nan)])
def test_refuses_a_damaged_scale(header: bytes) -> None:
    codec = HifiCodecCodec(normalize="peak0.95", checkpoint="untrained")
    encoded = codec.encode(Audio(np.zeros(640, np.float32), 16000), codec.points[0])
    with pytest.raises(BitstreamError):
        codec.decode(replace(encoded, header=header, header_bits=8 * len(header)))


def test_several_points_would_be_one(untrained: Codec, speech: Audio) -> None:
    clip = Audio(speech.samples[:3200], 16000)
    (encoded,) = untrained.encode_points(clip, untrained.points)
    assert encoded.to_bytes() == untrained.encode(clip, untrained.points[0]).to_bytes()


def test_untrained_weights_are_the_same_each_time(untrained: HifiCodecCodec) -> None:
    again = HifiCodecCodec(checkpoint="untrained")
    assert not again.info.trained
    for one, other in zip(untrained.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_says_which_option_a_checkpoint_needs(checkpoints: Callable[[str], str]) -> None:
    with pytest.raises(CheckpointError, match="say groups=2"):
        HifiCodecCodec(groups=4, checkpoint=checkpoints("16k_320d")).load()
    with pytest.raises(CheckpointError, match="say variant=16k_320d or 24k_320d"):
        HifiCodecCodec(variant="24k_240d", checkpoint=checkpoints("16k_320d")).load()


def test_refuses_a_file_of_something_else(tmp_path: Path) -> None:
    torch.save({"encoder": {"conv.weight": torch.zeros(3)}}, tmp_path / "other")
    with pytest.raises(CheckpointError, match=r"HiFi-Codec 16k_320d.*tensors are missing"):
        HifiCodecCodec(checkpoint=str(tmp_path / "other")).load()


@pytest.mark.parametrize("options", ["groups=3", "groups=0", "device=tpu"])
def test_refuses_what_it_cannot_do(options: str) -> None:
    with pytest.raises(UnsupportedSettingError):
        get_codec(f"hificodec:{options}")
