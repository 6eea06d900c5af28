"""PSQ against its paper's table, its specification's arithmetic, and itself as a stream."""

from pathlib import Path

import numpy as np
import pytest

from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.neural.psq import DITHER_SEED, PsqCodec
from codecbench.adapters.neural.psq_dither import subtractive_dither
from codecbench.adapters.registry import get_codec
from codecbench.core.audio import Audio
from codecbench.core.checkpoint import CheckpointError, save_checkpoint
from codecbench.core.errors import BitstreamError, EncodeError, UnsupportedSettingError

torch = pytest.importorskip("torch")

from codecbench.adapters.neural.psq_model import PsqConfig, PsqModel, compress, expand  # noqa: E402
from codecbench.adapters.neural.psq_quantizer import (  # noqa: E402
    ProjectedScalarQuantizer,
    ResidualBaseline,
)

# arXiv:2405.08417, table II: millions of parameters, and of multiply-accumulates per second.
TABLE_2 = {
    "": (3.61, 343),
    "dpcrnn=false": (3.59, 343),
    "skips=false": (3.33, 330),
    "styling=false": (2.33, 216),
}
# The same from an independent prototype with ten dimensions, psq.md section 1.
PROTOTYPE = {"": 343.28, "dpcrnn=false": 342.46, "skips=false": 329.46, "styling=false": 215.74}


def multiply_accumulates(model: "torch.nn.Module") -> float:
    """Count the products of weights in one second of audio, in millions; no bias, no norm."""
    total = 0

    def count(module, inputs, output):
        nonlocal total
        if isinstance(module, torch.nn.ConvTranspose1d):
            total += module.weight.numel() * inputs[0].shape[-1]
        elif isinstance(module, torch.nn.Conv1d):
            total += module.weight.numel() * output.shape[-1]
        else:
            weights = module.weight_ih_l0.numel() + module.weight_hh_l0.numel()
            total += weights * inputs[0].shape[1]

    counted = (torch.nn.Conv1d, torch.nn.ConvTranspose1d, torch.nn.GRU)
    hooks = [m.register_forward_hook(count) for m in model.modules() if isinstance(m, counted)]
    with torch.inference_mode():
        model(torch.zeros(1, 16000))
    for hook in hooks:
        hook.remove()
    return total / 1e6


@pytest.mark.parametrize("options", TABLE_2)
def test_has_the_parameters_and_products_of_table_2(options: str) -> None:
    codec = get_codec(f"psq:dimensions=30,{options}".rstrip(","))
    parameters = sum(p.numel() for p in codec.model.parameters())
    published_parameters, published_products = TABLE_2[options]
    assert round(parameters / 1e6, 2) == published_parameters
    assert round(multiply_accumulates(codec.model)) == published_products


@pytest.mark.parametrize("options", TABLE_2)
def test_default_quantizer_has_the_products_of_the_prototype(options: str) -> None:
    codec = get_codec(f"psq:{options}" if options else "psq")
    assert sum(p.numel() for p in codec.model.parameters()) / 1e6 == pytest.approx(
        TABLE_2[options][0], abs=0.005
    )
    assert multiply_accumulates(codec.model) == pytest.approx(PROTOTYPE[options], abs=0.005)


def test_encoder_decoder_and_recurrent_parts_weigh_what_the_specification_says() -> None:
    """psq.md section 7: 1.392 M, 2.217 M, and 16 896 for both recurrent blocks."""
    model = get_codec("psq").model

    def size(*modules: "torch.nn.Module") -> int:
        return sum(p.numel() for module in modules for p in module.parameters())

    assert round(size(model.encoder) / 1e6, 3) == 1.392
    assert round(size(model.decoder, model.quantizer.expand) / 1e6, 3) == 2.217
    assert size(model.encoder.dpcrnn, model.decoder.dpcrnn) == 16896


@pytest.fixture(scope="module")
def codec() -> PsqCodec:
    codec = get_codec("psq:bitrate=1500|3000")
    assert isinstance(codec, PsqCodec)
    codec.load()
    return codec


def noise(n_samples: int, seed: int = 0) -> np.ndarray:
    samples = 0.1 * np.random.default_rng(seed).standard_normal(n_samples)
    return np.clip(samples, -1, 1).astype(np.float32)


def test_costs_exactly_its_rate(codec: PsqCodec) -> None:
    """One packet of 30 or 60 bits every 20 ms; the last 10 ms need the packet that follows."""
    clip = Audio(noise(320 * 100 - 160), 16000)
    for point, bits in zip(codec.points, (30, 60), strict=True):
        encoded = codec.encode(clip, point)
        assert encoded.packet_bits == (bits,) * 100
        assert encoded.payload_bits / 2.0 == point.nominal_bps
        longer = codec.encode(Audio(noise(320 * 100 - 159), 16000), point)
        assert longer.packet_bits == (bits,) * 101


@pytest.mark.parametrize("n_samples", [1, 159, 160, 161, 319, 320, 321, 16123, 480000])
def test_any_length_comes_back(codec: PsqCodec, n_samples: int) -> None:
    for point in codec.points[: 2 if n_samples < 20000 else 1]:
        encoded = codec.encode(Audio(noise(n_samples), 16000), point)
        assert codec.decode(Encoded.from_bytes(encoded.to_bytes())).n_samples == n_samples


def test_codes_carry_the_signal(codec: PsqCodec, speech: Audio) -> None:
    codes = codec.encode_codes(speech.samples, codec.points[0])
    assert codes.shape == (10, speech.n_samples // 320)
    assert not np.array_equal(codes, codec.encode_codes(speech.samples[::-1], codec.points[0]))
    out = codec.decode_codes(codes)
    assert out.shape == (codes.shape[1] * 320 - 160,)
    changed = codes.copy()
    changed[0, 50] = (changed[0, 50] + 4) % 8
    first = int(np.flatnonzero(codec.decode_codes(changed) != out)[0])
    assert 50 * 320 - 160 <= first < 50 * 320 + 160


@pytest.mark.parametrize(
    "spec", ["psq:bitrate=1500", "psq:bitrate=3000", "psq:dither=true", "psq:quantizer=rvq"]
)
def test_streams_what_it_codes_offline(spec: str, speech: Audio) -> None:
    speech = Audio(speech.samples[:24123], 16000)
    codec = get_codec(spec)
    codec.load()
    point = codec.points[0]
    offline = codec.encode(speech, point)
    stream = codec.open_stream(point)
    assert (stream.packet_samples, stream.packet_bits) == (320, round(point.nominal_bps / 50))
    ends = np.cumsum(np.random.default_rng(3).integers(1, 900, 200))
    packets = [
        packet
        for piece in np.split(speech.samples, ends[ends < speech.n_samples])
        for packet in stream.encoder.push(piece)
    ]
    packets += stream.encoder.flush()
    assert tuple(packets) == offline.packets
    received = [stream.decoder.push(packet) for packet in packets]
    joined = np.concatenate([*received, stream.decoder.flush()])[: speech.n_samples]
    assert np.abs(joined - codec.decode(offline).samples).max() < 1e-5


def test_streams_do_not_share_their_state(codec: PsqCodec, speech: Audio) -> None:
    point = codec.points[0]
    samples = speech.samples[:16000]
    alone = codec.open_stream(point).run([samples])
    first, second = codec.open_stream(point), codec.open_stream(point)
    second.encoder.push(noise(3000))
    assert np.array_equal(first.run([samples]), alone)


def test_stream_that_ended_takes_no_more(codec: PsqCodec) -> None:
    encoder = codec.open_stream(codec.points[0]).encoder
    assert len(encoder.push(noise(320))) == 1
    assert len(encoder.flush()) == 1
    with pytest.raises(EncodeError, match="flushed"):
        encoder.push(noise(320))
    with pytest.raises(BitstreamError):
        codec.open_stream(codec.points[0]).decoder.push(b"\0" * 5)


def test_no_sample_is_sent_out_later_than_declared(codec: PsqCodec) -> None:
    """Fed sample by sample, the worst sample waits for exactly the declared latency."""
    stream = codec.open_stream(codec.points[0])
    signal = noise(320 * 4)
    received = worst = 0
    for given in range(signal.size):
        for packet in stream.encoder.push(signal[given : given + 1]):
            worst = max(worst, given + 1 - received)
            received += stream.decoder.push(packet).size
    assert worst == codec.info.frame_samples + codec.info.lookahead_samples == 480
    assert codec.info.latency_ms == 30.0


def test_perturbation_reaches_back_no_further_than_declared() -> None:
    """Change one sample after the other of a packet and see where the output first differs.

    Periodic Hann windows begin with zero, so of 480 samples the first is never reached.
    """
    torch.manual_seed(0)
    model = PsqModel(PsqConfig()).eval().double()
    places = np.arange(320 * 3, 320 * 4)
    signals = torch.from_numpy(noise(320 * 6)).double().repeat(places.size + 1, 1)
    signals[np.arange(places.size), places] += 1000.0  # so that the window's ends show
    with torch.inference_mode():
        latent = torch.tanh(model.quantizer.project(model.encoder(signals)))
        decoded = model.decoder(model.quantizer.expand(latent)).numpy()
    difference = np.abs(decoded[:-1] - decoded[-1])
    rounding = difference[:, : 320 * 2].max()
    assert rounding < 1e-15
    differs = difference > 10 * rounding
    assert differs.any(axis=1).all()
    worst = int((places - differs.argmax(axis=1)).max()) + 1
    assert worst == 480 - 1


def test_spectra_come_back_from_compression() -> None:
    spectra = torch.randn(1, 257, 7, dtype=torch.complex128)
    compressed = compress(spectra)
    assert torch.allclose(
        compressed[:, :257].square() + compressed[:, 257:].square(), spectra.abs().pow(0.6)
    )
    assert torch.allclose(expand(compressed), spectra, atol=1e-12)
    assert expand(compress(torch.zeros(1, 257, 2, dtype=torch.complex64))).abs().max() == 0


class TestScalarQuantizer:
    @staticmethod
    def identity(levels: int, mode: str = "noise") -> ProjectedScalarQuantizer:
        """Quantise three channels as they are, but for the hyperbolic tangent."""
        quantizer = ProjectedScalarQuantizer(3, 3, levels, mode=mode)
        with torch.no_grad():
            for layer in (quantizer.project, quantizer.expand):
                layer.weight.copy_(torch.eye(3)[:, :, None])
                layer.bias.zero_()
        return quantizer

    def test_is_mid_rise(self) -> None:
        """By hand for L = 4: cells of 0.5, values -0.75, -0.25, 0.25, 0.75."""
        quantizer = self.identity(4).eval()
        z = torch.tensor([-0.999, -0.51, -0.49, -0.01, 0.01, 0.49, 0.51, 0.999])
        codes = quantizer.encode(torch.atanh(z).expand(1, 3, 8))
        assert codes[0, 0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
        values = quantizer.decode(codes)[0, 1]
        assert values.tolist() == [-0.75, -0.75, -0.25, -0.25, 0.25, 0.25, 0.75, 0.75]

    def test_uses_no_more_than_its_levels(self) -> None:
        """Equation 6 as printed would give nine values where the rate pays for eight."""
        quantizer = self.identity(8).eval()
        codes = quantizer.encode(torch.linspace(-20, 20, 4001).expand(1, 3, -1))
        assert codes.unique().tolist() == list(range(8))

    def test_noise_is_as_wide_as_a_cell(self) -> None:
        quantizer = self.identity(8).train()
        z = torch.full((1, 3, 20000), 0.3)
        added = quantizer(z, torch.Generator().manual_seed(1)).latent - torch.tanh(z)
        assert added.abs().max() <= 0.125 + 1e-6
        # Variance of a uniform distribution: its width squared over 12.
        assert float(added.detach().var()) == pytest.approx(0.25**2 / 12, rel=0.03)

    @pytest.mark.parametrize("mode", ["noise", "straight_through"])
    def test_gradient_passes_as_if_nothing_were_rounded(self, mode: str) -> None:
        quantizer = self.identity(8, mode).train()
        z = torch.randn(1, 3, 10, requires_grad=True)
        quantized = quantizer(z)
        quantized.latent.sum().backward()
        assert torch.allclose(z.grad, 1 - torch.tanh(z).square())
        assert quantized.loss == 0

    def test_straight_through_trains_on_what_is_sent(self) -> None:
        quantizer = self.identity(8, "straight_through").train()
        z = torch.randn(1, 3, 10)
        quantized = quantizer(z)
        assert torch.allclose(quantized.latent, quantizer.decode(quantized.codes))

    def test_dither_makes_the_error_independent_of_the_signal(self) -> None:
        """Subtractive dither: the error is uniform in a cell, whatever the value is."""
        quantizer = self.identity(8).eval().requires_grad_(False)
        dither = torch.from_numpy(
            subtractive_dither(0, 5000, dimensions=3, step=0.25, seed=DITHER_SEED)
        )
        for value in (0.0, 0.06, 0.5):
            z = torch.full((1, 3, 5000), float(np.arctanh(value)))
            error = quantizer.decode(quantizer.encode(z, dither), dither) - value
            assert error.abs().max() <= 0.125 + 1e-5
            assert float(error.mean()) == pytest.approx(0.0, abs=0.003)
            assert float(error.var()) == pytest.approx(0.25**2 / 12, rel=0.04)


def test_dither_of_a_frame_needs_no_other_frame() -> None:
    whole = subtractive_dither(0, 12, dimensions=10, step=0.25, seed=7)
    part = subtractive_dither(5, 4, dimensions=10, step=0.25, seed=7)
    assert np.array_equal(whole[:, 5:9], part)
    assert len(np.unique(whole)) == whole.size
    assert not np.array_equal(whole, subtractive_dither(0, 12, dimensions=10, step=0.25, seed=8))


def test_residual_baseline_adds_up_its_codewords() -> None:
    torch.manual_seed(0)
    quantizer = ResidualBaseline(4, 3, 16)
    latent = torch.randn(2, 4, 9, requires_grad=True)
    quantized = quantizer.train()(latent)
    assert torch.allclose(quantized.latent, quantizer.decode(quantized.codes), atol=1e-6)
    # By hand, as residual quantisation is defined: each book codes what is left by those before.
    left = latent.detach().transpose(1, 2)
    for row, layer in enumerate(quantizer.layers):
        words = layer.embedding.weight.detach()
        nearest = torch.cdist(left, words.expand(2, -1, -1)).argmin(dim=-1)
        assert torch.equal(nearest, quantized.codes[:, row])
        left = left - words[nearest]
    (quantized.latent.sum() + quantized.loss).backward()
    assert all(layer.embedding.weight.grad.abs().sum() > 0 for layer in quantizer.layers)
    assert (latent.grad != 1).any()


@pytest.mark.parametrize("quantizer", ["scalar", "rvq"])
def test_training_reaches_every_weight(quantizer: str) -> None:
    torch.manual_seed(0)
    levels = {"scalar": 8, "rvq": 16}[quantizer]
    model = PsqModel(PsqConfig(quantizer=quantizer, dimensions=3, levels=levels)).train()
    samples = 0.1 * torch.randn(2, 3200)
    out = model(samples)
    assert out.samples.shape == (2, 3200 - 160)
    ((out.samples - samples[:, :-160]).square().mean() + out.quantized.loss).backward()
    untouched = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert untouched == []


def test_a_few_steps_of_training_help() -> None:
    torch.manual_seed(0)
    t = torch.arange(3200) / 16000
    samples = 0.3 * torch.sin(2 * torch.pi * 440 * t)[None]
    target = compress(torch.fft.rfft(samples.unfold(1, 320, 160)).transpose(1, 2)[:, :, 1:-1])
    model = PsqModel(PsqConfig()).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(25):
        decoded = model(samples).samples
        spectra = torch.fft.rfft(decoded.unfold(1, 320, 160)).transpose(1, 2)[:, :, 1:]
        loss = (compress(spectra) - target).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        ("bitrate=1500", (8,) * 10),
        ("bitrate=3000", (8,) * 20),
        ("bitrate=1500,dimensions=30", (2,) * 30),
        ("bitrate=1500,levels=4", (4,) * 15),
        ("bitrate=3000,dimensions=12", (32,) * 12),
        ("bitrate=1500,levels=5", (5,) * 10),
        ("bitrate=1500,quantizer=rvq", (1024,) * 3),
        ("bitrate=3000,quantizer=rvq", (1024,) * 6),
    ],
)
def test_splits_its_bits(options: str, sizes: tuple[int, ...]) -> None:
    """The splits of psq.md section 5; five levels cost as many bits as eight."""
    codec = get_codec(f"psq:{options}")
    assert codec.codebook_sizes(codec.points[0]) == sizes


@pytest.mark.parametrize(
    "options",
    [
        "bitrate=1501",
        "bitrate=40",
        "bitrate=1500,levels=1",
        "bitrate=1500,levels=16",
        "bitrate=1500,dimensions=7",
        "bitrate=1500,dimensions=10,levels=4",
        "bitrate=1500|3000,dimensions=30",
        "quantizer=rvq,dither=true",
    ],
)
def test_refuses_what_does_not_fit(options: str) -> None:
    with pytest.raises(UnsupportedSettingError) as caught:
        get_codec(f"psq:{options}")
    assert options.rpartition(",")[2].partition("=")[0] in str(caught.value)


def test_untrained_weights_are_random() -> None:
    info = get_codec("psq:checkpoint=untrained").info
    assert not info.trained
    assert info.causal
    assert info.deterministic


def test_reads_a_checkpoint_of_one_rate_or_of_several(tmp_path: Path, speech: Audio) -> None:
    torch.manual_seed(5)
    models = torch.nn.ModuleDict(
        {"1500": PsqModel(PsqConfig()), "3000": PsqModel(PsqConfig(dimensions=20))}
    ).eval()
    one = tmp_path / "one.safetensors"
    both = tmp_path / "psq.safetensors"
    save_checkpoint(one, models["1500"], {"levels": 8, "dimensions": 10})
    save_checkpoint(both, models, {"1500": {"levels": 8}, "3000": {"levels": 8}})
    alone = get_codec(f'psq:checkpoint="{one}"')
    several = get_codec(f'psq:bitrate=1500|3000,checkpoint="{tmp_path}"')
    assert alone.info.trained
    assert several.info.fingerprint != alone.info.fingerprint
    clip = Audio(speech.samples[:8000], 16000)
    for codec in (alone, several):
        codes = codec.encode(clip, codec.points[0]).codes
        with torch.inference_mode():
            padded = torch.nn.functional.pad(torch.from_numpy(clip.samples.copy()), (0, 320))
            expected = models["1500"].encode(padded[None])[0].numpy()
        assert np.array_equal(codes, expected)
    with pytest.raises(CheckpointError, match="one bitrate"):
        get_codec(f'psq:bitrate=1500|3000,checkpoint="{one}"').load()


def test_refuses_a_checkpoint_of_other_options(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_checkpoint(path, PsqModel(PsqConfig(levels=5)), {"levels": 5, "styling": True})
    with pytest.raises(CheckpointError, match="levels=5"):
        get_codec(f'psq:checkpoint="{path}"').load()
    with pytest.raises(CheckpointError, match="styling=True"):
        get_codec(f'psq:levels=5,styling=false,checkpoint="{path}"').load()
    with pytest.raises(CheckpointError, match="shape"):
        get_codec(f'psq:levels=5,bitrate=3000,checkpoint="{path}"').load()
