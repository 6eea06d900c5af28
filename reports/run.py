"""A run as a value: its frame, its tables, its figures' data, its report."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from codecbench.benchmark.results import RunResults
from codecbench.core.errors import UnknownNameError

if TYPE_CHECKING:
    import pandas as pd


class Run:
    """A run folder, read when first asked.

    Attributes:
        folder: Where it lies.
    """

    def __init__(self, folder: Path | str) -> None:
        """Name a run folder; nothing is read yet."""
        self.folder = Path(folder)

    def __repr__(self) -> str:
        """Return the call that makes this run."""
        return f"Run({str(self.folder)!r})"

    @cached_property
    def _results(self) -> RunResults:
        from codecbench.benchmark.reading import read_results

        return read_results(self.folder)

    def results(self) -> RunResults:
        """Return everything that the run has found, read once.

        Raises:
            ResultSchemaError: The folder holds no run, or one of another schema.
        """
        return self._results

    def frame(self) -> "pd.DataFrame":
        """Return the tidy frame, one row per cell."""
        return self.results().frame

    def table(self, metric: str | None = None) -> "pd.DataFrame":
        """Return means, intervals, counts and reasons per metric, system, point and condition.

        Args:
            metric: Only this one; all of them where None.

        Raises:
            UnknownNameError: The run has no such metric.
            ResultSchemaError: The frame mixes what must not be mixed.
        """
        from codecbench.reports.summary import summarize

        table = summarize(self.results())
        if metric is None:
            return table
        self._check_metric(metric)
        return table[table["metric"] == metric].reset_index(drop=True)

    def rate_quality(self, metric: str, *, condition: str | None = None) -> "pd.DataFrame":
        """Return the data of a metric's rate-quality figure.

        Args:
            metric: Name of the metric.
            condition: The treatment; the run's first where None.

        Raises:
            UnknownNameError: The run has no such metric or condition.
            ResultSchemaError: The frame mixes what must not be mixed.
        """
        from codecbench.reports.rate_quality import rate_quality_frame
        from codecbench.reports.summary import summarize_rows

        self._check_metric(metric)
        rows = summarize_rows(self.results())
        conditions = list(dict.fromkeys(row.condition for row in rows))
        if condition is not None and condition not in conditions:
            raise UnknownNameError("condition", condition, conditions)
        return rate_quality_frame(rows, metric, condition or conditions[0])

    def at_rates(self, rates_bps: Sequence[float] | None = None) -> "pd.DataFrame":
        """Return means, ranks and groups of all systems at equal measured rates.

        Args:
            rates_bps: Where to compare; common rates that two systems reach where None.

        Raises:
            ResultSchemaError: The frame mixes what must not be mixed.
        """
        from codecbench.reports.standing_tables import standings_frame
        from codecbench.reports.standings import standings

        return standings_frame(standings(self.results(), rates_bps=rates_bps))

    def bd(self, anchor: str | None = None) -> "pd.DataFrame":
        """Return BD-rate and BD-metric of every system against one, with intervals or reasons.

        Args:
            anchor: Label or canonical name; the first system with enough points where None.

        Raises:
            UnknownNameError: There is no such system.
            ResultSchemaError: The frame mixes what must not be mixed.
        """
        from codecbench.reports.bd_tables import bd_frame, bd_rows

        return bd_frame(bd_rows(self.results(), anchor=anchor))

    def by_groups(self, tags: Sequence[str] | None = None) -> "pd.DataFrame":
        """Return means per group of clips, and whether a group fares differently with a system.

        Args:
            tags: Tags of the clips, or "duration"; those that divide the clips where None.

        Raises:
            UnknownNameError: No clip has such a tag.
            ResultSchemaError: The frame mixes what must not be mixed.
        """
        from codecbench.reports.curve_data import curve_sets
        from codecbench.reports.subgroup_tables import subgroup_frame
        from codecbench.reports.subgroups import group_rows

        results = self.results()
        return subgroup_frame(group_rows(results, curve_sets(results), tags=tags))

    def report(self, out: Path | str | None = None, *, only_curves: bool = False) -> Path:
        """Write the report.

        Args:
            out: Folder; ``report`` within the run folder where None.
            only_curves: Draw the curves against the rate alone, which is quicker.

        Returns:
            Path of ``index.html``.
        """
        from codecbench.reports.report import write_report

        folder = self.folder / "report" if out is None else Path(out)
        return write_report(self.results(), folder, only_curves=only_curves)

    def _check_metric(self, metric: str) -> None:
        known = [facts.name for facts in self.results().metrics]
        if metric not in known:
            raise UnknownNameError("metric", metric, known)


def open_run(folder: Path | str) -> Run:
    """Open a run folder.

    Raises:
        ResultSchemaError: It holds no run, or one of another schema.
    """
    run = Run(folder)
    run.results()
    return run
