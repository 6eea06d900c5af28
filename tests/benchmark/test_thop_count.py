"""Counts in thop's way against those that the specification measured on FunCodec's own classes."""

import pytest

from codecbench.adapters.neural.neural_codec import NeuralCodec
from codecbench.adapters.registry import get_codec
from codecbench.benchmark.operation_count import count_macs
from codecbench.benchmark.thop_count import count_macs_as_thop

torch = pytest.importorskip("torch")

# funcodec_report.json: of one second, without the search in codebooks; "true" and as thop counts.
COUNTS = {
    "recipe": ((1477810144, 1484268096), (1478227936, 4992041536)),
    "gr1": ((198749600, 189080256), (198749600, 241857216)),
    "gr1_half": ((99374800, 94540128), (99374800, 120928608)),
    "gr8": ((571510240, 485692992), (571510240, 907908672)),
}
SEARCH = 51 * 1024 * 128  # of one codebook, for the 51 frames of a second


@pytest.mark.parametrize("variant", COUNTS)
def test_both_conventions(variant: str) -> None:
    codec = get_codec(f"freqcodec:variant={variant},codebooks=1")
    assert isinstance(codec, NeuralCodec)
    codec.load_plain()
    torch.set_num_threads(1)
    true, thop = COUNTS[variant]
    encode, decode = count_macs(codec, codec.points[0], 16000)
    assert (encode - SEARCH, decode) == true
    assert count_macs_as_thop(codec, codec.points[0], 16000) == thop
