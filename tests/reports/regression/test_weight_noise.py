"""A network whose weights get 1 % of noise is judged as the intervals say."""

from pathlib import Path

import numpy as np
import pytest

import codecbench
from codecbench.benchmark.runner import RunOptions
from codecbench.reports.regression.decision import State
from codecbench.reports.statistics.comparison import Verdict

CODEC = "psq:bitrate=1500"


def save_weights(path: Path, noise: float) -> None:
    """Write the weights of the codec's fixed seed, with noise in shares of each tensor's spread."""
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    codec = codecbench.get_codec(f"{CODEC},checkpoint=untrained")
    codec.load_plain()
    generator = torch.Generator().manual_seed(1)
    tensors = {}
    for name, value in codec.model.state_dict().items():
        moved = value.clone()
        if value.is_floating_point() and value.numel() > 1:
            moved += noise * value.std() * torch.randn(value.shape, generator=generator)
        tensors[name] = moved.contiguous()
    save_file(tensors, path)


@pytest.mark.soak
def test_one_per_cent_of_noise_is_judged_as_the_intervals_say(tmp_path: Path) -> None:
    from scipy import stats

    for name, noise in (("base", 0.0), ("new", 0.01), ("wild", 1.0)):
        save_weights(tmp_path / f"{name}.safetensors", noise)

    def against_base(name: str):
        return codecbench.compare(
            tmp_path / "base.safetensors",
            tmp_path / f"{name}.safetensors",
            codec=CODEC,
            data="demo",
            metrics="estoi,mel_dac,si_sdr",
            out=tmp_path / name,
            options=RunOptions(jobs=1, cache=tmp_path / "cache"),
        )

    same = against_base("base")
    assert same.decision.state is State.PASSED
    assert {row.mark for row in same.changes.rows} == {" "}

    for report in (against_base("new"), against_base("wild")):
        rows = report.changes.rows
        assert len(rows) == 3
        frames = [side.results.frame for side in (report.base, report.new)]
        for row in rows:
            base, new = (
                frame[frame["metric"] == row.metric.name].set_index("clip")["value"]
                for frame in frames
            )
            moved = (new - base).to_numpy()
            assert np.abs(moved).max() > 0
            # Twelve voices, one clip each: Student's interval of scipy must lie within ours.
            plain = stats.ttest_1samp(moved, 0.0)
            limits = plain.confidence_interval(0.95)
            one_sided = plain.confidence_interval(0.90)
            found = row.judged.comparison
            assert found.difference == pytest.approx(moved.mean())
            assert found.low <= limits.low + 1e-9
            assert found.high >= limits.high - 1e-9
            if found.verdict in (Verdict.WORSE, Verdict.BETTER):
                assert plain.pvalue <= 0.05
                assert found.low > 0 or found.high < 0
            if found.verdict is Verdict.EQUIVALENT:
                assert one_sided.low > -found.margin
                assert one_sided.high < found.margin
            if row.mark == "+":
                assert row.worst
        worse = any(row.judged.comparison.verdict is Verdict.WORSE for row in rows)
        assert (report.decision.state is State.REGRESSION) == worse
