"""FreqCodec against a fixture of FunCodec's own code: FORMULA.md, funcodec_freq_*."""

import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.neural.freqcodec import FreqCodecCodec
from codecbench.core.audio import Audio
from codecbench.core.checkpoint import CheckpointError
from codecbench.core.errors import BitstreamError, UnsupportedSettingError

torch = pytest.importorskip("torch")
yaml = pytest.importorskip("yaml")

Array = np.ndarray
Weight = Callable[[str, tuple[int, ...]], Array]
RATIOS = [[4, 1], [4, 1], [4, 2], [4, 1]]
# What baselines.md, section 2.3, says of the recipe freqcodec_mag_phase_16k_n32_600k_step.yaml.
SIDE = {"ratios": RATIOS, "norm": "time_group_norm", "causal": False, "dilation_base": 1}
RECIPE: dict[str, Any] = {
    "sampling_rate": 16000,
    "encoder": "encodec_seanet_encoder_2d",
    "encoder_conf": {**SIDE, "norm_params": {"num_groups": 1}},
    "quantizer": "costume_quantizer",
    "quantizer_conf": {"codebook_size": 1024, "num_quantizers": 32, "kmeans_init": True},
    "decoder": "encodec_seanet_decoder_2d",
    "decoder_conf": {**SIDE, "channels": 3},
    "model": "freq_codec",
    "model_conf": {"odim": 128, "codec_domain": ["mag_phase", "mag_phase"]},
}


def grouped(ratio: int) -> dict[str, Any]:
    side = {**SIDE, "seq_model": "none"}
    return {
        **RECIPE,
        "encoder_conf": {**side, "conv_group_ratio": ratio},
        "decoder_conf": {**side, "conv_group_ratio": ratio, "tr_conv_group_ratio": ratio},
    }


@pytest.fixture(scope="module")
def weight(normal: Weight) -> Weight:
    """A tensor as FORMULA.md, FunCodec section, says."""

    def draw(name: str, shape: tuple[int, ...]) -> Array:
        if name in ("quantizer.rq.model.inited", "quantizer.rq.model.cluster_size"):
            return np.ones(shape, np.float32)
        if name.startswith("quantizer.rq.model.embed"):
            return normal("quantizer.rq.model.embed", shape)
        if name.endswith(".norm.weight"):
            return np.float32(1) + np.float32(0.1) * normal(name, shape)
        if name.endswith(".bias") or ".bias_" in name:
            return np.float32(0.02) * normal(name, shape)
        return normal(name, shape) * np.float32(1 / math.sqrt(math.prod(shape[1:])))

    return draw


@pytest.fixture(scope="module")
def folder(
    shared: Path, weight: Weight, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """A folder as FunCodec publishes it, with weights by the formula."""
    layouts = json.loads((shared / "parity/funcodec_freq.statedict.json").read_text())
    report = json.loads((shared / "parity/funcodec_report.json").read_text())

    def write(name: str) -> Path:
        path = tmp_path_factory.mktemp(name)
        shapes = layouts[name]["state_dict"]
        drawn = {key: weight(key, tuple(shape)) for key, shape in shapes.items()}
        digest = hashlib.sha256()
        for key in sorted(drawn):
            digest.update(key.encode() + drawn[key].astype("<f4").tobytes())
        assert digest.hexdigest() == report["fingerprints"][name]
        tensors = {key: torch.from_numpy(value) for key, value in drawn.items()}
        # Also in the published file: baselines.md, section 2.3.
        further = {"discriminator.x.weight": torch.ones(2), "enc_trans_func.window": torch.ones(2)}
        torch.save({**tensors, **further}, path / "model.pth")
        (path / "config.yaml").write_text(
            yaml.safe_dump(RECIPE if name == "default" else grouped(1))
        )
        return path

    return write


@pytest.fixture(scope="module")
def recipe_folder(folder: Callable[[str], Path]) -> Path:
    return folder("default")


@pytest.fixture(scope="module")
def codec(recipe_folder: Path) -> FreqCodecCodec:
    made = FreqCodecCodec(checkpoint=str(recipe_folder), codebooks=[3, 6, 32], align=False)
    made.load()
    return made


def test_agrees_with_the_official_code(shared: Path, codec: FreqCodecCodec) -> None:
    # Smallest gap between best and second codeword 0.015; tolerances of FORMULA.md.
    fixture = np.load(shared / "parity/funcodec_freq_default.npz")
    codes = codec.encode_codes(fixture["input"], codec.points[-1])
    np.testing.assert_array_equal(codes, fixture["codes"])
    for count in (3, 6, 32):
        decoded = codec.decode_codes(codes[:count])
        assert np.abs(decoded - fixture[f"wav_codes_k{count}"]).max() < 1e-5
    with torch.inference_mode():
        frames = codec._network.frames(torch.from_numpy(fixture["input"])[None])
    assert np.abs(frames.numpy() - fixture["latent"]).max() < 1e-3


def test_level_is_sent_and_given_back(shared: Path, codec: FreqCodecCodec) -> None:
    fixture = np.load(shared / "parity/funcodec_freq_default.npz")
    encoded = codec.encode(Audio(fixture["input"], 16000), codec.points[-1])
    scale = np.frombuffer(encoded.header, "<f4")[0]
    assert scale == pytest.approx(json.loads(str(fixture["meta"]))["scale"], rel=1e-6)
    assert encoded.header_bits == 32
    assert encoded.payload_bits == 32 * 10 * 51  # baselines.md, section 2.4: 51 frames, not 50
    decoded = codec.decode(Encoded.from_bytes(encoded.to_bytes()))
    assert np.abs(decoded.samples - fixture["wav_full"].clip(-1, 1)).max() < 1e-5


@pytest.mark.parametrize(("level", "n_bytes", "bits"), [("float16", 2, 16), ("free", 4, 0)])
def test_level_in_other_words(
    recipe_folder: Path, codec: FreqCodecCodec, level: str, n_bytes: int, bits: int
) -> None:
    other = FreqCodecCodec(checkpoint=str(recipe_folder), codebooks=3, level=level, align=False)
    audio = Audio((0.1 * np.sin(np.arange(4000) / 9)).astype(np.float32), 16000)
    encoded = other.encode(audio, other.points[0])
    assert (len(encoded.header), encoded.header_bits) == (n_bytes, bits)
    whole = codec.decode(codec.encode(audio, codec.points[0])).samples
    np.testing.assert_allclose(other.decode(encoded).samples, whole, rtol=1e-3, atol=1e-5)
    if level == "float16":
        with pytest.raises(BitstreamError, match="no header of 2 bytes"):
            codec.decode(encoded)


def test_any_length_comes_back(codec: FreqCodecCodec) -> None:
    # baselines.md, section 2.4: 15999 samples give 15840, 16000 give 16160.
    assert codec.decode_codes(np.zeros((3, 50), np.int64)).size == 15840
    assert codec.decode_codes(np.zeros((3, 51), np.int64)).size == 16160
    for n_samples in (1, 200, 257, 480, 3199, 3200):
        audio = Audio(np.full(n_samples, 0.01, np.float32), 16000)
        encoded = codec.encode(audio, codec.points[0])
        assert codec.decode(encoded).n_samples == n_samples
        spectra = 1 + max(n_samples, 257) // 160
        assert encoded.payload_bits == 3 * 10 * math.ceil(spectra / 2)


def test_half_the_level_has_the_same_codes(shared: Path, codec: FreqCodecCodec) -> None:
    signal = np.load(shared / "parity/funcodec_freq_default.npz")["input"][:8000]
    codes = codec.encode_codes(signal, codec.points[1])
    np.testing.assert_array_equal(codec.encode_codes(signal / 2, codec.points[1]), codes)


@pytest.mark.parametrize(("spectra", "late"), [(120, 0), (121, 1)])
def test_mirrored_spectrum_makes_odd_clips_late(spectra: int, late: int) -> None:
    # Without its norms, which spread all over the clip, the network is late by as much as the
    # middle of what an output depends on lies before it.
    codec = FreqCodecCodec(variant="gr1_half", codebooks=1)
    codec.load()
    network = codec._network
    for module in network.modules():
        if hasattr(module, "norm"):
            module.norm = torch.nn.Identity()
    given = torch.randn(1, 3, 257, spectra, generator=torch.Generator().manual_seed(0))
    given.requires_grad_()
    decoded = network.decoder(network.encoder(given))
    delays = []
    for place in (60, 61):
        (slope,) = torch.autograd.grad(decoded[..., place].sum(), given, retain_graph=True)
        there = torch.nonzero(slope.abs().sum((0, 1, 2))).flatten()
        delays.append(place - (int(there[0]) + int(there[-1])) / 2)
    assert sum(delays) / 2 == late
    n_samples = 160 * (spectra - 1)
    assert codec.start_of(n_samples) == 160 * late
    assert FreqCodecCodec(align=False).start_of(n_samples) == 0


# baselines.md, section 2.1 and funcodec_report.json.
@pytest.mark.parametrize(
    ("variant", "encoder", "decoder"),
    [
        ("recipe", 8111504, 8111129),
        ("gr1", 515792, 498009),
        ("gr1_half", 258088, 249009),
        ("gr8", 833424, 693785),
    ],
)
def test_parameters(variant: str, encoder: int, decoder: int) -> None:
    codec = FreqCodecCodec(variant=variant, codebooks=1)  # type: ignore[arg-type]
    codec.load_plain()
    for part, wanted in (("encoder", encoder), ("decoder", decoder)):
        found = sum(value.numel() for value in getattr(codec.model, part).parameters())
        assert found == wanted


def test_grouped_file_loads(folder: Callable[[str], Path]) -> None:
    codec = FreqCodecCodec(checkpoint=str(folder("gr1")), codebooks=[3, 6])
    codec.load()
    assert [point.nominal_bps for point in codec.points] == [1500, 3000]
    assert codec.info.trained


def test_configuration_must_fit_the_tensors(recipe_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "model.pth").symlink_to(recipe_folder / "model.pth")
    with pytest.raises(CheckpointError, match=r"needs the config\.yaml"):
        FreqCodecCodec(checkpoint=str(tmp_path))
    wide = {**RECIPE, "encoder_conf": {**SIDE, "n_filters": 64}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(wide))
    with pytest.raises(CheckpointError, match=r"filters is 64 by config\.yaml, 32 by the tensors"):
        FreqCodecCodec(checkpoint=str(tmp_path))
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(grouped(1)))
    with pytest.raises(CheckpointError, match=r"lstm_layers is 0 by config\.yaml, 2 by"):
        FreqCodecCodec(checkpoint=str(tmp_path))
    angle = {**RECIPE, "model_conf": {"codec_domain": ["mag_angle", "mag_angle"]}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(angle))
    with pytest.raises(UnsupportedSettingError, match="codec_domain must be"):
        FreqCodecCodec(checkpoint=str(tmp_path))
    (tmp_path / "config.yaml").write_text("!!python/object/apply:os.system ['true']")
    with pytest.raises(CheckpointError, match="no YAML of plain values"):
        FreqCodecCodec(checkpoint=str(tmp_path))
