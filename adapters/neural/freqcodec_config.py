"""Which FreqCodec: read from ``config.yaml``, and checked against the tensors of ``model.pth``."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import Any

from codecbench.core.checkpoint import CheckpointError
from codecbench.core.dependency import require
from codecbench.core.errors import UnsupportedSettingError
from codecbench.core.small_file import read_small_text

CONFIG_FILE = "config.yaml"
PARTS = ("encoder", "quantizer", "decoder")
CODEBOOKS = "quantizer.rq.model.embed"
Shapes = Mapping[str, tuple[int, ...]]
_STRIDED = re.compile(r"encoder\.model\.(\d+)\.conv\.conv\.weight")
_LSTM = re.compile(r"encoder\.model\.\d+\.lstm\.weight_ih_l(\d+)")
# Names of what FunCodec's training recipes choose, and the only values that are built here.
_FIXED = {
    "encoder": "encodec_seanet_encoder_2d",
    "decoder": "encodec_seanet_decoder_2d",
    "quantizer": "costume_quantizer",
    "model": "freq_codec",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FreqCodecConfig:
    """What tells one FreqCodec from another; the defaults are those of FunCodec's recipe.

    Attributes:
        sample_rate: In Hz.
        n_fft: Length of window and transform.
        hop_length: Samples from spectrum to spectrum.
        ratios: Strides of the decoder, of frequency and of time, in its order.
        filters: Channels of the first convolution.
        dimension: Length of a codeword.
        kernel: Taps of the first convolution in each direction.
        last_kernel: Taps of the last.
        residual_kernel: Taps inside a residual unit.
        residual_layers: Units per stage.
        dilation_base: Unit number j of a stage is spread in time by this to the power of j.
        compress: A unit's inner channels are so many times fewer.
        lstm_layers: On each side; 0 for none.
        group_ratio: Convolutions have a half of the channels divided by this as groups; none if
            it is not positive.
        up_group_ratio: The same of transposed convolutions.
        codebooks: How many.
        codebook_size: Entries of each.
    """

    sample_rate: int = 16000
    n_fft: int = 512
    hop_length: int = 160
    ratios: tuple[tuple[int, int], ...] = ((4, 1), (4, 1), (4, 2), (4, 1))
    filters: int = 32
    dimension: int = 128
    kernel: int = 7
    last_kernel: int = 7
    residual_kernel: int = 3
    residual_layers: int = 1
    dilation_base: int = 1
    compress: int = 2
    lstm_layers: int = 2
    group_ratio: int = -1
    up_group_ratio: int = -1
    codebooks: int = 32
    codebook_size: int = 1024

    @property
    def time_ratio(self) -> int:
        """Spectra per frame of codes."""
        return prod(time for _, time in self.ratios)

    @property
    def frame_samples(self) -> int:
        """Samples per frame of codes."""
        return self.hop_length * self.time_ratio


# baselines.md calls these D, A, C and B. The files that FunCodec published as gr1 and gr8 come with
# configurations of their own, which nobody has compared with these.
VARIANTS = {
    "recipe": FreqCodecConfig(),
    "gr1": FreqCodecConfig(lstm_layers=0, group_ratio=1, up_group_ratio=1),
    "gr8": FreqCodecConfig(lstm_layers=0, group_ratio=8, up_group_ratio=8),
    "gr1_half": FreqCodecConfig(lstm_layers=0, group_ratio=1, up_group_ratio=1, filters=16),
}


def read_config(folder: Path) -> Mapping[str, Any]:
    """Return the ``config.yaml`` of a folder, as plain values.

    Raises:
        CheckpointError: There is none, or it is no YAML of plain values.
        MissingDependencyError: PyYAML is not installed.
    """
    path = folder / CONFIG_FILE
    yaml = require("yaml")
    try:
        content = yaml.safe_load(read_small_text(path))
    except FileNotFoundError as error:
        msg = f"freqcodec needs the {CONFIG_FILE} that was published with the weights; put it "
        msg += f"into '{folder}'"
        raise CheckpointError(msg) from error
    except (yaml.YAMLError, OSError, UnicodeDecodeError, RecursionError) as error:
        msg = f"'{path}' is no YAML of plain values: {' '.join(str(error).split())}"
        raise CheckpointError(msg) from error
    if not isinstance(content, Mapping):
        msg = f"'{path}' holds a {type(content).__name__}, not a mapping"
        raise CheckpointError(msg)
    return content


def parse_config(content: Mapping[str, Any], shapes: Shapes, *, what: str) -> FreqCodecConfig:
    """Build a configuration from YAML, and compare it with the tensors that it is to hold.

    Args:
        content: Of ``config.yaml``.
        shapes: Of the file of weights, by name.
        what: Name of the file for messages.

    Raises:
        UnsupportedSettingError: Another kind of network, or a setting that is not built here.
        CheckpointError: The tensors are not those of this configuration; says both numbers.
    """
    _require_fixed(content)
    encoder, decoder = _section(content, "encoder"), _section(content, "decoder")
    quantizer, model = _section(content, "quantizer"), _section(content, "model")
    domain = model.get("domain_conf") or {}
    plain = FreqCodecConfig()
    found = _facts_of_shapes(shapes, what)
    has_lstm = encoder.get("seq_model", "lstm") == "lstm"
    config = FreqCodecConfig(
        sample_rate=int(content.get("sampling_rate", plain.sample_rate)),
        n_fft=int(domain.get("n_fft", plain.n_fft)),
        hop_length=int(domain.get("hop_length", plain.hop_length)),
        ratios=tuple((int(f), int(t)) for f, t in encoder.get("ratios", plain.ratios)),
        filters=int(encoder.get("n_filters", plain.filters)),
        dimension=int(encoder.get("dimension", model.get("odim", plain.dimension))),
        kernel=int(encoder.get("kernel_size", plain.kernel)),
        last_kernel=int(encoder.get("last_kernel_size", plain.last_kernel)),
        residual_kernel=int(encoder.get("residual_kernel_size", plain.residual_kernel)),
        residual_layers=int(encoder.get("n_residual_layers", plain.residual_layers)),
        # 2 is the default of the class; every published recipe says 1.
        dilation_base=int(encoder.get("dilation_base", 2)),
        compress=int(encoder.get("compress", plain.compress)),
        # How deep stands under a name that differs between releases; the tensors say it.
        lstm_layers=(found["lstm_layers"] or plain.lstm_layers) if has_lstm else 0,
        group_ratio=int(encoder.get("conv_group_ratio", -1)),
        up_group_ratio=int(decoder.get("tr_conv_group_ratio", -1)),
        codebooks=int(quantizer.get("num_quantizers", plain.codebooks)),
        codebook_size=int(quantizer.get("codebook_size", plain.codebook_size)),
    )
    said = asdict(config)
    wrong = [
        f"{name} is {said[name]} by {CONFIG_FILE}, {value} by the tensors"
        for name, value in found.items()
        if said[name] != value
    ]
    if wrong:
        msg = f"{what}: {'; '.join(wrong)}"
        raise CheckpointError(msg)
    return config


def _section(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return content.get(f"{name}_conf") or {}


def _require_fixed(content: Mapping[str, Any]) -> None:
    """Refuse what would be another network under the same names."""
    found = {name: content.get(name, wanted) for name, wanted in _FIXED.items()}
    wanted: dict[str, Any] = dict(_FIXED)
    for side in ("encoder", "decoder"):
        section = _section(content, side)
        for key, value in (("norm", "time_group_norm"), ("causal", False), ("true_skip", False)):
            found[f"{side} {key}"] = section.get(key, value)
            wanted[f"{side} {key}"] = value
        found[f"{side} seq_model is a transformer"] = section.get("seq_model") == "transformer"
        wanted[f"{side} seq_model is a transformer"] = False
    encoder, decoder = _section(content, "encoder"), _section(content, "decoder")
    found["ratios of the decoder"] = decoder.get("ratios", encoder.get("ratios"))
    wanted["ratios of the decoder"] = encoder.get("ratios")
    found["codec_domain"] = _section(content, "model").get("codec_domain", ["mag_phase"] * 2)
    wanted["codec_domain"] = ["mag_phase"] * 2
    for key in ("codec_dim", "codec_range"):
        found[f"quantizer {key}"] = _section(content, "quantizer").get(key)
        wanted[f"quantizer {key}"] = None
    for name, value in wanted.items():
        if found[name] != value:
            msg = f"freqcodec: {name} must be {value} here; {CONFIG_FILE} says {found[name]}"
            raise UnsupportedSettingError(msg)


def _facts_of_shapes(shapes: Shapes, what: str) -> dict[str, Any]:
    """Return what tensors show of a configuration, by the names of its fields."""
    first, books = shapes.get("encoder.model.0.conv.conv.weight"), shapes.get(CODEBOOKS)
    strided = {int(m[1]): shape for key, shape in shapes.items() if (m := _STRIDED.fullmatch(key))}
    stages = [shape for _, shape in sorted(strided.items()) if len(shape) == 4][1:]
    unit = shapes.get("encoder.model.1.block.1.conv.conv.weight")
    if first is None or books is None or unit is None or not stages or len(first) != 4:
        msg = f"{what} is no FreqCodec: it lacks tensors of its encoder or '{CODEBOOKS}'"
        raise CheckpointError(msg)
    layers = [int(m[1]) for key in shapes if (m := _LSTM.fullmatch(key))]
    return {
        "filters": first[0],
        "kernel": first[2],
        "residual_kernel": unit[2],
        "ratios": tuple((f // 2, t // 2) for *_, f, t in reversed(stages)),
        "lstm_layers": max(layers) + 1 if layers else 0,
        "codebooks": books[0],
        "codebook_size": books[1],
        "dimension": books[2],
    }
