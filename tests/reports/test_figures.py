"""Figures show what their CSV holds, in styles that belong to systems and to nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb

from codecbench.reports.figures.drawing import write_drawing
from codecbench.reports.figures.rate_quality import draw_rate_quality, spread
from codecbench.reports.figures.words import alt_text, caption
from codecbench.reports.rate_quality import rate_quality_frame, read_rate_quality
from codecbench.reports.style import COLOURS, system_styles
from codecbench.reports.summary import summarize_rows


@pytest.fixture(scope="module")
def results(synthetic):
    return synthetic.realistic()


@pytest.fixture(scope="module")
def rows(results):
    return summarize_rows(results)


def write_figure(folder, name, data, facts, styles):
    drawing = draw_rate_quality(data, facts, styles)
    return write_drawing(folder, name, drawing, title="a title", command="a command").paths


def curves_of(drawing):
    """Return {label: (x, y, line style)} of the drawn curves."""
    (axes,) = drawing.figure.axes
    lines = [line for line in axes.lines if not line.get_label().startswith("_")]
    return {
        line.get_label(): (line.get_xdata(), line.get_ydata(), line.get_linestyle())
        for line in lines
    }


def test_the_csv_beside_a_figure_reproduces_it(results, rows, synthetic, tmp_path):
    styles = system_styles(results.systems)
    data = rate_quality_frame(rows, "pesq_wb", "clean")
    paths = write_figure(tmp_path / "one", "figure", data, synthetic.PESQ, styles)
    again = read_rate_quality(paths["csv"])
    drawn = curves_of(draw_rate_quality(data, synthetic.PESQ, styles))
    table = again[again["role"] == "curve"]
    assert list(drawn) == list(table["label"].unique())
    for label, (x, y, _) in drawn.items():
        mine = table[table["label"] == label]
        assert np.array_equal(x, mine["payload_bps"] / 1000)
        assert np.array_equal(y, mine["mean"])
    copies = write_figure(tmp_path / "two", "figure", again, synthetic.PESQ, styles)
    for suffix, path in paths.items():
        assert path.read_bytes() == copies[suffix].read_bytes(), suffix


def test_a_figure_names_its_condition_unless_speech_is_clean(rows, results, synthetic):
    data = rate_quality_frame(rows, "pesq_wb", "clean")
    treated = data.assign(condition="level=-36")
    found = [
        " ".join(text.get_text() for text in drawing.figure.texts)
        for drawing in (
            draw_rate_quality(each, synthetic.PESQ, system_styles(results.systems))
            for each in (data, treated)
        )
    ]
    assert ["Condition: level=-36." in text for text in found] == [False, True]
    assert "Condition" not in found[0]


def test_only_the_classic_codec_is_dashed_when_it_stands_first(synthetic):
    """Acceptance test 17."""
    systems = [
        synthetic.system("classic", [6000, 12000]),
        synthetic.system("first", [3000, 6000], "neural"),
        synthetic.system("second", [1500, 3000], "neural"),
    ]
    results = synthetic.make_results(
        systems, [synthetic.PESQ], list("abcd"), lambda _m, _s, p, c: 1.5 + p.nominal_bps / 9e3
    )
    data = rate_quality_frame(summarize_rows(results), "pesq_wb", "clean")
    drawn = curves_of(draw_rate_quality(data, synthetic.PESQ, system_styles(systems)))
    assert {label: style for label, (_, _, style) in drawn.items()} == {
        "classic": "--", "first": "-", "second": "-",
    }  # fmt: skip


def test_a_style_does_not_depend_on_what_else_has_values(results, synthetic):
    styles = system_styles(results.systems)
    alone = system_styles(replace(system, points=()) for system in results.systems)
    assert styles == alone
    pairs = {(style.colour, style.marker) for style in styles.values()}
    assert len(pairs) == len(styles)


def test_fifty_systems_have_fifty_styles(synthetic):
    styles = system_styles(synthetic.system(f"s{number}", []) for number in range(50))
    assert len({(style.colour, style.marker) for style in styles.values()}) == 50


def test_neighbouring_colours_differ_for_common_colour_blindness():
    # Viénot, Brettel and Mollon 1999: what a protanope and a deuteranope see of linear RGB.
    protan = np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]])
    deutan = np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]])
    linear = np.array([to_rgb(colour) for colour in COLOURS]) ** 2.2
    for view in (np.eye(3), protan, deutan):
        seen = np.clip(linear @ view.T, 0, 1) ** (1 / 2.2)
        apart = np.linalg.norm(seen[:, None] - seen[None], axis=2)[np.triu_indices(7, 1)]
        assert apart.min() > 0.12


def test_what_is_missing_is_named_below(rows):
    data = rate_quality_frame(rows, "stoi", "clean")
    text = " ".join(caption(data, data.iloc[:0]))
    assert "n = 34 of 36 clips" in text
    assert "12 speakers" in text
    assert "Missing: early-bird, 2000, 4000, 8000: not available: pip install pystoi" in text
    assert "Failed clips, in no mean here: psq, 1500 (2)." in text


def test_anchors_and_pcm_are_levels_and_not_points(rows):
    data = rate_quality_frame(rows, "pesq_wb", "clean")
    assert set(data.loc[data["role"] == "anchor", "label"]) == {"mnru", "pcm"}
    assert data.loc[data["role"] == "curve", "payload_bps"].max() < 30_000


def test_a_far_anchor_is_named_and_does_not_squash_the_curves(synthetic):
    systems = [synthetic.system("one", [6000, 12000]), synthetic.system("far", [1], "anchor")]
    results = synthetic.make_results(
        systems,
        [synthetic.MCD],
        list("abcd"),
        lambda _m, s, p, c: 500.0 if s.label == "far" else 5.0 - p.nominal_bps / 6e3 + c / 10,
    )
    data = rate_quality_frame(summarize_rows(results), "mcd", "clean")
    figure = draw_rate_quality(data, synthetic.MCD, system_styles(systems)).figure
    assert figure.axes[0].get_ylim()[1] < 6.0
    assert any("Beyond the axis: far 1: 500" in text.get_text() for text in figure.texts)


def test_a_figure_without_a_single_value_says_so(synthetic, tmp_path):
    systems = [synthetic.system("one", [6000])]
    results = synthetic.make_results(
        systems, [synthetic.PESQ], ["a"], lambda *_: "failed:crashed:SIGSEGV"
    )
    data = rate_quality_frame(summarize_rows(results), "pesq_wb", "clean")
    paths = write_figure(tmp_path, "empty", data, synthetic.PESQ, system_styles(systems))
    assert paths["png"].stat().st_size > 1000
    figure = draw_rate_quality(data, synthetic.PESQ, system_styles(systems)).figure
    assert "crashed:SIGSEGV" in " ".join(text.get_text() for text in figure.texts)


@pytest.mark.parametrize("label", ["$x^2$", "_hidden", "<script>", "日本語", "x" * 200, "a\\b{"])
def test_any_label_can_be_drawn(synthetic, tmp_path, label):
    systems = [synthetic.system(label, [6000, 9000]), synthetic.system(label + "a", [1], "anchor")]
    results = synthetic.make_results(
        systems, [synthetic.PESQ], list("abcd"), lambda _m, _s, p, c: 2 + p.nominal_bps / 9e3
    )
    data = rate_quality_frame(summarize_rows(results), "pesq_wb", "clean")
    paths = write_figure(tmp_path, "figure", data, synthetic.PESQ, system_styles(systems))
    figure = draw_rate_quality(data, synthetic.PESQ, system_styles(systems)).figure
    assert len(figure.legends[0].get_texts()) == 1
    assert b"<script>" not in paths["svg"].read_bytes()


def test_labels_do_not_overlap_with_six_systems(results, rows, synthetic):
    data = rate_quality_frame(rows, "pesq_wb", "clean")
    figure = draw_rate_quality(data, synthetic.PESQ, system_styles(results.systems)).figure
    FigureCanvasAgg(figure).draw()
    (axes,) = figure.axes
    texts = [*figure.texts, *axes.texts, *figure.legends[0].get_texts(), axes.xaxis.label]
    boxes = [text.get_window_extent() for text in texts if text.get_text()]
    width, height = figure.canvas.get_width_height()
    for number, box in enumerate(boxes):
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= width
        assert box.y1 <= height
        for other in boxes[number + 1 :]:
            assert not box.overlaps(other)


def test_labels_are_spread_apart_and_stay_inside():
    placed = spread([0.1, 0.1, 0.1, 0.97, 0.99], gap=0.05)
    assert min(np.diff(placed)) >= 0.05 - 1e-12
    assert placed[0] >= 0
    assert placed[-1] <= 1
    assert spread([0.2, 0.8], gap=0.05) == [0.2, 0.8]


def test_alt_text_tells_the_ends_of_each_curve(rows, synthetic):
    text = alt_text(rate_quality_frame(rows, "pesq_wb", "clean"), synthetic.PESQ)
    assert "opus-cbr: 2.81 at 6.12 kbit/s to 3.96 at 24.48." in text
    assert "higher is better" in text


def test_the_caption_of_many_failures_stays_short(rows):
    data = rate_quality_frame(rows, "pesq_wb", "clean")
    data["n_failed"] = 3
    lines = caption(data, data.iloc[:0])
    assert len(lines) < 9
    assert "and 16 more, see the data" in " ".join(lines)  # 28 points with values, 12 named
