"""``codecbench explain``: what a metric measures, within which limits, and how it is defined."""

import textwrap
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from codecbench.metrics.base import Metric

_WIDTH = 92
_MARGIN = 13


@click.command("explain")
@click.argument("metrics", metavar="[METRIC…]", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All metrics that come with codecbench.")
@click.option(
    "--markdown", is_flag=True, help="Write Markdown, without what depends on this machine."
)
def command(metrics: tuple[str, ...], everything: bool, markdown: bool) -> None:
    """Say what a metric measures, within which limits, and how it is defined.

    METRIC is a name, a group such as core, a spec with options, or a class of your own in a file.
    """
    from codecbench.core.errors import ConfigError
    from codecbench.metrics.registry import expand_metrics, get_metric

    if everything == bool(metrics):
        msg = "name one or more metrics, or use --all; 'codecbench list metrics' lists them"
        raise ConfigError(msg)
    specs = [spec for spec, _ in expand_metrics("all" if everything else metrics)]
    found = [get_metric(spec) for spec in specs]
    if markdown:
        print(_page(found), end="")
        return
    print("\n\n".join(_text(spec, metric) for spec, metric in zip(specs, found, strict=True)))


def _facts(metric: "Metric") -> dict[str, str]:
    """Return title and text of everything known about a metric that is the same everywhere."""
    direction = "higher" if metric.higher_is_better else "lower"
    low, high = (_bound(bound) for bound in metric.range)
    unit = f" {metric.unit}" if metric.unit else ""
    rate = f"{metric.sample_rate} Hz" if metric.sample_rate else "the rate of the signals"
    facts = {
        "formula": metric.formula,
        "range": f"{low} … {high}{unit}, {direction} is better",
        "works at": f"{rate}, on clips of {metric.min_seconds:g} s or more",
        "repeats": f"within {metric.tolerance:g}{unit} on another machine with the same versions",
        "valid for": metric.domain,
        "caveats": metric.caveats,
        "source": metric.source,
        "definition": metric.definition,
    }
    if metric.outputs != (metric.name,):
        facts["outputs"] = ", ".join(metric.outputs)
    return {title: text for title, text in facts.items() if text}


def _text(spec: str, metric: "Metric") -> str:
    from codecbench.core.errors import NotAvailableError

    facts = _facts(metric)
    try:
        metric.require_modules()
    except NotAvailableError as error:
        facts["missing"] = str(error)
    versions = metric.versions()
    if versions:
        facts["packages"] = ", ".join(f"{name} {value}" for name, value in versions.items())
    facts["hash"] = f"{metric.definition_hash()} (of definition and package versions)"
    lines = [f"{spec}: {_purpose(metric)}"]
    for title, text in facts.items():
        lines += textwrap.wrap(
            text,
            _WIDTH,
            initial_indent=f"  {title:{_MARGIN - 2}}",
            subsequent_indent=" " * _MARGIN,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join(lines)


def _page(metrics: list["Metric"]) -> str:
    """Return the metric reference of the documentation."""
    parts = [
        "# Metrics\n",
        "Written by `codecbench explain --all --markdown`; `codecbench explain NAME` says the\n"
        "same of one metric, with the versions of packages on your machine and the hash that\n"
        "cells are known by.\n",
        "Sensitivities to gain, delay, offset and drift are mean changes over seven pairs of 5 s\n"
        "of speech with noise or MP3, 16 kHz; another degradation moves them.\n",
    ]
    for metric in metrics:
        parts.append(f"## {metric.name}\n")
        parts.append(f"{_purpose(metric)}\n")
        rows = [f"| {title} | {_cell(text)} |" for title, text in _facts(metric).items()]
        parts.append("\n".join(["| | |", "| --- | --- |", *rows]) + "\n")
    return "\n".join(parts)


def _purpose(metric: "Metric") -> str:
    return (type(metric).__doc__ or "").strip().partition("\n")[0]


def _cell(text: str) -> str:
    # A bar would end the cell, and stars and underscores would be marks.
    for mark in "\\|*_<":
        text = text.replace(mark, f"\\{mark}")
    return text


def _bound(value: float) -> str:
    if abs(value) == float("inf"):
        return "∞" if value > 0 else "-∞"
    return f"{value:g}"
