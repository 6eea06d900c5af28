"""``codecbench find-rate``: at which rate a codec reaches a score."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from codecbench.reports.rate_search import RateFound, Trial


@click.command("find-rate")
@click.argument("codec", metavar="CODEC")
@click.argument("target", metavar="TARGET", type=float)
@click.option("-m", "--metric", default="pesq_wb", show_default=True, help="Metric output.")
@click.option(
    "-d", "--data", default="demo", show_default=True, help="Folder, manifest, or dataset."
)
@click.option("--rate", default=16000, show_default=True, help="Rate of evaluation in Hz.")
@click.option(
    "--precision",
    default=2.0,
    show_default=True,
    type=click.FloatRange(min=0.1),
    help="Percent of the rate at which the search ends.",
)
@click.option(
    "--max-trials",
    default=16,
    show_default=True,
    type=click.IntRange(min=2),
    help="How often the data is coded at most.",
)
@click.option("-j", "--jobs", default=0, help="Worker processes; 0 means one for each core.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    help="Cache folder.  [default: the user's cache folder]",
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def command(
    codec: str,
    target: float,
    metric: str,
    data: str,
    rate: int,
    precision: float,
    max_trials: int,
    jobs: int,
    cache: Path | None,
    as_json: bool,
) -> int:
    """Find the lowest rate at which the mean score of CODEC reaches TARGET.

    The codec's rate option is bracketed and bisected; rates are measured. A sweep in the spec says
    where to begin, as in opus:bitrate=8000|16000. A clip that fails counts as the worst score.

    \b
    codecbench find-rate opus 3.5 --metric pesq_wb --data my/speech
    """  # noqa: D301  (\b is click's mark for text that keeps its lines)
    from codecbench.benchmark.runner import RunOptions
    from codecbench.cli.exit_codes import ExitCode
    from codecbench.reports.find_rate import find_rate

    found = find_rate(
        codec,
        target,
        metric=metric,
        data=data,
        sample_rate=rate,
        precision=precision / 100.0,
        max_trials=max_trials,
        options=RunOptions(jobs=jobs, cache=cache),
        on_trial=lambda trial: click.echo(_line(trial), err=True),
    )
    if as_json:
        print(json.dumps({"codec": codec, "metric": metric, "target": target, **asdict(found)}))
    else:
        print("\n".join(_lines(codec, metric, target, found)))
    return ExitCode.OK if found.reached is not None else ExitCode.INCOMPLETE


def _lines(codec: str, metric: str, target: float, found: "RateFound") -> list[str]:
    if found.reached is None:
        return [f"{codec} does not reach {metric} {target:g}: {found.reason}"]
    lines = [f"{codec} reaches {metric} {target:g} at {_line(found.reached)}"]
    if found.missed is not None:
        lines.append(f"  just below: {_line(found.missed)}")
    else:
        lines.append("  the codec has no lower setting that was tried and falls short")
    if found.interpolated_bps is not None:
        lines.append(f"  interpolated: {found.interpolated_bps / 1000:.2f} kbit/s")
    lines += [f"  caution: {text}" for text in (found.caution, found.reached.warning) if text]
    return lines


def _line(trial: "Trial") -> str:
    rate = "nothing coded"
    if trial.payload_bps is not None:
        rate = f"{trial.payload_bps / 1000:.2f} kbit/s measured"
    score = f"no score ({trial.reason})" if trial.score is None else f"{trial.score:.4g}"
    if trial.low is not None and trial.high is not None:
        score += f" [{trial.low:.4g}, {trial.high:.4g}]"
    failed = f", {trial.n_failed} failed" if trial.n_failed else ""
    return f"setting {trial.setting:g}: {rate}, {score} on {trial.n} clips{failed}"
