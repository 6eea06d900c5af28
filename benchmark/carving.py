"""Rows taken from the pages of a store's file, whatever else of it is lost.

SQLite finds a row by way of the pages above it; where one of those is gone it reaches none of the
rows below. Here every page is looked at by itself, and a row counts where its sum is right.

The format is that of https://sqlite.org/fileformat2.html, sections 1.3 (header), 1.6 (pages of
b-trees), 1.7 (overflow), 2.1 (records) and 4 (the journal "-wal").
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from codecbench.benchmark.store_schema import COLUMNS, row_sum

Value = None | int | float | str
"""What a column of ours may hold."""

_INDEX_PAGES = {0x0A: 8, 0x02: 12}
"""Kinds of pages that hold rows of tables WITHOUT ROWID, with the bytes of their headers."""

_WAL_HEADER, _FRAME_HEADER = 32, 24
_USUAL_PAGE = 4096
_INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_TABLES = {
    len(COLUMNS[name]) + 1: (name, [i for i, c in enumerate(COLUMNS[name]) if c in real])
    for name, real in (("facts", ()), ("encodings", ()), ("cells", ("value", "compute_s")))
}
"""By number of columns: the table, and its columns of floats, whole ones being kept as integers."""


class _NotARowError(Exception):
    """Bytes that are no row of ours."""


def intact_rows(path: Path) -> Iterator[tuple[str, tuple[Value, ...]]]:
    """Hand out every row of facts, encodings and cells that is as it was written.

    A row that has been replaced may still lie about; it comes, too.

    Args:
        path: The file; what its journal holds is looked at as well.

    Yields:
        The name of the table, and the row without its sum.
    """
    data = path.read_bytes()
    size = _page_size(data)
    main = {
        number + 1: data[number * size : (number + 1) * size] for number in range(len(data) // size)
    }
    journal = path.with_name(f"{path.name}-wal")
    later = _journal_pages(journal.read_bytes(), size) if journal.is_file() else {}
    for pages in (main, later):
        for page in pages.values():
            for offset in _cells_of(page):
                try:
                    values = _record(_payload(page, offset, later, main))
                except (_NotARowError, struct.error, IndexError, UnicodeDecodeError):
                    continue
                named = _named(values)
                if named is not None:
                    yield named


def _page_size(data: bytes) -> int:
    size = int.from_bytes(data[16:18], "big")
    size = 65536 if size == 1 else size
    return size if 512 <= size <= 65536 and size & (size - 1) == 0 else _USUAL_PAGE


def _journal_pages(data: bytes, size: int) -> dict[int, bytes]:
    step = _FRAME_HEADER + size
    starts = range(_WAL_HEADER, len(data) - step + 1, step)
    return {
        int.from_bytes(data[start : start + 4], "big"): data[start + _FRAME_HEADER : start + step]
        for start in starts
    }


def _cells_of(page: bytes) -> Iterator[int]:
    """Hand out where the rows of a page begin; none of a page of another kind."""
    header = _INDEX_PAGES.get(page[0])
    if header is None:
        return
    (count,) = struct.unpack_from(">H", page, 3)
    for place in range(header, min(header + 2 * count, len(page) - 1), 2):
        (offset,) = struct.unpack_from(">H", page, place)
        # On an inner page the number of the page below comes first.
        yield offset + (4 if header == 12 else 0)


def _payload(
    page: bytes, offset: int, later: Mapping[int, bytes], main: Mapping[int, bytes]
) -> bytes:
    """Return the bytes of a row, with what lies on overflow pages."""
    usable = len(page)
    length, offset = _varint(page, offset)
    most = (usable - 12) * 64 // 255 - 23
    least = (usable - 12) * 32 // 255 - 23
    local = length
    if length > most:
        local = least + (length - least) % (usable - 4)
        local = local if local <= most else least
    parts = [page[offset : offset + local]]
    missing = length - local
    number = int.from_bytes(page[offset + local : offset + local + 4], "big") if missing else 0
    while missing > 0:
        further = later.get(number) or main.get(number)
        if further is None:
            raise _NotARowError
        parts.append(further[4 : 4 + missing])
        missing -= len(parts[-1])
        number = int.from_bytes(further[:4], "big")
    return b"".join(parts)


def _record(data: bytes) -> list[Value]:
    end, place = _varint(data, 0)
    kinds: list[int] = []
    while place < end:
        kind, place = _varint(data, place)
        kinds.append(kind)
    if len(kinds) not in _TABLES:
        raise _NotARowError
    values: list[Value] = []
    for kind in kinds:
        value, place = _column(data, place, kind)
        values.append(value)
    return values


def _column(data: bytes, place: int, kind: int) -> tuple[Value, int]:
    if kind == 0:
        return None, place
    if kind in _INTEGER_BYTES:
        end = place + _INTEGER_BYTES[kind]
        return int.from_bytes(data[place:end], "big", signed=True), end
    if kind == 7:
        return struct.unpack_from(">d", data, place)[0], place + 8
    if kind in (8, 9):
        return kind - 8, place
    if kind < 13 or kind % 2 == 0:
        raise _NotARowError
    end = place + (kind - 13) // 2
    return data[place:end].decode(), end


def _named(values: Sequence[Value]) -> tuple[str, tuple[Value, ...]] | None:
    table, reals = _TABLES[len(values)]
    row = list(values[:-1])
    for index in reals:
        number = row[index]
        row[index] = float(number) if isinstance(number, int) else number
    return (table, tuple(row)) if row_sum(row) == values[-1] else None


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for index in range(9):
        byte = data[place + index]
        if index == 8:
            return value << 8 | byte, place + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + index + 1
    raise _NotARowError
