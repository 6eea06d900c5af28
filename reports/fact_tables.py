"""Tables of facts beside the scores: systems, rates, codebooks, metric definitions."""

from collections.abc import Sequence

from codecbench.benchmark.results import RunResults
from codecbench.reports.rates import RED_FLAG_RATIO, PointRates
from codecbench.reports.tables import decimals, direction, kbps, system_name
from codecbench.reports.typeset import Entry, TextTable


def rates_table(rates: Sequence[PointRates]) -> TextTable:
    """Build the table of the five rates, with a flag where the promise is broken."""
    with_condition = len({rate.condition for rate in rates}) > 1
    heads = ("Codec", "Point", *(("Condition",) if with_condition else ()))
    body = []
    for rate in rates:
        name = rate.label if rate.trained else f"{rate.label} [untrained]"
        words = [Entry(text=name), Entry(text=rate.point or "none")]
        words += [Entry(text=rate.condition)] if with_condition else []
        nothing = "nothing coded"
        entries = [
            _rate(rate.nominal_bps or None, "not stated"),
            _rate(rate.payload_bps, nothing, flag=rate.is_flagged),
            _rate(rate.wire_bps, nothing),
            _rate(rate.total_bps, nothing),
            _rate(rate.entropy_bps, "no codes"),
        ]
        body.append((*words, *entries, _remark(rate)))
    names = ("nominal", "payload", "wire", "total", "entropy")
    return TextTable(
        title="Rates in kbit/s, pooled over the coded clips",
        columns=(*heads, *names, "remark"),
        numeric=tuple([False] * len(heads) + [True] * len(names) + [False]),
        rows=tuple(body),
        notes=(
            "nominal: what the setting promises; payload: bits that the decoder needs; wire: in "
            "whole bytes; total: with headers; entropy: zero-order bound of the codes, corrected "
            "for the bias of small samples.",
            f"Flagged: payload more than {RED_FLAG_RATIO - 1:.0%} above nominal.",
        ),
        name="rates",
    )


def _rate(rate_bps: float | None, reason: str, *, flag: bool = False) -> Entry:
    if rate_bps is None:
        return Entry(text=reason, kind="reason")
    return Entry(text=kbps(rate_bps), kind="value", flag=flag)


def _remark(rate: PointRates) -> Entry:
    if rate.kind == "anchor":
        return Entry(text="anchor: its bits mean nothing")
    if rate.excess is None:
        return Entry(text="not comparable")
    if rate.is_flagged:
        return Entry(text=f"{rate.excess:.2f} × nominal", flag=True)
    away = round(100 * (rate.excess - 1), 1)
    return Entry(text=f"{away:+.1f} % against nominal" if away else "as nominal")


def codebooks_table(results: RunResults, *, codec: str | None = None) -> TextTable | None:
    """Build the table of codebook use; None where no system has codes.

    Args:
        results: The run.
        codec: Canonical name of the only system that is wanted; all where None.
    """
    frame = results.codebooks
    if codec is not None:
        frame = frame[frame["codec"] == codec]
    if frame.empty:
        return None
    labels = {system.codec: system_name(system) for system in results.systems}
    heads = ("Codec", "Point", "Condition", "codebook", "size", "codes seen", "used")
    body = []
    for row in frame.to_dict("records"):
        entries = [
            Entry(text=labels.get(str(row["codec"]), str(row["codec"]))),
            Entry(text=str(row["point"])),
            Entry(text=str(row["condition"])),
            Entry(text=str(row["codebook"]), kind="value"),
            Entry(text=str(row["size"]), kind="value"),
            _number(row["codes"], "{:.0f}"),
            _number(row["used_share"], "{:.1%}"),
            _number(row["perplexity"], "{:.1f}"),
            _number(row["entropy_bits"], "{:.3f}"),
            Entry(
                text=str(row["note"]) if isinstance(row["note"], str) and row["note"] else "none"
            ),
        ]
        body.append(tuple(entries))
    columns = (*heads, "perplexity", "entropy (bits)", "note")
    words = {"Codec", "Point", "Condition", "note"}
    return TextTable(
        title="Codebooks, over their full size",
        columns=columns,
        numeric=tuple(name not in words for name in columns),
        rows=tuple(body),
        notes=("used: share of all entries that occur; perplexity: 2 to the entropy.",),
        name="codebooks",
    )


def _number(value: object, shape: str) -> Entry:
    if not isinstance(value, int | float) or value != value:
        return Entry(text="not known", kind="reason")
    return Entry(text=shape.format(value), kind="value")


def systems_table(results: RunResults) -> TextTable:
    """Build the table of what was compared."""
    body = []
    for system in results.systems:
        away = "not available" if system.unavailable else "unknown"
        body.append(
            (
                Entry(text=system_name(system)),
                Entry(text=system.spec),
                Entry(text=system.kind),
                Entry(text=system.version or away),
                Entry(text=f"{system.sample_rate}" if system.sample_rate else away, kind="value"),
                Entry(text=f"{system.latency_ms:g}" if system.sample_rate else away, kind="value"),
                Entry(text="yes" if system.causal else "no"),
                Entry(text="yes" if system.deterministic else "no", flag=not system.deterministic),
                Entry(text=system.licence or away),
                Entry(text=system.source or away),
                Entry(text=system.fingerprint or away),
            )
        )
    heads = ("Codec", "spec", "kind", "version", "rate (Hz)", "latency (ms)", "causal")
    columns = (*heads, "deterministic", "licence", "source", "fingerprint")
    return TextTable(
        title="Systems",
        columns=columns,
        numeric=tuple(name in {"rate (Hz)", "latency (ms)"} for name in columns),
        rows=tuple(body),
        notes=("Latency is declared, algorithmic: frame and look-ahead.",),
        name="systems",
    )


def metrics_table(results: RunResults) -> TextTable:
    """Build the table of metric definitions."""
    body = []
    for facts in results.metrics:
        low, high = facts.range
        body.append(
            (
                Entry(text=facts.name),
                Entry(text=facts.unit or "none"),
                Entry(text=direction(facts)),
                Entry(text=f"{low:g} to {high:g}"),
                Entry(text=f"{decimals(facts)}", kind="value"),
                Entry(text=facts.definition),
                Entry(text=facts.definition_hash),
                Entry(text=facts.source or "not stated"),
            )
        )
    columns = ("Metric", "unit", "direction", "range", "decimals shown", "definition", "hash")
    return TextTable(
        title="Metrics",
        columns=(*columns, "source"),
        numeric=tuple(name == "decimals shown" for name in (*columns, "source")),
        rows=tuple(body),
        notes=("The hash stands for the definition and the versions of the packages it names.",),
        name="metrics",
    )
