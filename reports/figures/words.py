"""The words of a rate-quality figure: what stands below it, and what replaces it for the blind."""

from typing import TYPE_CHECKING

from codecbench.benchmark.results import MetricFacts
from codecbench.reports.rate_quality import ANCHOR, CURVE, MISSING
from codecbench.reports.statistics.clusters import MIN_CLUSTERS
from codecbench.reports.tables import direction

if TYPE_CHECKING:
    import pandas as pd

_MAX_LABEL, _MAX_LEVEL, _MAX_PARTS = 72, 34, 12


def caption(data: "pd.DataFrame", beyond: "pd.DataFrame") -> list[str]:
    """Say below a figure what was done to the clips, what n is, what failed, what is missing.

    Args:
        data: Data of the figure.
        beyond: The anchors in it that lie off the axis.
    """
    counted = data[data["role"] != MISSING]
    lines = condition_words(data)
    if len(counted):
        lines.append(interval_words(counted.iloc[0]))
    if (data["role"] == ANCHOR).any():
        lines.append(
            "Dotted levels: anchors, whose bits mean nothing, and codecs near the rate of PCM."
        )
    if len(beyond):
        far = [
            f"{level_name(str(row['label']), str(row['point']))}: {row['mean']:.4g}"
            for _, row in beyond.iterrows()
        ]
        lines.append(f"Beyond the axis: {', '.join(far)}.")
    failing = counted[counted["n_failed"] > 0]
    if len(failing):
        names = [f"{_name(row)} ({row['n_failed']})" for _, row in failing.iterrows()]
        lines.append(f"Failed clips, in no mean here: {cut(names, '; ')}.")
    missing = []
    lost = data[data["role"] == MISSING]
    for (label, reason), group in lost.groupby(["label", "reason"], sort=False):
        points = ", ".join(str(point) for point in group["point"] if point)
        name = short_label(str(label))
        missing.append(f"{name}{', ' if points else ''}{points}: {reason}")
    if missing:
        lines.append(f"Missing: {cut(missing, '; ')}.")
    return lines


def condition_words(data: "pd.DataFrame") -> list[str]:
    """Name the treatments under which a figure's data were found, clean speech aside."""
    return [f"Condition: {name}." for name in data["condition"].unique() if name != "clean"]


def interval_words(row: "pd.Series") -> str:
    """Say how many clips there are and what the intervals are over.

    Args:
        row: With ``n, n_clips, cluster, n_clusters``.
    """
    text = f"n = {row['n']} of {row['n_clips']} clips, those that every system shown has."
    if row["cluster"] != "none":
        text += f" Intervals: 95 %, over {row['n_clusters']} {row['cluster']}s"
        rough = int(str(row["n_clusters"])) < MIN_CLUSTERS
        text += ", so few that they are rough." if rough else "."
    return text


def alt_text(data: "pd.DataFrame", facts: MetricFacts) -> str:
    """Describe a figure to those who cannot see it: where each curve begins and ends."""
    parts = [f"{facts.name} against measured rate, {direction(facts)}."]
    for label, group in data[data["role"] == CURVE].groupby("label", sort=False):
        curve = group.sort_values("payload_bps", kind="stable")
        first, last = curve.iloc[0], curve.iloc[-1]
        text = f"{label}: {first['mean']:.2f} at {first['payload_bps'] / 1000:.2f} kbit/s"
        if len(curve) > 1:
            text += f" to {last['mean']:.2f} at {last['payload_bps'] / 1000:.2f}"
        parts.append(f"{text}.")
    return " ".join(parts)


def short_label(label: str) -> str:
    """Cut a label to what a legend can hold."""
    # matplotlib takes a label with a leading underscore for "keep it out of the legend".
    label = f" {label}" if label.startswith("_") else label
    return label if len(label) <= _MAX_LABEL else f"{label[: _MAX_LABEL - 1]}…"


def level_name(label: str, point: str, *, longest: int = _MAX_LEVEL) -> str:
    """Name an anchor's point, cut to what the margin can hold."""
    name = f"{label} {point}" if point else label
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def cut(parts: list[str], separator: str) -> str:
    """Join what a reader of a figure will read; the CSV beside it has the rest."""
    kept = parts[:_MAX_PARTS]
    if len(parts) > _MAX_PARTS:
        kept.append(f"and {len(parts) - _MAX_PARTS} more, see the data")
    return separator.join(kept)


def _name(row: "pd.Series") -> str:
    point = f", {row['point']}" if row["point"] else ""
    return f"{short_label(str(row['label']))}{point}"
