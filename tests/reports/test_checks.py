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
    with pytest.raises(ResultSchemaError, match="'synthetic' against 'other'"):
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


def with_references(results, digests, *, sample_rate=16000):
    references = dict(zip(["a", "b", "c"], digests, strict=True))
    return replace(results, references=references, suite={"sample_rate": sample_rate})


def test_other_audio_under_the_same_names_is_refused(synthetic):
    runs = [
        with_references(one_codec(synthetic), "123"),
        with_references(one_codec(synthetic, "two", name="r1"), "193"),
    ]
    with pytest.raises(ResultSchemaError, match=r"1 clips have the same name and other audio.*'b'"):
        merge_results(runs)


def test_another_rate_of_evaluation_is_another_reference(synthetic):
    runs = [
        with_references(one_codec(synthetic), "123"),
        with_references(one_codec(synthetic, "two", name="r1"), "123", sample_rate=8000),
    ]
    with pytest.raises(ResultSchemaError, match="16000 Hz and the other at 8000 Hz"):
        merge_results(runs)


def test_another_reference_of_a_condition_is_refused(synthetic):
    runs = [one_codec(synthetic), one_codec(synthetic, "two", name="r1")]
    runs[1].frame["scored_against"] = "treated"
    with pytest.raises(ResultSchemaError, match="scored against clean and against treated"):
        merge_results(runs)


def test_forced_datasets_are_marked_and_named(synthetic):
    runs = [one_codec(synthetic), one_codec(synthetic, "two", 2.0, dataset="other", name="r1")]
    merged = merge_results(runs, force=True)
    assert [system.label for system in merged.systems] == ["one", "two [r1: other dataset]"]
    assert merged.caveats[0].startswith("Mixed by force: results of different datasets")
    assert set(merged.frame["dataset"]) == {"synthetic + other"}
    assert list(summarize(merged)["mean"]) == [3.0, 2.0]


def test_forced_references_are_never_paired(synthetic):
    runs = [
        with_references(one_codec(synthetic), "123"),
        with_references(one_codec(synthetic, "two", 2.0, name="r1"), "193"),
    ]
    table = summarize(merge_results(runs, force=True)).set_index("label")
    assert table["mean"].to_dict() == {"one": 3.0, "two [r1: other reference]": 2.0}
    assert list(table["n_common"]) == [0, 0]


def test_forced_definitions_are_metrics_of_their_own(synthetic):
    other = replace(synthetic.PESQ, definition="P.862.2; 8 kHz", definition_hash="zzzz")
    runs = [one_codec(synthetic), one_codec(synthetic, "one", 2.0, metrics=[other], name="r1")]
    merged = merge_results(runs, force=True)
    assert [facts.name for facts in merged.metrics] == ["pesq_wb", "pesq_wb [zzzz]"]
    table = summarize(merged).set_index(["metric", "label"])["mean"].dropna()
    assert table.to_dict() == {
        ("pesq_wb", "one"): 3.0,
        ("pesq_wb [zzzz]", "one [r1: other definition]"): 2.0,
    }


def test_a_forced_report_says_so_everywhere(synthetic, tmp_path):
    from codecbench.reports.report import write_report

    runs = [one_codec(synthetic), one_codec(synthetic, "two", 2.0, dataset="other", name="r1")]
    with pytest.raises(ResultSchemaError, match="different datasets"):
        write_report(runs, tmp_path)
    index = write_report(runs, tmp_path, force=True, only_curves=True)
    assert "Mixed by force" in index.read_text(encoding="utf-8")
    for name in ("overview.md", "overview.tex", "pesq_wb.md", "pesq_wb.tex"):
        assert "Mixed by force" in (tmp_path / "tables" / name).read_text(encoding="utf-8")


def test_runs_that_do_not_differ_have_no_caveats_even_when_forced(synthetic):
    runs = [one_codec(synthetic), one_codec(synthetic, "two", name="r1")]
    merged = merge_results(runs, force=True)
    assert merged.caveats == ()
    assert [system.label for system in merged.systems] == ["one", "two"]
