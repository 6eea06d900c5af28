"""Which EnCodec a file of weights holds: read off the names and shapes of its tensors."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from codecbench.adapters.neural.pretrained_codec import codebooks_of_bandwidths
from codecbench.core.checkpoint import CheckpointError
from codecbench.core.errors import UnsupportedSettingError

UNWRAP = ("soundstream", "model_state_dict", "state_dict")
"""AcademiCodec's ``latest.pth`` keeps its generator under the first of these."""
_OFFICIAL_NAMES = (
    (".model.", ".layers."),
    (".conv.conv.", ".conv."),
    (".convtr.convtr.", ".conv."),
    ("quantizer.vq.layers", "quantizer.layers"),
    ("._codebook.", ".codebook."),
)
"""From the names of Meta's and AcademiCodec's files to those of transformers."""
_UPSAMPLING = re.compile(r"decoder\.layers\.(\d+)\.conv\.weight_v")
_CODEBOOK = re.compile(r"quantizer\.layers\.(\d+)\.codebook\.embed")
_LSTM = re.compile(r"encoder\.layers\.\d+\.lstm\.weight_ih_l(\d+)")
_META_HIDDEN = 128
Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodecFacts:
    """What tells one EnCodec from another; the defaults are those of the published 24 kHz model.

    Attributes:
        sample_rate: In Hz.
        ratios: Strides of the decoder, in its order.
        codebook_size: Entries of each codebook.
        codebooks: How many there are.
        listed: Numbers of codebooks that it was trained with.
        hidden_size: Length of a codeword.
        filters: Channels of the first convolution.
        lstm_layers: On each side.
        causal: Whether no convolution looks ahead.
    """

    sample_rate: int = 24000
    ratios: tuple[int, ...] = (8, 5, 4, 2)
    codebook_size: int = 1024
    codebooks: int = 32
    listed: tuple[int, ...] = (2, 4, 8, 16, 32)
    hidden_size: int = _META_HIDDEN
    filters: int = 32
    lstm_layers: int = 2
    causal: bool = True

    @property
    def hop_length(self) -> int:
        """Samples per frame."""
        return prod(self.ratios)

    # Any: the values are of all kinds.
    def library_config(self) -> dict[str, Any]:
        """Return the arguments of transformers' ``EncodecConfig``."""
        return {
            "sampling_rate": self.sample_rate,
            "upsampling_ratios": list(self.ratios),
            "target_bandwidths": [self.bandwidth(count) for count in self.listed],
            "codebook_size": self.codebook_size,
            "codebook_dim": self.hidden_size,
            "hidden_size": self.hidden_size,
            "num_filters": self.filters,
            "num_lstm_layers": self.lstm_layers,
            "use_causal_conv": self.causal,
            "norm_type": "weight_norm",
            "normalize": False,
        }

    def bandwidth(self, codebooks: int) -> float:
        """Return a bandwidth in kbit/s at which transformers uses a number of codebooks.

        It is half a codebook more, since the library divides and rounds down.
        """
        bits = (self.codebook_size - 1).bit_length()
        return (codebooks + 0.5) * bits * -(-self.sample_rate // self.hop_length) / 1000


def _academicodec(
    sample_rate: int, ratios: tuple[int, ...], codebooks: int, listed: Sequence[int]
) -> EncodecFacts:
    return EncodecFacts(
        sample_rate=sample_rate,
        ratios=ratios,
        codebooks=codebooks,
        listed=tuple(listed),
        hidden_size=512,
        causal=False,
    )


VARIANTS: dict[str, EncodecFacts] = {
    "meta_24k": EncodecFacts(),
    # Source: egs/Encodec_*/ of https://github.com/yangdongchao/AcademiCodec.
    "16k_320d": _academicodec(16000, (8, 5, 4, 2), 24, (2, 3, 4, 8, 12, 24)),
    "24k_240d": _academicodec(24000, (6, 5, 4, 2), 12, (1, 2, 4, 8, 12)),
    "24k_32d": _academicodec(24000, (2, 2, 2, 4), 2, (1, 2)),
}


def facts_of_config(config: Mapping[str, Any]) -> EncodecFacts:
    """Read a ``config.json`` of transformers; what it leaves out has the published values.

    Raises:
        UnsupportedSettingError: It is the model for stereo music.
    """
    chunked = config.get("normalize") or config.get("chunk_length_s")
    if chunked or config.get("audio_channels") == 2:
        msg = (
            "encodec: the 48 kHz stereo model is for music and codes in overlapping chunks "
            "with levels of their own; give the 24 kHz model"
        )
        raise UnsupportedSettingError(msg)
    published = EncodecFacts()
    rate = int(config.get("sampling_rate", published.sample_rate))
    ratios = tuple(map(int, config.get("upsampling_ratios", published.ratios)))
    size = int(config.get("codebook_size", published.codebook_size))
    bandwidths = config.get("target_bandwidths", (1.5, 3.0, 6.0, 12.0, 24.0))
    listed = codebooks_of_bandwidths(
        [float(kbps) for kbps in bandwidths],
        sample_rate=rate,
        hop_length=prod(ratios),
        codebook_size=size,
    )
    return EncodecFacts(
        sample_rate=rate,
        ratios=ratios,
        codebook_size=size,
        codebooks=max(listed),
        listed=tuple(sorted(listed)),
        hidden_size=int(config.get("hidden_size", published.hidden_size)),
        filters=int(config.get("num_filters", published.filters)),
        lstm_layers=int(config.get("num_lstm_layers", published.lstm_layers)),
        causal=bool(config.get("use_causal_conv", published.causal)),
    )


def facts_of_shapes(shapes: Shapes, *, sample_rate: int | None, what: str) -> EncodecFacts:
    """Tell from a file's tensors which EnCodec it is.

    Shapes show neither the sample rate nor whether convolutions look ahead. Codewords of 128
    numbers are Meta's, which is causal and of 24 kHz; those of 512 are AcademiCodec's, which looks
    ahead, and whose published files of 320 samples per frame are of 16 kHz, those of 240 and 32
    of 24 kHz.

    Args:
        shapes: By the names that transformers has.
        sample_rate: In Hz, where the user knows better.
        what: Name of the file for the message.

    Raises:
        CheckpointError: It is no such EnCodec.
        UnsupportedSettingError: It is a stereo model, or its sample rate cannot be told.
    """
    first, ups = shapes.get("encoder.layers.0.conv.weight_v"), _numbered(shapes, _UPSAMPLING)
    books, last = _numbered(shapes, _CODEBOOK), _last_conv(shapes)
    if first is None or last is None or not books or len(ups) < 2:
        msg = f"{what} is no EnCodec: its tensors are not named like those of Meta or AcademiCodec"
        raise CheckpointError(msg)
    if first[1] != 1:
        msg = f"{what} has {first[1]} channels; encodec codes speech in one"
        raise UnsupportedSettingError(msg)
    # The first and the last of the decoder's convolutions do not change the rate.
    ratios = tuple(shape[2] // 2 for shape in ups[1:-1])
    hidden = last[0]
    known = next(
        (
            facts
            for facts in VARIANTS.values()
            if (facts.ratios, facts.hidden_size) == (ratios, hidden)
        ),
        None,
    )
    rate = sample_rate or (known.sample_rate if known else None)
    if rate is None:
        msg = (
            f"{what} has {prod(ratios)} samples per frame, which no published file has, so its "
            "sample rate is unknown; say encodec@16000:checkpoint=…, or what it is"
        )
        raise UnsupportedSettingError(msg)
    counts = len(books)
    return EncodecFacts(
        sample_rate=rate,
        ratios=ratios,
        codebook_size=books[0][0],
        codebooks=counts,
        listed=known.listed if known and known.codebooks == counts else tuple(range(1, counts + 1)),
        hidden_size=hidden,
        filters=first[0],
        lstm_layers=1
        + max((int(m[1]) for key in shapes if (m := _LSTM.fullmatch(key))), default=-1),
        causal=hidden == _META_HIDDEN,
    )


def _numbered(shapes: Shapes, pattern: re.Pattern[str]) -> list[tuple[int, ...]]:
    found = {int(m[1]): shape for key, shape in shapes.items() if (m := pattern.fullmatch(key))}
    return [found[index] for index in sorted(found)]


def _last_conv(shapes: Shapes) -> tuple[int, ...] | None:
    pattern = re.compile(r"encoder\.layers\.(\d+)\.conv\.weight_v")
    found = _numbered(shapes, pattern)
    return found[-1] if found else None


def library_name(name: str) -> str:
    """Return the name that transformers has for a tensor of an official file."""
    for theirs, ours in _OFFICIAL_NAMES:
        name = name.replace(theirs, ours)
    return name
