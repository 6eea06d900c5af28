"""Adversarial losses, computed by hand."""

import pytest

torch = pytest.importorskip("torch", reason="not here: torch")

from codecbench.training.discriminators.conv_stack import Verdict  # noqa: E402
from codecbench.training.losses.adversarial import (  # noqa: E402
    feature_distance,
    hinge_discriminator,
    hinge_generator,
    least_squares_discriminator,
    least_squares_generator,
)


def verdict(logits: list[float], *features: list[float]) -> Verdict:
    return Verdict(torch.tensor(logits), [torch.tensor(each) for each in features])


REAL = [verdict([1.0, 3.0], [1.0, 2.0]), verdict([0.5], [0.0])]
FAKE = [verdict([0.0, 2.0], [2.0, 4.0]), verdict([-2.0], [3.0])]


def test_least_squares() -> None:
    # (0 + 4) / 2 + (0 + 4) / 2, and 0.25 + 4.
    assert float(least_squares_discriminator(REAL, FAKE)) == pytest.approx(8.25)
    # (1 + 1) / 2, and 9.
    assert float(least_squares_generator(FAKE)) == pytest.approx(10.0)


def test_hinge() -> None:
    # Of the first (0 + 0) / 2 + (1 + 3) / 2, of the second 0.5 + 0.
    assert float(hinge_discriminator(REAL, FAKE)) == pytest.approx(2.5)
    assert float(hinge_generator(FAKE)) == pytest.approx(-1.0 + 2.0)


def test_features_with_and_without_logits() -> None:
    assert float(feature_distance(REAL, FAKE)) == pytest.approx(1.5 + 3.0)
    assert float(feature_distance(REAL, FAKE, logits=True)) == pytest.approx(4.5 + 1.0 + 2.5)


def test_originals_get_no_gradient_from_the_comparison() -> None:
    real, fake = (torch.ones(3, requires_grad=True) for _ in range(2))
    loss = feature_distance([Verdict(real, [real * 2])], [Verdict(fake, [fake * 3])], logits=True)
    loss.backward()
    assert real.grad is None
    assert fake.grad.tolist() == pytest.approx([1.0] * 3)
