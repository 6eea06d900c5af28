"""A state comes back as it was, or not at all."""

import pytest

from codecbench.core.errors import ConfigError

torch = pytest.importorskip("torch")

from codecbench.training.state_file import load_state, save_state, write_whole  # noqa: E402


def test_nested_states_come_back_bit_for_bit(tmp_path):
    shared = torch.randn(5, generator=torch.Generator().manual_seed(1))
    state = {
        "numbers": {0: shared, 1: shared, "half": shared.half(), "step": torch.tensor(3)},
        "list": [1, 2.5, None, True, "text", (torch.zeros(0), [])],
    }
    save_state(tmp_path / "state", state)
    again = load_state(tmp_path / "state")
    assert list(again["numbers"]) == [0, 1, "half", "step"]
    for key, value in state["numbers"].items():
        assert torch.equal(again["numbers"][key], value)
        assert again["numbers"][key].dtype == value.dtype
    assert again["list"][:5] == [1, 2.5, None, True, "text"]
    assert isinstance(again["list"][5], tuple)
    assert again["list"][5][0].shape == (0,)


def test_an_optimiser_goes_on_as_if_nothing_had_happened(tmp_path):
    def make():
        torch.manual_seed(0)
        model = torch.nn.Linear(4, 4)
        return model, torch.optim.AdamW(model.parameters(), lr=0.1)

    def step(model, optimizer):
        optimizer.zero_grad()
        model(torch.ones(2, 4)).square().sum().backward()
        optimizer.step()

    model, optimizer = make()
    step(model, optimizer)
    save_state(tmp_path / "s", {"m": model.state_dict(), "o": optimizer.state_dict()})
    step(model, optimizer)
    other, late = make()
    state = load_state(tmp_path / "s")
    other.load_state_dict(state["m"])
    late.load_state_dict(state["o"])
    step(other, late)
    assert torch.equal(other.weight, model.weight)


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def half(draft):
        draft.write_text("ne")
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011  (whatever the writer raised)
        write_whole(path, half)
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("content", [b"", b"no state", b"\x08\0\0\0\0\0\0\0{}      "])
def test_a_damaged_state_is_one_line(tmp_path, content):
    path = tmp_path / "state"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="damaged or no state") as caught:
        load_state(path)
    assert "\n" not in str(caught.value)
