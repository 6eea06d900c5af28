"""Alarms name what is odd and stay silent where all is well."""

import math

import pytest

from codecbench.reports.alarms import find_alarms
from codecbench.reports.forensics import find_all
from codecbench.reports.grid import build_grids
from codecbench.reports.rates import point_rates
from codecbench.reports.summary import summarize_rows

CLIPS = [f"clip{number}" for number in range(20)]


def alarms_of(results):
    rates = tuple(point_rates(results).values())
    rows = summarize_rows(results)
    return find_alarms(results, build_grids(results), rows, rates, find_all(results))


def test_a_plausible_run_raises_only_what_was_planted(synthetic):
    found = {(alarm.kind, alarm.subject) for alarm in alarms_of(synthetic.realistic())}
    # Its lowest point is made to be worse than noise at 5 dB.
    assert found == {("signal", "early-bird"), ("anchor", "codec2")}


def test_a_lossy_codec_at_the_ceiling(synthetic):
    """Acceptance test 2, second half."""
    systems = [synthetic.system("cheat", [6000]), synthetic.system("pcm", [256000])]
    results = synthetic.make_results(systems, [synthetic.PESQ], CLIPS, lambda *_: 4.65)
    (alarm,) = alarms_of(results)
    assert (alarm.kind, alarm.subject) == ("ceiling", "cheat, 6000, pesq_wb")


@pytest.mark.parametrize(("drop", "kinds"), [(0.3, ["falling"]), (0.0, []), (-0.3, [])])
def test_quality_that_falls_with_rate_by_more_than_chance(synthetic, drop, kinds):
    def cell(_metric, _system, point, clip):
        noise = 0.05 * (-1) ** clip if point.name == "12000" else 0.0
        return 3.0 + clip / 20 + noise - (drop if point.name == "12000" else 0.0)

    systems = [synthetic.system("one", [6000, 12000])]
    results = synthetic.make_results(systems, [synthetic.PESQ], CLIPS, cell)
    assert [alarm.kind for alarm in alarms_of(results)] == kinds


def test_more_bits_than_promised(synthetic):
    results = synthetic.make_results(
        [synthetic.system("one", [6000])], [synthetic.PESQ], CLIPS, lambda *_: 3.0, excess=1.11
    )
    (alarm,) = alarms_of(results)
    assert alarm.kind == "rate"
    assert "6.66 kbit/s" in alarm.text


def test_a_small_common_set_names_who_makes_it_small(synthetic):
    def cell(_metric, system, _point, clip):
        return "failed:timeout" if system.label == "weak" and clip > 4 else 3.0

    systems = [synthetic.system("strong", [6000]), synthetic.system("weak", [6000])]
    (alarm,) = alarms_of(synthetic.make_results(systems, [synthetic.PESQ], CLIPS, cell))
    assert alarm.kind == "common"
    assert "only 5 of 20 clips" in alarm.text
    assert "weak 6000 (5)" in alarm.text


def test_delay_and_polarity_are_named(synthetic):
    """Acceptance test 10, on made-up measurements: 8 samples at 16 kHz, and a turned sign."""
    systems = [synthetic.system("early", [6000]), synthetic.system("inverted", [6000])]
    results = synthetic.make_results(systems, [synthetic.PESQ], CLIPS, lambda *_: 3.0)
    texts = {alarm.subject: alarm.text for alarm in alarms_of(results)}
    assert texts == {
        "early": "At 6000: output is 0.50 ms early",
        "inverted": "At 6000: output is inverted",
    }


def test_level_is_told_from_likeness(synthetic):
    """Half the level, −6.02 dB: a gain of −12 dB at a correlation of 0.5."""
    systems = [synthetic.system("quiet", [6000])]
    results = synthetic.make_results(systems, [synthetic.PESQ], CLIPS, lambda *_: 3.0)
    assert find_all(results)[0].level_db == pytest.approx(-12 + 20 * math.log10(2))
    (alarm,) = alarms_of(results)
    assert alarm.text == "At 6000: level changes by -6.0 dB"


def test_an_anchor_may_do_damage(synthetic):
    systems = [synthetic.system("inverted", [6000], "anchor")]
    results = synthetic.make_results(systems, [synthetic.PESQ], CLIPS, lambda *_: 4.65)
    assert alarms_of(results) == ()


def test_worst_values_are_those_farthest_from_right(synthetic):
    found = find_all(synthetic.realistic())[0]
    assert found.gain_db == pytest.approx(-0.175)  # median of 0, -0.01 … -0.35
    assert found.worst_gain_db == pytest.approx(-0.35)
    assert found.notes == ()


def test_a_codec_below_the_worst_anchor_is_named(synthetic):
    systems = [
        synthetic.system("fine", [6000]),
        synthetic.system("bad", [6000]),
        synthetic.system("mnru", [5, 15], "anchor"),
    ]
    level = {"fine": 3.0, "bad": 1.2, "mnru": 1.5}
    results = synthetic.make_results(
        systems,
        [synthetic.PESQ],
        [f"c{number}" for number in range(12)],
        lambda _m, facts, point, clip: (
            level[facts.label] + point.nominal_bps / 1e5 + (clip % 3) / 20
        ),
    )
    found = [alarm for alarm in alarms_of(results) if alarm.kind == "anchor"]
    assert [alarm.subject for alarm in found] == ["bad"]
    assert "at 6000 (pesq_wb: mnru 5)" in found[0].text


def test_metrics_that_contradict_each_other_are_named_once_per_system(synthetic):
    systems = [synthetic.system(f"s{number}", [6000]) for number in range(6)]

    def cell(metric, facts, _point, clip):
        number = int(facts.label[1])
        if metric.name == "stoi":
            # The best by PESQ is the worst by STOI; the others keep their order.
            return 0.6 if number == 5 else 0.7 + number / 50
        return 2.0 + number / 5 + clip / 100

    results = synthetic.make_results(systems, [synthetic.PESQ, synthetic.STOI], list("abcd"), cell)
    found = [alarm for alarm in alarms_of(results) if alarm.kind == "contradiction"]
    assert [alarm.subject for alarm in found] == ["s5"]
    assert "ranks 1 of 6 by pesq_wb and 6 of 6 by stoi" in found[0].text


@pytest.mark.parametrize(
    ("score", "trained", "kinds"),
    # Published for EnCodec at 6 kbit/s: 2.635 (Codec-SUPERB) to 3.28 (NaturalSpeech 3); the band
    # is 0.15 wider on either side.
    [
        (2.0, True, ["published"]),
        (2.55, True, []),
        (3.4, True, []),
        (3.6, True, ["published"]),
        (2.0, False, []),
    ],
)
def test_outside_what_others_have_published(synthetic, score, trained, kinds):
    systems = [synthetic.system("encodec", [6000], "neural", trained=trained)]

    def cell(_metric, _system, _point, clip):
        return score + 0.01 * (-1) ** clip

    results = synthetic.make_results(systems, [synthetic.PESQ], CLIPS, cell)
    found = alarms_of(results)
    assert [alarm.kind for alarm in found] == kinds
    if kinds:
        assert "against 2.48 to 3.43" in found[0].text
        assert "arXiv:2502.04128" in found[0].text


def test_no_published_band_without_an_interval(synthetic):
    systems = [synthetic.system("encodec", [6000], "neural")]
    results = synthetic.make_results(systems, [synthetic.PESQ], CLIPS[:1], lambda *_: 1.2)
    assert alarms_of(results) == ()
