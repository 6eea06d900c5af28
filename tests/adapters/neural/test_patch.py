"""The Spectrogram Patch Codec against its specification, and itself as a stream."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.neural.patch import PatchCodec
from codecbench.adapters.registry import get_codec
from codecbench.core.audio import Audio
from codecbench.core.checkpoint import CheckpointError, save_checkpoint
from codecbench.core.errors import BitstreamError, EncodeError, UnsupportedSettingError

torch = pytest.importorskip("torch")

from codecbench.adapters.neural.inference import fold_weight_norm  # noqa: E402
from codecbench.adapters.neural.layers.codebook_averages import (  # noqa: E402
    CodebookAverages,
    perplexity,
)
from codecbench.adapters.neural.layers.vector_quantizer import VectorQuantizer  # noqa: E402
from codecbench.adapters.neural.patch_model import PatchConfig, PatchModel  # noqa: E402
from codecbench.adapters.neural.patch_vae import PatchVae  # noqa: E402


def noise(n_samples: int, seed: int = 0) -> np.ndarray:
    samples = 0.1 * np.random.default_rng(seed).standard_normal(n_samples)
    return np.clip(samples, -1, 1).astype(np.float32)


def widen_codewords(codec: PatchCodec) -> None:
    """Put random codewords where the untrained encoder's vectors are, so that many are used."""
    rng = np.random.default_rng(4)
    model = codec.model
    with torch.inference_mode():
        signal = torch.from_numpy(noise(512 * 60) * np.linspace(0, 2, 512 * 60, dtype="f4"))
        vectors = model.vae.vectors(model.normalized_mel(signal[None])).movedim(1, -1).flatten(0, 2)
        mean, std = vectors.mean(dim=0), vectors.std(dim=0)
        random = torch.from_numpy(rng.standard_normal((4096, len(mean))).astype(np.float32))
        model.vae.codebook.embedding.weight.copy_(mean + std * random)


@pytest.fixture(scope="module")
def causal() -> PatchCodec:
    codec = get_codec("patch:causal=true,codebook_size=256|1024|4096,checkpoint=untrained")
    assert isinstance(codec, PatchCodec)
    codec.load()
    widen_codewords(codec)
    return codec


@pytest.fixture(scope="module")
def published() -> PatchCodec:
    codec = get_codec("patch:checkpoint=untrained")
    assert isinstance(codec, PatchCodec)
    codec.load()
    widen_codewords(codec)
    return codec


# Prototypes, patch.md section 3: parameters without the codebook, in millions; millions of
# multiply-accumulates per second.
@pytest.mark.parametrize(
    ("channels", "blocks", "parameters", "products"),
    [(64, 2, 0.172, 106), (128, 4, 1.329, 827), (256, 4, 5.280, 3292)],
)
def test_vae_is_as_large_as_the_prototypes(
    channels: int, blocks: int, parameters: float, products: float
) -> None:
    vae = PatchVae(
        channels=channels,
        encoder_blocks=blocks,
        decoder_blocks=blocks,
        latent=32,
        codebook_size=4096,
    )
    book = vae.codebook.embedding.weight.numel()
    assert book == 131072
    total = sum(p.numel() for p in vae.parameters()) - book
    assert round(total / 1e6, 3) == parameters
    weights = sum(p.numel() for p in vae.parameters() if p.ndim == 4)
    assert weights * 625 / 1e6 == pytest.approx(products, abs=0.5)  # 625 patches per second


@pytest.mark.parametrize(("channels", "parameters"), [(512, 13.926), (128, 0.926), (64, 0.250)])
def test_vocoder_is_as_large_as_the_prototypes(channels: int, parameters: float) -> None:
    vocoder = PatchModel(PatchConfig(vocoder_channels=channels)).vocoder
    fold_weight_norm(vocoder)
    assert round(sum(p.numel() for p in vocoder.parameters()) / 1e6, 3) == parameters
    assert vocoder.hop_length == 128


def test_sends_thirty_bytes_every_32_ms(published: PatchCodec) -> None:
    encoded = published.encode(Audio(noise(512 * 125), 16000), published.points[0])
    assert encoded.packet_bits == (240,) * 125
    assert {len(packet) for packet in encoded.packets} == {30}
    assert encoded.payload_bits / encoded.duration_s == 7500
    assert published.points[0].nominal_bps == 7500


def test_smaller_codebooks_cost_less(causal: PatchCodec) -> None:
    clip = Audio(noise(512 * 25), 16000)
    for point, rate, size in zip(causal.points, (5000, 6250, 7500), (256, 1024, 4096), strict=True):
        encoded = causal.encode(clip, point)
        assert encoded.payload_bits / encoded.duration_s == point.nominal_bps == rate
        assert size / 16 < encoded.codes.max() < size


def test_smaller_codebooks_are_the_beginning_of_the_large_one(
    causal: PatchCodec, speech: Audio
) -> None:
    """What the search finds in the first 256 codewords is the nearest of these."""
    network = causal.model
    codes = causal.encode_codes(speech.samples, causal.points[0])
    with torch.inference_mode():
        samples = torch.from_numpy(speech.samples[: 512 * codes.shape[1]].copy())
        vectors = network.vae.vectors(network.normalized_mel(samples[None]))[0].permute(1, 2, 0)
        words = network.vae.codebook.embedding.weight[:256]
        distances = torch.cdist(vectors.double(), words.double().expand(20, -1, -1))
    chosen = distances.gather(2, torch.from_numpy(codes)[..., None])[..., 0]
    assert torch.allclose(chosen, distances.min(dim=2).values, atol=1e-5)
    assert len(np.unique(codes)) > 30


def test_codes_are_in_order_of_time_then_of_frequency(causal: PatchCodec) -> None:
    """A tone of 200 Hz from 0.5 s on changes low rows of late columns only."""
    quiet = noise(16000) * 0.01
    t = np.arange(16000) / 16000
    tone = quiet + 0.5 * np.sin(2 * np.pi * 200 * t).astype(np.float32) * (t >= 0.512)
    codes = [causal.encode_codes(x.astype(np.float32), causal.points[2]) for x in (quiet, tone)]
    changed = codes[0] != codes[1]
    assert codes[0].shape == (20, 31)
    assert not changed[:, :16].any()
    assert changed[0, 17:].mean() > 0.9
    assert changed[0, 17:].mean() > changed[15:, 17:].mean() + 0.3


@pytest.mark.parametrize("n_samples", [1, 511, 512, 513, 16123, 480000])
def test_any_length_comes_back(published: PatchCodec, n_samples: int) -> None:
    encoded = published.encode(Audio(noise(n_samples), 16000), published.points[0])
    assert published.decode(Encoded.from_bytes(encoded.to_bytes())).n_samples == n_samples


def test_streams_what_it_codes_offline(causal: PatchCodec, speech: Audio) -> None:
    speech = Audio(speech.samples[:16123], 16000)
    for point in causal.points:
        offline = causal.encode(speech, point)
        stream = causal.open_stream(point)
        assert (stream.packet_samples, stream.packet_bits) == (512, sum(offline.packet_bits[:1]))
        ends = np.cumsum(np.random.default_rng(2).integers(1, 1500, 100))
        packets = [
            packet
            for piece in np.split(speech.samples, ends[ends < speech.n_samples])
            for packet in stream.encoder.push(piece)
        ]
        packets += stream.encoder.flush()
        assert tuple(packets) == offline.packets
        received = [stream.decoder.push(packet) for packet in packets]
        joined = np.concatenate([*received, stream.decoder.flush()])[: speech.n_samples]
        assert np.abs(joined - causal.decode(offline).samples).max() < 1e-5


def test_no_sample_is_sent_out_later_than_declared(causal: PatchCodec) -> None:
    stream = causal.open_stream(causal.points[2])
    signal = noise(512 * 3)
    received = worst = 0
    for given in range(signal.size):
        for packet in stream.encoder.push(signal[given : given + 1]):
            worst = max(worst, given + 1 - received)
            received += stream.decoder.push(packet).size
    assert worst == causal.info.frame_samples + causal.info.lookahead_samples == 512
    assert causal.info.latency_ms == 32.0
    assert causal.info.causal


def test_refuses_to_stream_the_published_vocoder(published: PatchCodec) -> None:
    with pytest.raises(UnsupportedSettingError, match="causal=true"):
        published.open_stream(published.points[0])
    with pytest.raises(BitstreamError):
        published.decode(
            Encoded(packets=(bytes(29),), point="4096", n_samples=512, sample_rate=16000)
        )
    with pytest.raises(EncodeError, match="512"):
        published.encode_codes(noise(511), published.points[0])


@pytest.mark.parametrize("is_causal", [False, True])
def test_looks_ahead_exactly_as_far_as_declared(is_causal: bool) -> None:
    """Gradients show which input a decoded sample depends on: without the codebook, all of it.

    Sample 376 of a packet is the one that sees farthest with the published vocoder, the first
    sample with the causal one; the packet's own 512 samples come on top.
    """
    torch.manual_seed(0)
    info = get_codec(f"patch:causal={str(is_causal).lower()},checkpoint=untrained").info
    latency = info.frame_samples + info.lookahead_samples
    config = PatchConfig(channels=8, vocoder_channels=32, causal=is_causal)
    model = PatchModel(config).double()
    samples = torch.from_numpy(noise(512 * 16)).double()[None].requires_grad_()
    vectors = model.vae.vectors(model.normalized_mel(samples))
    decoded = model.vocoder(model.vae.reconstruct(vectors))[0, 0]
    reach = {}
    for place in (0, 1, 127, 128, 255, 376, 511):
        (gradient,) = torch.autograd.grad(decoded[512 * 5 + place], samples, retain_graph=True)
        reach[place] = int(gradient[0].nonzero().max()) - (512 * 5 + place) + 1
    assert max(reach.values()) == latency
    assert reach[0 if is_causal else 376] == latency


def test_training_reaches_every_weight_but_the_codebook() -> None:
    torch.manual_seed(0)
    config = PatchConfig(channels=16, latent=8, codebook_size=64, vocoder_channels=32)
    model = PatchModel(config).train()
    samples = torch.from_numpy(noise(2 * 4096)).view(2, 4096)
    out = model(samples)
    assert out.samples.shape == samples.shape
    assert out.decoded_mel.shape == out.mel.shape == (2, 80, 32)
    assert out.quantized.codes.shape == (2, 20, 8)
    words = model.vae.words(out.quantized.codes)
    assert torch.allclose(
        out.quantized.commitment, (out.quantized.vectors - words).square().mean(), rtol=1e-4
    )
    loss = (out.samples - samples).abs().mean() + (out.mel - out.decoded_mel).abs().mean()
    (loss + 0.25 * out.quantized.commitment).backward()
    untouched = [
        name
        for name, p in model.named_parameters()
        if p.requires_grad and (p.grad is None or not p.grad.any())
    ]
    assert untouched == []
    assert not model.vae.codebook.embedding.weight.requires_grad


def test_codebook_finds_the_clusters_of_its_vectors() -> None:
    """Four clusters, four codewords: k-means and averages end at their means."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.tensor([[5.0, 0.0], [-5.0, 0.0], [0.0, 5.0], [0.0, -5.0]])
    vectors = (centres[:, None] + 0.1 * torch.randn(4, 100, 2, generator=generator)).flatten(0, 1)
    book = VectorQuantizer(4, 2).requires_grad_(False)
    averages = CodebookAverages(book)
    averages.start(book, vectors, generator=generator)
    for _ in range(600):
        averages.update(book, vectors, book.search(vectors))
        averages.revive(book, vectors, generator=generator)
    distances = torch.cdist(centres, book.embedding.weight)
    assert distances.min(dim=1).values.max() < 0.05
    assert perplexity(book.search(vectors), 4) == pytest.approx(4.0)
    assert perplexity(torch.zeros(10, dtype=torch.int64), 4) == pytest.approx(1.0)


def test_dead_codewords_are_put_among_the_vectors() -> None:
    book = VectorQuantizer(3, 2).requires_grad_(False)
    book.embedding.weight.copy_(torch.tensor([[0.0, 0.0], [90.0, 90.0], [99.0, 99.0]]))
    averages = CodebookAverages(book, decay=0.5)
    vectors = torch.tensor([[0.1, 0.0], [0.0, 0.1]])
    for _ in range(3):
        averages.update(book, vectors, book.search(vectors))
    assert averages.revive(book, vectors) == 2
    assert averages.revive(book, vectors) == 0
    assert all((vectors == word).all(dim=1).any() for word in book.embedding.weight[1:])


def test_one_update_moves_a_codeword_by_the_decay() -> None:
    """By hand: counts and sums each go halfway from (1, word) to (2, 3 + 5)."""
    book = VectorQuantizer(1, 1).requires_grad_(False)
    book.embedding.weight.fill_(2.0)
    averages = CodebookAverages(book, decay=0.5)
    averages.update(book, torch.tensor([[3.0], [5.0]]), torch.tensor([0, 0]))
    assert float(book.embedding.weight) == pytest.approx((0.5 * 2 + 0.5 * 8) / (0.5 + 0.5 * 2))


@pytest.mark.parametrize(
    "options", ["codebook_size=1000", "codebook_size=8", "codebook_size=32768", "size=huge"]
)
def test_refuses_bad_settings(options: str) -> None:
    with pytest.raises(ValueError, match=options.partition("=")[0]):
        get_codec(f"patch:{options}")


def test_untrained_is_the_published_kind() -> None:
    info = get_codec("patch:checkpoint=untrained").info
    assert not info.trained
    assert not info.causal


def test_reads_a_checkpoint_of_its_own_size(tmp_path: Path, speech: Audio) -> None:
    torch.manual_seed(3)
    config = {"channels": 16, "latent": 8, "codebook_size": 1024, "vocoder_channels": 32}
    model = PatchModel(PatchConfig(**config)).eval()
    save_checkpoint(tmp_path / "model.safetensors", model, asdict(model.config))
    codec = get_codec(f'patch:codebook_size=1024,checkpoint="{tmp_path}"')
    assert codec.info.trained
    samples = speech.samples[: 512 * 20]
    with torch.inference_mode():
        expected = model.encode(torch.from_numpy(samples.copy())[None])
        decoded = model.decode(expected)[0].numpy()
    codes = codec.encode_codes(samples, codec.points[0])
    assert np.array_equal(codes, expected[0].numpy())
    assert np.abs(codec.decode_codes(codes) - decoded).max() < 1e-6
    for options, told in (
        ("codebook_size=4096", "1024"),
        ("codebook_size=256", "1024"),
        ("codebook_size=1024,causal=true", "causal"),
        ("codebook_size=1024,patch_only=true", "patch_only"),
        ("codebook_size=1024,size=small", "size"),
    ):
        with pytest.raises(CheckpointError, match=told):
            get_codec(f'patch:{options},checkpoint="{tmp_path}"').load()


def test_a_checkpoint_may_serve_several_codebook_sizes(tmp_path: Path) -> None:
    config = {"channels": 16, "latent": 8, "codebook_size": 1024, "vocoder_channels": 32}
    model = PatchModel(PatchConfig(**config, causal=True))
    stored = {**asdict(model.config), "codebook_sizes": [256, 1024]}
    save_checkpoint(tmp_path / "model.safetensors", model, stored)
    codec = get_codec(f'patch:codebook_size=256,causal=true,checkpoint="{tmp_path}"')
    codes = codec.encode_codes(noise(512 * 20), codec.points[0])
    assert codes.max() < 256


def test_patches_by_themselves_see_no_other_patch() -> None:
    """The encoder without blocks: a change in one patch's band and frames changes one code."""
    torch.manual_seed(0)
    vae = get_codec("patch:patch_only=true").model.vae
    mel = torch.randn(1, 80, 16)
    other = mel.clone()
    other[0, 8:12, 4:8] += 3.0
    with torch.inference_mode():
        changed = (vae.vectors(mel) != vae.vectors(other)).any(dim=1)[0]
    assert changed.nonzero().tolist() == [[2, 1]]
