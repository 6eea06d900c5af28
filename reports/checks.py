"""What may stand in one table: one dataset, one definition per metric, one value per cell."""

from typing import TYPE_CHECKING

from codecbench.benchmark.results import COLUMNS
from codecbench.core.cell import Status
from codecbench.core.errors import ResultSchemaError

if TYPE_CHECKING:
    import pandas as pd

CELL_KEY = ("metric", "condition", "codec", "point", "clip")
"""Columns that name a cell."""


def check_comparable(frame: "pd.DataFrame") -> None:
    """Refuse a frame whose numbers must not be put side by side.

    Args:
        frame: The tidy frame, columns `COLUMNS` and tags.

    Raises:
        ResultSchemaError: A column is missing, datasets are mixed, a metric name has two
            definitions, or a cell stands twice; the message names the difference.
    """
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        msg = f"the result frame lacks the columns {', '.join(missing)}; export the run again"
        raise ResultSchemaError(msg)
    datasets = sorted({str(name) for name in frame["dataset"].unique()})
    if len(datasets) > 1:
        msg = (
            f"results of different datasets cannot be mixed: {', '.join(map(repr, datasets))}; "
            "report them one by one"
        )
        raise ResultSchemaError(msg)
    _check_definitions(frame)
    doubled = frame.duplicated(subset=list(CELL_KEY))
    if doubled.any():
        first = frame.loc[doubled, list(CELL_KEY)].iloc[0]
        where = ", ".join(f"{key} '{first[key]}'" for key in CELL_KEY)
        msg = f"{int(doubled.sum())} cells stand twice, the first at {where}; keep one of each"
        raise ResultSchemaError(msg)


def _check_definitions(frame: "pd.DataFrame") -> None:
    # A metric that was never tried may not know its definition.
    tried = frame.loc[frame["status"] != str(Status.SKIPPED), ["metric", "definition"]]
    for metric, group in tried.drop_duplicates().groupby("metric", sort=True):
        definitions = [str(text) for text in group["definition"]]
        if len(definitions) > 1:
            raise ResultSchemaError(definition_conflict(str(metric), definitions))


def definition_conflict(metric: str, definitions: list[str]) -> str:
    """Say in which parameters two definitions of one metric differ.

    Args:
        metric: Name of the metric.
        definitions: At least two definitions, parameters separated by commas, semicolons or
            spaces.
    """
    first, second = sorted(definitions)[:2]
    parts = [[part.strip() for part in _split(text)] for text in (first, second)]
    only_first = [part for part in parts[0] if part not in parts[1]]
    only_second = [part for part in parts[1] if part not in parts[0]]
    difference = f"'{'; '.join(only_first) or first}' against '{'; '.join(only_second) or second}'"
    return (
        f"metric '{metric}' has {len(definitions)} definitions in these results: {difference}; "
        "score the older run again, or report the runs one by one"
    )


def _split(text: str) -> list[str]:
    separator = ";" if ";" in text else ","
    return [part for part in text.split(separator) if part.strip()]
