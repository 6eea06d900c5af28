"""``codecbench complexity``: what codecs cost."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from codecbench.benchmark.complexity import Complexity
    from codecbench.benchmark.cost_suite import CostSuite

DEFAULT_CLIPS = 50
"""As table 1 of arXiv:2404.19441."""


@click.command("complexity")
@click.argument("specs", metavar="[SPEC…]", nargs=-1)
@click.option(
    "--suite",
    "suites",
    multiple=True,
    metavar="NAME",
    help="A table that a paper has published, e.g. psq-table2 or esc-table1; may be repeated.",
)
@click.option(
    "--clips",
    type=click.IntRange(min=1),
    help="How many clips are timed.  [default: 50, or what the suite says]",
)
@click.option(
    "--seconds",
    default=10.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Length of each clip.",
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON, one object per codec.")
def command(
    specs: tuple[str, ...],
    suites: tuple[str, ...],
    clips: int | None,
    seconds: float,
    as_json: bool,
) -> None:
    """Measure parameters, operations, time, memory and latency of codecs.

    Each codec is measured in a process of its own, at its highest rate, on one thread and on all,
    and on a GPU where there is one. Times are medians over the clips; the machine should have
    nothing else to do. A suite prints what was measured beside what its paper says;
    'codecbench list suites' names them.
    """
    from codecbench.adapters.registry import system_specs
    from codecbench.benchmark.complexity import measure_complexity
    from codecbench.benchmark.cost_suite import find_cost_suite
    from codecbench.benchmark.operation_count import CONVENTION
    from codecbench.benchmark.thop_count import CONVENTION as THOP
    from codecbench.core.errors import ConfigError

    if not specs and not suites:
        msg = "name a codec, or a published table with --suite, e.g. --suite psq-table2"
        raise ConfigError(msg)
    tables = [find_cost_suite(name) for name in suites]
    for system in [str(each) for spec in specs for each in system_specs(spec)]:
        found = measure_complexity(system, clips=clips or DEFAULT_CLIPS, clip_s=seconds)
        if as_json:
            print(json.dumps(asdict(found)), flush=True)
        else:
            print("\n".join(_lines(found)), flush=True)
    if specs and not as_json:
        print(CONVENTION)
        print(f"MMAC/s (thop): {THOP}")
    for table in tables:
        _print_suite(table, clips=clips or table.clips, seconds=seconds, as_json=as_json)


def _print_suite(suite: "CostSuite", *, clips: int, seconds: float, as_json: bool) -> None:
    from codecbench.benchmark.complexity import measure_complexity
    from codecbench.reports.cost_table import cost_table
    from codecbench.reports.typeset import to_markdown

    found = []
    for row in suite.rows:
        click.echo(f"measuring {row.label}: {row.spec}", err=True)
        found.append(measure_complexity(row.spec, clips=clips, clip_s=seconds))
        if as_json:
            published = {"source": suite.source, **row.published}
            line = {"suite": suite.name, "label": row.label, **asdict(found[-1])}
            print(json.dumps({**line, "published": published}), flush=True)
    if not as_json:
        print(to_markdown(cost_table(suite, found)), end="", flush=True)


def _lines(found: "Complexity") -> list[str]:
    marks = [] if found.trained else ["untrained"]
    marks.append("causal" if found.causal else "not causal")
    lines = [f"{found.spec} ({', '.join(marks)})"]
    if found.parameters is None:
        lines.append("  parameters    none: no network")
    else:
        encoder, decoder = found.encoder_parameters or 0, found.decoder_parameters or 0
        lines.append(
            f"  parameters    {found.parameters:,} = {encoder:,} encoder + {decoder:,} decoder + "
            f"{found.parameters - encoder - decoder:,} else; {found.weights_mib:.1f} MiB in fp32"
        )
    lines += [
        f"  MMAC/s        {macs.encode / 1e6:.1f} encode + {macs.decode / 1e6:.1f} decode "
        f"= {(macs.encode + macs.decode) / 1e6:.1f} at {macs.point}"
        for macs in found.macs
    ]
    if found.thop_macs is not None:
        thop = found.thop_macs
        lines.append(
            f"  MMAC/s (thop) {thop.encode / 1e6:.1f} encode + {thop.decode / 1e6:.1f} decode "
            f"= {(thop.encode + thop.decode) / 1e6:.1f}"
        )
    lines += [
        f"  time          {speed.encode_s:.4f} s encode (real-time factor "
        f"{speed.encode_rtf:.4f}), {speed.decode_s:.4f} s decode ({speed.decode_rtf:.4f}); "
        f"{speed.device}, {speed.threads} thread{'s' if speed.threads > 1 else ''}, "
        f"{found.clips} × {found.clip_s:g} s"
        for speed in found.speeds
    ]
    lines.append(
        f"  memory        {found.peak_memory_mib:.0f} MiB at most, "
        f"{found.base_memory_mib:.0f} MiB before loading"
    )
    lines.append(
        f"  latency       {found.declared_latency_ms:.2f} ms declared, "
        f"at least {found.measured_latency_ms:.2f} ms measured"
    )
    return lines
