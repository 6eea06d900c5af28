"""AcademiCodec's EnCodec against fixtures of its own code: FORMULA.md, academicodec_*."""

import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from codecbench.adapters.neural.encodec import EncodecCodec
from codecbench.adapters.registry import get_codec
from codecbench.core.audio import Audio
from codecbench.core.checkpoint import CheckpointError
from codecbench.core.errors import UnsupportedSettingError

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

Array = np.ndarray
Weight = Callable[[str, tuple[int, ...]], Array]
GAINS = (
    ("encoder.model.15.conv.conv.weight_g", 8.0),
    ("decoder.model.15.conv.conv.weight_g", 0.15),
    (".block.3.", 0.5),
    (".convtr.", 1.6),
)


@pytest.fixture(scope="module")
def weight(normal: Weight) -> Weight:
    """A tensor as FORMULA.md, AcademiCodec section, says."""

    def draw(name: str, shape: tuple[int, ...]) -> Array:
        if name.endswith(("._codebook.inited", "._codebook.cluster_size")):
            return np.ones(shape, np.float32)
        if "._codebook.embed" in name:
            return normal(name.removesuffix("_avg"), shape)
        if name.endswith(".weight_g"):
            gain = next((gain for part, gain in GAINS if part in name), 1.0)
            return np.abs(np.float32(gain) * (1 + np.float32(0.1) * normal(name, shape)))
        if name.endswith(".bias") or ".bias_" in name:
            return np.float32(0.02) * normal(name, shape)
        return normal(name, shape) * np.float32(1 / math.sqrt(math.prod(shape[1:])))

    return draw


@pytest.fixture(scope="module")
def official_file(
    shared: Path, weight: Weight, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """A file as AcademiCodec publishes it, of a variant and with weights by the formula."""
    folder = tmp_path_factory.mktemp("academicodec")
    layouts = json.loads((shared / "parity/academicodec_encodec.statedict.json").read_text())
    report = json.loads((shared / "parity/academicodec_report.json").read_text())

    def write(variant: str) -> Path:
        path = folder / f"encodec_{variant}.pth"
        if not path.is_file():
            layout = layouts[variant]
            drawn = {key: weight(key, tuple(shape)) for key, shape in layout["state_dict"].items()}
            digest = hashlib.sha256()
            for key in sorted(drawn):
                digest.update(key.encode() + drawn[key].astype("<f4").tobytes())
            assert digest.hexdigest() == report["fingerprints"][variant]
            prefix = layout["official_file_prefix"]
            torch.save({prefix + key: torch.from_numpy(drawn[key]) for key in drawn}, path)
        return path

    return write


# Smallest gap between best and second codeword: 0.1 and 0.3 (baselines.md, section 1.7).
@pytest.mark.parametrize(
    ("variant", "partial"),
    [
        pytest.param("16k_320d", {"wav_k8": 8, "wav_k12": 12}, marks=pytest.mark.slow),
        ("24k_32d", {"wav_k1": 1}),
    ],
)
def test_agrees_with_the_official_code(
    shared: Path, official_file: Callable[[str], Path], variant: str, partial: dict[str, int]
) -> None:
    fixture = np.load(shared / f"parity/academicodec_encodec_{variant}.npz")
    codec = get_codec(f'encodec:checkpoint="{official_file(variant)}"')
    assert isinstance(codec, EncodecCodec)
    codec.load()
    codes = codec.encode_codes(fixture["input"], codec.points[-1])
    np.testing.assert_array_equal(codes, fixture["codes"])
    for name, count in {"wav_all": len(codes), **partial}.items():
        decoded = codec.decode_codes(codes[:count])
        assert np.abs(decoded - fixture[name]).max() < 1e-5, name
    lowest = codec.encode_codes(fixture["input"], codec.points[0])
    np.testing.assert_array_equal(lowest, codes[: len(lowest)])


# baselines.md, section 1.2: rates of the HiFi-Codec paper's rows, parameters.
@pytest.mark.parametrize(
    ("variant", "codebooks", "bps", "parameters", "frame"),
    [
        pytest.param("16k_320d", 8, 4000, 17605090, 320, marks=pytest.mark.slow),
        ("16k_320d", 12, 6000, 17605090, 320),
        ("24k_240d", 8, 8000, 16556514, 240),
        ("24k_32d", 2, 15000, 14016994, 32),
    ],
)
def test_rows_of_the_paper(
    variant: str, codebooks: int, bps: int, parameters: int, frame: int
) -> None:
    codec = EncodecCodec(variant=variant, codebooks=codebooks)  # type: ignore[arg-type]
    assert [point.nominal_bps for point in codec.points] == [bps]
    assert codec.info.frame_samples == frame
    assert not codec.info.causal
    codec.load_plain()
    assert sum(value.numel() for value in codec.model.parameters()) == parameters


def test_length_of_any_clip_and_exact_bits(official_file: Callable[[str], Path]) -> None:
    codec = EncodecCodec(checkpoint=str(official_file("24k_32d")))
    for n_samples in (1, 31, 33, 1000):
        audio = Audio(np.linspace(-0.5, 0.5, n_samples, dtype=np.float32), 24000)
        encoded = codec.encode(audio, codec.points[-1])
        assert encoded.payload_bits == 2 * 10 * math.ceil(n_samples / 32)
        assert codec.decode(encoded).n_samples == n_samples


def test_variant_is_read_off_the_file(official_file: Callable[[str], Path]) -> None:
    codec = EncodecCodec(checkpoint=str(official_file("24k_240d")))
    assert codec.info.sample_rate == 24000
    assert [point.name for point in codec.points] == ["1", "2", "4", "8", "12"]
    with pytest.raises(CheckpointError, match="is not EnCodec 16k_320d"):
        EncodecCodec(checkpoint=str(official_file("24k_240d")), variant="16k_320d")


def test_resumable_file_holds_the_generator(
    official_file: Callable[[str], Path], tmp_path: Path
) -> None:
    published = torch.load(official_file("24k_32d"), weights_only=True)
    path = tmp_path / "latest.pth"
    torch.save({"soundstream": published, "mpd": {"w": torch.ones(2)}, "epoch": 3}, path)
    codec = EncodecCodec(checkpoint=str(path))
    codec.load()
    assert [point.nominal_bps for point in codec.points] == [7500, 15000]


def test_other_strides_need_a_sample_rate(
    official_file: Callable[[str], Path], tmp_path: Path
) -> None:
    published = torch.load(official_file("24k_32d"), weights_only=True)
    key = "module.decoder.model.3.convtr.convtr.weight_v"
    published[key] = torch.ones(*published[key].shape[:2], 10)
    path = tmp_path / "own.pth"
    torch.save(published, path)
    with pytest.raises(UnsupportedSettingError, match="sample rate is unknown"):
        EncodecCodec(checkpoint=str(path))
    assert get_codec(f'encodec@16000:checkpoint="{path}"').info.sample_rate == 16000


def test_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"generator.conv.weight": torch.ones(2)}, path)
    with pytest.raises(CheckpointError, match="no EnCodec"):
        EncodecCodec(checkpoint=str(path))
