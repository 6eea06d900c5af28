"""Every reader of what others may have written, with the inputs that it is tried on."""

import io
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
from hypothesis import strategies as st
from mutation import near_bytes, near_json, near_tables, near_toml

from codecbench.adapters.bit_packer import pack_packets, unpack_codes, unpack_packets
from codecbench.adapters.bitstream import Encoded
from codecbench.core.errors import CodecBenchError

Read = Callable[[Any, Path], object]


@dataclass(frozen=True)
class Reader:
    """What is tried.

    Attributes:
        inputs: What it is given, as a rule bytes.
        read: Called with an input and a folder; raises nothing but errors of codecbench.
        share: Inputs compared to other readers: less for slow ones.
    """

    inputs: st.SearchStrategy[Any]
    read: Read
    share: float = 1.0


def from_file(name: str, read: Callable[[Path], object]) -> Read:
    """Write the input to a file of a name and read that."""

    def go(data: bytes, folder: Path) -> object:
        path = folder / name
        path.write_bytes(data)
        return read(path)

    return go


def as_text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


# Bitstreams, and codes in bits.

_STREAM = Encoded(
    packets=(b"\x01\x02", b"", b"abc"), packet_bits=(12, 0, 24), point="6000", n_samples=960,
    sample_rate=16000, header=b"\x80",
)  # fmt: skip


def read_stream(data: bytes, folder: Path) -> None:
    found = Encoded.from_bytes(data)
    again = Encoded.from_bytes(found.to_bytes())
    assert (again.packets, again.packet_bits) == (found.packets, found.packet_bits)
    assert found.total_bits >= found.wire_bits >= found.payload_bits


_SIZES = st.lists(
    st.one_of(st.integers(1, 5000), st.sampled_from([0, -1, 2**62, 2**63])), max_size=5
)
_PACKETS = st.lists(st.binary(max_size=40), max_size=6)
_COUNTS = st.one_of(st.integers(-2, 60), st.just(2**40))


def read_codes(what: tuple[bytes, list[int], int], folder: Path) -> None:
    data, sizes, frames = what
    codes = unpack_codes(data, sizes, frames)
    assert codes.shape == (len(sizes), frames)
    for row, size in zip(codes, sizes, strict=True):
        assert ((row >= 0) & (row < size)).all()


def read_packets(what: tuple[list[bytes], list[int], int, int], folder: Path) -> None:
    packets, sizes, frames, packet_frames = what
    codes = unpack_packets(packets, sizes, frames, packet_frames)
    assert codes.shape == (len(sizes), frames)


@st.composite
def packed(draw: st.DrawFn) -> tuple[list[bytes], list[int], int, int]:
    """Packets that were right, and then changed."""
    sizes = draw(st.lists(st.integers(1, 1500), min_size=1, max_size=4))
    frames, packet_frames = draw(st.integers(0, 12)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    codes = np.array([rng.integers(0, size, frames) for size in sizes]).reshape(len(sizes), frames)
    packets = list(pack_packets(codes, sizes, packet_frames)[0])
    if packets:
        place = draw(st.integers(0, len(packets) - 1))
        packets[place] = draw(near_bytes([packets[place]]))
    return packets, sizes, draw(st.sampled_from([frames, frames + 1])), packet_frames


# Texts: specs, conditions, gates' conditions.

_SPECS = [
    b"opus:mode=cbr,bitrate=6000|12000", b"pcm", b"lowpass@8000:cutoff=3400", b"./m.py:C:a=1.5",
    b'mnru:q=5|15|25,x="a b\\u00e9"', b"command:program=opus-tools,rate=6000",
]  # fmt: skip
_CONDITIONS = [
    b"noise=babble,snr=15+loss=5%,burst=1.5", b"level=-36|-16", b"loss=3%,model=gilbert",
    b'tandem="opus:mode=cbr,bitrate=24000",reference=treated', b"lowpass=3400", b"clean",
]  # fmt: skip
_FAIL_IFS = [b"pesq_wb < -0.05", b"rate > +1%", b"time > 10%", b"failures > 0", b"stoi < -2%"]
_DATA = [b"demo:n=2,seed=1", b"librispeech:test-clean?n=20&seed=1", b"paper/esc?root=/d", b"x.csv"]


def read_spec(data: bytes, folder: Path) -> None:
    from codecbench.benchmark.foreign_code import foreign_code
    from codecbench.core.spec import Spec

    text = as_text(data)
    try:
        spec = Spec.parse(text)
    finally:
        foreign_code(text)
    assert Spec.parse(str(spec)) == spec
    assert len(spec.expand()) >= 1


def make_codec(data: bytes, folder: Path) -> None:
    from codecbench.adapters.registry import get_codec, system_name
    from codecbench.core.spec import Spec

    text = as_text(data)
    if ".py:" not in text and not text.startswith(("command", "env")):  # which run something
        get_codec(text)
        system_name(Spec.parse(text))


def read_conditions(data: bytes, folder: Path) -> None:
    from codecbench.benchmark.conditions.spec import parse_conditions, reference_of
    from codecbench.benchmark.foreign_code import foreign_code

    text = as_text(data)
    if not foreign_code(text):
        for found in parse_conditions([text]):
            assert reference_of(found.name) == found.scored_against
    reference_of(text)


def read_fail_if(data: bytes, folder: Path) -> None:
    from codecbench.reports.regression.fail_if import parse_all

    parse_all([as_text(data)])


def read_data_spec(data: bytes, folder: Path) -> None:
    from codecbench.datasets.registry import named_spec

    text = as_text(data)
    if ".py:" not in text:
        named_spec(text)


# Tables and manifests.

(_CSV, _JSONL) = (
    b'file,id,speaker\na.wav,x,p1\n"b ""c"".wav",,p2\n../../d.wav,y,\n',
    b'{"file": "a.wav", "speaker": 1}\n\n{"path": "b.wav", "id": "x", "t": null}\n',
)
_PAIRS = b"reference,degraded,codec\na.wav,b.wav,x\na.wav,c.wav,y\n"


def read_manifest(name: str) -> Read:
    def read(path: Path) -> object:
        from codecbench.datasets.manifest import ManifestSource

        return ManifestSource(path=str(path)).entries()

    return from_file(name, read)


def read_pairs(path: Path) -> object:
    from codecbench.datasets.pairs import read_pair_list

    return read_pair_list(path)


def read_kaldi(data: bytes, folder: Path) -> object:
    from codecbench.datasets.kaldi import KaldiSource

    (folder / "wav.scp").write_bytes(data)
    (folder / "utt2spk").write_bytes(b"u1 s1\nu2 s1\n")
    return KaldiSource(path=str(folder)).entries()


# TOML: suites, policies, pools, programs.

_SUITE = {
    "codecs": ["opus:bitrate=6000|12000", "pcm"], "data": "demo:n=2", "metrics": ["core", "lsd"],
    "conditions": ["clean", "loss=5%"], "sample_rate": 16000, "seed": 0, "name": "x",
}  # fmt: skip
_POLICY = {
    "fail_if": ["pesq_wb < -0.05", "rate > 1%"], "tolerance": {"stoi": 0.01, "lsd": "2%"},
    "error_rate": 0.05, "worst_clips": 5,
}  # fmt: skip
_POOL = {
    "title": "t", "parts": [{"name": "a", "data": "demo"}, {"name": "b", "data": "my/wavs"}],
    "clips": 4, "seed": 1, "expect": {"clips": 4, "sex": {"f": 2}},
}  # fmt: skip
_PROGRAM = {
    "name": "p", "programs": ["enc", "dec"], "install": "apt", "sample_rate": 16000,
    "frame_samples": 320, "bits": "frames", "bitstream": "a.bin", "input": "in.wav",
    "encode": ["enc", "{input}", "{bitstream}"], "decode": [["dec", "{bitstream}", "{output}"]],
    "points": [{"name": "1", "nominal_bps": 8000, "frame_bits": 160, "values": {"r": 8}}],
}  # fmt: skip


def read_a_suite(path: Path) -> None:
    from codecbench.benchmark.foreign_code import named_code, suite_specs
    from codecbench.benchmark.suite import read_suite, resolve

    suite = read_suite(path)
    if not named_code(suite_specs(suite)):
        resolve(suite)


def read_a_policy(path: Path) -> object:
    from codecbench.reports.regression.policy import read_policy

    return read_policy(path)


def read_a_pool(path: Path) -> object:
    from codecbench.datasets.pool_manifest import find_pool

    return find_pool(str(path))


def read_a_program(path: Path) -> object:
    from codecbench.adapters.external.program_file import find_program_file

    return find_program_file(str(path))


# JSON: costs, checks, ratings, records and rows.

_RATINGS = {"listener": "l1", "kit": "x", "ratings": [{"stimulus": "s1", "rating": 4}]}
_RATINGS_CSV = b"listener,stimulus,rating\nl1,s1,4\nl1,s2,5\nl2,s1,1\n"
_COST = {
    "spec": "pcm", "macs": [{"point": "8", "total": 1.0}], "speeds": [], "parameters": 3,
}  # fmt: skip
_CHECKS = {
    "spec": "pcm", "checks": [{"number": 1, "name": "length", "outcome": "passed", "found": ""}],
}  # fmt: skip
_CELLS = {"pesq_wb": ["ok", 3.2, "", ""], "stoi": ["failed", None, "timeout", "60 s"]}


def read_some_costs(path: Path) -> object:
    from codecbench.reports.costs import read_costs

    return read_costs([path])


def read_some_checks(path: Path) -> object:
    from codecbench.reports.site.checks import read_checks

    return read_checks([path])


def read_some_ratings(path: Path) -> object:
    from codecbench.reports.listening.ratings import read_ratings

    return read_ratings([path])


def read_cells(data: bytes, folder: Path) -> object:
    from codecbench.benchmark.cell_json import cells_from_json
    from codecbench.core.small_file import parse_json

    try:
        table = parse_json(data)
    except ValueError:
        return None
    return cells_from_json(table)


def read_a_journal(path: Path) -> object:
    from codecbench.benchmark.worker import read_journals

    return read_journals(path.parent)


def read_a_log(path: Path) -> object:
    from codecbench.training.log import read_log

    return read_log(path)


# Runs and baselines.

_CLIP = {
    "id": "a", "path": "/x/a.wav", "sample_rate": 16000, "seconds": 3.0, "sha256": "00",
    "channels": 1, "problem": "", "tags": {"speaker": "p1"},
}  # fmt: skip
_POINT = {"name": "6000", "nominal_bps": 6000.0, "payload_bps": None, "entropy_bps": None}
_SYSTEM = {
    "codec": "mine:x=1", "label": "mine", "spec": "mine", "kind": "neural", "version": "1",
    "fingerprint": "fp", "trained": True, "deterministic": True, "causal": True,
    "sample_rate": 16000, "latency_ms": 20.0, "licence": "", "source": "", "points": [_POINT],
    "unavailable": "",
}  # fmt: skip
_METRIC = {
    "name": "stoi", "unit": "", "higher_is_better": True, "range": [-1.0, 1.0],
    "definition": "d", "definition_hash": "dd", "source": "s",
}  # fmt: skip
_RECORD = {
    "status": "ok", "degraded": "11", "length_difference": 0, "clipped_share": 0.0,
    "alignment": {
        "delay_samples": 0.0, "method": "waveform", "correlation": 1.0, "gain_db": 0.0,
        "polarity": 1, "dc_offset": 0.0, "half_delays": [0.0, 1.0],
    },
    "bitstream": "22", "load_s": 0.0, "encode_s": 0.1, "decode_s": 0.1, "sent_packets": 3,
    "lost_packets": 0, "concealment": "", "payload_bits": 800, "wire_bits": 800,
    "total_bits": 832, "coded_s": 3.0, "codebook_sizes": [4], "frames": 9,
    "code_counts": ["eJxjYIAAJijNjEazQmlGKA0AAYAADw=="],
}  # fmt: skip
_PLACE = ["mine:x=1", "6000", "clean", "a"]
_STORE = {
    "facts": [["name", "r0"], ["dataset", "d"], ["seed", 0], ["sample_rate", 16000],
              ["environment", {"python": "3.11"}], ["by_name", ["stoi"]]],
    "clips": [[0, "a", _CLIP]],
    "systems": [[0, "mine:x=1", _SYSTEM]],
    "metrics": [[0, "stoi", _METRIC]],
    "encodings": [[*_PLACE, "key", "ok", "", "", _RECORD]],
    "cells": [[*_PLACE, "stoi", "key", "ok", 0.9, "", "", 0.1]],
}  # fmt: skip
_HEAD_OF_SUITE = """codecs = ["mine"]\ndata = "d"\nmetrics = ["stoi"]\nconditions = ["clean"]\n"""


def write_store(tables: dict[str, list[list[Any]]], path: Path) -> None:
    """Write a store with sums that are right, whatever its rows say."""
    import sqlite3

    from codecbench.benchmark.store_schema import bring_up, row_sum

    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    database.execute("PRAGMA synchronous=OFF")  # nobody pulls the plug here
    bring_up(database, 0)
    with database:
        for table, rows in tables.items():
            for row in rows:
                # The body, which is JSON in all tables but that of the cells, comes last.
                row = row if table == "cells" else [*row[:-1], json.dumps(row[-1])]
                marks = ", ".join("?" * (len(row) + 1))
                database.execute(f"INSERT INTO {table} VALUES ({marks})", (*row, row_sum(row)))
    database.close()


def read_store_of_values(tables: Any, folder: Path) -> None:
    import sqlite3

    from codecbench.benchmark.reading import by_name_metrics, read_results
    from codecbench.reports.export import csv_bytes

    (folder / "suite.toml").write_text(_HEAD_OF_SUITE)
    try:
        write_store(tables, folder / "results.sqlite")
    except (sqlite3.Error, TypeError, AttributeError, ValueError, OverflowError, IndexError):
        return  # no database can hold these
    by_name_metrics(folder)
    csv_bytes(read_results(folder).frame)


@cache
def store_file() -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.sqlite"
        write_store(_STORE, path)
        return path.read_bytes()


def read_store_of_bytes(data: bytes, folder: Path) -> None:
    from codecbench.benchmark.reading import read_results

    for old in folder.glob("results.sqlite*"):
        old.unlink()
    (folder / "suite.toml").write_text(_HEAD_OF_SUITE)
    (folder / "results.sqlite").write_bytes(data)
    read_results(folder)


_BASELINE = {
    "codecbench_gate": 1,
    "suite": _SUITE | {"group": False},
    "policy": _POLICY,
    "run": "old", "dataset": "d", "seed": 0,
    "speed": {"reference": "pcm", "log_ratios": {"mine": [0.1, 0.2]}},
    "clips": [["a", "00", 4.0, 16000, "p1"], ["b", "01", 5.0, 16000, ""]],
    "metrics": [_METRIC | {"identity": "aa"}],
    "systems": [_SYSTEM],
    "rows": [{
        "codec": "mine:x=1", "point": "6000", "condition": "clean", "scored_against": "clean",
        "concealment": "", "payload_bps": [6000.0, None],
        "values": {"stoi": [0.9, "failed:timeout"]}, "keys": ["k", "l"], "degraded": ["m", "n"],
    }],
}  # fmt: skip


def read_a_baseline(path: Path) -> object:
    from codecbench.reports.regression.baseline import read_baseline

    return read_baseline(path)


# Weights.


def _safetensors() -> bytes:
    header = {
        "a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
        "__metadata__": {"config": '{"x": 1}'},
    }
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(16)


def _pickle(protocol: int) -> bytes:
    import torch

    buffer = io.BytesIO()
    weights = {"model_state_dict": {"a.weight": torch.zeros(2, 2)}, "config": {"x": 1}}
    torch.save(weights, buffer, _use_new_zipfile_serialization=protocol > 2)
    return buffer.getvalue()


def read_weights(path: Path) -> None:
    from codecbench.core.checkpoint import read_checkpoint, stored_config, tensor_shapes

    with suppress(CodecBenchError):
        stored_config(path)
    read_checkpoint(path)
    tensor_shapes(path)


def read_sound(path: Path) -> None:
    from codecbench.core.audio_file import read_signal

    found = read_signal(path)
    assert found.samples.ndim == 1


def _wav() -> bytes:
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros((64, 2), np.int16), 16000, format="WAV")
    return buffer.getvalue()


def _flac() -> bytes:
    import soundfile

    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(-99, 99, 400).astype(np.int16)
    soundfile.write(buffer, noise, 16000, format="FLAC")
    return buffer.getvalue()


def readers() -> dict[str, Reader]:
    """Return every reader by name."""
    toml = tomli_w.dumps
    return {
        "bitstream": Reader(near_bytes([_STREAM.to_bytes(), b"CBS1"]), read_stream, 2),
        "codes": Reader(st.tuples(st.binary(max_size=60), _SIZES, _COUNTS), read_codes),
        "packets": Reader(
            st.one_of(packed(), st.tuples(_PACKETS, _SIZES, _COUNTS, _COUNTS)), read_packets
        ),
        "spec": Reader(near_bytes(_SPECS), read_spec, 2),
        "codec": Reader(near_bytes(_SPECS[:5]), make_codec),
        "condition": Reader(near_bytes(_CONDITIONS), read_conditions, 2),
        "fail_if": Reader(near_bytes(_FAIL_IFS), read_fail_if),
        "data": Reader(near_bytes(_DATA), read_data_spec),
        "manifest_csv": Reader(near_bytes([_CSV]), read_manifest("m.csv")),
        "manifest_jsonl": Reader(near_bytes([_JSONL]), read_manifest("m.jsonl")),
        "pairs": Reader(near_bytes([_PAIRS]), from_file("p.csv", read_pairs)),
        "kaldi": Reader(near_bytes([b"u1 a.wav\nu2 b.wav\n"]), read_kaldi),
        "suite": Reader(near_toml([_SUITE], toml), from_file("s.toml", read_a_suite)),
        "policy": Reader(near_toml([_POLICY], toml), from_file("p.toml", read_a_policy)),
        "pool": Reader(near_toml([_POOL], toml), from_file("pool.toml", read_a_pool)),
        "program": Reader(near_toml([_PROGRAM], toml), from_file("prog.toml", read_a_program)),
        "costs": Reader(near_json([_COST]), from_file("c.json", read_some_costs)),
        "checks": Reader(near_json([_CHECKS]), from_file("k.json", read_some_checks)),
        "ratings": Reader(near_json([_RATINGS]), from_file("r.json", read_some_ratings), 0.5),
        "ratings_csv": Reader(
            near_bytes([_RATINGS_CSV]), from_file("r.csv", read_some_ratings), 0.5
        ),
        "cells": Reader(near_json([_CELLS]), read_cells),
        "store_values": Reader(near_tables([_STORE]), read_store_of_values, 0.5),
        "store_bytes": Reader(
            st.deferred(lambda: near_bytes([store_file()])), read_store_of_bytes, 0.5
        ),
        "baseline": Reader(near_json([_BASELINE]), from_file("b.json", read_a_baseline)),
        "journal": Reader(
            near_json([{"key": "k", "value": {"cells": _CELLS}}]),
            from_file("j.jsonl", read_a_journal),
        ),
        "training_log": Reader(
            near_json([{"step": 1, "loss": 0.5}]), from_file("l.jsonl", read_a_log)
        ),
        "safetensors": Reader(
            near_bytes([_safetensors()]), from_file("w.safetensors", read_weights), 0.5
        ),
        "pickle": Reader(
            near_bytes([_pickle(2), _pickle(3)]), from_file("w.pth", read_weights), 0.2
        ),
        "sound": Reader(near_bytes([_wav(), _flac()]), from_file("s.wav", read_sound)),
    }
