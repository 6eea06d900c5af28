"""``codecbench score``: files against their references, without codecs."""

import sys
from pathlib import Path

import click


@click.command("score")
@click.argument("reference", metavar="REFERENCE|PAIRS.csv", type=click.Path(path_type=Path))
@click.argument("degraded", required=False, type=click.Path(path_type=Path))
@click.option("-m", "--metrics", multiple=True, default=("core",), help="Metrics or groups.")
@click.option(
    "--nomad-weights",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of NOMAD's weights; adds the metric nomad.",
)
@click.option("--rate", default=16000, show_default=True, help="Rate of evaluation in Hz.")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="CSV file.")
@click.option("-j", "--jobs", default=0, help="Worker processes; 0 means one for each core.")
@click.option("--strict", is_flag=True, help="Exit with 3 for undefined cells too.")
def command(
    reference: Path,
    degraded: Path | None,
    metrics: tuple[str, ...],
    nomad_weights: Path | None,
    rate: int,
    out: Path | None,
    jobs: int,
    strict: bool,
) -> int:
    """Score sound files against their references.

    \b
    codecbench score clean.wav coded.wav
    codecbench score clean_folder coded_folder -m pesq_wb,stoi -o scores.csv
    codecbench score pairs.csv           (columns reference, degraded, optional id)
    """  # noqa: D301  (\b is click's mark for text that keeps its lines)
    import csv

    from codecbench.benchmark.score import score_pairs
    from codecbench.benchmark.warm_up import cold_metrics
    from codecbench.benchmark.worker import default_jobs
    from codecbench.cli.exit_codes import ExitCode
    from codecbench.cli.progress import warm_up_words
    from codecbench.core.cell import Status
    from codecbench.core.inert import for_csv
    from codecbench.datasets.pairs import get_pairs
    from codecbench.metrics.registry import expand_metrics, with_nomad_weights

    pairs = get_pairs(reference, degraded)
    if nomad_weights is not None:
        metrics = tuple(with_nomad_weights(metrics, str(nomad_weights.resolve())))
    if cold := cold_metrics(spec for spec, _ in expand_metrics(metrics)):
        print(warm_up_words(cold), file=sys.stderr, flush=True)
    found = {
        scores.pair.id: scores
        for scores in score_pairs(
            pairs, metrics=metrics, evaluation_rate=rate, jobs=jobs or default_jobs()
        )
    }
    rows = [
        (pair.id, name, cell.value, cell.status.value, cell.reason, cell.detail)
        for pair in pairs
        for name, cell in found[pair.id].cells.items()
    ]
    header = ("id", "metric", "value", "status", "reason", "detail")
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        with out.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(
                [for_csv(each) if isinstance(each, str) else each for each in row] for row in rows
            )
        print(f"{out}: {len(pairs)} pairs, {len(rows)} cells")
    else:
        for name, metric, value, status, reason, detail in rows:
            shown = f"{value:.6g}" if value is not None else f"{status}:{reason} ({detail})"
            print(f"{name}  {metric:15} {shown}")
    statuses = {cell.status for scores in found.values() for cell in scores.cells.values()}
    bad = {Status.FAILED, Status.SKIPPED} | ({Status.UNDEFINED} if strict else set())
    if statuses & bad or Status.OK not in statuses:
        lost = sum(row[3] != "ok" for row in rows)
        print(f"codecbench: {lost} of {len(rows)} cells have no value", file=sys.stderr)
        return ExitCode.INCOMPLETE
    return ExitCode.OK
