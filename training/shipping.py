"""Weights that come with codecbench: checkpoints of trainings, halved and put into one file.

python -m codecbench.training.shipping psq 1500=runs/a 3000=runs/b
python -m codecbench.training.shipping esc runs/c
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codecbench.core.checkpoint import find_checkpoint, read_checkpoint, write_safetensors
from codecbench.core.dependency import require
from codecbench.core.errors import ConfigError
from codecbench.training.run_folder import BEST, LAST
from codecbench.training.state_file import write_whole

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS = Path(__file__).parent.parent / "adapters" / "neural" / "weights"


def ship(sources: Mapping[str, Path], out: Path) -> Path:
    """Write the weights of one codec, in 16 bits, with how they were trained.

    Equal checkpoints give equal bytes.

    Args:
        sources: Checkpoints, or folders of trainings, by the operating point that each is for;
            one under "" where it serves all.
        out: The file.

    Raises:
        ConfigError: A value does not fit in 16 bits, or a checkpoint is none.
        MissingWeightsError: There is no such checkpoint.
    """
    tensors: dict[str, Tensor] = {}
    config: dict[str, Any] = {}  # Any: what the adapters wrote
    training: dict[str, Any] = {}
    for point, source in sources.items():
        path = find_checkpoint(source, (LAST, BEST))
        checkpoint = read_checkpoint(path)
        for name, value in checkpoint.tensors.items():
            half = value.half() if value.is_floating_point() else value
            if value.is_floating_point() and not bool(half.isfinite().all()):
                msg = f"'{path}': tensor {name} does not fit in 16 bits"
                raise ConfigError(msg)
            tensors[f"{point}.{name}" if point else name] = half
        config.update({point: checkpoint.config} if point else checkpoint.config)
        training[point] = _training_of(path)
    notes = {"config": config, "training": training}
    texts = {key: json.dumps(value, sort_keys=True) for key, value in notes.items()}
    out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, lambda draft: write_safetensors(draft, tensors, texts))
    return out


def _training_of(path: Path) -> Any:  # noqa: ANN401  (what the trainer wrote)
    with require("safetensors").safe_open(path, framework="pt") as file:
        found = json.loads((file.metadata() or {}).get("training", "{}"))
    for part in found.get("history", []):
        if part.get("start_from"):
            # Where that lay is nobody's business.
            part["start_from"] = Path(part["start_from"]).parent.name
    return found


def main(arguments: Sequence[str]) -> None:
    """Ship the weights of one codec from what the command line names."""
    codec, *sources = arguments
    named = {}
    for source in sources:
        point, _, path = source.rpartition("=")
        named[point] = Path(path)
    out = ship(named, WEIGHTS / f"{codec}.safetensors")
    print(f"{out}: {out.stat().st_size / 2**20:.2f} MiB")  # noqa: T201  (a script)


if __name__ == "__main__":
    main(sys.argv[1:])
