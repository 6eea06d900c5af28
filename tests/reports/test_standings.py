"""Systems at equal rates, BD tables, sub-groups: on runs whose truth is planted."""

from dataclasses import replace

import numpy as np
import pytest

from codecbench.core.errors import UnknownNameError
from codecbench.reports.bd_tables import bd_frame, bd_rows, bd_table
from codecbench.reports.comparison_tables import comparison_tables
from codecbench.reports.curve_data import curve_sets
from codecbench.reports.standing_tables import standings_frame, standings_table
from codecbench.reports.standings import standings
from codecbench.reports.subgroup_tables import subgroup_table
from codecbench.reports.subgroups import group_rows
from codecbench.reports.summary import summarize_rows
from codecbench.reports.typeset import to_latex, to_markdown

CLIPS = [f"clip{number:02d}" for number in range(40)]
SPEAKERS = [f"s{number // 4}" for number in range(40)]
LEVEL_OF = {"good": 0.5, "twin-a": 0.0, "twin-b": 0.0, "poor": -0.5}


def planted(synthetic, *, lost=(), names=tuple(LEVEL_OF), speakers=SPEAKERS, spoil=None):
    """PESQ is linear in log rate; all systems share the hardness of the clips."""
    rng = np.random.default_rng(3)
    hardness, noise = rng.normal(size=40), rng.normal(size=(8, 5, 40))
    rates = [1500, 3000, 6000, 9000, 12000]
    systems = [synthetic.system(name, rates, "neural") for name in names]

    def cell(metric, facts, point, clip):
        if (facts.label, clip) in lost:
            return "failed:timeout"
        row = noise[names.index(facts.label), rates.index(point.nominal_bps), clip]
        bits = np.log2(point.nominal_bps / 1000)
        score = 1.5 + 0.5 * bits + LEVEL_OF[facts.label] + 0.1 * hardness[clip] + 0.03 * row
        return float(score + (spoil(facts.label, clip) if spoil else 0.0))

    return synthetic.make_results(
        systems, [synthetic.PESQ], CLIPS, cell, speakers=speakers, excess=1.0
    )


def at(found, rate, label):
    return next(one for one in found if (one.rate_bps, one.label) == (rate, label))


def test_ranks_and_groups_are_the_planted_ones(synthetic):
    found = standings(planted(synthetic))
    for rate in (1500.0, 4000.0, 12000.0):
        ranks = {
            label: (one.rank.best, one.rank.worst, one.rank.groups)
            for label in LEVEL_OF
            for one in [at(found, rate, label)]
        }
        assert ranks["good"] == (1, 1, "a")
        assert ranks["twin-a"] == ranks["twin-b"] == (2, 3, "b")
        assert ranks["poor"] == (4, 4, "c")


def test_between_points_the_mean_lies_on_the_line(synthetic):
    found = standings(planted(synthetic), rates_bps=[4500.0])
    one = at(found, 4500.0, "good")
    # At 3000 and 6000 the means are 0.5 apart but for noise; 4500 is log2(1.5) of the way.
    ends = [
        at(standings(planted(synthetic), rates_bps=[r]), r, "good").mean.mean for r in (3e3, 6e3)
    ]
    assert one.mean.mean == pytest.approx(ends[0] + np.log2(1.5) * (ends[1] - ends[0]))
    assert one.points == ("3000", "6000")


def test_the_best_is_bold_only_where_it_is_sure(synthetic):
    results = planted(synthetic)
    table = standings_table(standings(results), synthetic.PESQ, results.systems)
    bold = {row[0].text: [entry.best for entry in row[1:]] for row in table.rows}
    assert all(bold["good"])
    assert not any(bold["twin-a"] + bold["twin-b"] + bold["poor"])
    twins = planted(synthetic, names=("twin-a", "twin-b", "poor"))
    # One rate: the error rate is per rate, and ten of them may well hold a false difference.
    found = standings(twins, rates_bps=[6000.0])
    table = standings_table(found, synthetic.PESQ, twins.systems)
    assert not any(entry.best for row in table.rows for entry in row)
    assert "**" not in to_markdown(table).split("\n", 1)[1]
    assert r"\textbf" not in to_latex(table)


def test_failing_on_the_hard_clips_wins_nothing(synthetic):
    """Policy of design.md: with failures it must lead on that line too."""
    lost = {("good", clip) for clip in range(40) if clip % 4 == 0 or clip % 8 == 1}
    found = standings(planted(synthetic, lost=lost))
    one = at(found, 3000.0, "good")
    assert one.mean.mean > at(found, 3000.0, "twin-a").mean.mean
    assert one.mean_failures_as_worst < at(found, 3000.0, "twin-a").mean_failures_as_worst
    assert one.n_failed == 15
    assert not one.rank.beats_all
    assert one.rank.worst > 1


def test_with_few_speakers_nothing_is_ranked_or_bold(synthetic):
    results = planted(synthetic, speakers=[f"s{number % 7}" for number in range(40)])
    found = standings(results)
    assert all(one.rank is None for one in found)
    table = standings_table(found, synthetic.PESQ, results.systems)
    assert not any(entry.best for row in table.rows for entry in row)
    assert any("Nothing is ranked" in note for note in table.notes)
    assert all("7 speakers" in one.mean.warning for one in found if one.mean.n)


def test_a_system_out_of_reach_says_so(synthetic):
    found = standings(synthetic.realistic())
    one = next(o for o in found if (o.metric, o.rate_bps, o.label) == ("stoi", 3e3, "opus-cbr"))
    assert one.mean.mean is None
    assert one.reason == "outside 6.12 … 24.5 kbit/s"
    gone = next(o for o in found if o.label == "gone")
    assert gone.reason
    results = synthetic.realistic()
    notes = standings_table(found, synthetic.PESQ, results.systems).notes
    assert "At none of these rates: pcm, gone." in notes


def test_the_frame_has_a_row_per_standing(synthetic):
    found = standings(planted(synthetic))
    frame = standings_frame(found)
    assert len(frame) == len(found)
    best = frame[(frame["rate_bps"] == 6000.0) & (frame["rank_best"] == 1)]
    assert list(best["label"]) == ["good"]


def test_bd_rate_of_a_planted_saving(synthetic):
    """0.5 PESQ at 0.5 PESQ per octave: the same quality at half the rate."""
    results = planted(synthetic)
    rows = {row.label: row for row in bd_rows(results, anchor="twin-a")}
    assert rows["good"].rate.delta.value == pytest.approx(-50.0, abs=1.5)
    assert rows["poor"].rate.delta.value == pytest.approx(100.0, abs=6.0)
    assert rows["good"].score.delta.value == pytest.approx(0.5, abs=0.02)
    twin = rows["twin-b"].rate
    assert twin.low < 0.0 < twin.high
    assert (twin.cluster, twin.n_clusters, twin.n_clips) == ("speaker", 10, 40)
    table = bd_table(tuple(rows.values()), synthetic.PESQ)
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert all(entry.text.strip() for row in table.rows for entry in row)


def test_bd_refusals_carry_their_reason(synthetic):
    results = synthetic.realistic()
    rows = bd_rows(results)
    assert {row.anchor for row in rows} == {"opus-cbr"}
    frame = bd_frame(rows).set_index(["metric", "kind", "label"])
    assert frame.loc[("pesq_wb", "rate", "psq"), "reason"] == "the test has 3 points, 4 are needed"
    assert "no overlap" in frame.loc[("pesq_wb", "rate", "codec2"), "reason"]
    assert frame.loc[("stoi", "rate", "gone"), "reason"]
    refused = frame[frame["value"].isna()]
    assert (refused["reason"] != "").all()
    assert refused["ci_low"].isna().all()


def test_an_unknown_anchor_is_named(synthetic):
    with pytest.raises(UnknownNameError, match="did you mean twin-b, twin-a"):
        bd_rows(planted(synthetic), anchor="twin")


def test_a_group_that_one_system_fails_is_flagged_and_hard_clips_are_not(synthetic):
    """All systems find the women's clips harder by 0.3; one loses 0.3 more there."""

    def spoil(label, clip):
        woman = clip // 4 % 2 == 1
        return -0.3 * woman * (2 if label == "twin-b" else 1)

    results = planted(synthetic, spoil=spoil)
    sex = results.frame["speaker"].map(lambda name: "F" if int(name[1:]) % 2 else "M")
    results = replace(results, frame=results.frame.assign(sex=sex))
    rows = group_rows(results, curve_sets(results), tags=["sex"])
    flagged = {row.label for row in rows if row.is_flagged}
    assert flagged == {"twin-b"}
    of_twin = [row for row in rows if row.label == "twin-b" and row.group == "F"]
    assert of_twin[0].interaction == pytest.approx(-0.3, abs=0.05)
    table = subgroup_table(rows, synthetic.PESQ, "sex")
    assert table.columns == ("Codec", "Point", "F", "M")
    starred = [row[0].text for row in table.rows if row[2].text.endswith("*")]
    assert starred == ["twin-b"] * 5


@pytest.mark.slow
def test_interactions_are_rarely_found_where_there_are_none(synthetic):
    rng = np.random.default_rng(2)
    found = 0
    results = planted(synthetic, names=("twin-a", "twin-b"))
    for _ in range(150):
        noise = 0.05 * rng.normal(size=(10, 10))[:, np.arange(40) // 4].ravel()
        frame = results.frame.assign(
            value=results.frame["value"] + noise,
            sex=results.frame["speaker"].map(lambda name: "F" if int(name[1:]) % 2 else "M"),
        )
        rows = group_rows(
            replace(results, frame=frame), curve_sets(replace(results, frame=frame)), tags=["sex"]
        )
        found += any(row.is_flagged for row in rows)
    assert found / 150 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 150)


def test_duration_and_numbers_are_split_at_the_median(synthetic):
    results = planted(synthetic)
    f0 = results.frame["clip"].map({clip: str(90 + 5 * n) for n, clip in enumerate(CLIPS)})
    results = replace(results, frame=results.frame.assign(f0_hz=f0))
    rows = group_rows(results, curve_sets(results))
    groups = {tag: sorted({r.group for r in rows if r.tag == tag}) for tag in ("duration", "f0_hz")}
    assert groups["duration"] == ["> 5 s", "≤ 5 s"]  # 4, 5, 6, 4, … s
    assert groups["f0_hz"] == ["> 188", "≤ 188"]
    with pytest.raises(UnknownNameError, match="tag 'accent'"):
        group_rows(results, curve_sets(results), tags=["accent"])


def test_all_tables_can_be_set(synthetic):
    results = synthetic.realistic(conditions=("clean", "noisy"))
    tables = comparison_tables(results, summarize_rows(results))
    assert set(tables) == {"pesq_wb", "stoi", "mcd"}
    for full in (one for found in tables.values() for one in found):
        if full.kind == "published":  # of clean speech alone
            continue
        assert "Condition" in full.table.columns
        assert all(len(row) == len(full.table.columns) for row in full.table.rows)
        assert all(entry.text.strip() for row in full.table.rows for entry in row)
        assert set(full.frame["condition"]) == {"clean", "noisy"}


def test_the_set_says_what_it_can_see(synthetic):
    results = planted(synthetic)
    found = standings(results, rates_bps=[6000.0])
    # Differences have a standard deviation of 0.03·√2 per clip, 40 clips in 10 equal speakers
    # without a part of their own, six pairs: t(1 − 0.025/6; 9) = 3.36 and t(0.8; 9) = 0.883.
    wanted = 0.03 * np.sqrt(2 / 40) * (3.36 + 0.883)
    assert found[0].detectable == pytest.approx(wanted, rel=0.35)
    notes = standings_table(found, synthetic.PESQ, results.systems).notes
    assert any("finds a true difference of" in note for note in notes)
