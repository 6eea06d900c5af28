"""What `codecbench explain` says, and that it is true and the same as on the page."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from codecbench.core.audio import Audio
from codecbench.metrics.evaluation import evaluate_pair
from codecbench.metrics.registry import BUILTIN, CORE, get_metric

Cli = Callable[..., subprocess.CompletedProcess[str]]

OWN = '''
from codecbench import Metric


class Peak(Metric):
    """Difference of the largest samples."""

    name = "peak"
    outputs = ("peak_ref", "peak_deg")
    higher_is_better = False
    range = (0.0, 1.0)
    min_seconds = 0.01
    source = "here"

    @property
    def definition(self):
        return "peak: largest |sample|"

    def prepare(self, reference):
        return float(abs(reference.samples).max())

    def score(self, prepared, degraded):
        return {"peak_ref": prepared, "peak_deg": float(abs(degraded.samples).max())}
'''


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("name", sorted(BUILTIN))
def test_every_metric_of_ours_has_formula_domain_and_caveats(name: str) -> None:
    metric = get_metric(name)
    for text in (metric.formula, metric.domain, metric.caveats, metric.source):
        assert len(text) > 15


def test_says_everything_that_a_reader_needs(cli: Cli) -> None:
    done = cli("explain", "pesq_wb", "mcd:order=13")
    assert done.returncode == 0
    said = words(done.stdout)
    for metric in (get_metric("pesq_wb"), get_metric("mcd:order=13")):
        for text in (metric.formula, metric.domain, metric.caveats, metric.source):
            assert words(text) in said
        assert words(metric.definition) in said
        assert metric.definition_hash() in said
    assert "range 0.999 … 4.644 MOS-LQO, higher is better" in said
    assert max(map(len, done.stdout.splitlines())) <= 92


def test_a_group_is_explained_metric_by_metric(cli: Cli) -> None:
    said = cli("explain", "core").stdout
    assert [line.partition(":")[0] for line in re.findall(r"^\w.*", said, re.M)] == list(CORE)


def test_a_metric_of_ones_own_is_explained_with_what_it_says(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    said = words(cli("explain", "./own.py:Peak").stdout)
    assert "Difference of the largest samples." in said
    assert "outputs peak_ref, peak_deg" in said
    assert "caveats" not in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["explain"], "name one or more metrics"),
        (["explain", "stoi", "--all"], "name one or more metrics"),
        (["explain", "stio"], "did you mean stoi"),
        (["explain", "mcd:order=0"], "order must be"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(
    cli: Cli, arguments: list[str], message: str
) -> None:
    done = cli(*arguments)
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.returncode == 2


def test_the_page_is_what_the_command_writes(cli: Cli, root: Path) -> None:
    page = (root / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert page == cli("explain", "--all", "--markdown").stdout, (
        "run: codecbench explain --all --markdown > docs/metrics.md"
    )


@pytest.mark.parametrize("name", sorted(BUILTIN))
def test_what_it_is_said_to_be_blind_to_does_not_move_it(name: str, speech: Audio) -> None:
    metric = get_metric(name)
    rng = np.random.default_rng(5)
    clean = 0.5 * speech.samples.astype(np.float64)
    noisy = clean + 0.005 * rng.standard_normal(clean.size)

    def score(degraded: np.ndarray) -> float:
        cell = evaluate_pair(metric, clean, degraded, speech.sample_rate)[name]
        if cell.status.value == "skipped":
            pytest.skip(f"not here: {cell.detail}")
        assert cell.value is not None
        return cell.value

    base, softer, flipped = score(noisy), score(noisy / 2), score(-noisy)
    said = metric.caveats
    blind, deaf = re.search(r"Blind to ([^.:;]*)", said), re.search(r"Not blind to ([^.:;]*)", said)
    blind_to = (blind[1] if blind else "") + (" polarity" if "blind to polarity" in said else "")
    # Rounding to 16 bit comes after the gain and moves scores a little, F0 by up to 1.5 %.
    small = 0.02 * max(1.0, abs(base))
    if "gain" in blind_to or name == "si_sdr_aligned":
        assert softer == pytest.approx(base, abs=small)
    else:
        assert deaf is not None
        assert "level" in deaf[1]
        assert abs(softer - base) > small
    assert flipped == pytest.approx(base, abs=small)
