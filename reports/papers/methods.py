"""How the numbers came about: the methods paragraph, what differs from the paper, citations."""

from collections.abc import Sequence

from codecbench.benchmark.results import MetricFacts, SystemFacts
from codecbench.reports.page import dataset_name
from codecbench.reports.papers.definition import PaperFacts
from codecbench.reports.papers.measured import Measured
from codecbench.reports.statistics.estimates import LEVEL
from codecbench.reports.typeset import Entry, TextTable

_ALWAYS = ("numpy", "scipy", "soxr", "torch")
"""Packages that stand in the paragraph beside those that a metric names."""


def methods_sentences(facts: PaperFacts, measured: Measured) -> list[str]:
    """Say how everything was measured, in sentences for a paper of one's own.

    Args:
        facts: Of the paper.
        measured: What was measured here.
    """
    results = measured.results
    environment = results.environment
    packages = environment.get("packages", {})
    assert isinstance(packages, dict)  # as describe_environment wrote it
    definitions = " ".join(each.definition for each in results.metrics)
    named = [
        f"{name} {version}"
        for name, version in sorted(packages.items())
        if version != "absent" and (name in _ALWAYS or name in definitions)
    ]
    commit = str(environment.get("commit", ""))[:12]
    sentences = [
        f"Tables and figures after {facts.authors}, {facts.title}, {facts.where}.",
        f"Measured with codecbench {environment.get('codecbench', 'unknown')}"
        f"{f' (commit {commit})' if commit else ''} under Python "
        f"{environment.get('python', 'unknown')} on {environment.get('cpu', 'an unknown machine')}"
        f", with {', '.join(named)}.",
        f"Speech: {describe_data(measured)}.",
        f"Every codec hears the same reference at {results.suite.get('sample_rate', 16000)} Hz, or "
        "that reference resampled to its own rate; its output comes back to the same rate, in 16 "
        "bits, without any change of level. A fresh decoder gets the bits alone; rates are "
        "payload bits over the duration of the speech.",
        f"Delay is compensated as each codec declares it, never per file. Means carry {LEVEL:.0%} "
        "intervals (Student's t on the means of speakers, corrected for skewness), on the clips "
        "that all systems of a table have.",
    ]
    sentences += [f"{definition_words(each)} ({each.source})." for each in results.metrics]
    sentences += [_system_words(each) for each in results.systems if each.kind != "anchor"]
    return sentences


def describe_data(measured: Measured) -> str:
    """Say in one phrase what was played: clips, seconds, speakers, languages."""
    frame = measured.results.frame.drop_duplicates(subset="clip")
    seconds = frame["clip_s"].astype(float)
    words = f"{len(frame)} clips of {dataset_name(measured.results)}"
    words += f", {seconds.sum():.0f} s in all, {seconds.min():.1f} to {seconds.max():.1f} s each"
    for tag, word in (("speaker", "speakers"), ("language", "languages"), ("corpus", "corpora")):
        if tag in frame.columns:
            values = sorted({str(value) for value in frame[tag] if str(value)})
            listed = f" ({', '.join(values)})" if tag != "speaker" and len(values) <= 12 else ""
            words += f", {len(values)} {word if len(values) != 1 else word.rstrip('s')}{listed}"
    return words


def _system_words(system: SystemFacts) -> str:
    if system.unavailable:
        return f"{system.label} was not measured: {system.unavailable}."
    weights = "" if system.trained else ", random weights: it shows that the code runs"
    version = f" {system.version}" if system.version else ""
    source = f" ({system.source})" if system.source else ""
    return f"{system.label}{version}{source}, as {system.spec}{weights}."


def definition_words(facts: MetricFacts) -> str:
    """Return a metric's definition, which as a rule begins with its name."""
    if facts.definition.startswith(f"{facts.name}:"):
        return facts.definition
    return f"{facts.name}: {facts.definition}"


def differences_table(facts: PaperFacts, measured: Measured) -> TextTable:
    """Set the paper's data, training and metrics beside ours.

    Args:
        facts: Of the paper.
        measured: What was measured here.
    """
    here = _ours(measured)
    return TextTable(
        title="What differs from the paper",
        columns=("Topic", "in the paper", "here"),
        numeric=(False, False, False),
        rows=tuple(
            (
                Entry(text=topic),
                Entry(text=theirs),
                Entry(text=here[topic]),
            )
            for topic, theirs in facts.differences.items()
        ),
        notes=("A number here and a number there are comparable only as far as this table goes.",),
        name="differences",
    )


def _ours(measured: Measured) -> dict[str, str]:
    results = measured.results
    seconds = results.frame.drop_duplicates(subset="clip")["clip_s"].astype(float)
    own = {
        place.system.label: place.weights
        for place in measured.places()
        if place.facts is not None and place.facts.kind == "neural"
    }
    return {
        "test set": describe_data(measured),
        "length of clips": f"{seconds.min():.1f} to {seconds.max():.1f} s"
        if len(seconds)
        else "no clip",
        "sampling rate": f"{results.suite.get('sample_rate', 16000)} Hz for all metrics",
        "training": _training(own),
        "metrics": "; ".join(definition_words(each) for each in results.metrics),
        "machine": f"{results.environment.get('cpu', 'unknown')}, one thread and all",
        "comparisons": f"means with {LEVEL:.0%} intervals, on the same clips for all",
        "listening": f"ratings in {', '.join(measured.opinions)}" if measured.opinions else "none",
    }


def _training(weights: dict[str, str]) -> str:
    if not weights:
        return "no network of the paper was measured"
    words = "; ".join(f"{label}: {whose} weights" for label, whose in weights.items())
    if "codecbench's" in weights.values():
        words += ". What codecbench's were trained with: docs/weights.md"
    if "random" in weights.values():
        words += ". Random weights show that the code runs, not how good the codec is"
    return words


def bibtex(facts: PaperFacts) -> str:
    """Return the entry of the paper."""
    authors = " and ".join(facts.authors.split(", "))
    return (
        f"@misc{{{facts.key},\n"
        f"  title = {{{facts.title}}},\n"
        f"  author = {{{authors}}},\n"
        f"  year = {{{facts.year}}},\n"
        f"  note = {{{facts.where}}},\n"
        "}\n"
    )


def citations(measured: Measured) -> Sequence[str]:
    """Return what else is to be cited: metrics and codecs."""
    results = measured.results
    found = [f"{each.name}: {each.source}" for each in results.metrics if each.source]
    found += [f"{each.label}: {each.source}" for each in results.systems if each.source]
    return list(dict.fromkeys(found))
