"""What conditions cost: against hand computation, with what must be said beside every value."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t as student

from codecbench.reports.figures.robustness import (
    draw_latency,
    draw_loss,
    latency_frame,
    loss_frame,
)
from codecbench.reports.report import write_report
from codecbench.reports.robustness import (
    loss_percent,
    robustness_frame,
    robustness_rows,
    robustness_table,
)
from codecbench.reports.style import system_styles
from codecbench.reports.summary import summarize_rows
from codecbench.reports.typeset import to_markdown

CONDITIONS = (
    *("clean", "loss=5%,burst=2.4", "loss=10%,burst=2.4", "loss=10%,conceal=zero"),
    "noise=white,snr=5,reference=treated",
)


@pytest.fixture(scope="module")
def lossy(synthetic):
    """A run in which each condition takes off a known amount that varies from clip to clip."""
    results = synthetic.realistic(conditions=CONDITIONS)
    frame = results.frame.copy()
    places = frame["condition"].map({name: i for i, name in enumerate(CONDITIONS)})
    number = frame.groupby(["metric", "codec", "point", "condition"]).cumcount()
    frame["value"] -= places * (0.1 + 0.01 * (number % 5))
    frame["scored_against"] = np.where(places == 4, "treated", "clean")
    frame["concealment"] = places.map({0: "", 1: "own: PLC", 2: "own: PLC", 3: "zero", 4: ""})
    return replace(results, frame=frame)


def test_costs_are_paired_means(lossy) -> None:
    metric = lossy.metrics[0].name
    for row in robustness_rows(lossy):
        place = CONDITIONS.index(row.condition)
        if row.metric != metric or row.reason:
            continue
        mine = lossy.frame[
            (lossy.frame["metric"] == metric)
            & (lossy.frame["codec"] == row.codec)
            & (lossy.frame["point"] == row.point)
        ]
        wide = mine.pivot(index="clip", columns="condition", values="value")
        both = wide[["clean", row.condition]].dropna() if place else wide[["clean"]].dropna()
        expected = (both["clean"] - both[row.condition]).mean() if place else 0.0
        assert row.cost == pytest.approx(expected, abs=1e-12)
        assert row.n == len(both)
        if place:
            assert row.low <= row.cost <= row.high


def test_the_interval_holds_students(synthetic) -> None:
    """One clip per speaker: at least as wide as Student's t on the differences, from scipy."""
    rng = np.random.default_rng(0)
    results = synthetic.realistic(conditions=("clean", "loss=5%"))
    frame = results.frame.copy()
    frame["speaker"] = frame["clip"]
    lost = frame["condition"] == "loss=5%"
    frame.loc[lost, "value"] -= rng.normal(0.4, 0.1, int(lost.sum()))
    row = next(
        each
        for each in robustness_rows(replace(results, frame=frame))
        if each.condition != "clean" and each.n > 20
    )
    mine = frame[
        (frame["metric"] == row.metric)
        & (frame["codec"] == row.codec)
        & (frame["point"] == row.point)
    ]
    wide = mine.pivot(index="clip", columns="condition", values="value").dropna()
    d = (wide["clean"] - wide["loss=5%"]).to_numpy()
    half = student.ppf(0.975, d.size - 1) * d.std(ddof=1) / np.sqrt(d.size)
    assert row.low <= d.mean() - half + 1e-9
    assert row.high >= d.mean() + half - 1e-9
    assert row.high - row.low < 3 * half


def test_reference_and_concealment_stand_beside_every_value(lossy) -> None:
    table = robustness_table(robustness_rows(lossy), lossy.metrics)
    assert table.columns[3:7] == ("Scored against", "Concealment", "kbit/s", "RTP kbit/s")
    for row in table.rows:
        texts = [entry.text for entry in row]
        assert texts[3] == ("treated" if "treated" in texts[2] else "clean")
        if texts[4] == "–":  # of a system that could not be measured
            continue
        wanted = {"l": "own: PLC", "n": "none needed"}[texts[2][0]]
        assert texts[4] == ("zero" if "zero" in texts[2] else wanted)
    assert "Scored against treated" in to_markdown(table)


def test_a_run_without_clean_has_no_costs(lossy) -> None:
    frame = lossy.frame[lossy.frame["condition"] != "clean"]
    assert robustness_rows(replace(lossy, frame=frame)) == ()


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("clean", (0.0, "")),
        ("loss=5%,burst=2.4", (5.0, "")),
        ("loss=5%,burst=2.4,conceal=zero", (5.0, "conceal=zero")),
        ("level=-20,reference=clean+loss=5%", None),
        ("lowpass=900,reference=clean", None),
        ("what nobody knows", None),
    ],
)
def test_losses_are_read_from_names(condition: str, found: object) -> None:
    assert loss_percent(condition) == found


def test_curves_of_loss_begin_with_clean(lossy) -> None:
    metric = lossy.metrics[0]
    data = loss_frame(robustness_rows(lossy), metric.name)
    for _, curve in data.groupby("codec", sort=False):
        assert curve["mean_x"].tolist() == [0.0, 5.0, 10.0]
        assert set(curve["concealment"]) == {"own: PLC"}
    assert data[["ci_low_y", "ci_high_y"]].notna().all().all()
    drawing = draw_loss(data, metric, lossy.systems)
    assert "packet loss" in drawing.alt


def test_latency_needs_a_latency(lossy) -> None:
    metric, rows = lossy.metrics[0], summarize_rows(lossy)
    systems = tuple(replace(each, latency_ms=20.0 + i) for i, each in enumerate(lossy.systems))
    data = latency_frame(rows, systems, metric.name, "clean")
    assert set(data["mean_x"]) <= {system.latency_ms for system in systems}
    texts = [
        t.get_text()
        for t in draw_latency(data, metric, system_styles(systems)).figure.axes[0].texts
    ]
    assert len(texts) == len(data)  # a rate beside each point
    assert latency_frame(
        rows, [replace(s, latency_ms=0.0) for s in systems], metric.name, "clean"
    ).empty


@pytest.mark.slow
def test_the_report_has_the_table_and_the_curves(lossy, tmp_path) -> None:
    few = [system.codec for system in lossy.systems[:2]]
    frame = lossy.frame
    part = replace(
        lossy,
        frame=frame[
            frame["codec"].isin(few)
            & (frame["metric"] == lossy.metrics[0].name)
            & frame["condition"].isin(CONDITIONS[:3])
        ],
        systems=lossy.systems[:2],
        metrics=lossy.metrics[:1],
        forensics=lossy.forensics[lossy.forensics["codec"].isin(few)],
        codebooks=lossy.codebooks[lossy.codebooks["codec"].isin(few)],
    )
    page = write_report(part, tmp_path).read_text(encoding="utf-8")
    assert 'id="robustness"' in page
    assert (tmp_path / f"figures/loss_{lossy.metrics[0].name}.png").is_file()
    written = (tmp_path / "tables/robustness.csv").read_text(encoding="utf-8")
    assert written.splitlines()[0].split(",")[:3] == ["metric", "codec", "label"]
    assert len(written.splitlines()) == 1 + len(robustness_frame(robustness_rows(part)))
