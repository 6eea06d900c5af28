"""ESC against the official code on weights by formula: codes equal, waveforms within 1e-5.

Fixtures and tolerances: parity/esc_*, made by the official code; codecs/esc.md, sections 1, 7, 11.
"""

import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.neural.esc import EscCodec, official_crop
from codecbench.adapters.registry import get_codec
from codecbench.core.audio import Audio
from codecbench.core.checkpoint import CheckpointError
from codecbench.core.errors import (
    DecodeError,
    EncodeError,
    MissingWeightsError,
    UnsupportedSettingError,
)
from codecbench.core.spec import format_option

torch = pytest.importorskip("torch", reason="not here: torch")

Draw = Callable[..., NDArray[np.float32]]
LISTS = {"base": "esc_base", "base8": "esc_base_adv", "large": "esc_large"}
"""Name in the fixtures, and the list of tensors."""
VARIANTS = {"base": "base", "base8": "base-adversarial", "large": "large"}
TOLERANCE = 1e-5


def plain(kind: str) -> EscCodec:
    """Return a codec with random weights and exactly the official layers."""
    codec = get_codec(f"esc:variant={VARIANTS[kind]}")
    assert isinstance(codec, EscCodec)
    codec.load_plain()
    return codec


@pytest.fixture(scope="session")
def folders(
    shared: Path,
    esc_weight: Callable[..., NDArray[np.float32] | None],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], Path]:
    """Official folders, model.pth beside config.yaml, one for each kind, made when asked for."""
    made: dict[str, Path] = {}

    def folder(kind: str) -> Path:
        if kind in made:
            return made[kind]
        listed = json.loads((shared / f"parity/{LISTS[kind]}.statedict.json").read_text())
        computed = plain(kind).model.state_dict()
        digest = hashlib.sha256()
        tensors = {}
        for name in sorted(listed):
            value = esc_weight(name, tuple(listed[name]["shape"]))
            tensors[name] = computed[name] if value is None else torch.from_numpy(value)
            if value is not None:
                digest.update(name.encode() + value.astype("<f4").tobytes())
        prints = json.loads((shared / "parity/esc_weight_fingerprints.json").read_text())
        assert digest.hexdigest() == prints[LISTS[kind]]["sha256_all_generated"]
        where = tmp_path_factory.mktemp(f"esc9kbps {kind}")
        content = {
            "step": 400000,
            "model_state_dict": tensors,
            "optimizer_state_dict": {"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": []},
            "best_perf": 2.5,
        }
        torch.save(content, where / "model.pth")
        (where / "config.yaml").write_text("model:\n  codebook_dims: [1, 2, 3]  # never read\n")
        made[kind] = where
        return where

    return folder


@pytest.fixture(scope="session")
def codecs(folders: Callable[[str], Path]) -> Callable[[str], EscCodec]:
    made: dict[str, EscCodec] = {}

    def codec(kind: str) -> EscCodec:
        if kind not in made:
            made[kind] = EscCodec(checkpoint=str(folders(kind)))
            made[kind].load()
        return made[kind]

    return codec


def cases(shared: Path) -> list[Path]:
    found = sorted((shared / "parity").glob("esc_*.npz"))
    assert found
    return found


def test_codes_and_waveforms_are_the_official_ones(
    shared: Path, codecs: Callable[[str], EscCodec]
) -> None:
    for path in cases(shared):
        stored = np.load(path)
        codec = codecs(path.stem.split("_")[1])
        codes = codec.encode_codes(stored["input"], codec.point("6"))
        assert codes.dtype == np.int64
        assert np.array_equal(codes.reshape(6, 3, -1), stored["codes"]), path.name
        for streams in range(1, 7):
            few = codec.encode_codes(stored["input"], codec.point(str(streams)))
            assert np.array_equal(few, codes[: 3 * streams]), path.name
            decoded = codec.decode_codes(few)
            assert decoded.dtype == np.float32
            assert decoded.shape == stored[f"wav_s{streams}"].shape
            assert np.abs(decoded - stored[f"wav_s{streams}"]).max() < TOLERANCE, path.name
        if "codes_rand" in stored:
            some = stored["codes_rand"].astype(np.int64).reshape(18, -1)
            assert np.abs(codec.decode_codes(some) - stored["wav_rand"]).max() < TOLERANCE


@pytest.mark.parametrize("tag", ["base_3s", pytest.param("large_1s", marks=pytest.mark.slow)])
def test_level_is_the_official_one(
    shared: Path, codecs: Callable[[str], EscCodec], recipe: Draw, tag: str
) -> None:
    """Where the file of a case is not there: root mean square and peak of its waveform."""
    table = json.loads((shared / "parity/esc_cases.json").read_text())
    case = next(case for case in table if case["tag"] == tag)
    signal = recipe(case["input_name"], round(16000 * case["seconds"]))
    codec = codecs(tag.split("_")[0])
    decoded = codec.decode_codes(codec.encode_codes(signal, codec.point("6"))).astype(np.float64)
    assert np.sqrt(np.mean(decoded**2)) == pytest.approx(case["wav_rms_s6"], rel=1e-5)
    assert np.abs(decoded).max() == pytest.approx(case["wav_peak_s6"], rel=1e-5)


@pytest.mark.parametrize("kind", sorted(LISTS))
def test_has_the_tensors_of_the_official_model(shared: Path, kind: str) -> None:
    listed = json.loads((shared / f"parity/{LISTS[kind]}.statedict.json").read_text())
    codec = plain(kind)
    own = {name: list(value.shape) for name, value in codec.model.state_dict().items()}
    assert own == {name: entry["shape"] for name, entry in listed.items()}


def test_infers_the_configuration_from_the_tensors(codecs: Callable[[str], EscCodec]) -> None:
    """Latency follows from the depth, the number of weights from the dimensions: esc.md, 1."""
    expected = {"base": (8_736_581, 540.0), "base8": (8_386_373, 540.0)}
    for kind, (count, latency_ms) in expected.items():
        codec = codecs(kind)
        assert codec.info.latency_ms == latency_ms
        assert codec.info.trained
        codec = EscCodec(checkpoint=codec.checkpoint)
        codec.load_plain()
        assert sum(weight.numel() for weight in codec.model.parameters()) == count


def test_fingerprint_is_that_of_the_file(folders: Callable[[str], Path]) -> None:
    file = folders("base") / "model.pth"
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    for given in (file, file.parent):
        quoted = format_option(str(given))
        assert get_codec(f"esc:checkpoint={quoted}").info.fingerprint == f"sha256 {sha256}"


def test_refuses_a_checkpoint_of_another_variant(folders: Callable[[str], Path]) -> None:
    codec = EscCodec(checkpoint=str(folders("base8")), variant="base")
    with pytest.raises(CheckpointError, match="not variant=base; leave out variant"):
        codec.load()


def test_refuses_a_checkpoint_of_another_codec(tmp_path: Path) -> None:
    torch.save({"encoder": {"conv.weight": torch.ones(2)}}, tmp_path / "model.pth")
    with pytest.raises(CheckpointError, match=r"430 tensors are missing .*1 are not of this model"):
        EscCodec(checkpoint=str(tmp_path)).load()


def test_names_a_missing_checkpoint(tmp_path: Path) -> None:
    codec = EscCodec(checkpoint=str(tmp_path))
    assert codec.info.fingerprint == "absent"
    with pytest.raises(MissingWeightsError, match=r"model\.pth or model\.safetensors"):
        codec.load()


@pytest.fixture(scope="module")
def untrained() -> EscCodec:
    codec = EscCodec(streams=(1, 6), checkpoint="untrained")
    codec.load()
    return codec


LENGTHS = [1, 2, 79, 80, 191, 239, 240, 241, 319, 320, 321, 4999, 16000, 16081]


@pytest.mark.parametrize("n_samples", [*LENGTHS, pytest.param(480_000, marks=pytest.mark.soak)])
def test_any_length_comes_back(untrained: EscCodec, recipe: Draw, n_samples: int) -> None:
    """Bits: 30 · streams · N with N = (L' + 80) / 320, from esc.md, section 7."""
    clip = Audio(recipe("input", n_samples), 16000)
    frames = math.ceil((n_samples + 80) / 320)
    for encoded in untrained.encode_points(clip, untrained.points):
        assert encoded.payload_bits == 30 * int(encoded.point) * frames
        assert encoded.wire_bits == 8 * math.ceil(encoded.payload_bits / 8)
        decoded = untrained.decode(Encoded.from_bytes(encoded.to_bytes()))
        assert decoded.n_samples == n_samples


def test_padding_is_zeros_behind_the_signal(untrained: EscCodec, recipe: Draw) -> None:
    signal = recipe("input", 5000)
    filled = np.zeros(5040, np.float32)  # 16 frames: 320 · 16 - 80
    filled[:5000] = signal
    coded = untrained.encode(Audio(signal, 16000), untrained.point("6"))
    assert coded.codes is not None
    assert np.array_equal(coded.codes, untrained.encode_codes(filled, untrained.point("6")))


@pytest.mark.parametrize(("n_samples", "bps"), [(47920, 9015.0), (159920, 9004.5), (15920, 9045.2)])
def test_official_clips_have_the_published_rates(n_samples: int, bps: float) -> None:
    """Rates of the table in esc.md, section 7."""
    codec = EscCodec(streams=6)
    assert codec.points[0].nominal_bps == 9000
    assert codec.padded_length(n_samples) == n_samples
    bits = 10 * len(codec.codebook_sizes(codec.points[0])) * codec.code_frames(n_samples)
    assert bits * 16000 / n_samples == pytest.approx(bps, abs=0.05)


@pytest.mark.parametrize("n_samples", [191, 239, 16080, 16239])
def test_codes_are_refused_where_the_official_model_refuses(
    untrained: EscCodec, recipe: Draw, n_samples: int
) -> None:
    with pytest.raises(EncodeError, match=str(n_samples)):
        untrained.encode_codes(recipe("input", n_samples), untrained.points[0])


@pytest.mark.parametrize("n_samples", [240, 319, 560, 16000, 16079])
def test_codes_are_given_where_the_official_model_gives_them(
    untrained: EscCodec, recipe: Draw, n_samples: int
) -> None:
    codes = untrained.encode_codes(recipe("input", n_samples), untrained.points[0])
    assert codes.shape == (3, (1 + n_samples // 80) // 4)


def test_official_crop_leaves_out_80_samples() -> None:
    assert official_crop(np.zeros(48000, np.float32)).size == 47920


def test_refuses_codes_that_are_not_its_own(untrained: EscCodec) -> None:
    for codes in (np.zeros((6, 5), np.int64), np.full((3, 5), 1024), np.zeros((3, 0), np.int64)):
        with pytest.raises(DecodeError):
            untrained.decode_codes(codes)


def test_refuses_a_batch(untrained: EscCodec) -> None:
    with pytest.raises(EncodeError, match="one signal"):
        untrained.encode_codes(np.zeros((2, 16000), np.float32), untrained.points[0])


@pytest.mark.parametrize("options", [{"streams": 7}, {"variant": "tiny"}, {"device": "tpu"}])
def test_refuses_bad_settings(options: dict[str, object]) -> None:
    with pytest.raises(UnsupportedSettingError):
        EscCodec(**options)  # type: ignore[arg-type]  # wrong on purpose


def test_reaches_no_further_than_declared(untrained: EscCodec, recipe: Draw) -> None:
    """Input later than the declared latency changes nothing, and what is declared is not idle.

    The codes of an untrained model hide small influences, so only the first half can be exact.
    """
    signal = recipe("input", 16000)
    changed = signal.copy()
    changed[12000:] *= -1
    reach = untrained.info.frame_samples + untrained.info.lookahead_samples
    point = untrained.point("6")
    first, second = (
        untrained.decode(untrained.encode(Audio(x, 16000), point)).samples
        for x in (signal, changed)
    )
    differ = np.flatnonzero(first != second)
    assert 12000 - reach <= differ[0] < 12000


@pytest.mark.parametrize("frames", [2, 3, 4, 5, 50])
def test_folding_changes_nothing(folders: Callable[[str], Path], frames: int) -> None:
    """Folded against the layers as they are, edges included, down to the shortest spectrogram."""
    codes = np.random.default_rng(frames).integers(0, 1024, (18, frames))
    plain_codec = EscCodec(checkpoint=str(folders("base")))
    plain_codec.load_plain()
    folded = EscCodec(checkpoint=str(folders("base"))).decode_codes(codes)
    assert np.abs(plain_codec.decode_codes(codes) - folded).max() < 5e-6
