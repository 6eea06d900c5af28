"""The loader of weights: what it reads, and what it refuses with one line."""

import hashlib
import json
import pickle
from pathlib import Path

import pytest

from codecbench.core.checkpoint import (
    CheckpointError,
    find_checkpoint,
    load_tensors,
    read_checkpoint,
    save_checkpoint,
)
from codecbench.core.errors import MissingWeightsError

torch = pytest.importorskip("torch", reason="not here: torch")


def small_model() -> "torch.nn.Module":
    model = torch.nn.Sequential(torch.nn.Conv1d(2, 3, 5), torch.nn.Linear(3, 4))
    torch.nn.utils.parametrizations.weight_norm(model[0])
    return model


def refused(path: Path, match: str) -> None:
    with pytest.raises(CheckpointError, match=match) as caught:
        read_checkpoint(path)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    model, other = small_model(), small_model()
    save_checkpoint(tmp_path / "a/model.safetensors", model, {"width": 3})
    stored = read_checkpoint(tmp_path / "a/model.safetensors")
    assert stored.config == {"width": 3}
    assert set(stored.tensors) == {"0.bias", "0.weight_g", "0.weight_v", "1.weight", "1.bias"}
    load_tensors(other, stored.tensors, what="a test")
    x = torch.randn(1, 2, 7)
    assert torch.equal(model[0](x), other[0](x))
    assert torch.equal(model[1].weight, other[1].weight)


def test_old_names_of_weight_norm_load(tmp_path: Path) -> None:
    """w = g v / |v| over all dimensions but the first, computed by hand."""
    g, v = torch.rand(3, 1, 1), torch.randn(3, 2, 5)
    tensors = {"0.weight_g": g, "0.weight_v": v, "0.bias": torch.zeros(3)}
    torch.save({**tensors, "1.weight": torch.ones(4, 3), "1.bias": torch.ones(4)}, tmp_path / "m")
    model = small_model()
    load_tensors(model, read_checkpoint(tmp_path / "m").tensors, what="a test")
    expected = g * v / v.square().sum(dim=(1, 2), keepdim=True).sqrt()
    assert torch.allclose(model[0].weight, expected, atol=1e-7)


def test_wrappers_sections_and_parallel_prefixes_are_taken_off(tmp_path: Path) -> None:
    weights = {"module.a.weight": torch.ones(2), "module.a.bias": torch.zeros(2)}
    content = {"step": 3, "model_state_dict": weights, "optimizer": {"state": {0: torch.ones(9)}}}
    torch.save(content, tmp_path / "wrapped.pth")
    assert sorted(read_checkpoint(tmp_path / "wrapped.pth").tensors) == ["a.bias", "a.weight"]
    parts = {"encoder": {"w": torch.ones(1)}, "generator": {"w": torch.ones(1)}, "optim_g": weights}
    torch.save(parts, tmp_path / "parts.pth")
    found = read_checkpoint(tmp_path / "parts.pth", only=("encoder", "generator"))
    assert sorted(found.tensors) == ["encoder.w", "generator.w"]


def test_half_precision_becomes_float32(tmp_path: Path) -> None:
    torch.save({"w": torch.ones(2, dtype=torch.float16), "n": torch.arange(3)}, tmp_path / "m.pt")
    tensors = read_checkpoint(tmp_path / "m.pt").tensors
    assert tensors["w"].dtype == torch.float32
    assert tensors["n"].dtype == torch.int64


def test_the_hash_is_that_of_the_file_and_follows_it(tmp_path: Path) -> None:
    file = tmp_path / "m.pt"
    for value in (1.0, 2.0):
        torch.save({"w": torch.full((3,), value)}, file)
        file.touch()
        assert read_checkpoint(file).sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_configuration_beside_is_read(tmp_path: Path) -> None:
    torch.save({"w": torch.ones(1)}, tmp_path / "m.pt")
    (tmp_path / "config.json").write_text(json.dumps({"hop": 320}))
    assert read_checkpoint(tmp_path / "m.pt").config == {"hop": 320}
    (tmp_path / "config.json").write_text("{hop")
    with pytest.raises(CheckpointError, match=r"config\.json' is no JSON"):
        read_checkpoint(tmp_path / "m.pt")


class Trap:
    """A pickle that would make a file when it is loaded the ordinary way."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.target,))


@pytest.mark.parametrize("wrap", [torch.save, lambda content, path: pickled(content, path)])
def test_code_is_refused_and_not_run(tmp_path: Path, wrap: object) -> None:
    target = tmp_path / "owned"
    wrap({"w": torch.ones(2), "trap": Trap(target)}, tmp_path / "m.pth")  # type: ignore[operator]
    refused(tmp_path / "m.pth", "refused: it holds code|no PyTorch checkpoint")
    assert not target.exists()


def pickled(content: object, path: Path) -> None:
    path.write_bytes(pickle.dumps(content, protocol=2))


def test_a_cut_file_is_named_as_cut(tmp_path: Path) -> None:
    torch.save({"w": torch.randn(5000)}, tmp_path / "whole.pth")
    data = (tmp_path / "whole.pth").read_bytes()
    for share in (0.2, 0.5, 0.99):
        (tmp_path / "cut.pth").write_bytes(data[: int(share * len(data))])
        refused(tmp_path / "cut.pth", "cut short")
    save_checkpoint(tmp_path / "whole.safetensors", small_model(), {})
    data = (tmp_path / "whole.safetensors").read_bytes()
    for length in (0, 4, 60, len(data) - 1):
        (tmp_path / "cut.safetensors").write_bytes(data[:length])
        refused(tmp_path / "cut.safetensors", "damaged")


@pytest.mark.parametrize(
    "data", [b"", b"RIFF....WAVEfmt ", b"<html>not found</html>", bytes(range(256)) * 20]
)
def test_other_files_are_refused(tmp_path: Path, data: bytes) -> None:
    for name in ("m.pth", "m.safetensors"):
        (tmp_path / name).write_bytes(data)
        refused(tmp_path / name, "damaged|no PyTorch checkpoint")


def test_content_that_is_no_model_is_refused(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "list.pt")
    refused(tmp_path / "list.pt", "holds a list")
    torch.save({"step": 4}, tmp_path / "empty.pt")
    refused(tmp_path / "empty.pt", "holds no tensors")
    torch.save({"w": torch.tensor([1.0, float("nan")])}, tmp_path / "nan.pt")
    refused(tmp_path / "nan.pt", "tensor w holds values that are not finite")


def test_the_difference_is_told_in_names_and_shapes() -> None:
    model = torch.nn.Linear(3, 4)
    tensors = {"weight": torch.ones(5, 3), "beta": torch.ones(1)}
    with pytest.raises(CheckpointError) as caught:
        load_tensors(model, tensors, what="a test")
    assert str(caught.value) == (
        "a test: 1 tensors are missing (bias); 1 are not of this model (beta); "
        "1 have another shape (weight (5, 3) instead of (4, 3)); of 2 tensors wanted"
    )


def test_a_refused_checkpoint_leaves_the_model_alone() -> None:
    model = torch.nn.Linear(3, 4)
    before = model.bias.clone()
    with pytest.raises(CheckpointError):
        load_tensors(model, {"bias": torch.ones(4)}, what="a test")
    assert torch.equal(model.bias, before)


def test_paths_are_files_or_folders(tmp_path: Path) -> None:
    names = ("model.safetensors", "model.pth")
    with pytest.raises(MissingWeightsError, match="no checkpoint at"):
        find_checkpoint(tmp_path / "nowhere", names)
    with pytest.raises(MissingWeightsError, match=r"should hold model\.safetensors or model\.pth"):
        find_checkpoint(tmp_path, names)
    for name in reversed(names):
        (tmp_path / name).touch()
        assert find_checkpoint(tmp_path, names) == tmp_path / name
    assert find_checkpoint(tmp_path / "model.pth", names).name == "model.pth"
