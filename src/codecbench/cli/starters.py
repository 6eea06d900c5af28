"""What ``codecbench new`` writes: working code to change, and tests that it passes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """Texts in which $NAME stands for the module and $CLASS for the class.

    Attributes:
        code: Of the module.
        test: Of its test.
        next_steps: Commands to try then.
    """

    code: str
    test: str
    next_steps: tuple[str, ...]


_CODEC = '''"""A codec of my own: "$CLASS" keeps the upper bits of each sample."""

from collections.abc import Sequence

import numpy as np
from codecbench import Audio, Codec, CodecInfo, Encoded, OperatingPoint, pack_codes, unpack_codes

RATE = 16000


class $CLASS(Codec):
    """Linear PCM with few bits."""

    rate_option = "bits"  # its values are the points of one curve

    def __init__(self, *, bits: Sequence[int] = (8, 12)) -> None:
        self.info = CodecInfo(
            name="$NAME",
            version="1",
            fingerprint="$NAME 1",  # of everything that determines the bytes, such as weights
            sample_rate=RATE,
            frame_samples=1,
            licence="MIT",
            source="mine",
        )
        self.points = tuple(
            OperatingPoint(name=str(b), nominal_bps=RATE * b, settings={"bits": b})
            for b in sorted(bits)
        )

    def encode(self, audio: Audio, point: OperatingPoint) -> Encoded:
        self.require_codable(audio)
        half = self._half(point)
        levels = np.clip(np.rint(audio.samples * half), -half, half - 1).astype(np.int64) + half
        data, bits = pack_codes(levels[None], (2 * half,))
        return Encoded(
            packets=(data,),
            packet_bits=(bits,),
            point=point.name,
            n_samples=audio.n_samples,
            sample_rate=RATE,
        )

    def decode(self, encoded: Encoded) -> Audio:
        half = self._half(self.point(encoded.point))
        levels = unpack_codes(b"".join(encoded.packets), (2 * half,), encoded.n_samples)[0]
        return Audio(((levels - half) / half).astype(np.float32), RATE)

    def _half(self, point: OperatingPoint) -> int:
        return int(2 ** (int(str(point.settings["bits"])) - 1))
'''

_CODEC_TEST = '''"""Does $CLASS keep what a codec promises?"""

import numpy as np
import pytest
from codecbench import Audio, Encoded

from $NAME import $CLASS


@pytest.fixture
def speech() -> Audio:
    t = np.arange(16000) / 16000
    voice = sum(np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, 20))
    return Audio((0.1 * voice * np.sin(2 * np.pi * 2 * t) ** 2).astype(np.float32), 16000)


def code(audio: Audio, point: int = 0) -> tuple[Encoded, Audio]:
    """Decode in a fresh instance from bytes alone, as the harness does."""
    encoder, decoder = $CLASS(), $CLASS()
    encoder.load()
    decoder.load()
    encoded = encoder.encode(audio, encoder.points[point])
    return encoded, decoder.decode(Encoded.from_bytes(encoded.to_bytes()))


@pytest.mark.parametrize("n_samples", [1, 319, 320, 16000])
def test_output_is_as_long_as_the_input(speech: Audio, n_samples: int) -> None:
    _, decoded = code(Audio(speech.samples[:n_samples], 16000))
    assert decoded.n_samples == n_samples


def test_the_rate_is_what_the_points_promise(speech: Audio) -> None:
    for index, point in enumerate($CLASS().points):
        encoded, _ = code(speech, index)
        rate = encoded.payload_bits / speech.duration_s
        assert rate == pytest.approx(point.nominal_bps, rel=0.05)


def test_equal_input_gives_equal_bytes(speech: Audio) -> None:
    assert code(speech)[0].to_bytes() == code(speech)[0].to_bytes()


def test_more_bits_sound_better(speech: Audio) -> None:
    errors = [
        float(np.mean(np.square(code(speech, index)[1].samples - speech.samples)))
        for index in range(len($CLASS().points))
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] < np.mean(np.square(speech.samples)) / 100
'''

_METRIC = '''"""A metric of my own: segmental signal-to-noise ratio."""

from collections.abc import Mapping

import numpy as np
from codecbench import Audio, Metric
from numpy.typing import NDArray

FRAME = 320


class $CLASS(Metric):
    """Mean over frames of the signal-to-noise ratio, limited to -10 … 35 dB."""

    name = "$NAME"
    outputs = ("$NAME",)
    unit = "dB"
    higher_is_better = True
    range = (-10.0, 35.0)
    min_seconds = 0.1
    source = "definition is mine"
    formula = "mean over frames of 10 log10(|x|² / |y - x|²), each limited to -10 … 35 dB"
    domain = "codecs that keep the waveform"
    caveats = "Blind to nothing: gain, delay and polarity all count as noise."

    @property
    def definition(self) -> str:
        # Everything that determines the score: a change of this text is another metric.
        return f"$NAME: segmental SNR, frames of {FRAME} at 16000 Hz, -10 to 35 dB, version 1"

    def prepare(self, reference: Audio) -> NDArray[np.float64]:
        return _frames(reference)

    def score(self, prepared: NDArray[np.float64], degraded: Audio) -> Mapping[str, float]:
        noise = np.square(_frames(degraded) - prepared).sum(axis=1)
        signal = np.square(prepared).sum(axis=1)
        ratio = 10 * np.log10(np.maximum(signal, 1e-9) / np.maximum(noise, 1e-9))
        return {"$NAME": float(np.clip(ratio, -10.0, 35.0).mean())}


def _frames(audio: Audio) -> NDArray[np.float64]:
    whole = audio.n_samples // FRAME * FRAME
    return audio.samples[:whole].astype(np.float64).reshape(-1, FRAME)
'''

_METRIC_TEST = '''"""Does $CLASS measure what it should?"""

import codecbench
import numpy as np
import pytest
from codecbench.metrics.evaluation import evaluate_pair

from $NAME import $CLASS


def score(noise_level: float) -> float:
    rng = np.random.default_rng(0)
    clean = 0.1 * rng.standard_normal(16000).clip(-4, 4)
    degraded = clean + noise_level * 0.1 * rng.standard_normal(16000).clip(-4, 4)
    cell = evaluate_pair($CLASS(), clean, degraded, 16000)["$NAME"]
    assert cell.status is codecbench.Status.OK, cell
    return float(cell.value)


def test_identity_is_the_best_score() -> None:
    assert score(0.0) == $CLASS.range[1]


def test_more_noise_is_never_better() -> None:
    assert score(0.03) > score(0.1) > score(0.5)


def test_a_known_ratio_is_found() -> None:
    # Noise at a tenth of the amplitude is 20 dB down.
    assert score(0.1) == pytest.approx(20.0, abs=0.5)


def test_silence_is_undefined_and_no_number() -> None:
    cell = evaluate_pair($CLASS(), np.zeros(16000), np.zeros(16000), 16000)["$NAME"]
    assert cell.value is None
'''

_DATASET = '''"""A dataset of my own: the WAV files of a folder, named speaker_number.wav."""

from collections.abc import Sequence
from pathlib import Path

from codecbench.core.errors import DatasetError
from codecbench.datasets.source import ClipEntry, DatasetSource


class $CLASS(DatasetSource):
    """Recordings of my own, one speaker_number.wav each."""

    main_option = "root"

    def __init__(self, *, root: str) -> None:
        self.root = Path(root).expanduser().absolute()

    def entries(self) -> Sequence[ClipEntry]:
        files = sorted(self.root.glob("*_*.wav"))
        if not files:
            raise DatasetError(f"{self.root}: holds no speaker_number.wav")
        return [
            ClipEntry(id=file.stem, path=file, tags={"speaker": file.stem.partition("_")[0]})
            for file in files
        ]
'''

_DATASET_TEST = '''"""Does $CLASS find the clips?"""

from pathlib import Path

import codecbench
import numpy as np
import pytest
from codecbench.core.errors import DatasetError

from $NAME import $CLASS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("ann_1", "ann_2", "bob_1"):
        codecbench.write_audio(
            tmp_path / f"{name}.wav", codecbench.Audio(np.zeros(1600, np.float32), 16000)
        )
    return tmp_path


def test_finds_clips_with_their_speakers(folder: Path) -> None:
    found = $CLASS(root=str(folder)).entries()
    assert [(entry.id, entry.tags["speaker"]) for entry in found] == [
        ("ann_1", "ann"),
        ("ann_2", "ann"),
        ("bob_1", "bob"),
    ]


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no"):
        $CLASS(root=str(tmp_path)).entries()
'''

STARTERS = {
    "codec": Starter(
        code=_CODEC,
        test=_CODEC_TEST,
        next_steps=(
            "pytest test_$NAME.py",
            "codecbench check ./$NAME.py:$CLASS",
            "codecbench run -c ./$NAME.py:$CLASS -c 'opus:bitrate=12000' --data demo:n=3 "
            "-m stoi,si_sdr -o runs/$NAME",
        ),
    ),
    "metric": Starter(
        code=_METRIC,
        test=_METRIC_TEST,
        next_steps=(
            "pytest test_$NAME.py",
            "codecbench explain ./$NAME.py:$CLASS",
            "codecbench run -c 'opus:bitrate=12000' --data demo:n=3 -m ./$NAME.py:$CLASS "
            "-o runs/$NAME",
        ),
    ),
    "dataset": Starter(
        code=_DATASET,
        test=_DATASET_TEST,
        next_steps=(
            "pytest test_$NAME.py",
            "codecbench run -c 'opus:bitrate=12000' --data './$NAME.py:$CLASS:root=my/wavs' "
            "-m stoi -o runs/$NAME",
        ),
    ),
}
