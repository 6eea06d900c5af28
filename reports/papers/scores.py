"""Tables of scores: measured here, and published, each in columns of its own."""

from pathlib import Path

from codecbench.reports.figures.drawing import FigureFiles
from codecbench.reports.figures.of_run import RunFigures
from codecbench.reports.papers.artefact import NOT_MEASURED, PUBLISHED, Artefact, MissingCell
from codecbench.reports.papers.definition import ArtefactFacts
from codecbench.reports.papers.measured import Measured, Place
from codecbench.reports.papers.methods import definition_words
from codecbench.reports.published_numbers import Published, published_numbers
from codecbench.reports.summary import SummaryRow, summarize_rows
from codecbench.reports.tables import arrow, kbps, mean_entry, metric_intervals
from codecbench.reports.typeset import Entry, TextTable, file_names


def build_scores(facts: ArtefactFacts, measured: Measured, name: str, folder: Path) -> Artefact:
    """Make a table of scores, and figures of what was measured.

    Args:
        facts: What the paper has.
        measured: What was measured here.
        name: Stem of the files.
        folder: Where figures go.
    """
    places = measured.places(facts.systems)
    figures, missing = _figures(facts, measured, places, (name, folder))
    return Artefact(
        facts=facts,
        name=name,
        tables=(scores_table(facts, measured, places, name),),
        figures=figures,
        missing=missing,
        reasons=row_reasons(places),
    )


def row_reasons(places: list[Place]) -> dict[str, str]:
    """Return why nothing was measured of a system, by its label."""
    return {place.system.label: place.why for place in places if place.facts is None}


def scores_table(
    facts: ArtefactFacts, measured: Measured, places: list[Place], name: str
) -> TextTable:
    """Set what was measured of some places beside what was published."""
    part = measured.part(places)
    rows = summarize_rows(part) if part is not None else ()
    by_key = {(row.metric, row.codec, row.point): row for row in rows if row.condition == "clean"}
    extra = list(dict.fromkeys(head for place in places for head in place.system.facts))
    heads = ["System", *extra, "weights", "paper's kbit/s", "measured kbit/s"]
    numeric = [False, *[True] * len(extra), False, True, True]
    for metric in facts.metrics:
        known = measured.metric(metric)
        title = f"{metric} {arrow(known)}" if known is not None else metric
        heads += [title, f"{metric}, {PUBLISHED}"]
        numeric += [True, True]
    body, cited = [], dict[tuple[str, str, str, str], None]()
    for place in places:
        entries = [_label(place)]
        entries += [_fact(place, head) for head in extra]
        entries += [Entry(text=place.weights), Entry(text=f"{place.kbps:g}", kind="value")]
        entries.append(_rate(place, by_key))
        for metric in facts.metrics:
            entries.append(_measured(place, metric, measured, by_key))
            number = published_at(place, metric)
            if number is not None:
                cited[number.source, number.data, number.origin, number.caveat] = None
            why = facts.published
            entries.append(
                Entry(text=f"{number.value:g}", kind="value")
                if number is not None
                else Entry(text=why, kind="reason")
            )
        body.append(tuple(entries))
    return TextTable(
        title=f"{facts.number}: {facts.title}",
        columns=tuple(heads),
        numeric=tuple(numeric),
        rows=tuple(body),
        notes=(
            *(f"{label}: {why}." for label, why in row_reasons(places).items()),
            *_sources(cited),
            *metric_intervals(rows),
            *_definitions(facts, measured),
        ),
        name=name,
    )


def published_at(place: Place, metric: str) -> Published | None:
    """Return the paper's own number; None where it has none, or none was read."""
    wanted, kbps_ = place.system.published[0], place.kbps
    return next(
        (
            number
            for number in published_numbers()
            if wanted and (number.system, number.metric, number.kbps) == (wanted, metric, kbps_)
        ),
        None,
    )


def _sources(cited: dict[tuple[str, str, str, str], None]) -> list[str]:
    return [
        f"Published: {source}. Data: {data}. Origin: {origin}. Caveat: {caveat}. No published "
        "number is in a mean, rank or figure of ours."
        for source, data, origin, caveat in cited
    ]


def _definitions(facts: ArtefactFacts, measured: Measured) -> list[str]:
    found = [measured.metric(metric) for metric in facts.metrics]
    return [f"Here {definition_words(each)}." for each in found if each is not None]


def _label(place: Place) -> Entry:
    is_random = place.facts is not None and not place.facts.trained
    return Entry(text=place.system.label + (" [untrained]" if is_random else ""))


def _fact(place: Place, head: str) -> Entry:
    values = place.system.facts.get(head)
    return Entry(text=str(values[place.number]) if values else "not stated", kind="value")


def _rate(place: Place, rows: dict[tuple[str, str, str], SummaryRow]) -> Entry:
    if place.facts is None:
        return Entry(text=NOT_MEASURED, kind="reason")
    row = next((row for (_, *key), row in rows.items() if tuple(key) == _key(place)), None)
    if row is None or row.payload_bps is None:
        return Entry(text="nothing coded", kind="reason")
    return Entry(text=kbps(row.payload_bps), kind="value")


def _key(place: Place) -> tuple[str, str]:
    assert place.facts is not None  # asked by the caller
    return place.facts.codec, place.point


def _measured(
    place: Place, metric: str, measured: Measured, rows: dict[tuple[str, str, str], SummaryRow]
) -> Entry:
    if place.facts is None:
        return Entry(text=NOT_MEASURED, kind="reason")
    known = measured.metric(metric)
    if known is None:
        return Entry(text=_not_asked(metric), kind="reason")
    return mean_entry(rows[metric, *_key(place)], known)


def _not_asked(metric: str) -> str:
    return "needs --nomad-weights FILE" if metric == "nomad" else "not asked for in this run"


def _figures(
    facts: ArtefactFacts, measured: Measured, places: list[Place], where: tuple[str, Path]
) -> tuple[tuple[FigureFiles, ...], tuple[MissingCell, ...]]:
    name, folder = where
    part = measured.part(places)
    figures, missing = [], []
    if part is not None:
        draw = RunFigures.of(part, [measured.folder], made_by=measured.made_by)
        has_values = {row.metric for row in draw.rows if row.common.mean is not None}
    stems = file_names(list(facts.metrics))
    for kind in facts.figures:
        for metric, stem in zip(facts.metrics, stems, strict=True):
            if part is None or metric not in has_values:
                reason = "no system of this figure was measured" if part is None else "no value"
                if measured.metric(metric) is None:
                    reason = _not_asked(metric)
                missing.append(
                    MissingCell(
                        artefact=facts.number, row="the figure", column=metric, reason=reason
                    )
                )
                continue
            write = draw.rate_quality if kind == "rate_quality" else draw.distribution
            figures.append(write(folder, f"{name}_{stem}", metric, "clean"))
    return tuple(figures), tuple(missing)
