"""A table of text, and its Markdown and LaTeX forms."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from codecbench.core.fingerprint import hash_bytes

if TYPE_CHECKING:
    import pandas as pd

EntryKind: TypeAlias = Literal["text", "value", "reason"]

LONG_REASON = 14
"""Reasons with more characters than this go below a LaTeX table, where a page is narrow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a table.

    Attributes:
        text: What stands there, never empty.
        kind: "value" for a number, "reason" for why there is none, "text" for anything else.
        detail: What a page may show in small print beside it.
        flag: Whether it deserves attention.
        best: Whether it is surely better than all it is compared with; set in bold.
    """

    text: str
    kind: EntryKind = "text"
    detail: str = ""
    flag: bool = False
    best: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTable:
    """A table as people read it.

    Attributes:
        title: One line.
        columns: Heads.
        numeric: Per column, whether it is set to the right.
        rows: Entries, as many per row as there are columns.
        notes: What must be known to read it.
        name: Short name for files and labels.
    """

    title: str
    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[Entry, ...], ...]
    notes: tuple[str, ...]
    name: str


def to_markdown(table: TextTable) -> str:
    """Write a GitHub-flavoured Markdown table under its title, notes below."""
    lines = [f"**{_markdown(table.title)}**", ""]
    lines.append("| " + " | ".join(map(_markdown, table.columns)) + " |")
    lines.append("|" + "|".join("---:" if right else "---" for right in table.numeric) + "|")
    lines += [
        "| " + " | ".join(_markdown_entry(entry) for entry in row) + " |" for row in table.rows
    ]
    if table.notes:
        lines += ["", *(f"- {_markdown(note)}" for note in table.notes)]
    return "\n".join(lines) + "\n"


def text_frame(table: TextTable) -> "pd.DataFrame":
    """Return a table as a frame of texts, details in brackets behind their values.

    A head that stands twice gets a number.
    """
    import pandas as pd

    heads: list[str] = []
    for column in table.columns:
        count = sum(head.split(" (")[0] == column for head in heads)
        heads.append(f"{column} ({count + 1})" if column in heads else column)
    rows = [[f"{entry.text} {entry.detail}".strip() for entry in row] for row in table.rows]
    return pd.DataFrame(rows, columns=heads, dtype="object")


def _markdown_entry(entry: Entry) -> str:
    text = _markdown(entry.text)
    return f"**{text}**" if entry.best else text


def _markdown(text: str) -> str:
    flat = " ".join(text.split())
    escaped = re.sub(r"([\\`*_|\[\]~#$])", r"\\\1", flat)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def to_latex(table: TextTable) -> str:
    r"""Write a booktabs table; long reasons become notes with a letter.

    Needs ``\usepackage{booktabs}`` and a LaTeX of 2020 or later, whose input is UTF-8.
    """
    marks: dict[str, str] = {}
    body = []
    for row in table.rows:
        text = " & ".join(_latex_entry(entry, marks) for entry in row)
        # After \\ and \midrule, LaTeX would read these as arguments.
        guard = "{}" if text.startswith(("[", "*")) else ""
        body.append(rf"    {guard}{text} \\")
    alignment = "".join("r" if right else "l" for right in table.numeric)
    notes = [escape_latex(note) for note in table.notes]
    notes += [rf"\textsuperscript{{{mark}}}~{escape_latex(text)}" for text, mark in marks.items()]
    lines = [
        r"\begin{table}",
        r"  \centering\small\setlength{\tabcolsep}{4pt}",
        rf"  \caption{{{escape_latex(table.title)}}}",
        rf"  \label{{tab:{re.sub(r'[^A-Za-z0-9]+', '-', table.name).strip('-')}}}",
        rf"  \begin{{tabular}}{{{alignment}}}",
        r"    \toprule",
        "    " + " & ".join(escape_latex(column) for column in table.columns) + r" \\",
        r"    \midrule",
        *body,
        r"    \bottomrule",
        r"  \end{tabular}",
    ]
    if notes:
        lines.append(r"  \par\smallskip{\footnotesize " + r"\par ".join(notes) + "}")
    lines.append(r"\end{table}")
    return "\n".join(lines) + "\n"


def _latex_entry(entry: Entry, marks: dict[str, str]) -> str:
    if entry.kind != "reason" or len(entry.text) <= LONG_REASON:
        text = escape_latex(entry.text)
        text = text.replace("-", r"\ensuremath{-}") if entry.kind == "value" else text
        return rf"\textbf{{{text}}}" if entry.best else text
    mark = marks.setdefault(entry.text, _letters(len(marks)))
    return rf"n/a\textsuperscript{{{mark}}}"


def _letters(number: int) -> str:
    """Return a, b, …, z, aa, ab and so on."""
    head, last = divmod(number, 26)
    return (_letters(head - 1) if head else "") + chr(ord("a") + last)


_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"{\ttfamily\char34}",
    "`": r"\textasciigrave{}",
    "–": r"\textendash{}",
    "−": r"\ensuremath{-}",
    "×": r"\ensuremath{\times}",
    "±": r"\ensuremath{\pm}",
    "↑": r"\ensuremath{\uparrow}",
    "↓": r"\ensuremath{\downarrow}",
    "…": r"\dots{}",
}


def escape_latex(text: str) -> str:
    """Make any text inert in LaTeX; white space collapses to single spaces."""
    escaped = "".join(_LATEX.get(character, character) for character in " ".join(text.split()))
    # The ligature of two hyphens would change the name of an option.
    return re.sub("-(?=-)", "-{}", escaped)


def file_names(texts: Sequence[str]) -> list[str]:
    """Turn names into different ones that every file system takes.

    Args:
        texts: Such as metrics or codec labels, all different.

    Returns:
        In the same order; where two would be the same file, all but the first get a hash.
    """
    taken: set[str] = set()
    names = []
    for text in texts:
        plain = re.sub(r"[^a-z0-9._-]+", "_", text.lower()).strip("._-")[:80] or "name"
        # Some systems take these for devices.
        if plain in taken or plain in {"con", "nul", "aux", "prn"}:
            plain = f"{plain}-{hash_bytes(text.encode())[:8]}"
        taken.add(plain)
        names.append(plain)
    return names
