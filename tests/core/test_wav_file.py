"""Our own way through plain WAV files is libsndfile's, bit for bit, and takes nothing else."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_signal, write_audio
from codecbench.core.wav_file import HEADER_BYTES, MAX_RATE, encode_wav, read_wav

EXTREMES = np.array([0, -1, 1, -32768, 32767, 12345], dtype=np.int16)


def by_libsndfile(samples: np.ndarray, rate: int) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


@pytest.mark.parametrize("rate", [1, 8000, 16000, 44100, MAX_RATE])
@pytest.mark.parametrize("count", [0, 1, 6])
def test_bytes_and_samples_are_those_of_libsndfile(tmp_path: Path, rate: int, count: int) -> None:
    data = encode_wav(EXTREMES[:count], rate)
    assert data == by_libsndfile(EXTREMES[:count], rate)
    (tmp_path / "x.wav").write_bytes(data)
    found = read_wav(tmp_path / "x.wav")
    assert found is not None
    theirs, _ = soundfile.read(tmp_path / "x.wav", dtype="float32")
    assert found[0].tobytes() == theirs.tobytes()
    assert found[1] == rate


def test_what_is_written_by_the_one_way_to_write_is_plain(tmp_path: Path) -> None:
    audio = Audio(EXTREMES / 32768, 16000)
    write_audio(tmp_path / "x.wav", audio)
    assert (tmp_path / "x.wav").read_bytes() == by_libsndfile(EXTREMES, 16000)
    assert read_signal(tmp_path / "x.wav").samples.tolist() == audio.samples.tolist()


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:-2],
        lambda data: data[:-1],
        lambda data: data + b"\0\0",
        lambda data: data[: HEADER_BYTES - 1],
        lambda data: b"",
        lambda data: b"RF64" + data[4:],
        lambda data: data[:22] + b"\2" + data[23:],
        lambda data: data[:20] + b"\3" + data[21:],
        lambda data: data[:24] + bytes(4) + data[28:],
        lambda data: data[:24] + b"\xff" * 4 + data[28:],
        lambda data: data[:36] + b"LIST" + data[40:],
    ],
)
def test_any_other_file_is_left_to_libsndfile(tmp_path: Path, change) -> None:
    (tmp_path / "x.wav").write_bytes(change(by_libsndfile(EXTREMES, 16000)))
    assert read_wav(tmp_path / "x.wav") is None


def test_a_file_that_is_not_there_or_a_folder_is_no_file_of_ours(tmp_path: Path) -> None:
    assert read_wav(tmp_path / "x.wav") is None
    assert read_wav(tmp_path) is None
