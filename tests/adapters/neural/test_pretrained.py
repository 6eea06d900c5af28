"""What EnCodec, Mimi and X-codec promise alike, on real folders of small random models."""

import gc
import json
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.neural.pretrained_codec import PretrainedCodec
from codecbench.adapters.neural.random_codebooks import fill_codebooks
from codecbench.adapters.registry import CODECS, get_codec
from codecbench.core.audio import Audio
from codecbench.core.checkpoint import CheckpointError
from codecbench.core.errors import DecodeError, MissingWeightsError, UnsupportedSettingError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

NAMES = ("encodec", "mimi", "xcodec")
# Configurations for tests: transformers.md, section 6.
CONFIGS: dict[str, dict[str, Any]] = {
    "encodec": {
        "num_filters": 4,
        "hidden_size": 16,
        "codebook_size": 64,
        "num_lstm_layers": 1,
        "target_bandwidths": [0.9, 1.8],
    },
    "mimi": {
        "num_filters": 4,
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "intermediate_size": 64,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "codebook_size": 64,
        "codebook_dim": 16,
        "vector_quantization_hidden_dimension": 16,
        "num_quantizers": 4,
        "upsample_groups": 32,
    },
    "xcodec": {
        "acoustic_model_config": {
            "model_type": "dac",
            "encoder_hidden_size": 4,
            "decoder_hidden_size": 64,
            "downsampling_ratios": [8, 5, 4, 2],
            "upsampling_ratios": [8, 5, 4, 2],
            "hidden_size": 64,
        },
        "semantic_model_config": {
            "model_type": "hubert",
            "hidden_size": 32,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 32,
            "conv_dim": [16] * 7,
            "num_conv_pos_embedding_groups": 4,
            "num_conv_pos_embeddings": 16,
        },
    },
}
POINTS = {"encodec": [2, 4], "mimi": [1, 2, 4], "xcodec": [1, 2, 3, 4, 8]}
BITS = {"encodec": 6, "mimi": 6, "xcodec": 10}
HOPS = {"encodec": 320, "mimi": 1920, "xcodec": 320}


@dataclass(frozen=True)
class Case:
    """One small model: its folder, transformers' own instance, and our codec of the folder."""

    name: str
    folder: Path
    model: Any
    codec: PretrainedCodec

    def theirs(self, samples: np.ndarray, rows: int) -> np.ndarray:
        """Codes by the recipe of transformers.md, section 5."""
        x = torch.from_numpy(samples)[None, None]
        with torch.inference_mode():
            if self.name == "mimi":
                return self.model.encode(x, num_quantizers=rows).audio_codes[0].numpy()
            bandwidths = sorted(self.model.config.target_bandwidths)
            bandwidth = bandwidths[POINTS[self.name].index(rows)]
            codes = self.model.encode(x, bandwidth=bandwidth).audio_codes
            return (codes[0, 0] if self.name == "encodec" else codes[0]).numpy()

    def their_samples(self, codes: np.ndarray) -> np.ndarray:
        given = torch.from_numpy(codes)
        with torch.inference_mode():
            if self.name == "encodec":
                return self.model.decode(given[None, None], [None]).audio_values[0, 0].numpy()
            return self.model.decode(given[None]).audio_values[0, 0].numpy()


def make_model(name: str) -> Any:
    """Make a small model whose codebooks are filled, which transformers leaves at zero."""
    prefix = name.capitalize()
    torch.manual_seed(4)
    config = getattr(transformers, f"{prefix}Config")(**CONFIGS[name])
    model = getattr(transformers, f"{prefix}Model")(config).eval()
    if name == "encodec":  # as drawn, what comes out of it is hardly more than its bias
        model.encoder.layers[-1].conv.parametrizations.weight.original0.data.mul_(3000)
    rate = getattr(config, "sampling_rate", None) or config.sample_rate
    highest = {} if name == "mimi" else {"bandwidth": max(config.target_bandwidths)}
    fill_codebooks(model, lambda noise: model.encode(noise, **highest), sample_rate=rate)
    return model


@pytest.fixture(scope="module", params=NAMES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    name = request.param
    folder = tmp_path_factory.mktemp(name) / "model"
    model = make_model(name)
    model.save_pretrained(folder)
    codec = CODECS.load(name)(checkpoint=str(folder), codebooks=POINTS[name])
    codec.load()
    assert isinstance(codec, PretrainedCodec)
    return Case(name, folder, model, codec)


def noise(n_samples: int, seed: int = 0) -> np.ndarray:
    return (0.2 * np.random.default_rng(seed).uniform(-1, 1, n_samples)).astype(np.float32)


@pytest.mark.parametrize("n_samples", [640, 12345, 16000])
def test_codes_and_samples_are_those_of_transformers(case: Case, n_samples: int) -> None:
    samples = noise(n_samples)
    for point in case.codec.points:
        theirs = case.theirs(samples, int(point.name))
        codes = case.codec.encode_codes(samples, point)
        np.testing.assert_array_equal(codes, theirs)
        np.testing.assert_allclose(
            case.codec.decode_codes(codes), case.their_samples(theirs), rtol=1e-4, atol=1e-5
        )
    assert n_samples < 10000 or len(np.unique(codes)) > 4


@pytest.mark.parametrize("n_samples", [1, 319, 320, 321, 1921, 8077])
def test_any_length_comes_back_at_exact_bits(case: Case, n_samples: int) -> None:
    clip = Audio(noise(n_samples), case.codec.info.sample_rate)
    for point in case.codec.points:
        encoded = case.codec.encode(clip, point)
        frames = -(-n_samples // HOPS[case.name])
        assert encoded.payload_bits == BITS[case.name] * int(point.name) * frames
        decoded = case.codec.decode(Encoded.from_bytes(encoded.to_bytes()))
        assert decoded.n_samples == n_samples


def test_nested_rates_are_truncations_and_never_filled_with_zeros(case: Case) -> None:
    codec = case.codec
    clip = Audio(noise(9000), codec.info.sample_rate)
    together = codec.encode_points(clip, codec.points)
    alone = [codec.encode(clip, point) for point in codec.points]
    assert [one.to_bytes() for one in together] == [one.to_bytes() for one in alone]
    codes = together[-1].codes
    assert codes is not None
    for encoded in together[:-1]:
        rows = len(encoded.codebook_sizes)
        few = codec.decode(encoded).samples
        filled = codec.decode_codes(np.concatenate([codes[:rows], np.zeros_like(codes[rows:])]))
        own = case.their_samples(codes[:rows])[:9000]
        np.testing.assert_allclose(few, np.clip(own, -1, 1), atol=1e-5)
        assert np.abs(few - np.clip(filled[:9000], -1, 1)).max() > 1e-3 * np.abs(own).max()


def test_decodes_only_numbers_of_codebooks_that_are_points(case: Case) -> None:
    rows = max(POINTS[case.name]) + 1
    with pytest.raises(DecodeError, match="codebooks"):
        case.codec.decode_codes(np.zeros((rows, 3), np.int64))


def test_facts_need_no_load_and_say_trained(case: Case) -> None:
    fresh = CODECS.load(case.name)(checkpoint=str(case.folder), codebooks=POINTS[case.name])
    assert fresh.info == case.codec.info
    assert fresh.info.trained
    assert "pkg:transformers" in fresh.info.needs
    assert not get_codec(case.name).info.trained


def test_fingerprint_follows_weights_and_configuration(case: Case, tmp_path: Path) -> None:
    config = json.loads((case.folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "note": 1}))
    (tmp_path / "model.safetensors").write_bytes((case.folder / "model.safetensors").read_bytes())
    other = CODECS.load(case.name)(checkpoint=str(tmp_path))
    assert other.info.fingerprint != case.codec.info.fingerprint


def damage(case: Case, folder: Path, change: Callable[[dict[str, Any]], object]) -> str:
    from safetensors.torch import load_file, save_file

    tensors = load_file(case.folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_bytes((case.folder / "config.json").read_bytes())
    return str(folder)


def test_missing_and_foreign_tensors_are_errors(case: Case, tmp_path: Path) -> None:
    def change(tensors: dict[str, Any]) -> None:
        del tensors[sorted(tensors)[0]]
        tensors["of.another.model"] = torch.zeros(1)

    with pytest.raises(CheckpointError, match=r"1 tensors are missing .* 1 are not of this model"):
        CODECS.load(case.name)(checkpoint=damage(case, tmp_path, change)).load()


def test_values_that_are_not_finite_are_errors(case: Case, tmp_path: Path) -> None:
    def change(tensors: dict[str, Any]) -> None:
        name = next(key for key in sorted(tensors) if tensors[key].is_floating_point())
        tensors[name].view(-1)[0] = float("nan")

    with pytest.raises(CheckpointError, match="not finite"):
        CODECS.load(case.name)(checkpoint=damage(case, tmp_path, change)).load()


def test_pickled_weights_are_not_even_looked_at(case: Case, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((case.folder / "config.json").read_bytes())
    torch.save(case.model.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(MissingWeightsError, match=r"model\.safetensors"):
        CODECS.load(case.name)(checkpoint=str(tmp_path)).load()


def test_another_models_folder_is_refused(case: Case) -> None:
    for name in NAMES:
        if name != case.name:
            with pytest.raises(CheckpointError, match=f"not of '{name}'"):
                CODECS.load(name)(checkpoint=str(case.folder))


def test_named_model_is_not_downloaded_unless_allowed(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    asked: list[str] = []

    def download(name: str, **_: object) -> str:
        asked.append(name)
        return str(case.folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_: None)
    cls = CODECS.load(case.name)
    with pytest.raises(MissingWeightsError, match="allow_download=true"):
        cls(checkpoint="some-owner/some-model").load()
    assert asked == []
    allowed = cls(checkpoint="some-owner/some-model", allow_download=True)
    # The small model's configuration is not the published one, by which the points were made.
    if case.name == "xcodec":
        allowed.load()
    else:
        with pytest.raises(CheckpointError, match="make the codec anew"):
            allowed.load()
    assert asked == ["some-owner/some-model"]


def test_a_model_in_the_cache_is_found_by_its_name(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    def cached(name: str, file: str) -> str | None:
        return str(case.folder / file) if name == "some-owner/some-model" else None

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", cached)
    codec = CODECS.load(case.name)(checkpoint="some-owner/some-model", codebooks=POINTS[case.name])
    assert codec.info.fingerprint == case.codec.info.fingerprint
    samples = noise(4000)
    np.testing.assert_array_equal(
        codec.encode_codes(samples, codec.points[0]),
        case.codec.encode_codes(samples, case.codec.points[0]),
    )


def test_a_model_that_coded_is_let_go(case: Case) -> None:
    codec = CODECS.load(case.name)(checkpoint=str(case.folder))
    codec.encode_codes(noise(4000), codec.points[0])
    model = weakref.ref(codec.model)
    del codec
    gc.collect()
    assert model() is None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("options", ["codebooks=33", "codebooks=0", "device=tpu"])
def test_refuses_what_it_cannot_do(name: str, options: str) -> None:
    with pytest.raises(UnsupportedSettingError):
        get_codec(f"{name}:{options}")
