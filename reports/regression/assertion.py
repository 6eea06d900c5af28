"""The gate as a line in a test."""

from collections.abc import Sequence
from pathlib import Path

from codecbench.benchmark.runner import RunOptions
from codecbench.core.errors import ConfigError, RunError
from codecbench.datasets.registry import DatasetSpec
from codecbench.reports.regression.compare import ComparisonReport, compare
from codecbench.reports.regression.decision import State
from codecbench.reports.regression.gating import FILE, WORK, check_gate
from codecbench.reports.regression.policy import Policy, read_policy, with_flags
from codecbench.reports.regression.shown import changes_table, plain_lines, summary_lines


class RegressionFoundError(RunError, AssertionError):
    """A codec got worse, or too little was measured to say that it did not."""


def assert_no_regression(
    baseline: str | Path = FILE,
    new: str | Path | None = None,
    *,
    data: DatasetSpec | None = None,
    codec: str | None = None,
    metrics: str | Sequence[str] | None = None,
    fail_if: str | Sequence[str] = (),
    policy: Policy | Path | str | None = None,
    work: str | Path = WORK,
    options: RunOptions | None = None,
) -> ComparisonReport:
    """Fail a test where a codec is worse than before; too little to say fails, too.

    Args:
        baseline: A gate's file; or, with `new`, a run folder, a checkpoint or a codec spec.
        new: What to compare with it; None for whatever the gate's file names.
        data: The data, where it is elsewhere or nothing says what to run on.
        codec: For checkpoints, the codec that they belong to.
        metrics: What to measure, where `baseline` is no gate's file.
        fail_if: Conditions such as ``"pesq_wb < -0.05"``.
        policy: Tolerances and error rate, or a TOML file of them.
        work: Folder for what must be run.
        options: Workers, cache, limits.

    Returns:
        The comparison, where it passed.

    Raises:
        RegressionFoundError: It did not; the message has the table.
    """
    rules = read_policy(Path(policy)) if isinstance(policy, str | Path) else policy
    texts = (fail_if,) if isinstance(fail_if, str) else tuple(fail_if)
    if Path(baseline).suffix == ".json":
        if data is not None and not isinstance(data, str | Path):
            msg = "a gate's data is a folder, a manifest or a name"
            raise ConfigError(msg)
        report = check_gate(
            baseline,
            codecs=() if codec is None else (codec,),
            checkpoint=new,
            data=None if data is None else str(data),
            policy=rules,
            fail_if=texts,
            work=work,
            options=options,
        ).comparison
    elif new is None:
        msg = f"{baseline}: say what to compare it with"
        raise ConfigError(msg)
    else:
        report = compare(
            baseline,
            new,
            data=data,
            codec=codec,
            metrics=metrics,
            policy=with_flags(rules or Policy(), fail_if=texts),
            out=work,
            options=options,
        )
    if report.decision.state is not State.PASSED:
        lines = [*summary_lines(report), *plain_lines(changes_table(report))]
        raise RegressionFoundError("\n".join(lines))
    return report
