"""The papers' tables and figures: all there, measured beside published, gaps with reasons."""

import csv
from pathlib import Path

import pytest

from codecbench.adapters.registry import get_codec
from codecbench.benchmark.cost_suite import find_cost_suite
from codecbench.benchmark.paper_systems import (
    PaperWeights,
    find_paper,
    named_checkpoints,
    paper_names,
    paper_suite,
    with_paper_systems,
)
from codecbench.benchmark.suite import Suite, resolve
from codecbench.core.errors import ConfigError, UnknownNameError
from codecbench.core.spec import Spec
from codecbench.metrics.registry import expand_metrics, get_metric
from codecbench.reports.costs import canonical_name
from codecbench.reports.papers.artefacts import BUILDERS
from codecbench.reports.papers.costs import cost_specs, measure_costs
from codecbench.reports.papers.definition import paper_facts
from codecbench.reports.papers.measured import Measured
from codecbench.reports.papers.write import write_paper

# shared/protocols.md: every table and figure of the four papers, drawings included.
NUMBERS = {
    "psq": {"Table I", "Table II", "Figure 3", "Figure 8", "Figure 9", "Figure 10"}
    | {"Figures 1, 2, 4 to 7"},
    "esc": {"Table 1", "Figure 1", "Figure 2", "Figure 3"},
    "hificodec": {"Table 1", "Figure 1"},
    "patch": {"Abstract"},
}

TOPICS = {"test set", "length of clips", "sampling rate", "training", "metrics", "machine"}
TOPICS |= {"listening", "comparisons"}


@pytest.mark.parametrize("name", paper_names())
def test_every_table_and_figure_is_there_and_can_be_made(name):
    facts, paper = paper_facts(name), find_paper(name)
    assert {each.number for each in facts.artefacts} >= NUMBERS[name]
    outputs = {output for spec, _ in expand_metrics("all") for output in get_metric(spec).outputs}
    labels = {system.label for system in paper.systems}
    assert set(facts.differences) <= TOPICS
    for each in facts.artefacts:
        assert each.kind in BUILDERS
        assert set(each.metrics) <= outputs | {"nomad"}
        assert set(each.systems) <= labels
        if each.suite:
            assert find_cost_suite(each.suite).rows
        for statement in each.statements:
            assert statement.why or statement.measure in {"rate", "latency"}
            assert set(statement.systems) <= labels


@pytest.mark.parametrize("name", paper_names())
def test_a_suite_has_the_papers_own_codec_without_being_asked(name):
    suite, missing = paper_suite(find_paper(name), PaperWeights())
    resolved = resolve(suite)
    assert name in {Spec.parse(text).name for text in resolved.codecs}
    assert all("not measured" in line for line in missing)


def test_rates_with_weights_are_points_of_one_system(tmp_path):
    psq, mine = find_paper("psq"), tmp_path / "a.pth"
    mine.touch()
    given = PaperWeights(checkpoints=named_checkpoints(psq, [str(mine)]))
    suite, _ = paper_suite(psq, given)
    points = [Spec.parse(text) for text in suite.codecs if text.startswith("psq")]
    assert [spec.options["bitrate"] for spec in points] == [(1500, 3000), (1500,)]
    # A rate that comes without weights does not take them away from the other.
    suite, _ = paper_suite(psq, PaperWeights())
    for text in suite.codecs:
        if text.startswith("psq"):
            is_random = "checkpoint=untrained" in text
            assert get_codec(text).info.trained is not is_random


def test_a_codec_that_is_asked_for_stands_in_for_ours():
    asked = Suite(codecs=("esc:checkpoint=mine.pth",), data="demo")
    suite, missing = with_paper_systems(asked, find_paper("esc"), PaperWeights())
    assert suite.codecs == asked.codecs
    assert not any(line.startswith("ESC") for line in missing)


def test_checkpoints_are_for_the_network_that_is_named(tmp_path):
    psq, mine = find_paper("psq"), tmp_path / "a.pth"
    mine.touch()
    everywhere = named_checkpoints(psq, [str(mine)])
    assert everywhere == {"psq-1500": mine, "psq-3000": mine}
    suite, missing = paper_suite(
        psq, PaperWeights(checkpoints=named_checkpoints(psq, [f"no-skips={mine}"]))
    )
    (added,) = [text for text in suite.codecs if "skips=false" in text]
    assert Spec.parse(added).options["checkpoint"] == (str(mine),)
    assert not any(line.startswith("No skips") for line in missing)
    with pytest.raises(UnknownNameError, match="no-styling"):
        named_checkpoints(psq, [f"no-stilling={mine}"])
    with pytest.raises(ConfigError, match="two checkpoints for 'psq-1500'"):
        named_checkpoints(psq, [str(mine), f"psq-1500={mine}"])
    with pytest.raises(ConfigError, match="no such checkpoint"):
        named_checkpoints(psq, [str(tmp_path / "b.pth")])


def test_costs_are_wanted_as_the_paper_has_them():
    assert set(cost_specs(paper_facts("esc"), clips=None).values()) == {50}
    assert set(cost_specs(paper_facts("esc"), clips=2).values()) == {2}
    assert cost_specs(paper_facts("patch"), clips=None) == {"patch": 1}


@pytest.fixture(scope="module")
def hificodec(synthetic, tmp_path_factory) -> Path:
    """The report on HiFi-Codec from results by formula: one network and one reference."""
    spec = "hificodec:variant=16k_320d"
    systems = [
        synthetic.system(
            "hificodec", [2000], "neural", spec=spec, codec=canonical_name(spec), trained=False
        ),
        synthetic.system("opus", [6000]),
    ]
    results = synthetic.make_results(
        systems,
        [synthetic.PESQ, synthetic.STOI],
        [f"clip{number}" for number in range(11)],
        lambda metric, _s, _p, clip: (2.5 if metric.name == "pesq_wb" else 0.8) + clip / 100,
    )
    out = tmp_path_factory.mktemp("paper")
    write_paper(
        Measured(
            paper=find_paper("hificodec"),
            weights=PaperWeights(),
            results=results,
            folder=out / "run",
            made_by="codecbench paper hificodec",
        ),
        out,
    )
    return out


def read_table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_published_values_stand_in_columns_of_their_own(hificodec):
    rows = read_table(hificodec / "tables" / "table1.csv")
    # arXiv:2305.02765, table 1, as shared/protocols.md has it, in its order.
    published = [row["pesq_wb, published"] for row in rows]
    assert published == [
        "3.01",
        "3.21",
        "3.62",
        "3.08",
        "3.04",
        "3.26",
        "3.63",
        "3.92",
        "3.64",
        "3.22",
    ]
    assert [row["stoi, published"] for row in rows] == (
        ["0.94", "0.95", "0.94", "0.91", "0.93", "0.95", "0.95", "0.95", "0.95", "0.94"]
    )
    assert [row["codebooks"] for row in rows] == [
        "8",
        "12",
        "8",
        "2",
        "8",
        "12",
        "4",
        "8",
        "4",
        "4",
    ]
    # One of the ten was measured: the mean of 2.5, 2.51 … 2.6.
    here = [row["pesq_wb ↑"] for row in rows]
    assert here[:-1] == ["not measured"] * 9
    assert here[-1].startswith("2.55 [")
    assert rows[-1]["weights"] == "random"
    assert rows[-1]["System"].endswith("[untrained]")


def test_every_gap_is_listed_with_its_reason(hificodec):
    gaps = read_table(hificodec / "tables" / "missing.csv")
    reasons = {row["row"]: row["reason"] for row in gaps}
    assert "no weights are public" in reasons["SoundStream (ours), 16 kHz, 320, 12 codebooks"]
    assert "encodec_24khz_240d.pth" in reasons["Encodec (ours), 24 kHz, 240, 8 codebooks"]
    assert all(row["reason"] not in {"", "not measured"} for row in gaps)
    narrow = [row for row in gaps if "pesq_nb" in row["columns"]]
    assert any("not asked for" in row["reason"] for row in narrow)


def test_the_page_has_everything_and_no_script(hificodec):
    page = (hificodec / "index.html").read_text(encoding="utf-8")
    for each in paper_facts("hificodec").artefacts:
        assert f"{each.number}: {each.title}" in page
    for word in ("What differs from the paper", "Cells without a measured value", "Methods"):
        assert word in page
    assert "<script" not in page
    assert "codecbench paper hificodec" in page
    beside = read_table(hificodec / "tables" / "beside.csv")
    assert {row["Codec"] for row in beside} == {"opus"}
    for name in ("methods.md", "methods.tex", "citation.bib", "tables/table1.tex"):
        assert (hificodec / name).stat().st_size > 100


@pytest.mark.slow
def test_costs_are_measured_once(tmp_path):
    told: list[str] = []
    for again, lines in ((False, 1), (False, 1), (True, 2)):
        (found,) = measure_costs(
            {"pcm:bits=16": 1}, tmp_path / "costs.jsonl", again=again, tell=told.append
        )
        assert found.spec == "pcm:bits=16"
        assert len(told) == lines
    assert measure_costs({"nosuch": 1}, tmp_path / "x.jsonl", again=False, tell=told.append) == ()
    assert told[-1].startswith("no cost of nosuch")
