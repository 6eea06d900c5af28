"""Published numbers stand beside ours, with source and caveat, and change none of them."""

import csv

import pytest

from codecbench.metrics.registry import expand_metrics, get_metric
from codecbench.reports.published_numbers import (
    match_published,
    published_frame,
    published_numbers,
    published_table,
)
from codecbench.reports.summary import summarize_rows


@pytest.fixture
def rows(synthetic):
    systems = [
        synthetic.system("encodec", [1500, 6000], "neural"),
        synthetic.system("opus", [6000, 12000]),
    ]
    results = synthetic.make_results(
        systems, [synthetic.PESQ, synthetic.MCD], ["a", "b"], lambda *_: 2.5
    )
    return summarize_rows(results)


def test_every_number_has_a_metric_of_ours_a_source_and_a_caveat():
    outputs = {name for spec, _ in expand_metrics("all") for name in get_metric(spec).outputs}
    for number in published_numbers():
        assert number.metric in outputs
        assert all((number.system, number.source, number.data, number.origin, number.caveat))


def test_numbers_meet_the_codec_and_rate_they_are_about(rows):
    by_point = {(row.label, row.point, row.metric): row for row in rows}
    found = match_published(by_point["encodec", "6000", "pesq_wb"])
    # Llasa's table 1, Codec-SUPERB's board, HiFi-Codec's table 1, NaturalSpeech 3's table 5.
    assert sorted(number.value for number in found) == [2.635, 2.77, 3.01, 3.28]
    assert [n.value for n in match_published(by_point["encodec", "6000", "mcd"])] == [2.70]
    assert match_published(by_point["opus", "6000", "pesq_wb"]) == ()


def test_they_are_in_columns_of_their_own(rows, synthetic):
    table = published_table(rows, synthetic.PESQ)
    here, there = table.columns.index("measured here"), table.columns.index("published")
    assert {row[here].text for row in table.rows} == {"2.50"}
    assert "2.77" in {row[there].text for row in table.rows}
    assert all(entry.text for row in table.rows for entry in row)
    notes = " ".join(table.notes)
    assert "arXiv:2502.04128" in notes
    assert "the band of PESQ is not stated" in notes
    assert {row[-1].text for row in table.rows} == {"(1)", "(2)", "(3)", "(4)"}
    assert published_table(rows, synthetic.STOI) is None
    frame = published_frame(rows)
    assert set(frame["mean"]) == {2.5}
    assert {"published_source", "published_caveat", "published_value"} <= set(frame.columns)


def test_agrees_with_an_independent_transcription(shared):
    """shared/peers/published_numbers.csv was transcribed by somebody else."""
    theirs = {}
    with (shared / "peers/published_numbers.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            source, metric = row["source"], row["metric"]
            metric = "pesq_wb" if metric == "pesq_mode_unstated" else metric
            theirs.setdefault((source.split()[0], metric), []).append(
                (float(row["kbps"] or "nan"), float(row["value"]))
            )
    heads = {
        "Ye et al., Llasa": "arXiv:2502.04128",
        "Codec-SUPERB": "Codec-SUPERB",
        "Gu and Diao": "ESC",
        "Ju et al.": "NaturalSpeech",
    }
    checked = 0
    for number in published_numbers():
        head = next((h for name, h in heads.items() if number.source.startswith(name)), None)
        if head is not None:
            assert (number.kbps, number.value) in theirs[head, number.metric], number
            checked += 1
    assert checked > 100
