"""What a run says and exits with when codecs, metrics, clips or people get in its way."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from codecbench.benchmark.events import Failure
from codecbench.cli.progress import failure_lines
from codecbench.core.audio import Audio
from codecbench.core.audio_file import write_audio

PLANTED = Path(__file__).parent.parent / "benchmark" / "planted.py"
WaitUntil = Callable[[Callable[[], bool]], None]


@pytest.fixture
def noises(tmp_path: Path) -> Path:
    """Four clips of noise; planted faults strike the one that lasts 1500 ms."""
    rng = np.random.default_rng(5)
    for number, ms in enumerate((1000, 1500, 1200, 800)):
        noise = 0.2 * rng.standard_normal(16 * ms).clip(-4, 4)
        write_audio(tmp_path / f"noises/clip{number}.wav", Audio(noise, 16000))
    return tmp_path / "noises"


def start(tmp_path: Path, noises: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a run in a process group of its own."""
    return subprocess.Popen(
        [
            *(sys.executable, "-P", "-m", "codecbench", "run", "-d", str(noises)),
            *("-o", str(tmp_path / "run"), "--cache", str(tmp_path / "cache"), *arguments),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.slow
def test_every_fault_of_codecs_and_metrics_ends_in_3_and_a_summary(
    tmp_path: Path, noises: Path
) -> None:
    faults = ("segfault", "abort", "raise", "nan", "wrong_rate", "short")
    codecs = [f"{PLANTED}:FaultyCodec:fault={fault}" for fault in faults]
    codecs += [f"{PLANTED}:NoBytesCodec", "pcm:bits=8"]
    arguments = [word for codec in codecs for word in ("-c", codec)]
    metrics = f"{PLANTED}:Counting,{PLANTED}:Crashing,{PLANTED}:Aborting"
    process = start(tmp_path, noises, *arguments, "-m", metrics, "-j", "2")
    said, complaint = process.communicate()
    assert process.returncode == 3
    # 8 systems × 4 clips × 3 metrics; seven codecs lose a clip, two metrics one of the eighth.
    assert "73 of 96 cells have a value, 23 failed" in said
    assert "Traceback" not in complaint
    assert complaint.count("failed:") == 8
    for words in ("crashed:SIGSEGV", "crashed:SIGABRT", "exception EncodeError: planted"):
        assert words in complaint
    assert "… and 1 more kinds" in complaint
    log = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert len(log) == 9
    assert any("Traceback" in entry["trace"] for entry in log)


def test_failures_of_a_kind_are_one_line() -> None:
    def failure(codec: str, clip: str) -> Failure:
        outcome = "failed:timeout"
        return Failure(codec=codec, point="6", clip=clip, metric="", outcome=outcome, detail="1 s")

    many = [failure("a", f"clip{number}") for number in range(3)]
    lines = failure_lines([*many, failure("b", "clip0")])
    assert lines[0] == "  a 6 clip0: failed:timeout 1 s (and 2 more like it)"
    assert lines[1] == "  b 6 clip0: failed:timeout 1 s"
    assert "log.jsonl" in lines[2]
    assert failure_lines([]) == []
    kinds = failure_lines([failure(f"codec{number}", "a") for number in range(20)])
    assert len(kinds) == 10
    assert kinds[8] == "  … and 12 more kinds"


def test_clips_that_nobody_can_be_judged_on_are_named(tmp_path: Path, noises: Path) -> None:
    (noises / "broken.wav").write_bytes(b"RIFF")
    metrics = f"{PLANTED}:Counting,{PLANTED}:LongOnly"
    arguments = ("-c", "pcm:bits=8", "-m", metrics, "-j", "1")
    process = start(tmp_path, noises, *arguments)
    said, _ = process.communicate()
    assert process.returncode == 0
    assert "  broken: no codec can be judged on it: unreadable_reference: " in said
    assert "  clip0: no codec can be judged on it by long_only: too_short" in said


@pytest.mark.parametrize(
    ("signals", "pause_s"),
    [
        pytest.param(1, 0.0, marks=pytest.mark.slow),
        (2, 0.0),
        pytest.param(2, 0.3, marks=pytest.mark.soak),
        pytest.param(5, 0.05, marks=pytest.mark.soak),
    ],
)
def test_ctrl_c_once_or_more_ends_everything(
    tmp_path: Path,
    noises: Path,
    monkeypatch: pytest.MonkeyPatch,
    wait_until: WaitUntil,
    signals: int,
    pause_s: float,
) -> None:
    mark = str(tmp_path)
    monkeypatch.setenv("CODECBENCH_TEST_RUN", mark)
    trace = tmp_path / "trace"
    metric = f"{PLANTED}:Counting:slow_s=0.3,trace={trace}"
    arguments = ("-c", f"{PLANTED}:CoarseCodec:bits=4|8", "-m", metric, "-j", "2")
    process = start(tmp_path, noises, *arguments)
    wait_until(lambda: trace.exists() and len(trace.read_text().splitlines()) >= 2)
    for number in range(signals):
        if number:
            time.sleep(pause_s)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
    _, complaint = process.communicate(timeout=120)
    # A shell calls both of them 130: the second signal may come when all is said and done.
    assert process.returncode in (130, -signal.SIGINT), complaint
    assert "Traceback" not in complaint
    assert "interrupted; what was computed is kept" in complaint
    monkeypatch.delenv("CODECBENCH_TEST_RUN")
    wait_until(lambda: not in_session_of(mark))
    again = start(tmp_path, noises, *arguments)
    _, complaint = again.communicate()
    assert again.returncode == 0, complaint


@pytest.mark.skipif(sys.platform != "linux", reason="not here: Linux")
def test_nothing_outlives_a_run_that_is_killed(
    tmp_path: Path, noises: Path, monkeypatch: pytest.MonkeyPatch, wait_until: WaitUntil
) -> None:
    mark = str(tmp_path)
    monkeypatch.setenv("CODECBENCH_TEST_RUN", mark)
    trace = tmp_path / "trace"
    metric = f"{PLANTED}:Counting:slow_s=0.1,trace={trace}"
    process = start(tmp_path, noises, "-c", f"{PLANTED}:CoarseCodec:bits=4|8", "-m", metric, "-j2")
    wait_until(lambda: trace.exists() and len(trace.read_text().splitlines()) >= 3)
    process.kill()
    # Not until its pipes close: whoever outlives it holds them.
    process.wait()
    wait_until(lambda: not in_session_of(mark))
    process.communicate()


def in_session_of(mark: str) -> list[int]:
    """Return the processes that inherited a mark, zombies aside."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("CODECBENCH_TEST_RUN") == mark:
                found.append(process.pid)
        except psutil.Error:
            continue
    return [pid for pid in found if pid != os.getpid()]


CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
/* A clock on the wall that runs backwards, a minute for each look at it. */
static int looks = 0;
int clock_gettime(clockid_t which, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(which, now);
    if (which == CLOCK_REALTIME) now->tv_sec -= 60L * ++looks;
    return code;
}
"""


@pytest.mark.soak
def test_a_clock_that_runs_backwards_changes_nothing(
    tmp_path: Path, noises: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("not here: no compiler for a clock")
    source, library = tmp_path / "clock.c", tmp_path / "clock.so"
    source.write_text(CLOCK)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    exports = []
    arguments = ("-c", "pcm:bits=8|16", "-m", f"si_sdr,{PLANTED}:Counting", "-j", "2")
    for preload in ("", str(library)):
        monkeypatch.setenv("LD_PRELOAD", preload)
        if preload:
            look = "import time; print(time.time() - time.time())"
            passed = subprocess.run(
                [sys.executable, "-c", look], capture_output=True, text=True, check=True
            )
            assert float(passed.stdout) > 50, "the clock does not run backwards"
        process = start(tmp_path, noises, *arguments)
        _, complaint = process.communicate()
        assert process.returncode == 0, complaint
        out = tmp_path / "export.csv"
        command = [sys.executable, "-P", "-m", "codecbench", "export", str(tmp_path / "run")]
        subprocess.run([*command, "--no-times", "-o", str(out)], check=True, capture_output=True)
        exports.append(out.read_bytes())
        shutil.rmtree(tmp_path / "run")
        shutil.rmtree(tmp_path / "cache")
    assert exports[0] == exports[1]


@pytest.mark.slow
def test_a_report_is_written_again_only_when_something_is_new(tmp_path: Path, noises: Path) -> None:
    page = tmp_path / "run/report/index.html"

    def run_again(*arguments: str) -> int:
        process = start(tmp_path, noises, "-m", "si_sdr", "-j", "1", "-q", *arguments)
        said, complaint = process.communicate()
        assert process.returncode == 0, complaint
        assert f"report: {page}" in said
        return page.stat().st_mtime_ns

    first = run_again("-c", "pcm:bits=8")
    assert run_again("-c", "pcm:bits=8") == first
    second = run_again("-c", "pcm:bits=8|12", "--update")
    assert second > first
    page.unlink()
    assert run_again("-c", "pcm:bits=8|12") > second
