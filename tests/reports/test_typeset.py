"""LaTeX that cannot be broken by a name, Markdown that stays a table, file names that differ."""

import re
from dataclasses import replace

import pytest

from codecbench.reports.typeset import (
    Entry,
    TextTable,
    escape_latex,
    file_names,
    to_latex,
    to_markdown,
)

NASTY = r"50% & $x_1$ #2 {a} ~b^c \d <e> |f| `g` -- ä…"


def table_of(*texts: str, kind="text") -> TextTable:
    return TextTable(
        title=NASTY,
        columns=("a_b", "c & d"),
        numeric=(False, True),
        rows=tuple((Entry(text=text), Entry(text=text, kind=kind)) for text in texts),
        notes=(NASTY,),
        name="odd name",
    )


def check_latex(text: str) -> None:
    """Check what a LaTeX parser would: groups, environments, columns, no bare special."""
    bare = re.sub(r"\\[\\{}%&$#_]", "", text)
    depth = 0
    for character in bare:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    opened: list[str] = []
    for word, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if word == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name
    assert not opened
    assert not re.search(r"[%$#_^~]", bare.replace("}~", "} "))
    match = re.search(r"\\begin\{tabular\}\{([lr]+)\}", text)
    assert match is not None
    for line in text.splitlines():
        if line.endswith(r"\\"):
            assert len(re.findall(r"(?<!\\)&", line)) == len(match[1]) - 1
            assert not line.strip().startswith(("[", "*"))


@pytest.mark.parametrize("text", [NASTY, "[untrained]", "*star", "a\nb", "\\end{tabular}"])
def test_no_text_breaks_a_latex_table(text):
    check_latex(to_latex(table_of(text)))


def test_the_best_is_bold_in_both_forms():
    table = replace(table_of("3.21 a"), rows=((Entry(text="3.21 a", kind="value", best=True),),))
    assert r"\textbf{3.21 a}" in to_latex(table)
    assert "| **3.21 a** |" in to_markdown(table)


def test_latex_of_a_whole_report_parses(report_folder):
    files = sorted((report_folder / "tables").glob("*.tex"))
    # Ten of the run, three comparisons of each of three metrics, PESQ as published for ESC.
    assert len(files) == 10 + 3 * 3 + 1
    for file in files:
        check_latex(file.read_text(encoding="utf-8"))


def test_each_special_character_has_its_latex():
    # By the LaTeX companion: what stands in running text for each special character.
    assert escape_latex("a_b & 5% #1 $") == r"a\_b \& 5\% \#1 \$"
    assert escape_latex("\\{}") == r"\textbackslash{}\{\}"
    assert escape_latex("~^<>") == (r"\textasciitilde{}\textasciicircum{}\textless{}\textgreater{}")
    assert escape_latex("--jobs") == "-{}-jobs"


def test_long_reasons_become_notes_and_equal_ones_share_a_letter():
    reason = "not available: pip install pesq"
    text = to_latex(table_of(reason, reason, kind="reason"))
    assert text.count(r"n/a\textsuperscript{a}") == 2
    assert text.count(rf"\textsuperscript{{a}}~{reason}") == 1


def test_negative_values_get_a_minus_sign():
    assert r"& \ensuremath{-}0.23 \\" in to_latex(table_of("-0.23", kind="value"))


def test_markdown_rows_keep_their_columns():
    lines = to_markdown(table_of("a|b", "<script>", "x_y*z")).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 3 for row in rows)
    assert "<script>" not in "\n".join(lines)


def test_file_names_are_safe_and_differ():
    texts = ["pesq_wb", "PESQ_WB", "a/b", "a b", "../../etc", "con", "", "ä"]
    names = file_names(texts)
    assert names[0] == "pesq_wb"
    assert len(set(names)) == len(texts)
    assert all(re.fullmatch(r"[a-z0-9_][a-z0-9._-]*", name) for name in names)
    assert "con" not in names
