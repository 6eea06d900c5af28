"""What a run would do, as text."""

from collections.abc import Sequence

from codecbench.benchmark.estimate import Estimate, Portion


def plan_text(estimate: Estimate) -> str:
    """Say what would be computed, how long that takes, and what it leaves behind."""
    known = estimate.cells - estimate.open_cells
    lines = [
        f"run {estimate.name}: {estimate.cells} cells, {known} known, "
        f"{estimate.open_cells} to compute",
        "",
        *_table("codec", estimate.coding),
        "",
        *_table("metric", estimate.scoring),
        "",
        f"time: {_hours(estimate.core_s)}; {_duration(estimate.core_s / estimate.workers)} with "
        f"{estimate.workers} worker{'s'[: estimate.workers != 1]}",
        f"disk: {_size(estimate.store_bytes)} in the run folder and about as much for records in "
        f"the cache, {_size(estimate.object_bytes)} of audio and bitstreams in the cache (at most "
        f"{_size(estimate.most_object_bytes)})",
    ]
    if estimate.unknown:
        lines.append(
            f"not in these figures, since it gave no value here: {_list(estimate.unknown)}"
        )
    lines.append("nothing was written; the same command without --plan runs it")
    return "\n".join(lines)


def _table(kind: str, portions: Sequence[Portion]) -> list[str]:
    rows = [(kind, "to do", "audio", "per second", "core time", "cost from")]
    rows += [
        (
            portion.name,
            str(portion.steps),
            _duration(portion.audio_s),
            _unit(portion),
            "?" if portion.core_s is None else _duration(portion.core_s),
            portion.origin,
        )
        if portion.steps
        else (portion.name, "0", "", "", "", "")
        for portion in portions
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column in (0, 5) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _unit(portion: Portion) -> str:
    """Return the core time for each second of audio."""
    if portion.core_s is None:
        return "?"
    return f"{1000 * portion.core_s / portion.audio_s:.3g} ms"


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.2g} core-hours"


def _duration(seconds: float) -> str:
    for size, unit in ((3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def _size(count: float) -> str:
    for power, unit in ((3, "GB"), (2, "MB"), (1, "kB")):
        if count >= 1000**power:
            return f"{count / 1000**power:.1f} {unit}"
    return f"{count:.0f} B"


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)
