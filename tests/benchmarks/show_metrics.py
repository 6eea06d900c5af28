"""What `bench_metrics` found as a table and as a figure."""

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

VERSIONS = 5
"""Degraded versions per reference that the rows per metric are for."""


def rows(found: dict[str, Any]) -> list[tuple[str, float, float]]:
    """Return name, the obvious loop's and our milliseconds per pair, for every core metric."""
    return [
        (
            name,
            found["obvious_ms"][name],
            found["ours_score_ms"][name] + found["ours_prepare_ms"][name] / VERSIONS,
        )
        for name in found["ours_score_ms"]
    ]


def table(found: dict[str, Any]) -> str:
    """Return the comparison in Markdown."""
    lines = [
        "| metric | obvious loop, ms | codecbench, ms | times |",
        "| --- | ---: | ---: | ---: |",
    ]
    lines += [f"| {n} | {obvious:.1f} | {ours:.1f} | {obvious / ours:.1f} |"
              for n, obvious, ours in rows(found)]  # fmt: skip
    loop = found["obvious_total_ms"]
    lines += [
        f"| all, {what} | {loop:.1f} | {total['ours_ms']:.1f} | {total['times_faster']:.1f} |"
        for what, total in found["totals"].items()
    ]
    harvest = found["obvious_harvest_total_ms"]
    lines += [
        f"| all, {what}, against harvest | {harvest:.1f} | {total['ours_ms']:.1f} |"
        f" {total['times_faster_than_harvest']:.1f} |"
        for what, total in found["totals"].items()
    ]
    lines += [
        f"| all, {what}, mcd_ref_f0 for mcd | {loop:.1f} | {total['with_mcd_ref_f0_ms']:.1f} |"
        f" {loop / total['with_mcd_ref_f0_ms']:.1f} |"
        for what, total in found["totals"].items()
    ]
    further = [f"{name} {ms:.1f}" for name, ms in found["further_score_ms"].items()]
    share = found["totals"][f"{VERSIONS} versions per reference"]["pesq_share"]
    return "\n".join(
        [
            *lines,
            "",
            f"Rows of metrics: {VERSIONS} degraded versions per reference. PESQ is "
            f"{100 * share:.0f} % of our total. Further metrics, each alone, ms for a degraded "
            f"version: {', '.join(further)}.",
            "",
        ]
    )


def draw(found: dict[str, Any], path: Path) -> None:
    """Draw a pair of bars for each metric."""
    shown = rows(found)[::-1]
    figure, axis = plt.subplots(figsize=(7, 3.4), layout="constrained")
    places = range(len(shown))
    axis.barh([p + 0.2 for p in places], [r[1] for r in shown], 0.38, color="#bbb",
              label="obvious loop")  # fmt: skip
    axis.barh([p - 0.2 for p in places], [r[2] for r in shown], 0.38, color="#0072b2",
              label="codecbench")  # fmt: skip
    for place, (_, obvious, ours) in zip(places, shown, strict=True):
        axis.text(obvious, place + 0.2, f" {obvious:.1f}", va="center", fontsize=8, color="#555")
        axis.text(ours, place - 0.2, f" {ours:.1f}", va="center", fontsize=8, color="#0072b2")
    axis.set_yticks(list(places), [r[0] for r in shown])
    axis.set_xlabel(
        f"ms of one core per pair of {found['clip_s']} s, {VERSIONS} versions per reference"
    )
    axis.legend(frameon=False)
    axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def show(found: dict[str, Any], out: Path) -> None:
    """Write ``metrics.md`` and ``metrics.png``."""
    (out / "metrics.md").write_text(table(found), encoding="utf-8")
    draw(found, out / "metrics.png")
