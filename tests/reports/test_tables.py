"""Tables: every number has its n, every gap its reason."""

import pandas as pd

from codecbench.reports.rates import point_rates
from codecbench.reports.summary import summarize_rows
from codecbench.reports.tables import decimals, kbps, metric_table, overview_table


def cells_of(table):
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def test_rows_stand_in_rising_rate_with_nominal_and_measured(synthetic):
    results = synthetic.realistic()
    table = metric_table(summarize_rows(results), synthetic.PESQ)
    opus = [row for row in cells_of(table) if row["Codec"].text == "opus-cbr"]
    assert [row["nominal kbit/s"].text for row in opus] == [
        "6.00", "8.00", "12.00", "16.00", "24.00",
    ]  # fmt: skip
    assert opus[0]["measured kbit/s"].text == "6.12"  # 6000 × 1.02


def test_the_mean_is_that_of_the_frame(synthetic):
    results = synthetic.realistic()
    frame = results.frame
    lost = frame.loc[(frame["metric"] == "pesq_wb") & (frame["status"] == "failed"), "clip"]
    mine = frame[(frame["metric"] == "pesq_wb") & (frame["codec"].str.startswith("opus-cbr"))]
    wanted = mine[~mine["clip"].isin(lost)].groupby("point", sort=False)["value"].mean()
    table = metric_table(summarize_rows(results), synthetic.PESQ)
    shown = [row["mean"].text for row in cells_of(table) if row["Codec"].text == "opus-cbr"]
    assert shown == [f"{value:.2f}" for value in wanted]


def test_no_entry_is_blank_and_no_gap_is_a_number(synthetic):
    results = synthetic.realistic()
    rows = summarize_rows(results)
    tables = [metric_table(rows, facts) for facts in results.metrics]
    tables.append(overview_table(rows, results.metrics))
    for table in tables:
        assert all(len(row) == len(table.columns) for row in table.rows)
        assert all(entry.text.strip() for row in table.rows for entry in row)
    gone = next(row for row in cells_of(tables[0]) if row["Codec"].text == "gone")
    assert gone["mean"].text == 'not available: pip install "codecbench[neural]"'
    assert gone["mean"].kind == gone["failures as worst"].kind == "reason"


def test_skipped_cells_say_how_to_get_them(synthetic):
    results = synthetic.realistic()
    table = overview_table(summarize_rows(results), results.metrics)
    early = next(row for row in cells_of(table) if row["Codec"].text == "early-bird")
    assert early["stoi ↑"].text == "not available: pip install pystoi (36)"


def test_untrained_codecs_carry_a_badge(synthetic):
    results = synthetic.realistic()
    table = overview_table(summarize_rows(results), results.metrics)
    assert {row["Codec"].text for row in cells_of(table)} >= {"esc [untrained]", "psq"}


def test_failures_show_in_both_tables(synthetic):
    results = synthetic.realistic()
    rows = summarize_rows(results)
    of_metric = cells_of(metric_table(rows, synthetic.PESQ))
    psq = next(row for row in of_metric if row["Codec"].text == "psq")
    assert (psq["failed"].text, psq["own n"].text, psq["n"].text) == ("2", "34", "34")
    assert float(psq["failures as worst"].text) < float(psq["own mean"].text)
    overview = cells_of(overview_table(rows, results.metrics))
    assert next(r for r in overview if r["Codec"].text == "psq")["mcd ↓"].text.endswith(
        "(2 failed)"
    )


def test_notes_say_what_is_independent_and_what_a_failure_counts(synthetic):
    notes = " ".join(metric_table(summarize_rows(synthetic.realistic()), synthetic.MCD).notes)
    assert "corrected for skewness, over 12 speakers" in notes
    assert "33 of 36" in notes  # two failed, one undefined
    assert "the worst score that any system got" in notes
    assert "order 24; alpha 0.42" in notes


def test_a_condition_column_appears_when_there_are_several(synthetic):
    results = synthetic.realistic(conditions=("clean", "noisy"))
    rows = summarize_rows(results)
    assert "Condition" in metric_table(rows, synthetic.PESQ).columns
    assert "Condition" in overview_table(rows, results.metrics).columns


def test_decimals_follow_the_range(synthetic):
    assert [decimals(facts) for facts in synthetic.METRICS] == [2, 3, 2]
    assert [kbps(rate) for rate in (700.0, 6120.0, 256000.0, None)] == [
        "0.700", "6.12", "256.0", "unknown",
    ]  # fmt: skip


def test_rates_are_pooled_over_duration_and_flagged(synthetic):
    """Acceptance test 9, on made-up rates: nominal 8, payload 51, red flag."""
    results = synthetic.make_results(
        [synthetic.system("int64", [8000])], [synthetic.PESQ], ["a", "b"], lambda *_: 2.0
    )
    frame: pd.DataFrame = results.frame
    frame["clip_s"] = [1.0, 3.0]
    frame["payload_bps"] = [48_000.0, 52_000.0]
    rate = point_rates(results)["int64:auto=true", "8000", "clean"]
    assert rate.payload_bps == 51_000.0  # (48 × 1 + 52 × 3) / 4 kbit/s
    assert rate.is_flagged
    assert not next(iter(point_rates(synthetic.realistic()).values())).is_flagged
