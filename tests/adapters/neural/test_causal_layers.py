"""Spectra, mel filters and streaming twins against definitions and other implementations."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from codecbench.adapters.neural.layers.causal import (  # noqa: E402
    CausalConv1d,
    CausalConv2d,
    CausalConvTranspose1d,
    CausalGru,
)
from codecbench.adapters.neural.layers.channel_norm import ChannelNorm  # noqa: E402
from codecbench.adapters.neural.layers.log_mel import LogMel, mel_filters  # noqa: E402
from codecbench.adapters.neural.layers.stft import CausalIstft, CausalStft  # noqa: E402
from codecbench.adapters.neural.layers.streaming_copy import streaming_copy  # noqa: E402


def test_stft_is_the_transform_of_windowed_causal_frames() -> None:
    """By the definition of the transform, with NumPy in double precision."""
    stft = CausalStft(window=320, hop=160, n_fft=512).double()
    samples = np.random.default_rng(0).standard_normal(160 * 5)
    found = stft(torch.from_numpy(samples)[None])[0].numpy()
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(320) / 320)
    padded = np.concatenate([np.zeros(160), samples])
    k, n = np.arange(257)[:, None], np.arange(320)[None]
    for frame in range(5):
        piece = padded[160 * frame : 160 * frame + 320] * window
        expected = (np.exp(-2j * np.pi * k * n / 512) * piece).sum(axis=1)
        # The module keeps its window in single precision.
        assert np.abs(found[:, frame] - expected).max() < 1e-5


@pytest.mark.parametrize(("window", "hop"), [(320, 160), (512, 128)])
def test_synthesis_undoes_analysis(window: int, hop: int) -> None:
    samples = torch.randn(2, hop * 9)
    spectra = CausalStft(window=window, hop=hop, n_fft=512)(samples)
    assert spectra.shape == (2, 257, 9)
    back = CausalIstft(window=window, hop=hop, n_fft=512)(spectra)
    assert back.shape == (2, hop * 9 - (window - hop))
    assert torch.allclose(back, samples[:, : back.shape[1]], atol=1e-5)


def test_mel_filters_agree_with_another_implementation() -> None:
    audio_utils = pytest.importorskip("transformers.audio_utils", reason="not here: transformers")
    expected = audio_utils.mel_filter_bank(
        257, 80, 0.0, 8000.0, 16000, norm="slaney", mel_scale="slaney"
    )
    found = mel_filters(sample_rate=16000, n_fft=512, bands=80, high_hz=8000.0)
    assert np.abs(found - expected.T).max() < 1e-9
    assert (found > 0).sum(axis=1).min() == 2  # patch.md section 2.1


def test_log_mel_of_silence_is_its_floor() -> None:
    mel = LogMel(sample_rate=16000, window=512, hop=128, n_fft=512, bands=80, high_hz=8000.0)
    assert torch.allclose(mel(torch.zeros(1, 512)), torch.full((1, 80, 4), float(np.log(1e-5))))


def test_channel_norm_looks_at_one_place() -> None:
    norm = ChannelNorm(16, affine=True)
    with torch.no_grad():
        norm.weight.uniform_(0.5, 2)
        norm.bias.normal_()
    x = 3 + torch.randn(2, 16, 5, 7)
    expected = nn.functional.layer_norm(x.movedim(1, -1), (16,), norm.weight, norm.bias, 1e-5)
    assert torch.allclose(norm(x), expected.movedim(-1, 1), atol=1e-5)


LAYERS = {
    "conv": (lambda: CausalConv1d(6, 4, 5), (6,), 1),
    "dilated": (lambda: CausalConv1d(6, 4, 3, dilation=5), (6,), 1),
    "strided": (lambda: CausalConv1d(6, 4, 5, 2), (6,), 2),
    "depthwise": (lambda: CausalConv1d(6, 6, 7, groups=6), (6,), 1),
    "grouped": (lambda: CausalConv1d(6, 4, 3, groups=2), (6,), 1),
    "pointwise": (lambda: CausalConv1d(6, 4, 1), (6,), 1),
    "transposed 4/2": (lambda: CausalConvTranspose1d(6, 4, 4, 2), (6,), 1),
    "transposed 16/4": (lambda: CausalConvTranspose1d(6, 4, 16, 4), (6,), 1),
    "transposed 11/5": (lambda: CausalConvTranspose1d(6, 4, 11, 5), (6,), 1),
    "transposed 4/4": (lambda: CausalConvTranspose1d(6, 4, 4, 4), (6,), 1),
    "2-d": (lambda: CausalConv2d(3, 4, 3), (3, 8), 1),
    "gru": (lambda: CausalGru(6), (6,), 1),
    "spectra": (lambda: CausalStft(window=8, hop=4, n_fft=16), (), 4),
}


@pytest.mark.parametrize("name", LAYERS)
def test_twin_gives_the_pieces_of_the_whole(name: str) -> None:
    """Short pieces and long ones take different ways through a convolution."""
    torch.manual_seed(0)
    make, shape, stride = LAYERS[name]
    model = nn.Sequential(make()).eval()
    x = torch.randn(2, *shape, 60 * stride)
    with torch.inference_mode():
        whole = model(x)
        twin = streaming_copy(model)
        pieces = [twin(piece) for piece in x.split([n * stride for n in (1, 2, 7, 30, 20)], -1)]
    assert torch.allclose(torch.cat(pieces, dim=-1), whole, atol=1e-6)


@pytest.mark.parametrize("name", LAYERS)
def test_layers_see_no_later_step(name: str) -> None:
    torch.manual_seed(0)
    make, shape, stride = LAYERS[name]
    layer = make().eval()
    x = torch.randn(1, *shape, 20 * stride)
    later = x.clone()
    later[..., 10 * stride :] += 1.0
    with torch.inference_mode():
        one, other = layer(x), layer(later)
    kept = 10 * one.shape[-1] // 20
    assert torch.allclose(one[..., :kept], other[..., :kept], atol=1e-6)
    assert not torch.allclose(one[..., kept:], other[..., kept:])


def test_twin_of_the_synthesis_gives_the_pieces_of_the_whole() -> None:
    istft = CausalIstft(window=16, hop=4, n_fft=16)
    model = nn.Sequential(istft)
    spectra = CausalStft(window=16, hop=4, n_fft=16)(torch.randn(1, 80))
    twin = streaming_copy(model)
    pieces = [twin(piece) for piece in spectra.split([1, 1, 2, 10, 6], dim=-1)]
    assert [piece.shape[1] for piece in pieces] == [0, 0, 4, 40, 24]
    assert torch.allclose(torch.cat(pieces, dim=-1), model(spectra), atol=1e-6)


def test_twin_shares_the_weights_and_leaves_the_model_alone() -> None:
    model = nn.Sequential(CausalConv1d(2, 2, 3), nn.ModuleList([CausalGru(2)]))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    twin = streaming_copy(model)
    assert [p.data_ptr() for p in twin.parameters()] == [p.data_ptr() for p in model.parameters()]
    assert isinstance(model[0], CausalConv1d)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
