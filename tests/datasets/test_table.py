"""CSV and JSON lines: what is read, and that everything else is one DatasetError."""

import pytest

from codecbench.core.errors import DatasetError
from codecbench.datasets.table import read_table


def write(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_reads_csv_with_quotes_and_byte_order_mark(tmp_path):
    content = '\ufefffile, text\r\na.wav,"one, ""two"""\r\n\r\nb.wav,\r\n'
    rows = read_table(write(tmp_path, "t.csv", content))
    assert [dict(row.fields) for row in rows] == [
        {"file": "a.wav", "text": 'one, "two"'},
        {"file": "b.wav"},
    ]
    assert rows[1].where.endswith("line 4")


def test_joins_a_line_break_inside_a_value(tmp_path):
    rows = read_table(write(tmp_path, "t.csv", 'file,text\na.wav,"one\ntwo"\n'))
    assert rows[0].fields["text"] == "one two"


def test_reads_json_lines_of_any_scalar(tmp_path):
    content = '{"file": "ä.wav", "take": 3, "gain": 0.5, "ok": true, "sex": null}\n\n'
    rows = read_table(write(tmp_path, "t.jsonl", content))
    assert dict(rows[0].fields) == {"file": "ä.wav", "take": "3", "gain": "0.5", "ok": "true"}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.csv", "", "no rows"),
        ("t.csv", "file,text\n", "no rows"),
        ("t.csv", "file,file\na,b\n", "stands twice"),
        ("t.csv", "file,\na,b\n", "column 2 has no name"),
        ("t.csv", "file,text\na\n", "line 2: 1 values for 2 columns"),
        ("t.csv", 'file\n"a', "not valid CSV"),
        ("t.csv", b"file\n\xff\n", "not UTF-8"),
        ("t.csv", "file\na\x07b\n", "control character"),
        ("t.jsonl", "{", "line 1: not valid JSON"),
        ("t.jsonl", "[1]\n", "expected an object"),
        ("t.jsonl", '{"file": ["a"]}', "must be one value"),
        ("t.jsonl", '{"file": "a", "file": "b"}', "key stands twice"),
        ("t.jsonl", '{"file": "\\ud800"}', "control character"),
        ("t.jsonl", '{"": "a"}', "without a column name"),
        ("t.jsonl", '{"file": ' + "9" * 5000 + "}", "not valid JSON"),
        ("t.jsonl", "[" * 100_000, "not valid JSON"),
        ("t.txt", "file\na\n", ".csv or .jsonl"),
    ],
)
def test_refuses_malformed_tables_in_one_line(tmp_path, name, content, words):
    with pytest.raises(DatasetError) as caught:
        read_table(write(tmp_path, name, content))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_refuses_a_missing_table(tmp_path):
    with pytest.raises(DatasetError, match="cannot be read"):
        read_table(tmp_path / "absent.csv")
