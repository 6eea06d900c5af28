"""Distributions, costs, signals, pairs of metrics, opinions: each shows what its CSV holds."""

import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from matplotlib.backends.backend_agg import FigureCanvasAgg

from codecbench.benchmark.complexity import Complexity, Macs, Speed
from codecbench.cli.figure_command import command
from codecbench.core.errors import ConfigError
from codecbench.reports.costs import match_costs, read_costs
from codecbench.reports.figures.distribution import distribution_frame, draw_distribution
from codecbench.reports.figures.drawing import COLUMN_WIDTH_IN, PAGE_WIDTH_IN
from codecbench.reports.figures.of_run import RunFigures
from codecbench.reports.figures.opinion import draw_opinions, read_opinions
from codecbench.reports.figures.row_axes import QUANTILES
from codecbench.reports.figures.signals import draw_signals, signals_frame
from codecbench.reports.grid import build_grids
from codecbench.reports.style import ANCHOR_STYLE, style_of, system_styles
from codecbench.reports.summary import summarize_rows


@pytest.fixture(scope="module")
def results(synthetic):
    return synthetic.realistic()


@pytest.fixture(scope="module")
def draw(results):
    return RunFigures(results, summarize_rows(results), (results.folder,))


def cost(spec: str, rtf: float) -> Complexity:
    return Complexity(
        spec=spec,
        trained=True,
        causal=True,
        parameters=None,
        encoder_parameters=None,
        decoder_parameters=None,
        weights_mib=None,
        macs=(Macs(point="6000", encode=1e6, decode=2e6),),
        speeds=(
            Speed(
                device="cpu",
                threads=1,
                encode_s=1.0,
                decode_s=1.0,
                encode_rtf=rtf / 4,
                decode_rtf=3 * rtf / 4,
            ),
        ),
        clips=1,
        clip_s=1.0,
        peak_memory_mib=1.0,
        base_memory_mib=1.0,
        declared_latency_ms=20.0,
        measured_latency_ms=26.0,
    )


def words_of(drawing) -> str:
    return " ".join(text.get_text() for text in drawing.figure.texts)


def test_a_distribution_shows_quantiles_of_the_common_clips(results, draw, synthetic):
    grid = next(grid for grid in build_grids(results) if grid.metric.name == "mcd")
    data = distribution_frame(grid, draw.rows)
    row = data[(data["label"] == "psq") & (data["point"] == "3000")].iloc[0]
    frame = results.frame[results.frame["metric"] == "mcd"]
    # Clip 3 is undefined; psq lost clips 4 and 5 at its lowest point, so nobody is shown there.
    mine = frame[(frame["codec"] == row["codec"]) & (frame["point"] == "3000")]
    values = mine["value"].drop(mine.index[[3, 4, 5]]).to_numpy()
    assert row["n"] == 33
    assert row["median"] == pytest.approx(np.median(values))
    assert row["p95"] == pytest.approx(np.percentile(values, 95))
    assert row["mean"] == pytest.approx(values.mean())


@pytest.mark.parametrize("width", [PAGE_WIDTH_IN, COLUMN_WIDTH_IN])
def test_row_figures_keep_their_words_inside(results, draw, synthetic, width):
    grid = next(grid for grid in build_grids(results) if grid.metric.name == "pesq_wb")
    styles = system_styles(results.systems)
    data = distribution_frame(grid, draw.rows)
    for drawing in (
        draw_distribution(data, synthetic.PESQ, styles, width_in=width),
        draw_signals(signals_frame(results), styles, width_in=width),
    ):
        FigureCanvasAgg(drawing.figure).draw()
        right, top = drawing.figure.canvas.get_width_height()
        labels = [axes.xaxis.label for axes in drawing.figure.axes]
        for text in [*drawing.figure.texts, *labels, *drawing.figure.axes[0].get_yticklabels()]:
            box = text.get_window_extent()
            assert box.x0 >= 0, text
            assert box.y0 >= 0, text
            assert box.x1 <= right, text
            assert box.y1 <= top, text


def test_what_is_missing_is_named_and_takes_no_row(results, draw, synthetic):
    grid = next(grid for grid in build_grids(results) if grid.metric.name == "stoi")
    data = distribution_frame(grid, draw.rows)
    drawing = draw_distribution(data, synthetic.STOI, system_styles(results.systems))
    names = [label.get_text() for label in drawing.figure.axes[0].get_yticklabels()]
    assert not any("early-bird" in name for name in names)
    assert "early-bird 2000: not available: pip install pystoi" in words_of(drawing)
    assert "gone: not available" in words_of(drawing)


def test_signals_name_what_stands_out_once_per_system(results):
    data = signals_frame(results)
    drawing = draw_signals(data, system_styles(results.systems))
    words = words_of(drawing).replace("\n", " ")
    assert "early-bird 2000, 4000, 8000: output is 0.50 ms early" in words
    row = data[(data["label"] == "early-bird") & (data["quantity"] == "delay_ms")].iloc[0]
    assert {row[name] for name in QUANTILES} == {-0.5}


def test_costs_are_matched_by_system_and_summed(draw, synthetic, tmp_path):
    found = cost("opus:bitrate=6000|9000", rtf=0.02)
    path = tmp_path / "costs.jsonl"
    path.write_text(json.dumps(asdict(found)) + "\n", encoding="utf-8")
    (again,) = read_costs([path])
    assert again == found
    # The canonical name has all options but the rate's, so another sweep is the same system.
    opus = synthetic.system("opus", [6000], spec="opus:bitrate=12000")
    assert match_costs([again], [opus, synthetic.system("x", [1])]) == {opus.codec: found}
    results = synthetic.make_results(
        [opus], [synthetic.PESQ], list("abc"), lambda *_: 3.0, speakers=list("xyz")
    )
    figures = RunFigures.of(results, [tmp_path], costs=(found,), cost_files=(path,))
    files = figures.cost(tmp_path, "cost", "pesq_wb", "clean", "rtf")
    data = pd.read_csv(files.paths["csv"])
    assert data["mean_x"].tolist() == pytest.approx([0.02])
    assert f"--by rtf --costs {path}" in files.paths["txt"].read_text(encoding="utf-8")
    figures.cost(tmp_path, "macs", "pesq_wb", "clean", "macs")
    assert pd.read_csv(tmp_path / "macs.csv")["mean_x"].tolist() == [3.0]
    with pytest.raises(ConfigError, match="known parameters"):
        figures.cost(tmp_path, "none", "pesq_wb", "clean", "parameters")


def test_a_file_that_holds_no_costs_is_refused(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"spec": "opus"}\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="codecbench complexity"):
        read_costs([path])


def test_metrics_that_agree_least_are_set_against_each_other(synthetic, tmp_path):
    systems = [synthetic.system(f"s{number}", [1000 * number + 1000]) for number in range(6)]

    def cell(metric, facts, point, clip):
        level = int(facts.label[1]) + 0.01 * clip
        # mcd falls as pesq rises: they agree. stoi falls too, which is worse: it disagrees.
        return {"pesq_wb": 1 + level / 2, "stoi": 0.9 - level / 20, "mcd": 9 - level}[metric.name]

    results = synthetic.make_results(systems, synthetic.METRICS, list("abcd"), cell)
    figures = RunFigures.of(results, [tmp_path])
    pair = figures.least_agreeing("clean")
    assert pair == ("pesq_wb", "stoi")
    files = figures.metric_pair(tmp_path, "pair", *pair, "clean")
    assert "rank correlation -1.00 over 6 points" in files.alt
    data = pd.read_csv(files.paths["csv"])
    assert data["mean_x"].tolist() == pytest.approx([1.0075 + k / 2 for k in range(6)])


def test_anchors_have_one_style_that_no_system_has(results):
    styles = system_styles(results.systems)
    assert style_of(styles, "mnru:auto=true") == ANCHOR_STYLE
    assert ANCHOR_STYLE not in styles.values()


OPINIONS = """system,kind,mos,ci_low,ci_high,votes,listeners
reference,anchor,4.7,4.6,4.8,88,22
one,system,3.5,3.3,3.7,88,22
two,system,1.2,,,84,21
"""


def test_opinions_are_bars_from_one_with_the_mean_on_top(tmp_path):
    path = tmp_path / "mos.csv"
    path.write_text(OPINIONS, encoding="utf-8")
    drawing = draw_opinions(read_opinions(path))
    (axes,) = drawing.figure.axes
    assert [bar.get_y() + bar.get_height() for bar in axes.patches] == pytest.approx(
        [4.7, 3.5, 1.2]
    )
    assert [text.get_text() for text in axes.texts] == ["4.70", "3.50", "1.20"]
    assert "84 to 88 votes per system by 21 to 22 listeners" in words_of(drawing)


@pytest.mark.parametrize("line", ["one,system,5.5,5,6,1,1", "one,system,x,1,2,1,1"])
def test_what_is_no_opinion_is_refused(tmp_path, line):
    path = tmp_path / "mos.csv"
    path.write_text(f"{OPINIONS.splitlines()[0]}\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="no opinion scores"):
        read_opinions(path)


LOG = (
    '{"kind": "start", "marks": {"end of pre-training": 20}}\n'
    '{"kind": "validation", "step": 10, "scores": {"6": {"pesq_wb": 1.1, "utilisation": 0.5}}}\n'
    '{"kind": "validation", "step": 40, "scores": {"6": {"pesq_wb": 2.1, "utilisation": 0.9}}}\n'
)


def test_the_command_draws_trainings_and_opinions(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "log.jsonl").write_text(LOG, encoding="utf-8")
    (tmp_path / "mos.csv").write_text(OPINIONS, encoding="utf-8")
    for kind, source in (("trajectory", f"first={tmp_path / 'run'}"), ("opinion", "mos.csv")):
        stem = tmp_path / kind
        words = [kind, str(tmp_path / source), "--width", "column", "-o", str(stem)]
        done = CliRunner().invoke(command, words)
        assert done.exit_code == 0, done.output
        assert {path.suffix for path in tmp_path.glob(f"{kind}.*")} == {
            ".png", ".svg", ".pdf", ".csv", ".txt",
        }  # fmt: skip
    data = pd.read_csv(tmp_path / "trajectory.csv")
    marks = data[data["value"].isna()]
    assert marks[["score", "step"]].to_numpy().tolist() == [["end of pre-training", 20]]
    assert len(data) == 5
    assert "1.1 at step 10 to 2.1 at 40" in (tmp_path / "trajectory.txt").read_text()
