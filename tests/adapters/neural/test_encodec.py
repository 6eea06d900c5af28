"""EnCodec's own: rates, Meta's file, refusal of the music model. The rest: test_pretrained.py."""

from pathlib import Path

import numpy as np
import pytest

from codecbench.adapters.neural.encodec import EncodecCodec
from codecbench.adapters.registry import get_codec
from codecbench.core.checkpoint import CheckpointError, plain_name
from codecbench.core.errors import UnsupportedSettingError

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def untrained() -> EncodecCodec:
    codec = EncodecCodec(codebooks=[2, 32])
    codec.load()
    return codec


def to_meta(name: str) -> str:
    """Name a tensor as Meta's files do; written out apart from the adapter's own table."""
    side, _, rest = name.partition(".")
    if side == "quantizer":
        return "quantizer.vq." + rest.replace("codebook.", "_codebook.")
    rest = "model." + rest.removeprefix("layers.")
    if ".lstm." in rest:
        return f"{side}.{rest}"
    # Upsampling layers of the decoder: 3, 6, 9 and 12 of its list.
    up = side == "decoder" and rest.split(".")[1] in {"3", "6", "9", "12"} and ".block." not in rest
    twice = "convtr.convtr." if up else "conv.conv."
    return f"{side}.{rest.replace('conv.', twice)}"


def test_published_rates() -> None:
    # transformers.md, section 1: 750 bit/s for each codebook.
    points = get_codec("encodec").points
    rates = {point.name: point.nominal_bps for point in points}
    assert rates == {"2": 1500, "4": 3000, "8": 6000, "16": 12000, "32": 24000}


def test_size_of_the_published_model(untrained: EncodecCodec) -> None:
    # transformers.md, section 1: 14,851,810 parameters and 8,421,504 values of codebooks.
    model = untrained.make_random()
    assert sum(weight.numel() for weight in model.parameters()) == 14851810
    assert sum(value.numel() for value in model.buffers()) == 8421504
    assert len(model.state_dict()) == 252


def test_untrained_codes_are_many_and_repeat(untrained: EncodecCodec) -> None:
    samples = (0.2 * np.random.default_rng(1).uniform(-1, 1, 12000)).astype(np.float32)
    codes = untrained.encode_codes(samples, untrained.points[-1])
    assert all(len(np.unique(row)) > 10 for row in codes)
    again = EncodecCodec(codebooks=[2, 32])
    np.testing.assert_array_equal(again.encode_codes(samples, again.points[-1]), codes)


def test_file_of_meta_loads_whole(untrained: EncodecCodec, tmp_path: Path) -> None:
    torch.manual_seed(2)
    source = untrained.make_random()
    tensors = {
        to_meta(plain_name(name)): torch.randn_like(value) * 0.02 + (value == 1)
        for name, value in source.state_dict().items()
    }
    assert len(tensors) == 252
    assert "decoder.model.3.convtr.convtr.weight_g" in tensors
    assert "encoder.model.1.block.1.conv.conv.weight_v" in tensors
    assert "quantizer.vq.layers.0._codebook.embed" in tensors
    path = tmp_path / "encodec_24khz-d7cc33bc.th"
    torch.save(tensors, path)
    codec = EncodecCodec(checkpoint=str(path))
    codec.load()
    loaded = codec.model.state_dict()
    expected = tensors["quantizer.vq.layers.3._codebook.embed"]
    assert torch.equal(loaded["quantizer.layers.3.codebook.embed"], expected)
    gain = tensors["decoder.model.3.convtr.convtr.weight_g"]
    direction = tensors["decoder.model.3.convtr.convtr.weight_v"]
    folded = gain * direction / direction.square().sum((1, 2), keepdim=True).sqrt()
    torch.testing.assert_close(loaded["decoder.layers.3.conv.weight"], folded)
    del tensors["encoder.model.0.conv.conv.bias"]
    torch.save(tensors, path)
    with pytest.raises(CheckpointError, match=r"1 tensors are missing \(encoder\.layers\.0"):
        EncodecCodec(checkpoint=str(path)).load()


def test_prefix_of_a_signal_has_the_first_codes(untrained: EncodecCodec) -> None:
    # transformers.md, section 1: causal.
    samples = (0.2 * np.random.default_rng(3).uniform(-1, 1, 24000)).astype(np.float32)
    whole = untrained.encode_codes(samples, untrained.points[0])
    part = untrained.encode_codes(samples[: 320 * 30], untrained.points[0])
    np.testing.assert_array_equal(part, whole[:, :30])


def test_model_for_music_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        '{"model_type": "encodec", "normalize": true, "chunk_length_s": 1.0, "audio_channels": 2}'
    )
    with pytest.raises(UnsupportedSettingError, match="48 kHz stereo"):
        EncodecCodec(checkpoint=str(tmp_path))
