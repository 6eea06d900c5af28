"""Mimi's own: rates, size, causality. The rest: test_pretrained.py."""

import pytest

from codecbench.adapters.neural.mimi import MimiCodec
from codecbench.adapters.registry import get_codec

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")


def test_rates_of_the_paper() -> None:
    # transformers.md, section 3: 137.5 bit/s for each codebook, 1.1 kbit/s in Moshi.
    codec = get_codec("mimi:codebooks=1|8|16|32")
    assert [point.nominal_bps for point in codec.points] == [137.5, 1100.0, 2200.0, 4400.0]
    assert codec.info.latency_ms == 80.0
    assert codec.info.causal


def test_size_of_the_published_model() -> None:
    # transformers.md, section 3: 79,308,609 parameters and 16,842,987 values in buffers.
    with torch.device("meta"):  # shapes without numbers
        model = MimiCodec().make_random()
    assert sum(weight.numel() for weight in model.parameters()) == 79308609


def test_older_configuration_says_its_frame_rate() -> None:
    facts = MimiCodec.facts_of({"frame_rate": 12.5, "sampling_rate": 24000, "codebook_size": 2048})
    assert facts == MimiCodec.facts_of({})
    assert facts.hop_length == 1920
