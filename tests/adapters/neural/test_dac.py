"""DAC against fixtures of the official code, against transformers, and its adapter's promises."""

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.neural.dac import VARIANTS, DacCodec
from codecbench.adapters.neural.inference import fold_weight_norm
from codecbench.adapters.registry import get_codec
from codecbench.core.audio import Audio
from codecbench.core.checkpoint import CheckpointError
from codecbench.core.errors import MissingWeightsError, UnsupportedSettingError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from codecbench.adapters.neural.dac_model import make_dac  # noqa: E402  (imports transformers)

LAYOUTS = {"esc-tiny": "dac_tiny18", "16k": "dac16k", "esc-base": "dac_base18"}
CASES = [
    ("dac_tiny18_1s", "esc-tiny"),
    pytest.param("dac_16k12_1s", "16k", marks=pytest.mark.slow),
]
RESIDUAL_1X1 = re.compile(r"(encoder\.block|decoder\.model)\.\d+\.block\.\d+\.block\.3\.weight_g")
# transformers.md, section 6: a configuration for tests.
TINY = {
    "sampling_rate": 16000,
    "downsampling_ratios": [2, 4, 5, 8],
    "n_codebooks": 3,
    "codebook_size": 64,
    "encoder_hidden_size": 4,
    "decoder_hidden_size": 64,
}
Normal = Callable[..., np.ndarray]


def formula(name: str, normal: np.ndarray) -> np.ndarray:
    """FORMULA.md, DAC section."""
    one = np.float32
    if name.endswith(".codebook.weight"):
        return normal
    if name.endswith(".alpha"):
        return one(1) + one(0.1) * normal
    if name.endswith(".weight_g"):
        gain = 0.5 if RESIDUAL_1X1.fullmatch(name) else 1.0
        gain = {"encoder.block.0.weight_g": 4.0, "decoder.model.6.weight_g": 0.06}.get(name, gain)
        return np.abs(one(gain) * (one(1) + one(0.1) * normal))
    if name.endswith(".bias"):
        return one(0.02) * normal
    return normal * one(1 / math.sqrt(math.prod(normal.shape[1:])))


@pytest.fixture(scope="module")
def checkpoints(
    shared: Path, normal: Normal, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], str]]:
    """Files in the format of the official package, with the fixtures' weights."""
    folder = tmp_path_factory.mktemp("dac")
    known = json.loads((shared / "parity/dac_weight_fingerprints.json").read_text())

    def path_of(variant: str) -> str:
        path = folder / f"{variant}.pth"
        if not path.exists():
            layout = LAYOUTS[variant]
            shapes = json.loads((shared / f"parity/{layout}.statedict.json").read_text())
            values = {name: formula(name, normal(name, shapes[name])) for name in sorted(shapes)}
            digest = hashlib.sha256()
            for name, value in values.items():
                digest.update(name.encode() + value.astype("<f4").tobytes())
            assert digest.hexdigest() == known[layout]["sha256_all_generated"]
            tensors = {name: torch.from_numpy(value) for name, value in values.items()}
            metadata = {"kwargs": {"sample_rate": 16000}}
            torch.save({"state_dict": tensors, "metadata": metadata}, path)
        return str(path)

    yield path_of
    for path in folder.iterdir():  # up to 300 MB each
        path.unlink()


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real folder as save_pretrained writes it."""
    folder = tmp_path_factory.mktemp("hugging") / "tiny"
    torch.manual_seed(1)
    model = transformers.DacModel(transformers.DacConfig(**TINY))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(("codebook.weight", "out_proj.weight")):
                weight.normal_()
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def tiny(tiny_folder: Path) -> DacCodec:
    codec = DacCodec(checkpoint=str(tiny_folder), codebooks=[1, 2, 3])
    codec.load()
    return codec


@pytest.mark.parametrize(("case", "variant"), CASES)
def test_codes_and_waveforms_of_official_code(
    case: str, variant: str, shared: Path, checkpoints: Callable[[str], str]
) -> None:
    with np.load(shared / f"parity/{case}.npz") as file:
        expected = dict(file)
    every = range(1, VARIANTS[variant].codebooks + 1)
    codec = DacCodec(variant=variant, checkpoint=checkpoints(variant), codebooks=list(every))
    codec.load()
    assert codec.info.trained
    codes = codec.encode_codes(expected["input"], codec.points[-1])
    np.testing.assert_array_equal(codes, expected["codes"])
    waveforms = {int(key[5:]): expected[key] for key in expected if key.startswith("wav_n")}
    assert waveforms
    for rows, waveform in waveforms.items():
        fewer = codec.encode_codes(expected["input"], codec.point(str(rows)))
        np.testing.assert_array_equal(fewer, codes[:rows])
        decoded = codec.decode_codes(fewer)
        assert decoded.shape == waveform.shape
        assert np.abs(decoded - waveform).max() < 5e-5


@pytest.mark.parametrize(
    ("variant", "normed", "folded"),
    [
        ("16k", 74175906, 74141697),
        ("esc-base", 74335746, 74295345),
        ("esc-tiny", 8191092, 8174899),
        ("24k", None, 74653857),
        ("44k", None, 76620777),
    ],
)
def test_parameters_of_official_models(variant: str, normed: int | None, folded: int) -> None:
    # dac.md, section 1, and transformers.md, section 2.
    with torch.device("meta"):  # shapes without numbers
        model = make_dac(VARIANTS[variant].config())
    counted = sum(weight.numel() for weight in model.parameters())
    assert normed is None or counted == normed
    fold_weight_norm(model)
    assert sum(weight.numel() for weight in model.parameters()) == folded


@pytest.mark.parametrize(
    ("variant", "codebooks", "rate"),
    [
        ("16k", 12, 6000.0),
        ("24k", 32, 24000.0),
        ("44k", 9, 9 * 10 * 44100 / 512),
        ("esc-base", 18, 9000.0),
        ("esc-tiny", 3, 1500.0),
    ],
)
def test_rates(variant: str, codebooks: int, rate: float) -> None:
    codec = get_codec(f"dac:variant={variant},codebooks={codebooks}")
    assert [point.nominal_bps for point in codec.points] == [rate]


def test_default_points_rise_to_all_codebooks() -> None:
    for variant, facts in VARIANTS.items():
        codec = get_codec(f"dac:variant={variant}")
        assert codec.points[-1].name == str(facts.codebooks)
        assert len(codec.points) > 2


@pytest.mark.parametrize("n_samples", [1, 311, 320, 321, 8077, 16000])
def test_any_length_comes_back_with_zeros_where_the_decoder_ends(
    n_samples: int, tiny: DacCodec
) -> None:
    clip = Audio(0.3 * np.random.default_rng(n_samples).uniform(-1, 1, n_samples), 16000)
    encoded = tiny.encode(clip, tiny.points[-1])
    frames = -(-n_samples // 320)
    assert encoded.payload_bits == 3 * 6 * frames
    decoded = tiny.decode(Encoded.from_bytes(encoded.to_bytes()))
    assert decoded.n_samples == n_samples
    # dac.md, section 2: strides 8, 5, 4, 2 make 320 N - 8 samples.
    assert not decoded.samples[320 * frames - 8 :].any()
    assert decoded.samples.any()


@pytest.mark.slow
def test_thirty_seconds_come_back() -> None:
    codec = DacCodec(variant="esc-tiny")
    assert not codec.info.trained
    clip = Audio(0.1 * np.random.default_rng(0).uniform(-1, 1, 480001), 16000)
    encoded = codec.encode(clip, codec.points[0])
    assert codec.decode(encoded).n_samples == 480001


def test_folder_codes_as_transformers_does(tiny: DacCodec, tiny_folder: Path) -> None:
    # Their own forward pass on the same folder: hop 320 divides the length.
    samples = 0.3 * np.random.default_rng(7).uniform(-1, 1, 6400).astype(np.float32)
    model = transformers.DacModel.from_pretrained(tiny_folder).eval()
    with torch.inference_mode():
        theirs = model.encode(torch.from_numpy(samples)[None, None])
        wave = model.decode(audio_codes=theirs.audio_codes).audio_values[0].numpy()
    codes = tiny.encode_codes(samples, tiny.points[-1])
    np.testing.assert_array_equal(codes, theirs.audio_codes[0].numpy())
    np.testing.assert_allclose(tiny.decode_codes(codes), wave, atol=1e-5)
    assert len(np.unique(codes)) > 5


def test_nested_rates_are_truncations_and_never_filled_with_zeros(tiny: DacCodec) -> None:
    clip = Audio(0.3 * np.random.default_rng(8).uniform(-1, 1, 6000), 16000)
    together = tiny.encode_points(clip, tiny.points)
    alone = [tiny.encode(clip, point) for point in tiny.points]
    assert [one.to_bytes() for one in together] == [one.to_bytes() for one in alone]
    codes = together[-1].codes
    assert codes is not None
    for rows, encoded in enumerate(together, start=1):
        np.testing.assert_array_equal(encoded.codes, codes[:rows])
        zero_filled = np.concatenate([codes[:rows], np.zeros_like(codes[rows:])])
        few, filled = tiny.decode_codes(codes[:rows]), tiny.decode_codes(zero_filled)
        assert rows == len(codes) or np.abs(few - filled).max() > 1e-3
        np.testing.assert_array_equal(tiny.decode(encoded).samples[:6000], few[:6000])


def test_folder_says_what_it_is(tiny: DacCodec) -> None:
    assert tiny.info.sample_rate == 16000
    assert tiny.info.frame_samples == 320
    assert tiny.codebook_sizes(tiny.points[-1]) == (64, 64, 64)
    assert "config" in tiny.info.fingerprint


def test_wrong_hop_of_published_configurations_is_not_believed(tiny_folder: Path) -> None:
    # transformers.md, trap 4: descript/dac_24khz says hop_length 512 where it is 320.
    config = json.loads((tiny_folder / "config.json").read_text())
    lying = tiny_folder.parent / "lying"
    lying.mkdir()
    (lying / "config.json").write_text(json.dumps({**config, "hop_length": 512}))
    (lying / "model.safetensors").write_bytes((tiny_folder / "model.safetensors").read_bytes())
    codec = DacCodec(checkpoint=str(lying))
    assert codec.info.frame_samples == 320
    clip = Audio(np.full(1000, 0.1, np.float32), 16000)
    assert codec.decode(codec.encode(clip, codec.points[0])).n_samples == 1000


def test_missing_tensors_are_an_error(tiny_folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(tiny_folder / "model.safetensors")
    del tensors["decoder.conv2.bias"]
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    (tmp_path / "config.json").write_bytes((tiny_folder / "config.json").read_bytes())
    with pytest.raises(CheckpointError, match=r"1 tensors are missing \(decoder\.conv2\.bias\)"):
        DacCodec(checkpoint=str(tmp_path)).load()


def test_truncated_folder_is_an_error(tiny_folder: Path, tmp_path: Path) -> None:
    whole = (tiny_folder / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "config.json").write_bytes((tiny_folder / "config.json").read_bytes())
    with pytest.raises(CheckpointError, match="cannot be loaded as DacModel"):
        DacCodec(checkpoint=str(tmp_path)).load()


def test_another_models_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "mimi"}')
    with pytest.raises(CheckpointError, match="of the model 'mimi', not of 'dac'"):
        DacCodec(checkpoint=str(tmp_path))


def test_says_which_variant_an_official_file_is(checkpoints: Callable[[str], str]) -> None:
    with pytest.raises(CheckpointError, match="say variant=esc-tiny"):
        DacCodec(variant="16k", checkpoint=checkpoints("esc-tiny")).load()


def test_published_name_is_not_downloaded_unless_allowed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import huggingface_hub

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a download was tried")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    codec = get_codec("dac:checkpoint=descript/dac_24khz")
    assert codec.info.sample_rate == 24000
    assert codec.info.fingerprint == "absent"
    with pytest.raises(MissingWeightsError, match="allow_download=true"):
        codec.load()
    with pytest.raises(MissingWeightsError, match="no model at"):
        DacCodec(checkpoint=str(tmp_path / "nowhere.pth")).load()


@pytest.mark.parametrize("options", ["codebooks=13", "codebooks=0", "device=x"])
def test_refuses_what_it_cannot_do(options: str) -> None:
    with pytest.raises(UnsupportedSettingError):
        get_codec(f"dac:{options}")
