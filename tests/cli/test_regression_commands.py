"""compare, gate and bisect as users call them: what they print, write, compute and exit with."""

import json
import shutil
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import codecbench
from codecbench.benchmark.events import StageStarted
from codecbench.benchmark.runner import RunOptions, run_suite
from codecbench.benchmark.suite import Suite
from codecbench.cli import group
from codecbench.cli.exit_codes import run_group
from codecbench.core.audio import Audio
from codecbench.core.audio_file import write_audio

NOISY = Path(__file__).parent.parent / "reports" / "regression" / "noisy_codec.py"
CODEC = f"{NOISY}:NoisyCodec"
TRUST = ("-j", "1", "-q", "--plugin", str(NOISY))
N_CLIPS = 9
FAILS_AT = 8000 + 160 * 4
"""Length of the fifth clip, in samples."""

Call = Callable[..., int]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips, checkpoints and a run of each checkpoint."""
    folder = tmp_path_factory.mktemp("regression")
    for number in range(N_CLIPS):
        rng = np.random.default_rng(number)
        samples = 0.1 * rng.standard_normal(8000 + 160 * number)
        write_audio(folder / f"speech/c{number}.wav", Audio(samples.astype(np.float32), 16000))
    weights = {
        "good": {"noise": 0.01},
        "tiny": {"noise": 0.010002},
        "other": {"noise": 0.01, "seed": 1},
        "worse": {"noise": 0.02},
        "failing": {"noise": 0.01, "fails_at": FAILS_AT},
    }
    for name, table in weights.items():
        (folder / f"{name}.pt").write_text(json.dumps(table))
        codecbench.run(
            f'{CODEC}:checkpoint="{folder}/{name}.pt"',
            folder / "speech",
            out=folder / name,
            metrics="si_sdr,lsd",
            jobs=1,
            cache=folder / "cache/codecbench",
        )
    shutil.copytree(folder / "good", folder / "empty")
    with sqlite3.connect(folder / "empty/results.sqlite") as database:
        database.execute("DELETE FROM cells")
        database.execute("DELETE FROM encodings")
    database.close()
    return folder


@pytest.fixture
def call(scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run a command line in an empty folder, and return its exit code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(scratch / "cache"))
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)

    def run(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["codecbench", *map(str, arguments)])
        return run_group(group)

    return run


def compare(call: Call, scratch: Path, base: str, new: str, *more: str) -> int:
    return call("compare", scratch / base, scratch / new, *more)


@pytest.mark.parametrize(
    ("new", "more", "code", "said"),
    [
        ("good", (), 0, "the same"),
        ("tiny", (), 0, "\n~ "),
        ("tiny", ("--fail-if", "si_sdr < -0.1"), 0, "no regression"),
        ("worse", (), 1, "\n+ "),
        ("worse", ("--fail-if", "si_sdr < -3"), 1, "REGRESSION"),
        ("worse", ("--fail-if", "si_sdr < -10"), 0, "no regression"),
        ("worse", ("--fail-if", "failures > 0"), 0, "no regression"),
        ("failing", (), 1, "\n! "),
        ("failing", ("--fail-if", "failures > 9"), 0, "no regression"),
        ("empty", (), 3, "INCOMPLETE"),
        ("empty", ("--fail-if", "si_sdr < -0.1"), 3, "INCOMPLETE"),
        ("other", ("--fail-if", "si_sdr < 0"), 3, "TOO LITTLE TO SAY"),
    ],
)
def test_runs_are_compared(
    call: Call, scratch: Path, capsys: pytest.CaptureFixture[str], new, more, code, said
) -> None:
    assert compare(call, scratch, "good", new, *more) == code
    assert said in capsys.readouterr().out


def test_an_empty_base_is_not_green(call: Call, scratch: Path) -> None:
    assert compare(call, scratch, "empty", "good") == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["good", "tiny", "--fail-if", "si_sdr"], "cannot be read; write METRIC < -0.05"),
        (["good", "tiny", "--fail-if", "pesq_wb < -1"], "unknown metric in a condition 'pesq_wb'"),
        (["good", "tiny", "--fail-if", "lsd < -1"], "lower is better"),
        (["good", "tiny", "--error-rate", "2"], "must lie in"),
        (["good", "tiny", "--policy", "none.toml"], "cannot be read"),
        (["good", "nowhere/run"], "no run, no checkpoint and no codec spec"),
        (["good", "absent.pt"], "no such checkpoint"),
        (["good"], "Missing argument"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(
    call: Call, scratch: Path, capsys: pytest.CaptureFixture[str], arguments, said
) -> None:
    paths = [str(scratch / each) if each in ("good", "tiny") else each for each in arguments]
    assert call("compare", *paths) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) == 1


def test_a_bug_is_exit_code_4(
    call: Call, scratch: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        msg = "planted"
        raise RuntimeError(msg)

    monkeypatch.setattr("codecbench.reports.regression.compare.find_changes", broken)
    assert compare(call, scratch, "good", "good") == 4
    assert "internal error: RuntimeError: planted" in capsys.readouterr().err


def test_everything_that_is_written(
    call: Call,
    scratch: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    more = ["--junit", "a/j.xml", "--json", "a/c.json", "--github", "-o", "page"]
    assert compare(call, scratch, "good", "worse", *more) == 1
    said = capsys.readouterr().out
    assert "::error title=regression%3A si_sdr" in said
    assert "| si\\_sdr |" in (tmp_path / "summary.md").read_text()
    suite = ElementTree.parse(tmp_path / "a/j.xml").getroot()
    assert suite.attrib["failures"] == "2"
    assert json.loads((tmp_path / "a/c.json").read_text())["state"] == "regression"
    page = (tmp_path / "page/index.html").read_text()
    for word in ("reference", "base", "new"):
        assert f"audio/01-{word}.flac" in page
        heard = codecbench.read_audio(tmp_path / f"page/audio/01-{word}.flac")
        assert heard.n_samples >= 8000
        assert f"page/audio/01-{word}.flac" in said


def test_json_alone_on_standard_output(
    call: Call, scratch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(call, scratch, "good", "tiny", "--json", "-") == 0
    assert json.loads(capsys.readouterr().out)["state"] == "passed"


def test_a_checkpoint_is_run_first_with_codec_and_data_of_the_base(
    call: Call, scratch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["compare", scratch / "good", scratch / "worse.pt", "-j", "1", "-q"]
    assert call(*arguments) == 2
    assert f"if you trust it: --plugin {NOISY}" in capsys.readouterr().err
    arguments += ["--plugin", NOISY]
    assert call(*arguments, "--fail-if", "si_sdr < -1", "--fail-if", "rate > +1%") == 1
    assert "REGRESSION: 9 clips" in capsys.readouterr().out


def test_two_checkpoints_need_codec_and_data(
    call: Call, scratch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = [scratch / "good.pt", scratch / "tiny.pt"]
    assert call("compare", *both) == 2
    assert "--codec" in capsys.readouterr().err
    assert call("compare", *both, "--codec", CODEC) == 2
    assert "--data" in capsys.readouterr().err
    more = ["-c", CODEC, "-d", scratch / "speech", "-m", "si_sdr", "-j", "1", "-q"]
    assert call("compare", *both, *more) == 0


def lines_of(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_a_gate_computes_only_what_changed_even_with_an_empty_cache(
    call: Call,
    scratch: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("one", "two"):
        shutil.copy(scratch / "good.pt", tmp_path / f"{name}.pt")
    specs = [f"{CODEC}:checkpoint={name}.pt,trace={name}.txt" for name in ("one", "two")]
    how = ["-j", "1", "-q", "--fail-if", "si_sdr < -0.5"]
    data = ["-d", scratch / "speech", "-m", "si_sdr"]
    codecs = ["-c", specs[0], "-c", specs[1]]
    assert call("gate", "init", *codecs, *data, *how) == 0
    assert call("gate", "init", *codecs, *data, *how) == 2  # would hide what it was
    counts = [lines_of(tmp_path / f"{name}.txt") for name in ("one", "two")]
    assert counts == [N_CLIPS, N_CLIPS]
    assert (tmp_path / "codecbench-gate.json").stat().st_size < 20_000

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another machine"))
    assert call("gate", "check", "-j", "1", "-q") == 2
    assert "if you trust it" in capsys.readouterr().err
    assert call("gate", "check", *TRUST) == 0
    assert "unchanged, nothing to compute" in capsys.readouterr().out
    assert [lines_of(tmp_path / f"{name}.txt") for name in ("one", "two")] == counts

    shutil.copy(scratch / "worse.pt", tmp_path / "two.pt")
    assert call("gate", "check", *TRUST) == 1
    said = capsys.readouterr().out
    assert "regression: si_sdr" in said
    assert [lines_of(tmp_path / f"{name}.txt") for name in ("one", "two")] == [9, 18]

    assert call("gate", "update", *TRUST) == 0
    assert call("gate", "check", *TRUST) == 0
    assert "the same" in capsys.readouterr().out


def test_a_gate_whose_data_shrank_is_not_green(
    call: Call, scratch: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(scratch / "speech", tmp_path / "mine")
    spec = f'{CODEC}:checkpoint="{scratch}/good.pt"'
    assert call("gate", "init", "-c", spec, "-d", "mine", "-m", "si_sdr", "-j", "1", "-q") == 0
    (tmp_path / "mine/c8.wav").unlink()
    assert call("gate", "check", *TRUST) == 3
    assert "clip c8" in capsys.readouterr().out


@pytest.mark.slow
def test_time_is_gated_against_a_reference_in_the_same_run(
    call: Call, scratch: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model.pt").write_text(json.dumps({"noise": 0.01, "sleep_s": 0.05}))
    spec = f"{CODEC}:checkpoint=model.pt"
    reference = f'{CODEC}:checkpoint="{scratch}/good.pt"'
    more = ["-d", scratch / "speech", "-m", "si_sdr", "-j", "1", "-q", "--fail-if", "time > 50%"]
    assert call("gate", "init", "-c", spec, *more) == 2
    assert "--speed-reference" in capsys.readouterr().err
    assert call("gate", "init", "-c", spec, *more, "--speed-reference", reference) == 0
    (tmp_path / "model.pt").write_text(json.dumps({"noise": 0.01, "sleep_s": 0.5}))
    assert call("gate", "check", *TRUST) == 1
    assert "regression: time" in capsys.readouterr().out


@pytest.mark.parametrize("first_bad", [3, pytest.param(6, marks=pytest.mark.slow), None])
def test_bisect_finds_the_checkpoint(
    call: Call, scratch: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], first_bad
) -> None:
    for number in range(1, 7):
        broken = first_bad is not None and number >= first_bad
        weights = {"noise": (0.02 if broken else 0.01) + 1e-7 * number}
        (tmp_path / "ckpts").mkdir(exist_ok=True)
        (tmp_path / f"ckpts/step{number * 300}.pt").write_text(json.dumps(weights))
    more = ["-d", scratch / "speech", "-m", "si_sdr", "-j", "1", "-q"]
    code = call("bisect", "ckpts", "-c", CODEC, *more, "--fail-if", "si_sdr < -1")
    said = capsys.readouterr()
    tried = said.err.count(" left\n")
    if first_bad is None:
        assert (code, tried) == (0, 1)
        assert "step1800.pt is as good as" in said.out
    else:
        assert code == 1
        assert f"first bad checkpoint: ckpts/step{300 * first_bad}.pt" in said.out
        assert f"last good checkpoint: ckpts/step{300 * (first_bad - 1)}.pt" in said.out
        assert tried <= 4  # of six


def test_a_codec_that_is_added_costs_only_itself(scratch: Path, tmp_path: Path) -> None:
    specs = [f'{CODEC}:checkpoint="{scratch}/{name}.pt"' for name in ("good", "worse", "tiny")]
    options = RunOptions(jobs=1, cache=tmp_path / "cache", update=True)
    steps = []
    for codecs in (specs[:2], specs, specs):
        suite = Suite(codecs=tuple(codecs), data=str(scratch / "speech"), metrics=("si_sdr", "lsd"))
        events = run_suite(suite, tmp_path / "run", options=options)
        steps.append([each.steps for each in events if isinstance(each, StageStarted)])
    assert steps[0] == [2 * N_CLIPS, 2 * 2 * N_CLIPS]
    assert steps[1] == [N_CLIPS, 2 * N_CLIPS]
    assert steps[2] == [0, 0]
