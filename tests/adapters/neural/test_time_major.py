"""Convolutions in the other order give what PyTorch's own give."""

import copy

import pytest

torch = pytest.importorskip("torch", reason="not here: torch")

from codecbench.adapters.neural.layers.causal import CausalConv1d, CausalConvTranspose1d  # noqa: E402
from codecbench.adapters.neural.layers.streaming_copy import streaming_copy  # noqa: E402
from codecbench.adapters.neural.layers.time_major import make_time_major  # noqa: E402

nn = torch.nn
LAYERS = {
    "plain": lambda: nn.Conv1d(6, 10, 7, padding=3),
    "pointwise": lambda: nn.Conv1d(6, 10, 1),
    "strided": lambda: nn.Conv1d(6, 10, 8, stride=4, padding=2),
    "dilated": lambda: nn.Conv1d(6, 6, 3, dilation=5, padding=5),
    "grouped": lambda: nn.Conv1d(6, 6, 5, groups=6, bias=False),
    "transposed": lambda: nn.ConvTranspose1d(6, 4, 10, stride=5, padding=3),
    "output padding": lambda: nn.ConvTranspose1d(6, 4, 5, stride=3, output_padding=1),
    "causal": lambda: CausalConv1d(6, 10, 5, 2),
    "causal dilated": lambda: CausalConv1d(6, 10, 5, dilation=3),
    "causal pointwise": lambda: CausalConv1d(6, 10, 1),
    "causal transposed": lambda: CausalConvTranspose1d(6, 4, 8, 4),
    "group norm": lambda: nn.GroupNorm(2, 6),
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("steps", [16, 60])
def test_gives_what_the_layer_gave(name: str, steps: int) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(LAYERS[name]()).eval()
    x = torch.randn(2, 6, steps)
    with torch.inference_mode():
        wanted = model(x)
        names = [key for key, _ in model.named_parameters()]
        changed = copy.deepcopy(model)
        make_time_major(changed)
        assert type(changed[0]) is not type(model[0])
        assert isinstance(changed[0], type(model[0]))
        got = changed(x)
    assert got.shape == wanted.shape
    assert torch.allclose(got, wanted, atol=2e-6)
    assert [key for key, _ in changed.named_parameters()] == names
    assert changed.state_dict().keys() == model.state_dict().keys()


def test_other_padding_stays() -> None:
    model = nn.Sequential(nn.Conv1d(2, 2, 3, padding=1, padding_mode="reflect"))
    make_time_major(model)
    assert type(model[0]) is nn.Conv1d


def test_causal_layers_stream_as_before() -> None:
    torch.manual_seed(1)
    model = nn.Sequential(CausalConv1d(3, 8, 5, 2), CausalConvTranspose1d(8, 3, 4, 2)).eval()
    make_time_major(model)
    x = torch.randn(1, 3, 24)
    with torch.inference_mode():
        stream = streaming_copy(model)
        pieces = [stream(x[..., start : start + 4]) for start in range(0, 24, 4)]
        assert torch.allclose(torch.cat(pieces, dim=-1), model(x), atol=2e-6)
