"""X-codec's own: rates, size, lengths. The rest: test_pretrained.py."""

import numpy as np
import pytest

from codecbench.adapters.neural.xcodec import XcodecCodec
from codecbench.adapters.registry import get_codec
from codecbench.core.errors import EncodeError

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")


def test_published_rates() -> None:
    # transformers.md, section 4: 1, 2, 3, 4 and 8 codebooks of 500 bit/s.
    codec = get_codec("xcodec")
    rates = {point.name: point.nominal_bps for point in codec.points}
    assert rates == {"1": 500, "2": 1000, "3": 1500, "4": 2000, "8": 4000}
    assert not codec.info.causal


def test_size_of_the_published_model() -> None:
    # transformers.md, section 5: 160.7 million parameters, 94.4 of them HuBERT's.
    with torch.device("meta"):  # shapes without numbers
        model = XcodecCodec().make_random()
    assert round(sum(weight.numel() for weight in model.parameters()) / 1e6, 1) == 160.7
    semantic = model.semantic_model
    assert round(sum(weight.numel() for weight in semantic.parameters()) / 1e6, 1) == 94.4


def test_refuses_less_than_a_frame_where_nothing_is_filled_up() -> None:
    codec = XcodecCodec()
    with pytest.raises(EncodeError, match="needs 320 samples, found 319"):
        codec.encode_codes(np.zeros(319, np.float32), codec.points[0])
