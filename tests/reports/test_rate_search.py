"""The search for a rate, on codecs whose curve is a formula."""

import math

import pytest

from codecbench.core.errors import ConfigError, UnknownNameError
from codecbench.reports.find_rate import find_rate
from codecbench.reports.rate_search import Trial, search_rate


class Formula:
    """Scores log2(kbit/s); spends two per cent more than asked for."""

    def __init__(self, accepts=lambda setting: True, score=lambda s: math.log2(s / 1000)):
        self.accepts = accepts
        self.score = score
        self.tried = []

    def attempt(self, setting):
        self.tried.append(setting)
        return Trial(setting=setting, payload_bps=1.02 * setting, score=self.score(setting), n=1)

    def search(self, ladder, target, **more):
        return search_rate(ladder, self.attempt, self.accepts, target, **more)


def test_the_neighbours_enclose_the_target_within_the_precision():
    codec = Formula()
    found = codec.search([4000, 8000, 16000, 32000], 3.5)
    assert found.missed.score < 3.5 <= found.reached.score
    assert found.reached.setting / found.missed.setting <= 1.02
    # log2(kbit/s) = 3.5 at 11.314 kbit/s asked for; 2 % more measured.
    assert found.interpolated_bps == pytest.approx(1.02 * 11313.7, rel=1e-4)
    assert len(set(codec.tried)) == len(codec.tried)


def test_a_codec_with_fixed_rates_gives_the_lowest_that_reaches():
    ladder = [700, 1300, 2400, 3200]
    found = Formula(accepts=ladder.__contains__).search(ladder, 1.0)
    assert (found.missed.setting, found.reached.setting) == (1300, 2400)


@pytest.mark.parametrize(("target", "setting"), [(6.5, 90510), (0.5, 1414)])
def test_the_ladder_is_continued_as_far_as_needed(target, setting):
    found = Formula().search([8000, 16000], target)
    assert found.reached.setting == pytest.approx(setting, rel=0.02)


def test_a_target_out_of_reach_says_how_far_it_went():
    found = Formula(accepts=lambda setting: setting <= 32000).search([8000, 16000], 9.0)
    assert found.reached is None
    assert found.reason == "not reached: the best score is 5, at 32000"


def test_the_lowest_setting_may_be_enough():
    found = Formula(accepts=lambda setting: setting >= 8000).search([8000, 16000], 1.0)
    assert (found.reached.setting, found.missed) == (8000, None)
    assert found.interpolated_bps is None


def test_lower_scores_may_be_better():
    codec = Formula(score=lambda setting: 10.0 - math.log2(setting / 1000))
    found = codec.search([4000, 16000], 6.5, higher_is_better=False)
    assert found.reached.setting == pytest.approx(11314, rel=0.02)


def test_the_number_of_trials_is_limited():
    codec = Formula()
    found = codec.search([1000, 256000], 3.5, precision=1e-6, max_trials=5)
    assert len(codec.tried) == 5
    assert found.reached is not None


def test_a_setting_without_a_score_reaches_nothing():
    codec = Formula(score=lambda setting: None if setting < 10000 else 4.0)
    found = codec.search([4000, 16000], 3.5)
    assert 10000 <= found.reached.setting <= 10200
    nothing = Formula(score=lambda setting: None, accepts=lambda setting: False)
    assert nothing.search([4000], 3.5).reason.startswith("no trial has a score")


def test_scores_that_fall_are_pointed_out():
    codec = Formula(score=lambda setting: 4.0 if 8000 <= setting < 9000 else setting / 1000)
    found = codec.search([8000, 8500, 9000, 16000], 12.0)
    assert found.caution == ""
    found = codec.search([8000, 8500, 9000, 16000], 3.5)
    assert found.reached.setting < 8000
    falling = Formula(score=lambda setting: -setting / 1000, accepts=lambda setting: False)
    found = falling.search([4000, 16000], -10.0)
    assert found.reached.setting == 4000
    assert "do not rise" in found.caution


@pytest.mark.parametrize("ladder", [[], [2, 1], [1, 1]])
def test_a_ladder_must_rise(ladder):
    with pytest.raises(ConfigError, match="rise"):
        Formula().search(ladder, 1.0)


def test_what_has_no_rate_is_refused():
    with pytest.raises(ConfigError, match="its bits mean nothing"):
        find_rate("mnru", 3.0, metric="pesq_wb", data="demo")
    with pytest.raises(ConfigError, match="one rate only"):
        find_rate("gsm", 3.0, metric="pesq_wb", data="demo")
    with pytest.raises(UnknownNameError, match="pesq_wb"):
        find_rate("opus", 3.0, metric="pesq_w", data="demo")
