"""NOMAD: its head against values of independent origin, its names, and runs without weights."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from codecbench.core.audio import Audio
from codecbench.core.audio_file import write_audio
from codecbench.core.cell import Status
from codecbench.core.checkpoint import CheckpointError
from codecbench.core.errors import ConfigError, MissingWeightsError
from codecbench.metrics.evaluation import evaluate_pair
from codecbench.metrics.nomad import Nomad
from codecbench.metrics.registry import GROUPS, get_metric, with_nomad_weights

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from codecbench.metrics.nomad_model import NomadModel, distance, load_nomad  # noqa: E402

Normal = Callable[[str, tuple[int, ...]], np.ndarray]
TINY = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "conv_dim": (8,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}


def test_head_as_specified(normal: Normal) -> None:
    # baselines.md, section 3: tests, (2).
    model = NomadModel(transformers.Wav2Vec2Config(**{**TINY, "hidden_size": 768}))
    layer = model.embedding_layer[1]
    weight = normal("embedding_layer.1.weight", (256, 768)) / np.float32(np.sqrt(768))
    bias = np.float32(0.02) * normal("embedding_layer.1.bias", (256,))
    layer.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})
    a, b = normal("nomad.a", (49, 768)), normal("nomad.b", (73, 768))
    c = a + np.float32(0.1) * normal("nomad.n", (49, 768))
    with torch.inference_mode():
        e_a, e_b, e_c = (model.embed(torch.from_numpy(frames)) for frames in (a, b, c))
    assert distance(e_a, e_b) == pytest.approx(1.088689, abs=1e-5)
    assert distance(e_a, e_c) == pytest.approx(0.097570, abs=1e-5)
    assert e_a[:3].tolist() == pytest.approx([0.026128, 0.089216, -0.097064], abs=1e-5)


def published_shapes(model: NomadModel) -> dict[str, tuple[int, ...]]:
    """Name all tensors as fairseq's classes do; written out apart from the metric's own table."""
    config = model.ssl_model.config
    width, inner = config.hidden_size, config.intermediate_size
    shapes: dict[str, tuple[int, ...]] = {"mask_emb": (width,)}
    inputs = 1
    for index, (outputs, kernel) in enumerate(
        zip(config.conv_dim, config.conv_kernel, strict=True)
    ):
        shapes[f"feature_extractor.conv_layers.{index}.0.weight"] = (outputs, inputs, kernel)
        inputs = outputs
    for part in ("weight", "bias"):
        shapes[f"feature_extractor.conv_layers.0.2.{part}"] = (config.conv_dim[0],)
        shapes[f"layer_norm.{part}"] = (config.conv_dim[-1],)
        shapes[f"encoder.layer_norm.{part}"] = (width,)
    shapes["post_extract_proj.weight"] = (width, config.conv_dim[-1])
    shapes["post_extract_proj.bias"] = (width,)
    taps = config.num_conv_pos_embeddings
    shapes["encoder.pos_conv.0.bias"] = (width,)
    shapes["encoder.pos_conv.0.weight_g"] = (1, 1, taps)
    per_group = width // config.num_conv_pos_embedding_groups
    shapes["encoder.pos_conv.0.weight_v"] = (width, per_group, taps)
    for index in range(config.num_hidden_layers):
        layer = f"encoder.layers.{index}"
        for name, outputs, inputs in (
            *((f"self_attn.{which}_proj", width, width) for which in ("k", "v", "q", "out")),
            ("fc1", inner, width),
            ("fc2", width, inner),
        ):
            shapes[f"{layer}.{name}.weight"] = (outputs, inputs)
            shapes[f"{layer}.{name}.bias"] = (outputs,)
        for name in ("self_attn_layer_norm", "final_layer_norm"):
            shapes[f"{layer}.{name}.weight"] = shapes[f"{layer}.{name}.bias"] = (width,)
    named = {f"ssl_model.{name}": shape for name, shape in shapes.items()}
    return {
        **named,
        "embedding_layer.1.weight": (256, width),
        "embedding_layer.1.bias": (256,),
    }


def test_all_names_of_the_published_file_are_known() -> None:
    with torch.device("meta"):
        model = NomadModel()
    shapes = published_shapes(model)
    assert len(shapes) == 211 + 2  # baselines.md, section 3: 211 of wav2vec 2.0, and the head
    tiny = NomadModel(transformers.Wav2Vec2Config(**TINY))
    tensors = {
        name: torch.full(shape, 0.01 * (index % 7 + 1))
        for index, (name, shape) in enumerate(published_shapes(tiny).items())
    }
    load_nomad(tiny, tensors, what="test")
    layer = tiny.ssl_model.encoder.layers[1]
    wanted = tensors["ssl_model.encoder.layers.1.fc2.weight"]
    assert torch.equal(layer.feed_forward.output_dense.weight, wanted)
    with pytest.raises(CheckpointError, match="1 are not of this model"):
        load_nomad(tiny, {**tensors, "ssl_model.quantizer.vars": torch.ones(1)}, what="test")


def test_without_weights_cells_are_skipped(speech: Audio, tmp_path: Path) -> None:
    for spec in ("nomad", f"nomad:weights={tmp_path}/none.pt"):
        metric = get_metric(spec)
        cell = evaluate_pair(metric, speech.samples, speech.samples, 16000)["nomad"]
        assert (cell.status, cell.reason) == (Status.SKIPPED, "missing_weights")
        assert "nomad_best_model.pt" in cell.detail
        with pytest.raises(MissingWeightsError):
            metric.prepare(speech)
    assert not any("nomad" in names for names in GROUPS.values())


def test_weights_are_put_where_none_were_said() -> None:
    assert with_nomad_weights("core,stoi", "/w.pt") == ["core", "stoi", "nomad:weights=/w.pt"]
    assert with_nomad_weights(["nomad", "stoi"], "/w.pt") == ["nomad:weights=/w.pt", "stoi"]
    assert with_nomad_weights("nomad:weights=/own.pt", "/w.pt") == ["nomad:weights=/own.pt"]


def test_references_and_mode_go_together(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="go together"):
        Nomad(mode="non_matching")
    with pytest.raises(ConfigError, match="go together"):
        Nomad(references=str(tmp_path))


@pytest.mark.slow
def test_whole_way_with_made_up_weights(speech: Audio, tmp_path: Path) -> None:
    path = tmp_path / "nomad_best_model.pt"
    torch.manual_seed(0)
    torch.set_num_threads(1)
    speech = Audio(speech.samples[8000:16000], 16000)
    with torch.device("meta"):
        model = NomadModel()
    torch.save(
        {
            name: torch.randn(shape) / max(1, np.prod(shape[1:])) ** 0.5 + (len(shape) == 1)
            for name, shape in published_shapes(model).items()
        },
        path,
    )
    metric = Nomad(weights=str(path))
    noise = 0.05 * np.random.default_rng(0).standard_normal(speech.n_samples)
    noisy = Audio.clip(speech.samples + noise, 16000)
    prepared = metric.prepare(speech)
    assert metric.score(prepared, speech)["nomad"] == 0
    there = metric.score(prepared, noisy)["nomad"]
    back = metric.score(metric.prepare(noisy), speech)["nomad"]
    assert 0 < there <= 2
    assert there == pytest.approx(back, rel=1e-6)
    assert metric.score(prepared, noisy)["nomad"] == there
    for name, clip in (("a", speech), ("b", noisy)):
        write_audio(tmp_path / "clean" / f"{name}.wav", clip, subtype="FLOAT")
    against = Nomad(weights=str(path), mode="non_matching", references=str(tmp_path / "clean"))
    mean = against.score(against.prepare(speech), speech)["nomad"]
    assert mean == pytest.approx(there / 2, rel=1e-4)
    assert "mean over 2 clean signals" in against.definition
    assert against.definition != metric.definition
