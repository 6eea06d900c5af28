"""The ten reference clips that anybody with Debian's packages has."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from codecbench.core.audio import Audio

PACKAGES = (
    "codec2-examples asterisk-core-sounds-en-g722 asterisk-core-sounds-it-g722 "
    "asterisk-core-sounds-fr-g722 asterisk-core-sounds-ru-g722 asterisk-core-sounds-es-g722"
)
SPEECH_ORIG = Path("/usr/share/codec2/raw/speech_orig_16k.wav")
SOUNDS = Path("/usr/share/asterisk/sounds")
# Where the clips lie, and the first digits of the sha256 of their 16-bit samples:
# reference_codecs.md, section 4.
CLIPS = {
    "c2ex_speech_orig_16k_a": ("", "050375c449297931"),
    "c2ex_speech_orig_16k_b": ("", "14d7dbb8783a8157"),
    "en_allison_congrats": ("en_US_f_Allison/demo-congrats", "fe72679a16aa30ad"),
    "en_allison_pbxmain": ("en_US_f_Allison/basic-pbx-ivr-main", "724c8b3c8c8be9bd"),
    "it_carlo_congrats": ("it_IT_m_Carlo/demo-congrats", "527c39fd8d633078"),
    "it_carlo_echotest": ("it_IT_m_Carlo/demo-echotest", "2baa538294200419"),
    "fr_june_congrats": ("fr_CA_f_June/demo-congrats", "f097b497079e5880"),
    "fr_june_echotest": ("fr_CA_f_June/demo-echotest", "f2b22e74c91ef0a7"),
    "ru_ivr_congrats": ("ru_RU_f_IvrvoiceRU/demo-congrats", "585a6b504d303ef8"),
    "es_allison_congrats": ("es_MX_f_Allison/demo-congrats", "c4441c6c6915b179"),
}


def decode_g722(path: Path) -> np.ndarray:
    """Decode a file of bare G.722 at 64 kbit/s."""
    av = pytest.importorskip("av")
    context = av.CodecContext.create("g722", "r")
    context.sample_rate, context.layout = 16000, "mono"
    pieces = [*context.decode(av.Packet(path.read_bytes())), *context.decode(None)]
    return np.concatenate([piece.to_ndarray().reshape(-1) for piece in pieces])


@pytest.fixture(scope="session")
def reference_clips() -> dict[str, Audio]:
    """The ten clips, each checked by its hash."""
    if not (SPEECH_ORIG.is_file() and SOUNDS.is_dir()):
        pytest.skip(f"the reference clips are missing; run: apt-get install {PACKAGES}")
    clips = {}
    whole = soundfile.read(SPEECH_ORIG, dtype="int16")[0]
    for name, (path, digest) in CLIPS.items():
        if path:
            file = SOUNDS / f"{path}.g722"
            if not file.is_file():
                pytest.skip(f"{file} is missing; run: apt-get install {PACKAGES}")
            pcm = decode_g722(file)[8000:88000]
        else:
            start = 0 if name.endswith("_a") else 86400
            pcm = whole[start : start + 86400]
        found = hashlib.sha256(np.ascontiguousarray(pcm, "<i2").tobytes()).hexdigest()
        assert found.startswith(digest), name
        clips[name] = Audio(pcm.astype(np.float32) / 32768, 16000)
    return clips
