from collections.abc import Callable

import numpy as np
import pytest

from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_audio
from codecbench.core.errors import ConfigError, MissingDependencyError
from codecbench.datasets.registry import get_dataset
from codecbench.metrics.evaluation import evaluate, prepare_reference
from codecbench.metrics.registry import get_metric
from codecbench.metrics.torch_batch import BATCHED, TorchBatch

torch = pytest.importorskip("torch", reason="not here: torch")
torch.set_num_threads(1)  # threads that wait for busy cores are far slower than one
AGREEMENT = 1e-5
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


@pytest.fixture(scope="module")
def reference() -> Audio:
    return read_audio(get_dataset("demo").clips[0].path)


@pytest.fixture(scope="module")
def versions(reference: Audio) -> list[Audio]:
    """Noise at several levels, a turned and a louder signal, the reference, and misfits."""
    noise = np.random.default_rng(0).standard_normal(reference.n_samples).astype(np.float32)
    made = [
        *(reference.samples + gain * noise for gain in (1e-4, 1e-2, 0.2)),
        -0.5 * reference.samples,
        np.roll(reference.samples, 40),
        reference.samples,
        np.full_like(reference.samples, 0.25),
        reference.samples[:-160],
    ]
    return [Audio.clip(samples, reference.sample_rate).quantize_16bit() for samples in made]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("sample_rate", [10000, 16000])
def test_a_batch_agrees_with_the_metrics(
    reference: Audio, versions: list[Audio], device: str, sample_rate: int
) -> None:
    clean = Audio(reference.samples, sample_rate)
    coded = [Audio(version.samples, sample_rate) for version in versions]
    names = BATCHED if sample_rate == 16000 else ("stoi", "estoi", "si_sdr")
    batch = TorchBatch(clean, names, device=device).score(coded)
    for name in names:
        metric = get_metric(name)
        prepared = prepare_reference(metric, clean)
        for version, cells in zip(coded, batch, strict=True):
            alone = evaluate(metric, prepared, version)[name]
            assert (cells[name].status, cells[name].reason) == (alone.status, alone.reason)
            if alone.value is not None:
                assert cells[name].value == pytest.approx(alone.value, abs=AGREEMENT)


def test_a_batch_agrees_on_real_speech(pair: Callable[[str], tuple[Audio, Audio]]) -> None:
    for name in ("011", "013", "024"):
        clean, coded = pair(name)
        (cells,) = TorchBatch(clean, device="cpu").score([coded])
        for metric in map(get_metric, BATCHED):
            alone = evaluate(metric, prepare_reference(metric, clean), coded)[metric.name]
            assert cells[metric.name].value == pytest.approx(alone.value, abs=AGREEMENT)


def test_chunks_change_nothing(
    reference: Audio, versions: list[Audio], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = TorchBatch(reference, ("stoi", "si_sdr"), device="cpu").score(versions)
    monkeypatch.setattr("codecbench.metrics.torch_batch._CHUNK_SAMPLES", 2 * reference.n_samples)
    parts = TorchBatch(reference, ("stoi", "si_sdr"), device="cpu").score(versions)
    for one, other in zip(whole, parts, strict=True):
        for name, cell in one.items():
            assert other[name].status == cell.status
            if cell.value is not None:
                assert other[name].value == pytest.approx(cell.value, abs=1e-12)


def test_what_the_reference_decides_is_undefined_for_all(reference: Audio) -> None:
    short = Audio(reference.samples[:3000], reference.sample_rate)
    cells = TorchBatch(short, ("stoi", "si_sdr"), device="cpu").score([short, short])
    assert [row["stoi"].reason for row in cells] == ["too_short", "too_short"]
    assert [row["si_sdr"].value for row in cells] == [100.0, 100.0]


def test_no_versions_give_no_cells(reference: Audio) -> None:
    assert TorchBatch(reference, device="cpu").score([]) == []


def test_other_metrics_are_refused(reference: Audio) -> None:
    with pytest.raises(ConfigError, match="pesq_wb: cannot be batched; choose from stoi"):
        TorchBatch(reference, ("stoi", "pesq_wb"), device="cpu")


def test_a_missing_gpu_is_named(reference: Audio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(MissingDependencyError, match="device='cpu'"):
        TorchBatch(reference)
