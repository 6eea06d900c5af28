"""Every figure that a run can have: drawn, titled, and with the command that makes it."""

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path

from codecbench.benchmark.complexity import Complexity
from codecbench.benchmark.results import MetricFacts, RunResults
from codecbench.core.errors import ConfigError, UnknownNameError
from codecbench.reports.costs import match_costs
from codecbench.reports.figures.cost import COSTS, cost_frame, draw_cost
from codecbench.reports.figures.distribution import distribution_frame, draw_distribution
from codecbench.reports.figures.drawing import (
    FORMATS,
    PAGE_WIDTH_IN,
    WIDTHS,
    Drawing,
    FigureFiles,
    write_drawing,
)
from codecbench.reports.figures.metric_pair import (
    agreement_of,
    draw_metric_pair,
    metric_pair_frame,
)
from codecbench.reports.figures.rate_quality import draw_rate_quality
from codecbench.reports.figures.robustness import (
    draw_latency,
    draw_loss,
    latency_frame,
    loss_frame,
)
from codecbench.reports.figures.signals import draw_signals, signals_frame
from codecbench.reports.grid import Grid, build_grids
from codecbench.reports.rate_quality import rate_quality_frame
from codecbench.reports.robustness import RobustnessRow, robustness_rows
from codecbench.reports.style import SystemStyle, system_styles
from codecbench.reports.summary import SummaryRow, summarize_rows


@dataclass(frozen=True)
class RunFigures:
    """Draws the figures of one run, or of several side by side.

    Attributes:
        results: The run.
        rows: Its summary.
        sources: Folders of the runs, for the command that makes a figure.
        width_in: Of the figures, in inches.
        costs: What codecs cost; empty where nobody measured.
        cost_files: Where the costs were read, for the command.
        formats: Of the figures.
        made_by: The command that makes all of them; "" where each has one of its own.
    """

    results: RunResults
    rows: tuple[SummaryRow, ...]
    sources: tuple[Path, ...]
    width_in: float = PAGE_WIDTH_IN
    costs: tuple[Complexity, ...] = ()
    cost_files: tuple[Path, ...] = ()
    formats: tuple[str, ...] = FORMATS
    made_by: str = ""

    @classmethod
    def of(
        cls,
        results: RunResults,
        sources: Sequence[Path],
        *,
        width_in: float = PAGE_WIDTH_IN,
        costs: tuple[Complexity, ...] = (),
        cost_files: tuple[Path, ...] = (),
        formats: tuple[str, ...] = FORMATS,
        made_by: str = "",
    ) -> "RunFigures":
        """Summarise a run and get ready to draw; see the attributes."""
        rows = summarize_rows(results)
        return cls(results, rows, tuple(sources), width_in, costs, cost_files, formats, made_by)

    @cached_property
    def conditions(self) -> tuple[str, ...]:
        """The treatments of the run, in its order."""
        return tuple(dict.fromkeys(row.condition for row in self.rows))

    @cached_property
    def _styles(self) -> dict[str, SystemStyle]:
        return system_styles(self.results.systems)

    @cached_property
    def _grids(self) -> dict[tuple[str, str], Grid]:
        return {(grid.metric.name, grid.condition): grid for grid in build_grids(self.results)}

    def metric(self, name: str) -> MetricFacts:
        """Return what is known of a metric.

        Raises:
            UnknownNameError: The run has no such metric.
        """
        known = {facts.name: facts for facts in self.results.metrics}
        if name not in known:
            raise UnknownNameError("metric", name, list(known))
        return known[name]

    def rate_quality(self, folder: Path, name: str, metric: str, condition: str) -> FigureFiles:
        """Write the curves of a metric against the rate."""
        facts = self.metric(metric)
        data = rate_quality_frame(self.rows, metric, condition)
        drawing = draw_rate_quality(data, facts, self._styles, width_in=self.width_in)
        title = self._titled(f"{metric} against rate", condition)
        words = ["rate-quality", *self._named(condition, metric)]
        return self._write(folder, name, drawing, title, words)

    def distribution(self, folder: Path, name: str, metric: str, condition: str) -> FigureFiles:
        """Write how a metric is spread over the clips."""
        facts = self.metric(metric)
        data = distribution_frame(self._grids[metric, condition], self.rows)
        drawing = draw_distribution(data, facts, self._styles, width_in=self.width_in)
        title = self._titled(f"{metric}, clip by clip", condition)
        words = ["distribution", *self._named(condition, metric)]
        return self._write(folder, name, drawing, title, words)

    def metric_pair(
        self, folder: Path, name: str, first: str, second: str, condition: str
    ) -> FigureFiles:
        """Write one metric against another.

        Raises:
            ConfigError: No point has both.
        """
        data = metric_pair_frame(self.rows, first, second, condition)
        if data.empty:
            msg = f"no point has both {first} and {second} under '{condition}'"
            raise ConfigError(msg)
        drawing = draw_metric_pair(
            data,
            self.metric(first),
            self.metric(second),
            self._styles,
            width_in=self.width_in,
        )
        title = self._titled(f"{second} against {first}", condition)
        words = ["metrics", *self._named(condition, first, second)]
        return self._write(folder, name, drawing, title, words)

    def cost(self, folder: Path, name: str, metric: str, condition: str, by: str) -> FigureFiles:
        """Write quality against cost.

        Raises:
            ConfigError: No cost is given, or no system has both cost and quality.
        """
        if by not in COSTS:
            raise UnknownNameError("cost", by, list(COSTS))
        matched = match_costs(self.costs, self.results.systems)
        data = cost_frame(self.rows, matched, metric, condition, by)
        if not (data["reason"] == "").any():
            msg = (
                f"no codec of the run has both a value of {metric} and a known {by}; measure with "
                "'codecbench complexity SPEC… --json > costs.jsonl' and give --costs costs.jsonl"
            )
            raise ConfigError(msg)
        drawing = draw_cost(data, self.metric(metric), self._styles, width_in=self.width_in)
        words = ["cost", *self._named(condition, metric), "--by", by]
        words += [word for path in self.cost_files for word in ("--costs", str(path))]
        title = self._titled(f"{metric} against cost ({by})", condition)
        return self._write(folder, name, drawing, title, words)

    def loss(self, folder: Path, name: str, metric: str) -> FigureFiles:
        """Write quality against packet loss.

        Raises:
            ConfigError: The run has no condition that loses packets.
        """
        data = loss_frame(self.robustness, metric)
        if data.empty:
            msg = (
                "no packets were lost in this run; ask for losses with "
                "'codecbench run … --condition \"loss=1%|5%|10%,burst=2.4\"'"
            )
            raise ConfigError(msg)
        systems = self.results.systems
        drawing = draw_loss(data, self.metric(metric), systems, width_in=self.width_in)
        title = f"{metric} against packet loss"
        return self._write(folder, name, drawing, title, ["loss", "--metric", metric])

    def has_losses(self, metric: str) -> bool:
        """Whether a figure of losses would show anything."""
        return not loss_frame(self.robustness, metric).empty

    def latency(self, folder: Path, name: str, metric: str, condition: str) -> FigureFiles:
        """Write quality against latency, with rates.

        Raises:
            ConfigError: No codec has both.
        """
        data = latency_frame(self.rows, self.results.systems, metric, condition)
        if data.empty:
            msg = f"no codec of the run has both a value of {metric} and a latency"
            raise ConfigError(msg)
        drawing = draw_latency(data, self.metric(metric), self._styles, width_in=self.width_in)
        title = self._titled(f"{metric}, latency and rate", condition)
        words = ["latency", *self._named(condition, metric)]
        return self._write(folder, name, drawing, title, words)

    @cached_property
    def robustness(self) -> tuple[RobustnessRow, ...]:
        """What each condition costs, beside ``clean``."""
        return robustness_rows(self.results)

    def has_costs(self, metric: str, condition: str) -> bool:
        """Whether a figure of costs would show anything."""
        matched = match_costs(self.costs, self.results.systems)
        data = cost_frame(self.rows, matched, metric, condition, "rtf") if matched else None
        return data is not None and bool((data["reason"] == "").any())

    def least_agreeing(self, condition: str) -> tuple[str, str] | None:
        """Return the two metrics that rank the points most differently.

        None where no two metrics have enough points in common to say.
        """
        found: list[tuple[float, str, str]] = []
        for first, second in combinations(self.results.metrics, 2):
            data = metric_pair_frame(self.rows, first.name, second.name, condition)
            agreement = agreement_of(data, first, second)
            if math.isfinite(agreement):
                found.append((agreement, first.name, second.name))
        return min(found)[1:] if found else None

    def signals(self, folder: Path, name: str) -> FigureFiles:
        """Write delay and level of the output.

        Raises:
            ConfigError: Nothing was coded.
        """
        data = signals_frame(self.results)
        if data.empty:
            msg = "no output of this run could be measured against its reference"
            raise ConfigError(msg)
        drawing = draw_signals(data, self._styles, width_in=self.width_in)
        return self._write(folder, name, drawing, "Delay and level of the output", ["signals"])

    def _titled(self, title: str, condition: str) -> str:
        return f"{title}, {condition}" if len(self.conditions) > 1 else title

    def _named(self, condition: str, *metrics: str) -> list[str]:
        words = [word for metric in metrics for word in ("--metric", metric)]
        return [*words, "--condition", condition] if len(self.conditions) > 1 else words

    def _write(
        self, folder: Path, name: str, drawing: Drawing, title: str, words: list[str]
    ) -> FigureFiles:
        kind, *options = words
        if self.width_in != PAGE_WIDTH_IN:
            widths = {inches: word for word, inches in WIDTHS.items()}
            options += ["--width", widths[self.width_in]]
        sources = [str(path) for path in self.sources]
        words = ["codecbench", "figure", kind, *sources, *options, "-o", name]
        command = self.made_by or shlex.join(words)
        return write_drawing(
            folder, name, drawing, title=title, command=command, formats=self.formats
        )
