"""Bundles onto a board: what is computed again, what that finds, and what the board then says."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codecbench.adapters.bitstream import Encoded
from codecbench.benchmark.reading import read_results
from codecbench.benchmark.runner import RunOptions, run_suite
from codecbench.benchmark.store import RunStore
from codecbench.benchmark.suite import Suite
from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_audio, write_audio
from codecbench.core.errors import BundleError, ResultSchemaError
from codecbench.core.fingerprint import hash_bytes, hash_json
from codecbench.reports.boards.board import Board, open_results
from codecbench.reports.boards.evidence import choose_sample
from codecbench.reports.boards.joining import JoinOptions, join_board
from codecbench.reports.boards.packing import plan_bundle, write_bundle
from codecbench.reports.boards.unpacking import unpack_bundle
from codecbench.reports.merging import merge_results

RunIt = Callable[..., None]
PLACE = ["codec", "point", "condition", "clip", "metric"]


@pytest.fixture
def options(hands: Path) -> JoinOptions:
    """All clips, against the data."""
    return JoinOptions(data=str(hands / "clips"), sample=None, seed=1, by="me")


@pytest.fixture(scope="module")
def board(hands: Path, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A board with the first hand's run."""
    folder = tmp_path_factory.mktemp("boards") / "board"
    found = join_board(
        bundle, folder, JoinOptions(data=str(hands / "clips"), sample=None, seed=1, by="me")
    )
    assert found.is_new
    return folder


def refused(path: Path, folder: Path, options: JoinOptions) -> str:
    """Return why a bundle is refused, and see that nothing is left of it on a board."""
    with pytest.raises(BundleError) as error:
        join_board(path, folder, options)
    assert [each.name for each in folder.iterdir()] == ["lock"]
    return str(error.value)


def test_the_same_run_gives_the_same_bytes(hands: Path, bundle: Path, tmp_path: Path) -> None:
    plan = plan_bundle(hands / "ann", cache=hands / "cache-ann", author="Ann")
    digest = write_bundle(plan, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == bundle.read_bytes()
    assert digest == hash_bytes(bundle.read_bytes())


def test_a_bundle_names_no_folder_of_its_maker(hands: Path, forger) -> None:
    for name in ("run.json", "cells.jsonl", "encodings.jsonl"):
        assert str(hands).encode() not in forger.files[name]
    assert forger.table("run.json")["suite"]["data"] == "clips"


def test_a_verified_run_reads_as_it_was(hands: Path, board: Path) -> None:
    (found,) = open_results([board])
    wanted = read_results(hands / "ann")
    assert found.frame.drop(columns="compute_s").equals(wanted.frame.drop(columns="compute_s"))
    assert found.forensics.equals(wanted.forensics)
    assert found.caveats == ()
    (entry,) = Board(board).index().entries
    assert (entry.author, entry.by, entry.on_trust) == ("Ann", "me", ())
    assert entry.evidence is not None
    # 3 points of 2 clips, 2 metrics, all codecs of ours and deterministic.
    assert (entry.evidence.decoded, entry.evidence.identical, entry.evidence.cells) == (6, 6, 12)
    assert (entry.evidence.coded, entry.evidence.same_bytes) == (6, 6)
    assert entry.evidence.worst == {"lsd": 0.0, "si_sdr": 0.0}
    assert entry.versions["lsd"]["numpy"] == np.__version__


def test_a_bundle_twice_changes_nothing(
    hands: Path, board: Path, bundle: Path, options: JoinOptions, tmp_path: Path
) -> None:
    before = {path: path.read_bytes() for path in board.rglob("*") if path.is_file()}
    assert not join_board(bundle, board, options).is_new
    # The same results in another file: other author, and no sounds.
    plan = plan_bundle(
        hands / "ann",
        cache=hands / "cache-ann",
        author="Somebody",
        leave_out=("audio", "bitstreams"),
    )
    write_bundle(plan, tmp_path / "other.zip")
    assert not join_board(tmp_path / "other.zip", board, options).is_new
    assert {path: path.read_bytes() for path in board.rglob("*") if path.is_file()} == before


def test_two_hands_stand_side_by_side_and_confirm_each_other(
    hands: Path, board: Path, tmp_path: Path
) -> None:
    path = shutil.copytree(board, tmp_path / "board")
    write_bundle(plan_bundle(hands / "bob", cache=hands / "cache-bob"), tmp_path / "bob.zip")
    # References and data are those of the board.
    joined = join_board(tmp_path / "bob.zip", path, JoinOptions(sample=1))
    assert joined.entry.confirms == 4  # pcm at 8 bits, 2 clips, 2 metrics
    merged = merge_results(open_results([path]))
    assert not merged.frame.duplicated(subset=PLACE).any()
    assert {(row.codec, row.point) for row in merged.frame.itertuples()} >= {
        ("pcm@16000", "8"),
        ("pcm@16000", "12"),
    }
    pcm = next(system for system in merged.systems if system.codec == "pcm@16000")
    assert [point.name for point in pcm.points] == ["8", "12"]
    assert len(merged.frame) == 2 * 2 * 4


def test_a_sample_is_drawn_from_all_clips_and_repeats(bundle: Path, tmp_path: Path) -> None:
    found = unpack_bundle(bundle, tmp_path)
    drawn = {choose_sample(found, 1, seed) for seed in range(20)}
    assert drawn == {("clip0",), ("clip1",)}
    assert choose_sample(found, 1, 7) == choose_sample(found, 1, 7)
    assert choose_sample(found, None, 7) == ("clip0", "clip1")


def test_a_value_that_was_made_up_is_named_with_ours(
    forger, tmp_path: Path, options: JoinOptions
) -> None:
    cells = forger.table("cells.jsonl")
    forged = next(row for row in cells if row["metric"] == "lsd" and row["point"] == "12000")
    honest = forged["value"]
    forged["value"] = honest - 0.01
    forger.put("cells.jsonl", cells)
    said = refused(forger.write(tmp_path / "x.zip"), tmp_path / "board", options)
    assert f"lsd of {forged['codec']} at 12000, clean, clip '{forged['clip']}'" in said
    assert f"{honest - 0.01:.9g} in the bundle, {honest:.9g} here" in said


def test_audio_that_is_not_what_was_scored_is_refused(
    forger, tmp_path: Path, options: JoinOptions
) -> None:
    audio = sorted(name for name in forger.files if "audio/" in name)
    forger.files[audio[0]] = forger.files[audio[1]]
    said = refused(forger.write(tmp_path / "x.zip"), tmp_path / "board", options)
    assert "its audio is not the one that was scored" in said


@pytest.mark.slow
def test_better_audio_with_its_own_scores_is_not_that_of_the_bitstream(
    hands: Path, forger, tmp_path: Path, options: JoinOptions
) -> None:
    """The clip itself, 30 dB better than the codec, with hashes, keys and scores that fit it."""
    clean = read_audio(hands / "clips/clip0.wav")
    flat = Audio(0.9 * clean.samples, clean.sample_rate)
    write_audio(tmp_path / "better.flac", flat)
    rows = forger.table("encodings.jsonl")
    row = next(row for row in rows if row["point"] == "12000" and row["clip"] == "clip0")
    stored = read_audio(tmp_path / "better.flac")
    data = (tmp_path / "better.flac").read_bytes()
    forger.swap(row["record"]["degraded"], stored.sha256, data)
    said = refused(forger.write(tmp_path / "x.zip"), tmp_path / "board", options)
    assert "its audio differs from its bitstream decoded here by an error" in said
    assert "at 12000, clean, clip 'clip0'" in said


def forge_bitstream(forger, change: Callable[[Encoded], Encoded]) -> None:
    rows = forger.table("encodings.jsonl")
    row = next(row for row in rows if row["point"] == "12000" and row["clip"] == "clip0")
    old = row["record"]["bitstream"]
    encoded = change(Encoded.from_bytes(forger.files[f"bits/{old}.cbs"]))
    data = encoded.to_bytes()
    row["record"] |= {
        "payload_bits": encoded.payload_bits,
        "total_bits": encoded.total_bits,
        "wire_bits": encoded.wire_bits,
    }
    forger.put("encodings.jsonl", rows)
    forger.swap(old, hash_bytes(data), data)


@pytest.mark.slow
def test_a_bitstream_with_other_bytes_is_refused(
    forger, tmp_path: Path, options: JoinOptions
) -> None:
    def change(encoded: Encoded) -> Encoded:
        # Packets in another order: each of them is a good one.
        return replace(encoded, packets=encoded.packets[::-1])

    forge_bitstream(forger, change)
    said = refused(forger.write(tmp_path / "x.zip"), tmp_path / "board", options)
    assert "at 12000, clean, clip 'clip0': its audio differs from its bitstream" in said


@pytest.mark.slow
def test_a_bitstream_that_understates_its_bits_is_refused(
    forger, tmp_path: Path, options: JoinOptions
) -> None:
    def change(encoded: Encoded) -> Encoded:
        return replace(encoded, packet_bits=(1,) * len(encoded.packets))

    forge_bitstream(forger, change)
    said = refused(forger.write(tmp_path / "x.zip"), tmp_path / "board", options)
    assert "at 12000, clean, clip 'clip0': 36 payload bits, " in said


def test_another_definition_of_a_metric_is_named(
    forger, tmp_path: Path, options: JoinOptions
) -> None:
    run = forger.table("run.json")
    identity = next(m for m in run["identity"]["metrics"] if m["spec"] == "lsd")["identity"]
    identity["definition"] = "lsd=mine"
    table = {"definition": "lsd=mine", "versions": identity["versions"]}
    facts = next(metric for metric in run["metrics"] if metric["name"] == "lsd")
    facts |= {"definition": "lsd=mine", "definition_hash": hash_json(table)[:12]}
    forger.put("run.json", run)
    said = refused(forger.rename().rekey().write(tmp_path / "x.zip"), tmp_path / "board", options)
    assert "metric 'lsd': definition 'lsd=mine' in the bundle, '" in said
    assert "here" in said


def as_undefined(cell: Any) -> None:
    if cell["clip"] == "clip1" and cell["metric"] == "lsd":
        cell |= {"status": "undefined", "value": None, "reason": "too_short"}


@pytest.mark.slow
def test_a_clip_that_is_said_to_be_undefined_is_looked_at_outside_the_sample(
    forger, tmp_path: Path, options: JoinOptions
) -> None:
    forger.edit("cells.jsonl", as_undefined)
    path = forger.write(tmp_path / "x.zip")
    bundle = unpack_bundle(path, tmp_path / "into")
    seed = next(seed for seed in range(99) if choose_sample(bundle, 1, seed) == ("clip0",))
    said = refused(path, tmp_path / "board", replace(options, sample=1, seed=seed))
    assert "clip 'clip1': undefined:too_short in the bundle, defined here" in said


@pytest.mark.slow
def test_a_rival_that_is_said_to_fail_is_tried(
    forger, tmp_path: Path, options: JoinOptions
) -> None:
    def fail(row: Any) -> None:
        if row["point"] == "12000" and row["clip"] == "clip0":
            row |= {"status": "failed", "reason": "exception", "detail": "", "record": None}

    def lose(cell: Any) -> None:
        if cell["point"] == "12000" and cell["clip"] == "clip0":
            cell |= {"status": "failed", "reason": "exception", "value": None}

    row = next(
        row
        for row in forger.table("encodings.jsonl")
        if row["point"] == "12000" and row["clip"] == "clip0"
    )
    forger.edit("encodings.jsonl", fail).edit("cells.jsonl", lose).rekey()
    del forger.files[f"bits/{row['record']['bitstream']}.cbs"]
    del forger.files[f"audio/{row['record']['degraded']}.flac"]
    said = refused(forger.write(tmp_path / "x.zip"), tmp_path / "board", options)
    assert "failed:exception in the bundle, coded without fault here" in said


def test_what_cannot_be_verified_wants_to_be_taken_on_trust(
    hands: Path, tmp_path: Path, options: JoinOptions
) -> None:
    cache = hands / "cache-bob"
    plan = plan_bundle(hands / "bob", cache=cache, leave_out=("audio", "bitstreams"))
    assert set(plan.sizes()) == {"results"}
    write_bundle(plan, tmp_path / "bare.zip")
    said = refused(tmp_path / "bare.zip", tmp_path / "board", replace(options, data=None))
    assert "the reference of clip 'clip0' is not here; name the data with --data" in said
    trusting = replace(options, data=None, sample=0)
    joined = join_board(tmp_path / "bare.zip", tmp_path / "board", trusting)
    assert joined.entry.evidence is None
    (run,) = open_results([tmp_path / "board"])
    assert merge_results([run]).caveats[0].startswith("Taken on trust: all values of run ")


@pytest.mark.slow
def test_a_codec_of_somebody_is_made_only_where_it_is_named(
    hands: Path, make_run: RunIt, tmp_path: Path, options: JoinOptions
) -> None:
    """The planted codec lies in a file, which a bundle alone must never have executed."""
    planted = Path(__file__).parent.parent.parent / "benchmark" / "planted.py"
    spec = f"{planted}:CoarseCodec:bits=8"
    make_run(hands, "eve", (spec,), ("lsd",))
    cache = hands / "cache-eve"
    write_bundle(plan_bundle(hands / "eve", cache=cache, leave_out=("audio",)), tmp_path / "x.zip")
    said = refused(tmp_path / "x.zip", tmp_path / "board", options)
    assert "there is nothing to score: its audio is not in the bundle" in said
    assert "is no codec that is made on a stranger's word" in said
    write_bundle(plan_bundle(hands / "eve", cache=cache), tmp_path / "full.zip")
    entry = join_board(tmp_path / "full.zip", tmp_path / "board", options).entry
    assert entry.evidence is not None
    assert (entry.evidence.decoded, entry.evidence.cells) == (0, 2)
    assert "on a stranger's word" in next(iter(entry.undecoded.values()))
    (run,) = open_results([tmp_path / "board"])
    assert run.caveats[0].startswith("Not decoded again: ")
    named = replace(options, codecs=(spec,))
    entry = join_board(tmp_path / "x.zip", tmp_path / "other", named).entry
    assert entry.evidence is not None
    assert (entry.evidence.decoded, entry.evidence.identical, entry.undecoded) == (2, 2, {})


@pytest.mark.slow
def test_references_are_packed_where_everybody_may_have_them(hands: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="clip 'clip0' has no licence in its tags"):
        plan_bundle(hands / "bob", cache=hands / "cache-bob", references=True)
    rows = [f"clips/clip{index}.wav,CC0-1.0,speaker{index}" for index in range(2)]
    shutil.copytree(hands / "clips", tmp_path / "clips")
    (tmp_path / "data.csv").write_text("\n".join(["path,licence,speaker", *rows]) + "\n")
    suite = Suite(codecs=("pcm:bits=8",), data=str(tmp_path / "data.csv"), metrics=("lsd",))
    for _ in run_suite(suite, tmp_path / "run", options=RunOptions(jobs=1, cache=tmp_path / "c")):
        pass
    plan = plan_bundle(tmp_path / "run", cache=tmp_path / "c", references=True)
    write_bundle(plan, tmp_path / "x.zip")
    shutil.rmtree(tmp_path / "clips")
    joined = join_board(tmp_path / "x.zip", tmp_path / "board")
    assert joined.entry.evidence is not None
    assert joined.entry.evidence.cells == 2
    with RunStore(Board(tmp_path / "board").run_folder(joined.entry)) as store:
        clips = store.clips()
    assert [clip.tags["speaker"] for clip in clips] == ["speaker0", "speaker1"]
    assert all(read_audio(clip.path).sha256 == clip.sha256 for clip in clips)


@pytest.mark.slow
def test_left_out_audio_is_decoded_again(hands: Path, tmp_path: Path, options: JoinOptions) -> None:
    plan = plan_bundle(hands / "bob", cache=hands / "cache-bob", leave_out=("audio",))
    write_bundle(plan, tmp_path / "x.zip")
    evidence = join_board(tmp_path / "x.zip", tmp_path / "board", options).entry.evidence
    assert evidence is not None
    assert (evidence.identical, evidence.cells) == (4, 8)


def test_other_data_is_refused_with_the_clip_that_differs(
    hands: Path, board: Path, bundle: Path, options: JoinOptions, tmp_path: Path
) -> None:
    shutil.copytree(hands / "clips", tmp_path / "clips")
    sound = read_audio(tmp_path / "clips/clip1.wav")
    write_audio(tmp_path / "clips/clip1.wav", Audio(-sound.samples, sound.sample_rate))
    said = refused(bundle, tmp_path / "new", replace(options, data=str(tmp_path / "clips")))
    assert "other data: clip 'clip1' has content" in said
    before = (board / "board.json").read_bytes()
    other = make_other(hands, tmp_path)
    with pytest.raises(ResultSchemaError, match=r"'clip1' has content .* on the board"):
        join_board(other, board, replace(options, data=str(tmp_path / "clips")))
    assert (board / "board.json").read_bytes() == before


def make_other(hands: Path, folder: Path) -> Path:
    """Make a bundle of a run on the clips of another folder."""
    suite = Suite(codecs=("pcm:bits=8",), data=str(folder / "clips"), metrics=("lsd",))
    for _ in run_suite(suite, folder / "run", options=RunOptions(jobs=1, cache=folder / "cache")):
        pass
    path = folder / "other.zip"
    write_bundle(plan_bundle(folder / "run", cache=folder / "cache"), path)
    return path


@pytest.mark.slow
def test_forced_runs_are_marked_and_need_force_in_reports(
    hands: Path, board: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(board, tmp_path / "board")
    shutil.copytree(hands / "clips", tmp_path / "clips")
    sound = read_audio(tmp_path / "clips/clip1.wav")
    write_audio(tmp_path / "clips/clip1.wav", Audio(-sound.samples, sound.sample_rate))
    how = JoinOptions(data=str(tmp_path / "clips"), force=True)
    joined = join_board(make_other(hands, tmp_path), folder, how)
    assert "clip 'clip1' has content" in joined.entry.mixed[0]
    runs = open_results([folder])
    with pytest.raises(ResultSchemaError, match="against different references"):
        merge_results(runs)
    assert any("Mixed by force" in each for each in merge_results(runs, force=True).caveats)


def test_a_board_is_as_before_when_adding_fails(
    bundle: Path, tmp_path: Path, options: JoinOptions
) -> None:
    (tmp_path / "board/runs").mkdir(parents=True)
    in_the_way = tmp_path / "board" / "objects"
    in_the_way.write_text("no folder")
    trusting = replace(options, sample=0, data=None)
    with pytest.raises(OSError, match="objects"):
        join_board(bundle, tmp_path / "board", trusting)
    assert Board(tmp_path / "board").index().entries == ()
    assert not (tmp_path / "board" / ".incoming").exists()
    in_the_way.unlink()
    assert join_board(bundle, tmp_path / "board", trusting).is_new
    assert len(open_results([tmp_path / "board"])) == 1


def test_names_that_could_be_code_are_inert_in_the_index(board: Path) -> None:
    table = json.loads((board / "board.json").read_text())
    table["entries"][0]["author"] = "<script>alert(1)</script>"
    (board / "board.json").write_text(json.dumps(table))
    (run,) = open_results([board])
    assert run.environment["board"]["author"] == "<script>alert(1)</script>"
