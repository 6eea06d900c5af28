"""Kernels are compiled once, ahead of the first score, and by one process."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from codecbench.benchmark.events import DiskNeeded, RunFinished, StageStarted, WarmUp
from codecbench.benchmark.supervisor import SupervisedChild
from codecbench.benchmark.warm_up import cold_metrics, warm_up
from codecbench.cli.progress import Screen
from codecbench.metrics.registry import BUILTIN, METRICS


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for machine code in which nothing lies yet, as after an installation."""
    folder = tmp_path / "kernels"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(folder))
    return folder


def machine_code(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*.nbc")}


def test_every_metric_with_kernels_is_cold_in_a_fresh_installation(fresh):
    kernels = {name for name in BUILTIN if "numba" in METRICS.load(name).modules}
    assert "visqol" in kernels
    assert set(cold_metrics(BUILTIN)) == kernels


def test_plugins_are_left_alone(fresh, plugin):
    assert cold_metrics([plugin("Counting"), "si_sdr"]) == ()


def test_the_screen_says_what_is_compiled(capsys):
    with Screen() as screen:
        screen.follow([WarmUp(metrics=("visqol",))])
    assert "Compiling kernels (once per installation): visqol" in capsys.readouterr().err


def test_a_quiet_screen_says_nothing(capsys):
    with Screen(quiet=True) as screen:
        screen.follow([WarmUp(metrics=("visqol",))])
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_a_fresh_installation_compiles_once_and_says_so(fresh, run_it):
    first, second = [], []
    run_it(["mnru:q=10|30"], ["visqol,si_sdr"], events=first)
    assert [type(event) for event in first if not hasattr(event, "failures")] == [
        DiskNeeded,
        StageStarted,
        WarmUp,
        StageStarted,
        RunFinished,
    ]
    compiled = machine_code(fresh)
    assert compiled
    run_it(["mnru:q=5|15"], ["visqol"], out="other", events=second)
    assert not any(isinstance(event, WarmUp) for event in second)
    assert machine_code(fresh) == compiled


@pytest.mark.slow
def test_two_at_once_compile_once(fresh):
    with SupervisedChild() as one, SupervisedChild() as other, ThreadPoolExecutor(2) as pool:
        list(pool.map(warm_up, [["visqol"]] * 2, [one, other]))
        assert cold_metrics(["visqol"]) == ()
        # One of them compiled; the other waited and then had nothing to do.
        assert len({path.name for path in fresh.iterdir() if "warm-visqol" in path.name}) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(BUILTIN))
def test_warming_up_leaves_nothing_to_compile(name, fresh, tmp_path, shared):
    cold = cold_metrics([name])
    if not cold:
        pytest.skip(f"not here: {name} has no kernels")
    pairs = shared / "metrics" / "pairs"
    with SupervisedChild() as child:
        warm_up(cold, child)
    compiled = machine_code(fresh)
    assert compiled
    assert cold_metrics([name]) == ()
    with SupervisedChild() as child:
        for pair in ("000", "013"):
            request = {
                "op": "score_pair",
                "metric": name,
                "reference": str(pairs / f"{pair}_ref.flac"),
                "degraded": str(pairs / f"{pair}_deg.flac"),
                "sample_rate": 16000,
            }
            reply = child.call(request)
            assert reply.value["cells"][name][0] == "ok"
    assert machine_code(fresh) == compiled
