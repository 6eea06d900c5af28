"""BD figures: against the bjontegaard package, by hand, and refused with the reason."""

import bjontegaard
import numpy as np
import pytest
from scipy.interpolate import Akima1DInterpolator, PchipInterpolator

from codecbench.metrics.registry import expand_metrics, get_metric
from codecbench.reports.curves.bd import bd_metric, bd_rate
from codecbench.reports.curves.domains import DOMAINS, Domain, domain_of
from codecbench.reports.curves.hermite import METHODS, integrate
from codecbench.reports.curves.pareto import pareto_front

ANCHOR = (
    np.array([5012.39, 4012.23, 3014.7, 2014.65]),
    np.array([99.97751, 99.91607, 99.51432, 96.622]),
)
TEST = (
    np.array([5096.02, 4000.03, 3067.89, 2054.35]),
    np.array([99.98146, 99.94996, 99.66744, 97.1181]),
)
"""Anchor and test of https://github.com/Anserw/Bjontegaard_metric/issues/3."""


def random_curve(rng):
    n = int(rng.integers(4, 9))
    rates = rng.uniform(600, 3000) * np.cumprod(rng.uniform(1.1, 2.2, size=n))
    return rates, 1.0 + np.cumsum(rng.uniform(0.02, 0.8, size=n))


@pytest.mark.filterwarnings("ignore:Insufficient curve overlap")
@pytest.mark.parametrize("method", METHODS)
def test_agrees_with_the_bjontegaard_package(method):
    """The issue asks for 0.01 percentage points on 1,000 pairs of monotone curves."""
    rng = np.random.default_rng(1)
    compared = 0
    while compared < 1000:
        anchor, test = random_curve(rng), random_curve(rng)
        found = bd_rate(anchor, test, method=method)
        if found.value is not None:
            compared += 1
            wanted = bjontegaard.bd_rate(
                *anchor, *test, method=method, require_matching_points=False
            )
            assert found.value == pytest.approx(wanted, abs=0.01, rel=1e-9)
        score = bd_metric(anchor, test, method=method)
        if score.value is not None:
            wanted = bjontegaard.bd_psnr(
                *anchor, *test, method=method, require_matching_points=False
            )
            assert score.value == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(("method", "wanted"), [("pchip", -3.14), ("akima", -3.80)])
def test_the_pair_on_which_a_cubic_explodes(method, wanted):
    """Acceptance test 13; the values are those of issue 7."""
    found = bd_rate(ANCHOR, TEST, method=method)
    assert found.value == pytest.approx(wanted, abs=0.005)


@pytest.mark.parametrize("method", METHODS)
def test_half_the_bits_at_each_quality_are_minus_fifty_percent(method):
    rates, scores = np.array([1e3, 2e3, 4e3, 9e3, 2e4]), np.array([1.2, 2.0, 2.9, 3.3, 4.0])
    found = bd_rate((rates, scores), (rates / 2, scores), method=method)
    assert found.value == pytest.approx(-50.0)
    assert (found.low, found.high, found.overlap) == (1.2, 4.0, 1.0)
    back = bd_rate((rates / 2, scores), (rates, scores), method=method)
    assert back.value == pytest.approx(100.0)


def test_a_shift_in_score_is_the_bd_metric():
    rates, scores = np.array([1e3, 2e3, 4e3, 9e3]), np.array([1.2, 2.0, 2.9, 3.3])
    found = bd_metric((rates, scores), (rates[::-1], (scores + 0.25)[::-1]))
    assert found.value == pytest.approx(0.25)
    assert (found.low, found.high) == pytest.approx((1e3, 9e3))


def test_lower_is_better_gives_the_same_saving():
    rates = np.array([1e3, 2e3, 4e3, 9e3])
    scores = np.array([9.0, 7.0, 5.5, 5.0])
    found = bd_rate((rates, scores), (0.8 * rates, scores), higher_is_better=False)
    assert found.value == pytest.approx(-20.0)
    assert (found.low, found.high) == (5.0, 9.0)


def test_three_points_are_refused():
    rates, scores = np.array([1e3, 2e3, 4e3, 9e3]), np.array([1.2, 2.0, 2.9, 3.3])
    found = bd_rate((rates, scores), (rates[:3], scores[:3]))
    assert found.value is None
    assert found.reason == "the test has 3 points, 4 are needed"


def test_a_falling_curve_is_refused_for_rate_and_not_for_metric():
    """Acceptance test 13: not monotone."""
    rates, scores = np.array([1e3, 2e3, 4e3, 9e3]), np.array([1.2, 2.0, 2.9, 3.3])
    falling = (rates, np.array([1.2, 2.0, 1.9, 3.3]))
    found = bd_rate((rates, scores), falling)
    assert found.value is None
    assert "not monotone" in found.reason
    assert bd_metric((rates, scores), falling).value < 0.0


def test_no_overlap_is_refused():
    rates, scores = np.array([1e3, 2e3, 4e3, 9e3]), np.array([1.2, 2.0, 2.9, 3.3])
    found = bd_rate((rates, scores), (rates, scores + 5.0))
    assert (found.value, found.overlap) == (None, 0.0)
    assert "no overlap" in found.reason
    assert bd_metric((rates, scores), (100 * rates, scores)).value is None


def test_hardly_any_overlap_is_refused_and_a_little_is_cautioned():
    """Acceptance test 13: barely overlapping curves."""
    rates, scores = np.array([1e3, 2e3, 4e3, 8e3]), np.array([1.0, 2.0, 3.0, 4.0])
    hardly = bd_rate((rates, scores), (rates, scores + 2.9))
    assert hardly.value is None
    assert "3%" in hardly.reason
    little = bd_rate((rates, scores), (rates, scores + 2.0))
    assert little.value == pytest.approx(-75.0)  # two points to the right are two doublings
    assert "33%" in little.caution


def test_saturated_curves_are_refused():
    """Acceptance test 13: five PESQ scores, three of them at the ceiling."""
    rates = np.array([8e3, 12e3, 24e3, 48e3, 96e3])
    scores = np.array([3.0, 4.0, 4.55, 4.6, 4.64])
    found = bd_rate((rates, scores), (0.9 * rates, scores), domain=domain_of("pesq_wb"))
    assert found.value is None
    assert found.reason.startswith("saturated: 3 of 5 points of the anchor")


def test_points_beyond_the_domain_do_not_count():
    rates = np.array([2e3, 4e3, 8e3, 12e3, 96e3])
    scores = np.array([1.5, 2.5, 3.5, 4.2, 4.63])
    better = np.array([1.5, 2.5, 3.5, 4.2, 4.64])
    found = bd_rate((rates, scores), (rates, better), domain=domain_of("pesq_wb"))
    assert found.value == pytest.approx(0.0, abs=1e-9)
    assert (found.n_anchor, found.n_test, found.high) == (4, 4, 4.2)


def test_equal_rates_are_refused():
    scores = np.array([1.2, 2.0, 2.9, 3.3])
    doubled = (np.array([1e3, 2e3, 2e3, 9e3]), scores)
    assert "equal" in bd_metric(doubled, doubled).reason


@pytest.mark.parametrize("method", METHODS)
def test_integrals_agree_with_scipy_curve_by_curve(method):
    rng = np.random.default_rng(2)
    x = np.cumsum(rng.uniform(0.1, 2.0, size=(50, 6)), axis=1)
    y = rng.normal(size=(50, 6))
    low, high = x[:, 0] + 0.3 * (x[:, -1] - x[:, 0]), x[:, -1] - 0.1
    found = integrate(x, y, method, low, high)
    for row in range(50):
        scipy_curve = {"pchip": PchipInterpolator, "akima": Akima1DInterpolator}[method]
        wanted = scipy_curve(x[row], y[row]).integrate(low[row], high[row])
        assert found[row] == pytest.approx(float(wanted), abs=1e-12)


def test_domains_lie_within_the_ranges_of_their_metrics():
    ranges = {}
    for spec, _ in expand_metrics("all"):
        metric = get_metric(spec)
        ranges |= dict.fromkeys(metric.outputs, metric.range)
    for name, domain in DOMAINS.items():
        assert ranges[name][0] <= domain.low < domain.high <= ranges[name][1], name
    assert domain_of("mcd") == Domain()


def test_the_pareto_front_by_hand():
    rates = np.array([1.0, 2.0, 2.0, 3.0, 4.0, np.nan])
    scores = np.array([1.0, 3.0, 2.0, 3.0, 4.0, 9.0])
    assert pareto_front(rates, scores).tolist() == [True, True, False, False, True, False]
    assert pareto_front(rates, -scores, higher_is_better=False).tolist() == [
        True, True, False, False, True, False,
    ]  # fmt: skip
    # The same point twice: neither beats the other.
    assert pareto_front(np.array([1.0, 1.0]), np.array([2.0, 2.0])).all()
