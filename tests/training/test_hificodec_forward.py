"""HiFi-Codec's quantiser in training against the official one: hificodec_16k_320d_1s.npz."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="not here: torch")

from codecbench.adapters.neural.hificodec_model import Quantizer  # noqa: E402
from codecbench.training.hificodec_forward import layers, quantize  # noqa: E402


def test_loss_and_codes_are_the_official_ones(
    shared: Path, normal: Callable[[str, tuple[int, ...]], np.ndarray]
) -> None:
    stored = np.load(shared / "parity/hificodec_16k_320d_1s.npz")
    quantizer = Quantizer(2, 1024)
    with torch.no_grad():
        for name, each in quantizer.named_parameters():
            each.copy_(torch.from_numpy(normal(f"quantizer.{name}", tuple(each.shape))))
    found = quantize(quantizer, torch.from_numpy(stored["latent"])[None])
    assert float(found.loss.detach()) == pytest.approx(float(stored["vq_loss"]), rel=1e-5)
    assert np.array_equal(torch.stack(found.codes, dim=1).numpy(), stored["codes"])
    codes = torch.from_numpy(stored["codes"].astype(np.int64)).T[None]
    assert torch.allclose(found.latent, quantizer.decode(codes), atol=1e-4)


def test_gradients_go_straight_through_and_codebooks_learn_from_the_loss_alone() -> None:
    torch.manual_seed(0)
    quantizer = Quantizer(2, 64, latent=8)
    latent = torch.randn(1, 8, 5, requires_grad=True)
    found = quantize(quantizer, latent)
    found.latent.sum().backward(retain_graph=True)
    assert torch.equal(latent.grad, torch.ones_like(latent))
    books = [book.embedding.weight for layer in layers(quantizer) for book in layer]
    assert all(each.grad is None for each in books)
    found.loss.backward()
    assert all(float(each.grad.abs().sum()) > 0 for each in books)
