"""The table of PSQ's blocks, read off the network that runs here."""

from pathlib import Path

from codecbench.core.dependency import require
from codecbench.core.errors import MissingDependencyError
from codecbench.reports.papers.artefact import PUBLISHED, Artefact
from codecbench.reports.papers.definition import ArtefactFacts
from codecbench.reports.papers.measured import Measured
from codecbench.reports.typeset import Entry, TextTable

# arXiv:2405.08417v1, table I; in the order of the blocks of the encoder.
KERNELS = (7, 5, 5, 5, 3, 3)
CHANNELS = (256, 128, 64, 64, 32, 32)
STRIDES = (1, 1, 1, 1, 1, 2)


def build_blocks(facts: ArtefactFacts, measured: Measured, name: str, folder: Path) -> Artefact:
    """Set kernels, channels and strides of our layers beside the published ones.

    Args:
        facts: What the paper has.
        measured: Not used: layers hang on no run.
        name: Stem of the files.
        folder: Not used: there is no figure.
    """
    del measured, folder
    try:
        ours = _layers()
    except MissingDependencyError as error:
        ours, reason = [], str(error)
    else:
        reason = ""
    rows = []
    for place, theirs in enumerate(zip(KERNELS, CHANNELS, STRIDES, strict=True)):
        entries = [Entry(text=f"block {place + 1}")]
        for number, published in enumerate(theirs):
            here = (
                Entry(text=str(ours[place][number]), kind="value")
                if ours
                else Entry(text=reason, kind="reason")
            )
            entries += [here, Entry(text=str(published), kind="value")]
        rows.append(tuple(entries))
    heads = ("kernel", "channels", "stride in time")
    table = TextTable(
        title=f"{facts.number}: {facts.title}",
        columns=("Block", *(head for each in heads for head in (each, f"{each}, {PUBLISHED}"))),
        numeric=(False, *[True] * 6),
        rows=tuple(rows),
        notes=("Published: Brendel et al. 2024, arXiv:2405.08417v1, table I.",),
        name=name,
    )
    return Artefact(facts=facts, name=name, tables=(table,))


def _layers() -> list[tuple[int, int, int]]:
    """Return kernel, channels and stride of each block of the encoder."""
    require("torch")
    from codecbench.adapters.neural.layers.causal import CausalConv1d
    from codecbench.adapters.neural.psq_model import PsqConfig, PsqModel

    found = []
    for block in PsqModel(PsqConfig()).encoder.blocks:
        # As the parts are built, not as the table says that they should be.
        strided, first = block.get_submodule("conv"), block.get_submodule("blocks.0.depthwise")
        assert isinstance(strided, CausalConv1d)
        assert isinstance(first, CausalConv1d)
        found.append((first.kernel_size[0], strided.out_channels, strided.stride[0]))
    return found
