"""Counts against hand computation and the official code; time, memory, latency against facts."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from codecbench.adapters.neural.neural_codec import NeuralCodec
from codecbench.adapters.registry import get_codec
from codecbench.benchmark import operation_count
from codecbench.benchmark.complexity import measure_complexity, measure_latency
from codecbench.benchmark.operation_count import (
    count_macs,
    count_parameters,
    countable_length,
    part_of,
)
from codecbench.cli.complexity_command import command
from codecbench.core.errors import ConfigError, NotAvailableError

torch = pytest.importorskip("torch", reason="not here: torch")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def plain(spec: str) -> NeuralCodec:
    codec = get_codec(spec)
    assert isinstance(codec, NeuralCodec)
    codec.load_plain()
    return codec


def count(layer: "torch.nn.Module", *inputs: "torch.Tensor") -> float:
    with operation_count._counting() as found:
        layer.eval()(*inputs)
    return found.macs


def test_layers_count_as_by_hand() -> None:
    nn = torch.nn
    assert count(nn.Linear(7, 5), torch.ones(3, 7)) == 3 * 7 * 5
    assert count(nn.Conv1d(4, 6, 5, stride=2), torch.ones(1, 4, 21)) == 9 * 4 * 6 * 5
    assert count(nn.Conv1d(4, 6, 5, groups=2), torch.ones(1, 4, 21)) == 17 * 2 * 6 * 5
    assert count(nn.ConvTranspose1d(4, 6, 5, stride=2), torch.ones(1, 4, 10)) == 10 * 4 * 6 * 5
    assert count(nn.GRU(8, 9), torch.ones(11, 1, 8)) == 11 * 3 * (8 * 9 + 9 * 9)
    lstm = 11 * 4 * (8 * 9 + 9 * 9 + 9 * 9 + 9 * 9)
    assert count(nn.LSTM(8, 9, num_layers=2), torch.ones(11, 1, 8)) == lstm
    assert count(nn.LayerNorm(6), torch.ones(4, 6)) == 0


def test_attention_counts_its_two_products() -> None:
    class Attention(torch.nn.Module):
        def forward(self, x: "torch.Tensor") -> "torch.Tensor":
            return torch.nn.functional.scaled_dot_product_attention(x, x, x)

    assert count(Attention(), torch.ones(1, 2, 16, 8)) == 2 * (2 * 16 * 16 * 8)


def test_parts_are_told_by_names() -> None:
    for name, part in {
        "encoder.block.0.weight": "encoder",
        "acoustic_decoder.conv.bias": "decoder",
        "vae.encoder.decoder_like.weight": "encoder",
        "generator.ups.0.weight_g": "decoder",
        "quantizer.codebook": "",
        "encoders.weight": "",
    }.items():
        assert part_of(name) == part


@pytest.mark.parametrize(
    ("variant", "total", "encoder", "decoder"),
    [
        ("base", 8_736_581, 2_101_275, 5_904_170),
        ("base-adversarial", 8_386_373, 2_101_275, 5_904_170),
        ("large", 15_580_931, 3_948_975, 11_251_028),
    ],
)
def test_parameters_of_esc(variant: str, total: int, encoder: int, decoder: int) -> None:
    """Numbers of codecs/esc.md, section 1, measured on the official code."""
    found = count_parameters(plain(f"esc:variant={variant}"))
    assert (found.total, found.encoder, found.decoder) == (total, encoder, decoder)
    assert found.other == total - encoder - decoder


@pytest.mark.slow
def test_operations_of_esc_are_those_of_the_official_code(shared: Path) -> None:
    """esc_bench.json: the official code under torch's counter, 159920 samples."""
    table = json.loads((shared / "parity/esc_bench.json").read_text())["base"]
    codec = plain("esc:variant=base")
    n_samples = countable_length(codec, 10.0)
    assert n_samples == 159920
    for streams in (1, 6):
        wanted = table[f"macs_per_s_s{streams}"]
        encode, decode = count_macs(codec, codec.point(str(streams)), n_samples)
        assert encode == pytest.approx(wanted["encode"], rel=1e-9)
        assert decode == pytest.approx(wanted["decode"], rel=1e-9)


@pytest.mark.parametrize("spec", ["g711", "codec2:mode=3200"])
def test_latency_is_within_what_is_declared(spec: str) -> None:
    """A change at the end of a frame of Codec 2, 20 ms at 8 kHz, reaches back into its first half.

    Samples of G.711 depend on nothing but themselves.
    """
    try:
        codec = get_codec(spec)
        codec.load()
    except NotAvailableError as error:
        pytest.skip(f"not here: {error}")
    found = measure_latency(codec)
    assert found <= codec.info.frame_samples + codec.info.lookahead_samples
    assert found > 80 if spec.startswith("codec2") else found == 1


@pytest.mark.slow
def test_everything_is_measured_in_a_process_of_its_own() -> None:
    found = measure_complexity("esc:variant=base,streams=1", clips=1, clip_s=0.3)
    assert not found.trained
    assert not found.causal
    assert found.weights_mib == pytest.approx(33.33, abs=0.01)  # 8 736 581 · 4 / 2^20
    assert [macs.point for macs in found.macs] == ["1"]
    assert found.speeds[0].threads == 1
    for speed in found.speeds:
        assert speed.encode_rtf == pytest.approx(speed.encode_s / 0.3)
        assert speed.decode_s > 0
    assert found.peak_memory_mib > found.base_memory_mib + found.weights_mib
    assert 0 < found.measured_latency_ms <= found.declared_latency_ms == 540.0


def test_a_codec_without_network_has_no_parameters() -> None:
    found = measure_complexity("pcm:bits=8", clips=2, clip_s=0.5)
    assert found.parameters is None
    assert found.macs == ()
    assert len(found.speeds) == 1
    assert np.isfinite(found.measured_latency_ms)


def test_refuses_what_cannot_be_measured(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="colour"):
        measure_complexity("pcm:colour=blue")
    with pytest.raises(NotAvailableError, match="no checkpoint at"):
        measure_complexity(f"esc:checkpoint={tmp_path / 'nowhere'}")


def test_the_command_prints_lines_or_json() -> None:
    arguments = ["pcm:bits=8|12", "--clips", "1", "--seconds", "0.2"]
    lines = CliRunner().invoke(command, arguments)
    assert lines.exit_code == 0
    assert "none: no network" in lines.output
    assert "real-time factor" in lines.output
    assert operation_count.CONVENTION in lines.output
    table = json.loads(CliRunner().invoke(command, [*arguments, "--json"]).output)
    assert table["clips"] == 1


@pytest.mark.parametrize(
    ("options", "millions", "mmacs"),
    [
        ("", 3.61, 343),
        (",dpcrnn=false", 3.59, 343),
        (",skips=false", 3.33, 330),
        (",styling=false", 2.33, 216),
    ],
)
def test_psq_is_as_large_as_the_paper_says(options: str, millions: float, mmacs: float) -> None:
    """Table II of arXiv:2405.08417, with the quantiser of 30 dimensions that psq.md matched it."""
    codec = plain(f"psq:dimensions=30,levels=2{options}")
    encode, decode = count_macs(codec, codec.points[-1], countable_length(codec, 10.0))
    assert round(count_parameters(codec).total / 1e6, 2) == millions
    assert round((encode + decode) / 1e6) == mmacs


@pytest.mark.parametrize(
    ("variant", "total", "encoder", "decoder"),
    [
        ("16k_320d", 63_630_882, 47_228_960, 15_353_346),
        ("24k_240d", 63_614_498, 47_220_768, 15_345_154),
    ],
)
def test_parameters_of_hificodec(variant: str, total: int, encoder: int, decoder: int) -> None:
    """Numbers of codecs/hificodec.md, with weight norm as direction and gain."""
    found = count_parameters(plain(f"hificodec:variant={variant},checkpoint=untrained"))
    assert (found.total, found.encoder, found.decoder) == (total, encoder, decoder)


@pytest.mark.parametrize(("variant", "name"), [("esc-tiny", "dac_tiny18"), ("16k", "dac16k")])
def test_dac_costs_what_the_official_code_does(variant: str, name: str, shared: Path) -> None:
    """dac_bench.json: official code; operations under torch's counter, 160000 samples."""
    table = json.loads((shared / "parity/dac_bench.json").read_text())[name]
    codec = plain(f"dac:variant={variant}")
    assert count_parameters(codec).total == table["params_with_weight_norm"]
    if variant == "esc-tiny":  # the large ones take a minute
        encode, decode = count_macs(codec, codec.points[-1], 160_000)
        assert encode == pytest.approx(table["macs_per_s_encode"], rel=1e-9)
        assert decode == pytest.approx(table["macs_per_s_decode"], rel=1e-9)
