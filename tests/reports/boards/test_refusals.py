"""What a forger may try before anything is computed again; each is refused by its reason."""

import base64
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codecbench.core.errors import BundleError
from codecbench.reports.boards.joining import join_board
from codecbench.reports.boards.plain import (
    codec_objection,
    condition_objection,
    metric_objection,
    shown,
)
from codecbench.reports.boards.unpacking import Bounds, unpack_bundle


def first(rows: list[Any], **where: str) -> Any:
    return next(row for row in rows if all(row[key] == value for key, value in where.items()))


def refused(path: Path, folder: Path, **bounds: int) -> str:
    """Return why a bundle is refused, and see that nothing is left of it on a board."""
    with pytest.raises(BundleError) as error:
        unpack_bundle(path, folder / "into", Bounds(**bounds))
    with pytest.raises(BundleError):
        join_board(path, folder / "board")
    assert [each.name for each in (folder / "board").iterdir()] == ["lock"]
    return str(error.value)


def test_a_byte_changed_in_any_file_is_named(forger, tmp_path: Path) -> None:
    for name in ("cells.jsonl", next(name for name in forger.files if "audio/" in name)):
        data = forger.files[name]
        forger.files[name] = data[:-2] + bytes([data[-2] ^ 1]) + data[-1:]
        said = refused(forger.write(tmp_path / "x.zip", relist=False), tmp_path)
        assert f"'{name}' is not what the manifest says" in said
        forger.files[name] = data


def test_a_missing_file_is_named(forger, tmp_path: Path) -> None:
    name = next(name for name in forger.files if "bits/" in name)
    kept = forger.files.pop(name)
    said = refused(forger.write(tmp_path / "x.zip", relist=False), tmp_path)
    assert f"1 files are missing, the first is '{name}'" in said
    said = refused(forger.write(tmp_path / "y.zip"), tmp_path)
    assert f"'{name}' is missing" in said
    assert "clip 'clip" in said
    forger.files[name] = kept
    del forger.files["cells.jsonl"]
    assert "'cells.jsonl'" in refused(forger.write(tmp_path / "z.zip"), tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "../../outside.cbs",
        "/etc/outside",
        "audio/../../outside.flac",
        "bits\\..\\outside.cbs",
        "bits/" + 64 * "a" + ".so",
        "audio/" + 64 * "A" + ".flac",
        "results.sqlite",
        "bits/" + 64 * "a" + ".cbs\n",
    ],
)
def test_names_that_could_lead_elsewhere_are_refused(forger, tmp_path: Path, name: str) -> None:
    forger.files[name] = b"x"
    said = refused(forger.write(tmp_path / "x.zip"), tmp_path)
    assert "is no name of this format" in said
    assert not list(tmp_path.rglob("outside*"))


def test_a_link_is_a_file_like_any_other(forger, tmp_path: Path) -> None:
    path = forger.write(tmp_path / "x.zip")
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("bits/" + 64 * "b" + ".cbs")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert "is not in the manifest" in refused(path, tmp_path)


def test_bombs_are_refused_before_they_are_unpacked(forger, tmp_path: Path) -> None:
    forger.files["cells.jsonl"] = b" " * 30_000_000
    said = refused(forger.write(tmp_path / "x.zip"), tmp_path)
    assert "unpacks from" in said
    assert "nothing that a run writes does" in said


def test_too_large_and_too_many_are_refused(bundle: Path, tmp_path: Path) -> None:
    for bounds, words in (
        ({"bytes": 1000}, "at most 1000 are taken, see --max-size"),
        ({"text_bytes": 100}, "at most 100 are taken"),
        ({"files": 3}, "at most 3 are taken"),
    ):
        with pytest.raises(BundleError, match=words):
            unpack_bundle(bundle, tmp_path / "into", Bounds(**bounds))


def test_a_file_that_lies_about_its_size_is_refused(forger, tmp_path: Path) -> None:
    path = forger.write(tmp_path / "x.zip")
    data = bytearray(path.read_bytes())
    # Uncompressed size in the last central directory entry: offset 24, APPNOTE.TXT 4.3.12.
    at = data.rfind(b"PK\x01\x02")
    (size,) = struct.unpack_from("<I", data, at + 24)
    struct.pack_into("<I", data, at + 24, size - 1)
    path.write_bytes(bytes(data))
    assert refused(path, tmp_path)


def test_files_that_overlap_are_refused(forger, tmp_path: Path) -> None:
    path = forger.write(tmp_path / "x.zip")
    with zipfile.ZipFile(path) as archive:
        longest = max(archive.infolist(), key=lambda info: info.compress_size)
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\x01\x02")
    while at >= 0:  # every entry claims the bytes of the longest one: 4.3.12, offset 20
        struct.pack_into("<II", data, at + 20, longest.compress_size, longest.file_size)
        at = data.find(b"PK\x01\x02", at + 4)
    path.write_bytes(bytes(data))
    assert "overlap" in refused(path, tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"\x00" * 5000, b"{}"])
def test_what_is_no_bundle_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    assert "no bundle, or a damaged one" in refused(tmp_path / "x.zip", tmp_path)


def change_cell(**values: object) -> Callable[[Any], None]:
    def change(forger: Any) -> None:
        cells = forger.table("cells.jsonl")
        first(cells, metric="si_sdr", point="12000", clip="clip0").update(values)
        forger.put("cells.jsonl", cells)

    return change


def change_record(**values: object) -> Callable[[Any], None]:
    def change(forger: Any) -> None:
        rows = forger.table("encodings.jsonl")
        first(rows, point="12000", clip="clip0")["record"].update(values)
        forger.put("encodings.jsonl", rows)

    return change


def change_run(change: Callable[[Any], None]) -> Callable[[Any], None]:
    return lambda forger: forger.edit("run.json", change)


def drop_clip(forger: Any) -> None:
    """Leave out the results of a clip that one would rather not show."""
    for name in ("cells.jsonl", "encodings.jsonl"):
        forger.put(name, [row for row in forger.table(name) if row["clip"] != "clip1"])


def skip_clip(forger: Any) -> None:
    def change(cell: Any) -> None:
        if cell["clip"] == "clip1" and cell["metric"] == "lsd":
            cell |= {"status": "skipped", "value": None, "reason": "missing_dependency"}

    forger.edit("cells.jsonl", change)


def bomb_of_counts() -> str:
    return base64.b64encode(zlib.compress(b"\0" * 2**22, 9)).decode()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (change_cell(key="0" * 64), "scoring key 000000"),
        (change_cell(value=None), "a cell with status ok needs a finite value"),
        (change_cell(value=200.0), "outside the metric's range -100.0 … 100.0"),
        (change_cell(extra=1), "extra: Unexpected keyword argument"),
        (change_cell(value="9"), "should be a valid number"),
        (change_cell(detail="\x1b[31mred"), "control characters"),
        (change_cell(detail="\u202egnp.exe"), "control characters"),
        (change_cell(detail="\ud800"), "control characters"),
        (change_record(payload_bits=1), "1 payload bits claimed"),
        (change_record(coded_s=0.1), "0.1 s coded of a clip of 0.7 s"),
        (change_record(degraded="../../../etc/passwd"), "not named by their content"),
        (
            change_record(codebook_sizes=[4], frames=1, code_counts=[bomb_of_counts()]),
            "cut or too many",
        ),
        (change_run(lambda run: run.update(name="x")), "different runs"),
        (change_run(lambda run: run["clips"][0].update(sha256="0" * 64)), "dataset fingerprint"),
        (change_run(lambda run: run["systems"][0].update(fingerprint="x")), "name: "),
        (change_run(lambda run: run["identity"].update(seed=1)), "seed: 1 claimed, 0"),
        (
            change_run(lambda run: run["metrics"][0].update(definition="mine")),
            "its definition 'mine'",
        ),
        (
            change_run(lambda run: run["suite"].update(conditions=["clean", "./evil.py:Evil=1"])),
            "conditions: ",
        ),
        (drop_clip, "encodings are missing"),
        (skip_clip, "skipped for some clips and not for others"),
    ],
)
def test_contradictions_are_named(
    forger, tmp_path: Path, change: Callable[[Any], None], words: str
) -> None:
    change(forger)
    said = refused(forger.write(tmp_path / "x.zip"), tmp_path)
    assert words in said
    assert said.isprintable()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "9" * 5000, "[" * 5000])
def test_numbers_that_are_none_are_refused(forger, tmp_path: Path, number: str) -> None:
    text = forger.files["cells.jsonl"].decode().splitlines()
    value = json.loads(text[0])["value"]
    text[0] = text[0].replace(f'"value":{value}', f'"value":{number}')
    assert number[:4] in text[0]
    forger.files["cells.jsonl"] = "\n".join(text).encode()
    assert "cells.jsonl, line 1" in refused(forger.write(tmp_path / "x.zip"), tmp_path)


@pytest.mark.parametrize(
    "spec",
    [
        "./evil.py:Evil",
        'command:program="/bin/sh"',
        "env:python=/tmp/python,codec=pcm",
        'esc:checkpoint="/etc/passwd"',
        "esc:checkpoint=weights.pth",
        "esc:checkpoint=..",
        "esc:checkpoint=shipped",
        "mimi:checkpoint=kyutai/mimi,allow_download=true",
        "mimi:allow_download=true",
        "somebodys_plugin:bits=4",
        "not a spec",
    ],
)
def test_codecs_that_could_do_harm_are_not_made(spec: str) -> None:
    assert codec_objection(spec)
    assert condition_objection(f"tandem={json.dumps(spec)},reference=clean")


def test_harmless_specs_are_made() -> None:
    for spec in ("opus:mode=cbr,bitrate=6000|12000", "pcm:bits=8", "esc:checkpoint=untrained"):
        assert codec_objection(spec) == ""
        assert condition_objection(f"tandem={json.dumps(spec)},reference=clean+loss=5%") == ""
    assert condition_objection("noise=babble,snr=15,reference=treated+loss=5%,burst=1.5") == ""
    assert metric_objection("mcd:order=13") == ""
    assert metric_objection("./evil.py:Metric")
    assert metric_objection("nomad:weights=/etc/passwd")
    for condition in (
        'noise="/etc/a.wav",snr=3',
        "./evil.py:Evil=1",
        "spice=9",
        "loss=5%+tandem=x",
    ):
        assert condition_objection(condition)


def test_texts_of_strangers_are_shown_on_one_short_line() -> None:
    assert shown("a\nb\tc") == "a b c"
    assert shown("\x1b[2Jx") == "\\x1b[2Jx"
    assert len(shown("x" * 5000)) < 200
