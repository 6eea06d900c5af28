"""The average of weights, by hand."""

import pytest

torch = pytest.importorskip("torch")

from codecbench.training.weight_average import WeightAverage  # noqa: E402


def test_the_average_follows_with_a_rising_decay():
    model = torch.nn.BatchNorm1d(1)
    average = WeightAverage(model, 0.25)
    with torch.no_grad():
        model.weight.fill_(3.0)
        model.running_mean.fill_(4.0)
        model.num_batches_tracked.fill_(7)
    average.update(model)
    # The first weight of the past is the smaller of 0.25 and 2 / 11.
    assert average.model.weight.item() == pytest.approx(1 + (1 - 2 / 11) * 2)
    assert average.model.running_mean.item() == pytest.approx((1 - 2 / 11) * 4)
    assert average.model.num_batches_tracked.item() == 7
    before = average.model.weight.item()
    for _ in range(4):
        average.update(model)
    # 3 / 12 is the decay asked for: from then on every update leaves a quarter of the distance.
    assert 3 - average.model.weight.item() == pytest.approx((3 - before) * 0.25**4, rel=1e-4)


def test_the_average_can_begin_anew():
    model = torch.nn.Linear(2, 2)
    average = WeightAverage(model, 0.9)
    with torch.no_grad():
        model.weight.add_(1.0)
    average.update(model)
    average.restart(model)
    assert torch.equal(average.model.weight, model.weight)
    assert int(average.updates) == 0
