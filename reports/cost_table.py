"""What codecs cost here beside what a paper says: each number in a column of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from codecbench.benchmark.complexity import Complexity, Speed
from codecbench.benchmark.cost_suite import CostSuite
from codecbench.benchmark.operation_count import CONVENTION
from codecbench.reports.typeset import Entry, TextTable

PUBLISHED_S = 10.0
"""Published times are seconds for so many seconds of audio."""


@dataclass(frozen=True, slots=True)
class _Column:
    """One column of measured values.

    Attributes:
        quantity: Of `cost_suite.QUANTITIES`; its published values come in the next column.
        head: What stands above.
        shape: How a value is written.
        measured: Gets a value, or None where there is none.
        why: Why there is none.
    """

    quantity: str
    head: str
    shape: str
    measured: Callable[[Complexity], float | None]
    why: str = "no network"


def cost_table(suite: CostSuite, found: Sequence[Complexity | None]) -> TextTable:
    """Set what was measured beside what was published.

    Args:
        suite: The published table.
        found: One measurement per row, in the same order; None where there is none.
    """
    here = [each for each in found if each is not None]
    columns = [column for column in _columns(here) if column.quantity in suite.quantities]
    heads, body = ["Codec", "spec"], []
    last = [
        index == len(columns) - 1 or columns[index + 1].quantity != column.quantity
        for index, column in enumerate(columns)
    ]
    for column, ends in zip(columns, last, strict=True):
        heads += [column.head, *([f"{_TITLES[column.quantity]}, published"] if ends else [])]
    cells = [
        [
            (
                column.measured(each) if each is not None else None,
                row.published.get(column.quantity),
            )
            for column in columns
        ]
        for row, each in zip(suite.rows, found, strict=True)
    ]
    for row, each, values in zip(suite.rows, found, cells, strict=True):
        badge = " [untrained]" if each is not None and not each.trained else ""
        entries = [Entry(text=f"{row.label}{badge}"), Entry(text=row.spec)]
        for column, ends, (ours, theirs) in zip(columns, last, values, strict=True):
            why = "not measured" if each is None else column.why
            entries.append(_value(ours, column.shape, why))
            if ends:
                entries.append(_value(theirs, "{:g}", "not published"))
        body.append(tuple(entries))
    if suite.ratio is not None:
        body.append(_ratio_row(suite, cells, last))
    return TextTable(
        title=suite.title,
        columns=tuple(heads),
        numeric=tuple(index > 1 for index in range(len(heads))),
        rows=tuple(body),
        notes=(
            f"Published: {suite.source}. All other columns were measured here, in one go.",
            *suite.notes,
            *_measured_notes(suite, here),
        ),
        name=suite.name,
    )


_TITLES = {
    "parameters_m": "parameters (M)",
    "mmacs_per_s": "MMAC/s",
    "memory_mib": "weights (MiB)",
    "cpu_encode_s": "CPU encode (s)",
    "cpu_decode_s": "CPU decode (s)",
    "gpu_encode_s": "GPU encode (s)",
    "gpu_decode_s": "GPU decode (s)",
}


def _columns(found: Sequence[Complexity]) -> list[_Column]:
    columns = [
        _Column("parameters_m", _TITLES["parameters_m"], "{:.3f}", _millions),
        _Column("mmacs_per_s", _TITLES["mmacs_per_s"], "{:.2f}", _mmacs),
        _Column("memory_mib", _TITLES["memory_mib"], "{:.1f}", lambda each: each.weights_mib),
    ]
    threads = sorted({s.threads for each in found for s in each.speeds if s.device == "cpu"} or {1})
    for way in ("encode", "decode"):
        for count in threads:
            setting = f"{count} thread{'s' if count > 1 else ''}"
            columns.append(
                _Column(
                    f"cpu_{way}_s",
                    f"CPU {way} (s), {setting}",
                    "{:.3f}",
                    _seconds(way, "cpu", count),
                    f"not on {setting}",
                )
            )
    columns += [
        _Column(f"gpu_{way}_s", f"GPU {way} (s)", "{:.3f}", _seconds(way, "cuda", 1), "no GPU")
        for way in ("encode", "decode")
    ]
    return columns


def _millions(found: Complexity) -> float | None:
    return None if found.parameters is None else found.parameters / 1e6


def _mmacs(found: Complexity) -> float | None:
    return (found.macs[-1].encode + found.macs[-1].decode) / 1e6 if found.macs else None


def _seconds(way: str, device: str, threads: int) -> Callable[[Complexity], float | None]:
    def seconds(found: Complexity) -> float | None:
        speed = next((s for s in found.speeds if (s.device, s.threads) == (device, threads)), None)
        return None if speed is None else PUBLISHED_S * _real_time_factor(speed, way)

    return seconds


def _real_time_factor(speed: Speed, way: str) -> float:
    return speed.encode_rtf if way == "encode" else speed.decode_rtf


def _value(value: float | None, shape: str, why: str) -> Entry:
    if value is None:
        return Entry(text=why, kind="reason")
    return Entry(text=shape.format(value), kind="value")


def _ratio_row(
    suite: CostSuite,
    cells: Sequence[Sequence[tuple[float | None, float | None]]],
    last: Sequence[bool],
) -> tuple[Entry, ...]:
    assert suite.ratio is not None  # asked by the caller
    labels = [row.label for row in suite.rows]
    above, below = (cells[labels.index(label)] for label in suite.ratio)
    entries = [Entry(text=f"{suite.ratio[0]} ÷ {suite.ratio[1]}"), Entry(text="ratio")]
    for (ours, theirs), (our_unit, their_unit), ends in zip(above, below, last, strict=True):
        entries.append(_value(_divide(ours, our_unit), "{:.2f}", "none"))
        if ends:
            entries.append(_value(_divide(theirs, their_unit), "{:.2f}", "none"))
    return tuple(entries)


def _divide(value: float | None, unit: float | None) -> float | None:
    return value / unit if value is not None and unit else None


def _measured_notes(suite: CostSuite, found: Sequence[Complexity]) -> list[str]:
    notes = [CONVENTION] if "mmacs_per_s" in suite.quantities else []
    if found and any(name.endswith("_s") and "code" in name for name in suite.quantities):
        notes.append(
            f"Times are seconds for {PUBLISHED_S:g} s of audio: here wall time, "
            f"medians over {found[0].clips} × {found[0].clip_s:g} s."
        )
    return notes
