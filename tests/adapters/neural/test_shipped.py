"""The weights that come with codecbench: what they are, what they weigh, when they are used."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.neural.shipped import REMARK, shipped_weights
from codecbench.adapters.registry import get_codec
from codecbench.core.audio import Audio
from codecbench.core.checkpoint import CheckpointError, stored_config

torch = pytest.importorskip("torch", reason="not here: torch")
safetensors = pytest.importorskip("safetensors", reason="not here: safetensors")

SHIPPED = {
    "psq:bitrate=1500|3000": (1500.0, 3000.0),
    "patch": (7500.0,),
    "esc": (1500.0, 3000.0, 4500.0, 6000.0, 7500.0, 9000.0),
    "hificodec": (2000.0,),
}
"""Codecs that issue 6 wants weights for, and their rates in bit/s."""
NAMES = [spec.partition(":")[0] for spec in SHIPPED]
MOST_BYTES = 36 * 2**20
LICENCES = {"Apache-2.0", "CC-BY-4.0", "CC0-1.0"}
"""Of the speech that they were trained on; each allows to pass on what was made with it."""


def path_of(name: str) -> Path:
    path = shipped_weights(name)
    assert path is not None
    return path


@pytest.mark.parametrize("spec", SHIPPED)
def test_comes_with_weights_for_its_rates(spec: str, speech: Audio) -> None:
    codec = get_codec(spec)
    assert codec.info.trained
    assert codec.info.remark == REMARK
    assert tuple(point.nominal_bps for point in codec.points) == SHIPPED[spec]
    codec.load()
    clip = Audio(speech.samples[:16000], 16000)
    for encoded in codec.encode_points(clip, codec.points):
        decoded = codec.decode(Encoded.from_bytes(encoded.to_bytes())).samples
        # Whatever was learnt, speech and its reconstruction are loud in the same places.
        loud = [np.sqrt(np.mean(x.reshape(-1, 400) ** 2, axis=1)) for x in (clip.samples, decoded)]
        assert np.corrcoef(*np.log(np.maximum(loud, 1e-4)))[0, 1] > 0.6


@pytest.mark.parametrize("name", NAMES)
def test_says_what_it_was_trained_on(name: str) -> None:
    with safetensors.safe_open(path_of(name), framework="pt") as file:
        training = json.loads(file.metadata()["training"])
        kinds = {file.get_tensor(key).dtype for key in file.keys()}  # noqa: SIM118  (no dict)
    assert torch.float32 not in kinds
    assert torch.float16 in kinds
    for facts in training.values():
        assert set(facts["data"]["licence_hours"]) <= LICENCES
        assert facts["data"]["attribution"]
        assert facts["step"] > 0
        assert facts["recipe"]["deviations"]


@pytest.mark.parametrize("name", NAMES)
def test_has_a_card(name: str) -> None:
    card = path_of(name).with_suffix(".md").read_text(encoding="utf-8")
    assert "not the paper's model" in card
    assert "LibriSpeech" in card
    assert re.search(r"\d+ steps", card)


def test_they_are_small_and_hold_no_path() -> None:
    paths = [path_of(name) for name in NAMES]
    assert sum(path.stat().st_size for path in paths) <= MOST_BYTES
    for path in paths:
        header = path.read_bytes()[: 8 + int.from_bytes(path.read_bytes()[:8], "little")]
        assert re.findall(rb'"/[a-z]+/[^"]*"', header) == []


@pytest.mark.parametrize(
    "spec",
    [
        "psq:checkpoint=untrained",
        "psq:dimensions=30",
        "psq:bitrate=6000",
        "psq:skips=false",
        "patch:causal=false",
        "patch:codebook_size=256",
        "patch:size=small",
        "esc:variant=base",
        "esc:checkpoint=untrained",
        "hificodec:variant=24k_320d",
        "hificodec:groups=4",
    ],
)
def test_other_options_are_untrained_and_say_so(spec: str) -> None:
    info = get_codec(spec).info
    assert not info.trained
    assert info.remark == ""
    assert "untrained" in info.fingerprint


def test_configuration_is_read_without_the_weights(tmp_path: Path) -> None:
    assert stored_config(path_of("psq"))["3000"]["dimensions"] == 20
    assert stored_config(path_of("patch"))["vocoder_channels"] == 64
    for content in (b"", b"\xff" * 16, (2**40).to_bytes(8, "little"), b"\x02" + 7 * b"\0" + b"[]"):
        damaged = tmp_path / "damaged.safetensors"
        damaged.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"damaged\.safetensors"):
            stored_config(damaged)
