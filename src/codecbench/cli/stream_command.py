"""``codecbench stream``: what is true about a codec's latency and its streaming."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from codecbench.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from codecbench.benchmark.streaming.pace import Pace
    from codecbench.benchmark.streaming.truth import StreamTruth


@click.command("stream")
@click.argument("specs", metavar="SPEC…", nargs=-1, required=True)
@click.option(
    "--minutes",
    default=10.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Length of the stream whose memory is watched.",
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON, one object per codec.")
def command(specs: tuple[str, ...], minutes: float, as_json: bool) -> int:
    """Hold a codec's word on latency and streaming against what it does.

    A codec that streams is fed piece by piece and never sees the future. Every codec is asked
    what later input changes in earlier output, neural ones encoder and decoder apart. Times want a
    machine that has nothing else to do.

    Exit code 3: something contradicts what the adapter declares.
    """
    from codecbench.adapters.registry import system_specs
    from codecbench.benchmark.streaming.truth import measure_streaming

    holds = True
    for system in [str(each) for spec in specs for each in system_specs(spec)]:
        found = measure_streaming(system, minutes=minutes)
        holds = holds and found.holds
        if as_json:
            line = {**asdict(found), "verdict": found.verdict, "holds": found.holds}
            print(json.dumps(line), flush=True)
        else:
            print("\n".join(_lines(found)), flush=True)
    return ExitCode.OK if holds else ExitCode.INCOMPLETE


def _lines(found: "StreamTruth") -> list[str]:
    marks = "" if found.trained else " (untrained)"
    lines = [f"{found.spec}{marks} at {found.point}", f"  verdict       {found.verdict}"]
    ms = found.milliseconds
    latency = [
        f"{ms(found.declared):.2f} ms declared",
        f"{ms(found.perturbation):.2f} perturbation",
    ]
    if found.reach is not None:
        latency.append(
            f"{ms(found.reach.latency):.2f} by parts (frame {ms(found.reach.frame):.2f}, encoder "
            f"{ms(found.reach.encoder):.2f}, decoder {ms(found.reach.decoder):.2f})"
        )
    if found.buffering is not None and found.impulse is not None:
        latency.append(f"{ms(found.buffering):.2f} buffering")
        latency.append(f"{ms(found.impulse):.2f} impulse")
    lines.append(f"  latency       {', '.join(latency)}")
    if found.impulse_place is not None:
        lines.append(f"  impulse       strongest {ms(found.impulse_place):+.2f} ms from its place")
    if found.packet is None or found.agreement is None or found.endurance is None:
        return [*lines, "  stream        none: the codec has no streaming mode here"]
    agreement = found.agreement
    lines.append(
        f"  offline       {agreement.mismatch_rate:.2%} of {agreement.tokens} tokens differ, "
        f"samples by at most {agreement.max_difference:.2g}"
    )
    for gap in agreement.metrics:
        if gap.offline is not None and gap.stream is not None:
            lines.append(
                f"                {gap.name} {gap.offline:.4f} offline, "
                f"{gap.stream - gap.offline:+.2g} streamed"
            )
    lines += [_pace_line(pace, ms(found.packet)) for pace in found.paces]
    lines.append(
        f"  memory        {found.endurance.growth_mib:+.1f} MiB over "
        f"{found.endurance.minutes:.1f} min of audio"
    )
    return lines


def _pace_line(pace: "Pace", packet_ms: float) -> str:
    encode, decode = ("/".join(f"{t:.2f}" for t in ts) for ts in (pace.encode_ms, pace.decode_ms))
    return (
        f"  {pace.threads} thread{'s' if pace.threads > 1 else ' '}     encode {encode} ms, decode "
        f"{decode} ms (p50/p95/p99) for packets of {packet_ms:g} ms; real-time factor "
        f"{pace.real_time_factor:.3f}; {pace.late_share:.2%} late; first audio after "
        f"{pace.first_audio_ms:.1f} ms"
    )
