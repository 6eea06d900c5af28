"""Packed linear layers against the layers that they replace."""

import pytest

torch = pytest.importorskip("torch", reason="not here: torch")

from codecbench.adapters.neural.layers.packed_linear import (  # noqa: E402
    PackedLinear,
    can_pack,
    pack_linears,
)


@pytest.mark.parametrize("rows", [1, 7, 640])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("gelu", [True, False])
def test_computes_what_the_layer_did(rows: int, bias: bool, gelu: bool) -> None:
    if not can_pack(torch.device("cpu")):
        pytest.skip("not here: oneDNN's operators")
    generator = torch.Generator().manual_seed(rows)
    layer = torch.nn.Linear(45, 135, bias=bias)
    x = torch.randn(2, rows, 45, generator=generator)
    with torch.inference_mode():
        expected = layer.double()(x.double())
        if gelu:
            expected = torch.nn.functional.gelu(expected)
        found = PackedLinear(layer.float(), gelu=gelu)(x)
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < 2e-6


def test_replaces_all_linear_layers_and_nothing_else() -> None:
    if not can_pack(torch.device("cpu")):
        pytest.skip("not here: oneDNN's operators")
    inner = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Conv1d(1, 1, 3))
    model = torch.nn.Sequential(torch.nn.LayerNorm(3), inner, torch.nn.Linear(4, 5))
    pack_linears(model)
    kinds = [type(module).__name__ for module in model.modules()]
    assert kinds.count("PackedLinear") == 2
    assert "Linear" not in kinds
    assert {"LayerNorm", "Conv1d"} <= set(kinds)
