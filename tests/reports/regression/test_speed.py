"""Ratios of times: what a sample says, and that two codecs are really timed in turns."""

import json
from pathlib import Path

import numpy as np
import pytest

from codecbench.benchmark.speed_ratio import SpeedRatio, measure_speed_ratio
from codecbench.reports.regression.speed import judge_times

NOISY = Path(__file__).with_name("noisy_codec.py")


def sample(mean: float, spread: float, seed: int, rounds: int = 12) -> tuple[float, ...]:
    """Logarithms of ratios with exactly this mean and standard deviation."""
    noise = np.random.default_rng(seed).standard_normal(rounds)
    noise = (noise - noise.mean()) / noise.std(ddof=1)
    return tuple((mean + spread * noise).tolist())


def judged(now, before=None, limit=10.0):
    ratio = SpeedRatio(spec="a", reference="b", log_ratios=now)
    return judge_times("a", ratio, before, limit_percent=limit, level=0.95)


def test_the_interval_is_students() -> None:
    found = judged(sample(np.log(1.2), 0.05, 1))
    assert found.ratio == pytest.approx(1.2)
    # t(11, 0.975) = 2.201 from any table; 0.05 / sqrt(12) is the standard error.
    reach = 2.201 * 0.05 / np.sqrt(12)
    assert found.low == pytest.approx(1.2 * np.exp(-reach), rel=1e-4)
    assert found.high == pytest.approx(1.2 * np.exp(reach), rel=1e-4)
    assert found.is_sure
    assert not found.is_harmless


def test_equal_times_are_harmless_only_where_the_noise_allows() -> None:
    assert judged(sample(0.0, 0.02, 1)).is_harmless
    assert not judged(sample(0.0, 0.5, 1)).is_harmless
    assert not judged(sample(0.0, 0.02, 1)).is_sure


def test_against_a_baseline_the_reference_cancels() -> None:
    # Another machine on which everything, reference and codec, is as many times slower.
    before, now = sample(0.7, 0.02, 1), sample(0.7, 0.03, 2)
    found = judged(now, before)
    assert found.ratio == pytest.approx(1.0)
    assert found.is_harmless
    assert judged(sample(1.0, 0.03, 2), before).ratio == pytest.approx(np.exp(0.3))


def test_no_times_are_no_ratio() -> None:
    failed = SpeedRatio(spec="a", reference="b", error="exception: planted")
    assert judge_times("a", failed, None, limit_percent=1, level=0.95).error == failed.error
    assert "gate update" in judged(sample(0, 1, 1), ()).error


def test_a_slow_codec_is_seen_whatever_else_the_machine_does(tmp_path: Path) -> None:
    specs = []
    for name, weights in (("fast", {"noise": 0}), ("slow", {"noise": 0, "sleep_s": 0.1})):
        (tmp_path / name).write_text(json.dumps(weights))
        specs.append(f'{NOISY}:NoisyCodec:checkpoint="{tmp_path / name}"')
    timed = measure_speed_ratio(specs[1], specs[0], rounds=6)
    assert timed.error == ""
    assert len(timed.log_ratios) == 6
    assert judge_times("slow", timed, None, limit_percent=10, level=0.95).ratio > 1.1


def test_a_codec_that_cannot_be_made_has_no_ratio(tmp_path: Path) -> None:
    spec = f'{NOISY}:NoisyCodec:checkpoint="{tmp_path / "absent"}"'
    timed = measure_speed_ratio(spec, "pcm", rounds=2)
    assert timed.log_ratios == ()
    assert "absent" in timed.error
