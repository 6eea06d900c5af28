"""Find the rate at which a codec reaches a score: code, score, narrow down."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from codecbench.adapters.registry import CODECS, get_codec
from codecbench.benchmark.runner import RunOptions
from codecbench.core.errors import ConfigError, UnknownNameError, UnsupportedSettingError
from codecbench.core.spec import Spec
from codecbench.datasets.base import Dataset
from codecbench.datasets.registry import DatasetSpec, get_dataset
from codecbench.metrics.registry import expand_metrics, get_metric
from codecbench.reports.launch import run
from codecbench.reports.rate_search import (
    MAX_TRIALS,
    PRECISION,
    RateFound,
    Trial,
    search_rate,
)
from codecbench.reports.summary import summarize_rows


def find_rate(
    codec: str,
    target: float,
    *,
    metric: str,
    data: DatasetSpec,
    sample_rate: int = 16000,
    precision: float = PRECISION,
    max_trials: int = MAX_TRIALS,
    options: RunOptions | None = None,
    on_trial: Callable[[Trial], None] | None = None,
) -> RateFound:
    """Find the lowest setting of a codec's rate option at which the mean score reaches a target.

    Each trial codes and scores the whole set as a run does; the cache keeps what it found.

    Args:
        codec: Spec string; a sweep over the rate option says where to begin, the codec's own
            points do where there is none.
        target: Score to reach.
        metric: Name of a metric output.
        data: A folder, a manifest, a registered name, a list of files, or a `Dataset`.
        sample_rate: Rate of evaluation in Hz.
        precision: Ratio, less 1, at which neighbouring settings are near enough.
        max_trials: Limit of trials.
        options: How the runs are carried out.
        on_trial: Called after each trial.

    Raises:
        ConfigError: The codec has no rates to choose from, or is an anchor.
        UnknownNameError: There is no such codec or metric.
    """
    spec = Spec.parse(codec)
    option = CODECS.load(spec.name).rate_option
    known = get_codec(spec)
    if option is None or known.info.kind == "anchor":
        why = "its bits mean nothing" if option is not None else "it has one rate only"
        msg = f"codec '{codec}': {why}; find-rate needs a codec with a rate option"
        raise ConfigError(msg)
    ladder = [point.settings[option] for point in known.points]
    numbers = [float(value) for value in ladder if isinstance(value, int | float)]
    if len(numbers) < len(ladder):
        msg = f"codec '{codec}': option {option} is no number, so there is nothing to bracket"
        raise ConfigError(msg)
    dataset = get_dataset(data)
    name, higher_is_better = _metric(metric)

    def with_setting(setting: float) -> Spec:
        value = int(setting) if setting == int(setting) else setting
        return replace(spec, options={**spec.options, option: (value,)})

    def accepts(setting: float) -> bool:
        try:
            get_codec(with_setting(setting))
        except (UnsupportedSettingError, ConfigError):
            return False
        return True

    def attempt(setting: float) -> Trial:
        found = _code(
            str(with_setting(setting)), setting, (name, metric), dataset, sample_rate, options
        )
        if on_trial is not None:
            on_trial(found)
        return found

    return search_rate(
        sorted(numbers),
        attempt,
        accepts,
        target,
        higher_is_better=higher_is_better,
        precision=precision,
        max_trials=max_trials,
    )


def _metric(metric: str) -> tuple[str, bool]:
    """Return the spec of the metric that has this output, and its direction."""
    outputs: list[str] = []
    for spec, _ in expand_metrics("all"):
        known = get_metric(spec)
        if metric in known.outputs:
            return spec, known.higher_is_better
        outputs += known.outputs
    raise UnknownNameError("metric", metric, outputs)


def _code(
    codec: str,
    setting: float,
    metric: tuple[str, str],
    dataset: Dataset,
    sample_rate: int,
    options: RunOptions | None,
) -> Trial:
    with tempfile.TemporaryDirectory(prefix="codecbench-find-rate-") as folder:
        done = run(
            codec,
            dataset,
            out=Path(folder) / "run",
            metrics=metric[0],
            sample_rate=sample_rate,
            options=options,
        )
        rows = [row for row in summarize_rows(done.results()) if row.metric == metric[1]]
    row = rows[0]
    return Trial(
        setting=setting,
        payload_bps=row.payload_bps,
        score=row.mean_failures_as_worst,
        low=row.own.low,
        high=row.own.high,
        n=row.own.n,
        n_failed=row.n_failed,
        warning=row.own.warning,
        reason=row.reasons,
    )
