"""Codebooks that learn by gradients: their start, and codewords that nobody uses."""

import pytest

torch = pytest.importorskip("torch", reason="not here: torch")

from codecbench.adapters.neural.layers.vector_quantizer import VectorQuantizer  # noqa: E402
from codecbench.training.codebook_care import CodebookCare, Phase, RecentBatches  # noqa: E402


def test_a_start_puts_codewords_amid_the_data_in_model_and_average() -> None:
    torch.manual_seed(0)
    book, average = (VectorQuantizer(2, 3) for _ in range(2))
    centres = torch.tensor([[5.0, 0.0, 0.0], [0.0, -5.0, 0.0]])
    vectors = centres.repeat_interleave(50, dim=0) + 0.1 * torch.randn(100, 3)
    # k-means from two vectors of one cloud would still find both clouds.
    CodebookCare([book], least_count=0.0).start(0, [book, average], vectors)
    found = book.embedding.weight.detach()
    assert torch.cdist(centres, found).min(dim=1).values.max() < 0.1
    assert torch.equal(average.embedding.weight, book.embedding.weight)


def test_codewords_out_of_use_are_put_on_data() -> None:
    torch.manual_seed(0)
    book, average = (VectorQuantizer(4, 2) for _ in range(2))
    care = CodebookCare([book], least_count=0.5)
    before = book.embedding.weight.detach().clone()
    for _ in range(100):  # counts start at 1 and fall by a hundredth
        care.count([torch.tensor([[0, 1], [1, 0]])])
    vectors = torch.tensor([[7.0, 7.0], [8.0, 8.0]])
    assert care.revive(0, [book, average], vectors) == 2
    after = book.embedding.weight.detach()
    assert torch.equal(after[:2], before[:2])
    assert sorted(after[2:, 0].tolist()) == [7.0, 8.0]
    assert torch.equal(average.embedding.weight, after)


def test_recent_batches_are_the_last_ones_and_survive_saving() -> None:
    recent = RecentBatches(2)
    assert recent.batches() == []
    for value in (1.0, 2.0, 3.0):
        recent.keep(torch.full((2, 5), value))
    assert [float(each[0, 0]) for each in recent.batches()] == [2.0, 3.0]
    again = RecentBatches(2)
    again.load_state_dict(recent.state_dict())
    assert torch.equal(torch.stack(again.batches()), torch.stack(recent.batches()))
    again.clear()
    assert again.batches() == []
    recent.load_state_dict(again.state_dict())
    assert recent.batches() == []


def test_a_phase_is_remembered() -> None:
    phase, again = Phase(), Phase()
    phase.begin()
    again.load_state_dict(phase.state_dict())
    assert again.begun
    assert not Phase().begun
