"""docs/codecs.md names every codec that there is, and every system of the papers."""

import re
from pathlib import Path

from codecbench.adapters.external.program_file import ready_made_names
from codecbench.adapters.registry import BUILTIN, CODECS
from codecbench.core.construct import option_defaults
from codecbench.core.spec import Spec


def hows(root: Path) -> list[str]:
    text = (root / "docs" / "codecs.md").read_text().replace("\\|", "¦")
    found = []
    for line in text.splitlines():
        if line.startswith("|") and not line.startswith(("|---", "| system")):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            assert len(cells) in (5, 6), line
            assert all(cells), line
            found.append(cells[-1].replace("¦", "|"))
    return found


def test_every_codec_is_in_the_table(root: Path) -> None:
    specs = [Spec.parse(text) for how in hows(root) for text in re.findall("`([^`]+)`", how)]
    named = {spec.name for spec in specs}
    treatments = {"clip", "noise", "noise_floor", "resample", "shift"}
    assert set(BUILTIN) - named == treatments  # told in words, as anchors
    for spec in specs:
        assert spec.options.keys() <= option_defaults(CODECS.load(spec.name)).keys()
    programs = {spec.options["program"][0] for spec in specs if spec.name == "command"}
    assert set(ready_made_names()) - programs == {"ffmpeg-g722"}


def test_systems_of_the_papers_are_there(root: Path) -> None:
    # protocols.md: the systems of all tables and figures.
    text = (root / "docs" / "codecs.md").read_text().split("## Conventional")[0]
    for name in (
        "Spectrogram Patch Codec",
        "PSQ",
        "FreqCodec",
        "MNRU",
        "ESC adversarial",
        "Base-DAC and Tiny-DAC",
        "HiFi-Codec, 24k 240, 8 codebooks",
        "EnCodec, Meta's",
        "EnCodec (ours)",
        "SoundStream (ours)",
    ):
        assert name in text, name
