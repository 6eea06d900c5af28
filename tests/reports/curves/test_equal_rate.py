"""Comparison at one rate: interpolated clip by clip, never extrapolated."""

import numpy as np
import pytest

from codecbench.reports.curves.equal_rate import scores_at_rate
from codecbench.reports.curves.rate_curve import RateCurve


@pytest.fixture
def curve():
    return RateCurve(
        name="opus",
        points=("16000", "4000"),
        scores=np.array([[4.0, 3.0], [2.0, 1.0]]),
        bps=np.array([[16000.0, 16000.0], [4000.0, 4000.0]]),
        seconds=np.array([1.0, 3.0]),
    )


def test_half_way_in_log_rate_is_half_way_in_score(curve):
    found = scores_at_rate(curve, 8000.0)
    assert found.scores.tolist() == [3.0, 2.0]
    assert found.points == ("4000", "16000")


def test_a_point_at_the_rate_is_taken_as_it_is(curve):
    found = scores_at_rate(curve, 3910.0)
    assert found.scores.tolist() == [2.0, 1.0]
    assert found.points == ("4000",)


@pytest.mark.parametrize("rate", [3890.0, 17000.0])
def test_nothing_is_extrapolated(curve, rate):
    found = scores_at_rate(curve, rate)
    assert found.scores is None
    assert found.reason == "outside 4 … 16 kbit/s"


def test_rates_are_pooled_over_duration(curve):
    uneven = RateCurve(
        name="vbr", points=("a",), scores=np.ones((1, 2)), bps=np.array([[4000.0, 8000.0]]),
        seconds=curve.seconds,
    )  # fmt: skip
    assert uneven.rates_bps.tolist() == [7000.0]  # (4 × 1 + 8 × 3) / 4 kbit/s
