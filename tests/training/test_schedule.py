"""Learning rates by hand."""

from math import cos, pi

import pytest

from codecbench.training.schedule import learning_rate
from codecbench.training.settings import ObjectiveSettings


def test_a_cosine_rises_linearly_and_falls_to_zero():
    settings = ObjectiveSettings(learning_rate=2.0, schedule="cosine", warm_up_steps=4)
    assert [learning_rate(settings, step, 12) for step in range(4)] == [0.5, 1.0, 1.5, 2.0]
    assert learning_rate(settings, 4, 12) == 2.0
    assert learning_rate(settings, 6, 12) == pytest.approx(1 + cos(pi / 4))
    assert learning_rate(settings, 8, 12) == pytest.approx(1.0)
    assert learning_rate(settings, 12, 12) == pytest.approx(0.0)
    assert learning_rate(settings, 50, 12) == pytest.approx(0.0)


def test_an_exponential_one_falls_in_stairs():
    settings = ObjectiveSettings(
        learning_rate=1.0, schedule="exponential", decay=0.5, decay_every=10
    )
    assert [learning_rate(settings, step, 99) for step in (0, 9, 10, 25)] == [1, 1, 0.5, 0.25]
