"""The reach of convolutions, against gradients of the real layers."""

import pytest

from codecbench.adapters.neural.reach import Conv, Transposed, lookahead_samples, same

torch = pytest.importorskip("torch")

# Kernels, strides and paddings of two codecs' coders: even ones, and odd ones that are not centred.
COARSE = [(5, 3, 1), (4, 2, 1)]
FINE = [(11, 5, 3), (7, 3, 2)]


@pytest.mark.parametrize("strided", [COARSE, FINE])
def test_reach_is_that_of_gradients(strided: list[tuple[int, int, int]]) -> None:
    down = [torch.nn.Conv1d(1, 1, k, s, p) for k, s, p in strided]
    up = [torch.nn.ConvTranspose1d(1, 1, k, s, p) for k, s, p in strided[::-1]]
    middle = torch.nn.Conv1d(1, 1, 3, padding=2, dilation=2)
    model = torch.nn.Sequential(*down, middle, *up).double()
    for weight in model.parameters():
        weight.data.fill_(1.0)
    hop = 1
    for _, stride, _ in strided:
        hop *= stride
    given = torch.zeros(1, 1, 40 * hop, dtype=torch.float64, requires_grad=True)
    decoded = model(given)[0, 0]
    ends = []
    for output in range(20 * hop, 21 * hop):
        (gradient,) = torch.autograd.grad(decoded[output], given, retain_graph=True)
        ends.append(int(gradient[0, 0].nonzero().max()) - output + 1)
    layers = [
        *(Conv(kernel - 1, stride, padding) for kernel, stride, padding in strided),
        same(4),
        *(Transposed(stride, padding) for _, stride, padding in strided[::-1]),
    ]
    assert lookahead_samples(layers, hop) == max(ends) - hop
