"""What must not stand in one table is refused with the difference named."""

from dataclasses import replace

import pandas as pd
import pytest

from codecbench.core.errors import ConfigError, ResultSchemaError
from codecbench.reports.checks import check_comparable
from codecbench.reports.grid import build_grids
from codecbench.reports.merging import merge_results
from codecbench.reports.summary import summarize


def one_codec(synthetic, label="one", value=3.0, metrics=None, **more):
    fingerprint = more.pop("fingerprint", f"fp-{label}")
    rates = more.pop("rates", [8000])
    facts = synthetic.system(label, rates, fingerprint=fingerprint)
    return synthetic.make_results(
        [facts], metrics or [synthetic.PESQ], ["a", "b", "c"], lambda *_: value, **more
    )


def test_two_definitions_of_one_metric_are_refused(synthetic):
    """Acceptance test 6."""
    frame = one_codec(synthetic).frame
    frame.loc[1, "definition"] = "P.862.2; 8 kHz"
    frame.loc[0, "definition"] = "P.862.2; 16 kHz"
    with pytest.raises(ResultSchemaError, match=r"pesq_wb.*definitions"):
        check_comparable(frame)


def test_the_difference_between_definitions_is_named(synthetic):
    other = replace(synthetic.PESQ, definition="P.862.2; 8 kHz", definition_hash="zzzz")
    runs = [one_codec(synthetic), one_codec(synthetic, "two", metrics=[other], name="r1")]
    with pytest.raises(ResultSchemaError, match="'16 kHz' against '8 kHz'"):
        merge_results(runs)


def test_other_package_versions_are_refused(synthetic):
    other = replace(synthetic.PESQ, definition_hash="zzzz")
    runs = [one_codec(synthetic), one_codec(synthetic, "two", metrics=[other], name="r1")]
    with pytest.raises(ResultSchemaError, match=r"versions of its packages.*aaaa and zzzz"):
        merge_results(runs)


def test_a_metric_that_was_not_tried_needs_no_definition(synthetic):
    frame = one_codec(synthetic, value="skipped:missing_dependency").frame
    frame["definition"] = ["", "aaaa", "aaaa"]
    check_comparable(frame)


def test_two_datasets_are_refused(synthetic):
    runs = [one_codec(synthetic), one_codec(synthetic, "two", dataset="other", name="r1")]
    with pytest.raises(ResultSchemaError, match="'other', 'synthetic'"):
        merge_results(runs)


def test_a_doubled_cell_is_refused(synthetic):
    results = one_codec(synthetic)
    frame = pd.concat([results.frame, results.frame.iloc[[1]]], ignore_index=True)
    with pytest.raises(ResultSchemaError, match="clip 'b'"):
        summarize(replace(results, frame=frame))


def test_a_missing_column_is_named(synthetic):
    with pytest.raises(ResultSchemaError, match="payload_bps"):
        check_comparable(one_codec(synthetic).frame.drop(columns="payload_bps"))


def test_a_made_up_value_is_refused(synthetic):
    results = one_codec(synthetic)
    results.frame.loc[0, "value"] = float("inf")
    with pytest.raises(ResultSchemaError, match="no finite value"):
        build_grids(results)


def test_a_codec_that_nobody_described_is_refused(synthetic):
    results = one_codec(synthetic)
    results.frame.loc[0, "codec"] = "stranger"
    with pytest.raises(ResultSchemaError, match="stranger"):
        build_grids(results)


def test_runs_with_different_codecs_merge(synthetic):
    merged = merge_results([one_codec(synthetic), one_codec(synthetic, "two", 2.0, name="r1")])
    table = summarize(merged).set_index("label")
    assert table["mean"].to_dict() == {"one": 3.0, "two": 2.0}
    assert merged.name == "r0 + r1"


def test_further_points_of_one_system_merge_in_rising_rate(synthetic):
    runs = [one_codec(synthetic), one_codec(synthetic, rates=[6000], name="r1")]
    merged = merge_results(runs)
    assert [point.name for point in merged.systems[0].points] == ["6000", "8000"]


def test_the_same_cell_in_two_runs_is_refused(synthetic):
    with pytest.raises(ResultSchemaError, match="twice"):
        merge_results([one_codec(synthetic), one_codec(synthetic, name="r1")])


def test_one_codec_with_two_fingerprints_is_two_systems(synthetic):
    runs = [one_codec(synthetic), one_codec(synthetic, value=2.0, fingerprint="new", name="r1")]
    table = summarize(merge_results(runs)).set_index("label")
    assert table["mean"].to_dict() == {"one [r0]": 3.0, "one [r1]": 2.0}


def test_no_run_at_all_is_refused():
    with pytest.raises(ConfigError, match="at least one"):
        merge_results([])
