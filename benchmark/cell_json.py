"""Cells as they travel between processes: ``[status, value, reason, detail]``."""

import math

from codecbench.benchmark.framing import Message
from codecbench.core.cell import Cell, Status
from codecbench.core.errors import ResultSchemaError
from codecbench.core.fingerprint import Json

_MAX_DETAIL = 500


def cells_to_json(cells: dict[str, Cell]) -> Message:
    """Return cells by name in the form in which they travel."""
    return {
        name: [cell.status.value, cell.value, cell.reason, cell.detail[:_MAX_DETAIL]]
        for name, cell in cells.items()
    }


def cells_from_json(table: Json) -> dict[str, Cell]:
    """Return the cells that `cells_to_json` wrote.

    Raises:
        ResultSchemaError: The table is of another form.
    """
    if not isinstance(table, dict):
        msg = f"expected cells by name, found {type(table).__name__}"
        raise ResultSchemaError(msg)
    return {str(name): _cell(entry) for name, entry in table.items()}


def is_final(value: Message) -> bool:
    """Return whether an answer may be reused for ever: values, and what the reference decides."""
    if "cells" not in value:
        return value.get("status") in ("ok", "undefined")
    cells = cells_from_json(value["cells"]).values()
    return all(cell.status in (Status.OK, Status.UNDEFINED) for cell in cells)


def _cell(entry: Json) -> Cell:
    if not isinstance(entry, list) or len(entry) != 4:
        msg = f"expected [status, value, reason, detail], found {entry!r}"
        raise ResultSchemaError(msg)
    status, value, reason, detail = entry
    if status not in [each.value for each in Status]:
        msg = f"expected a status, found {status!r}"
        raise ResultSchemaError(msg)
    try:
        number = float(value) if isinstance(value, int | float) else None
    except OverflowError:
        number = math.inf  # which no cell may hold
    return Cell(status=Status(str(status)), value=number, reason=str(reason), detail=str(detail))
