"""What others wrote stays text."""

import csv
import io

import pandas as pd
import pytest

from codecbench.core.inert import for_csv, for_terminal
from codecbench.reports.export import csv_bytes


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ✓ text\twith\nlines", "plain ✓ text\twith\nlines"),
        ("\x1b[2Jgone", "␛[2Jgone"),
        ("a\rb\x07\x00\x7f", "a␍b␇␀␡"),
        ("\x9b31m", "\ufffd31m"),  # the eight-bit form of ESC [
        ("abc\u202egpj.exe", "abc\ufffdgpj.exe"),
        ("caf\udce9.wav", "caf\ufffd.wav"),  # a file name that is no UTF-8
    ],
)
def test_no_text_commands_a_terminal(text: str, shown: str) -> None:
    assert for_terminal(text) == shown
    shown.encode()


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_formula_is_text_in_a_spreadsheet(text: str) -> None:
    assert for_csv(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-5", "+1", "-0.25", "-1e-9", "-inf", "12000", "a=b", "", "x-1"])
def test_numbers_and_plain_names_stay_as_they_are(text: str) -> None:
    assert for_csv(text) == text


def test_exported_tables_hold_no_formula() -> None:
    frame = pd.DataFrame({"clip": ["=HYPERLINK(1)", "ok"], "value": [-1.5, 2.0], "=name": [1, 2]})
    rows = list(csv.reader(io.StringIO(csv_bytes(frame).decode())))
    assert rows == [
        ["clip", "value", "'=name"],
        ["'=HYPERLINK(1)", "-1.5", "1"],
        ["ok", "2.0", "2"],
    ]
