"""Codecs that are programs: real ones of Debian, and small ones that misbehave."""

import shutil
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tomli_w

from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.external.program import CommandCodec
from codecbench.adapters.external.program_file import (
    READY_MADE,
    find_program_file,
    ready_made_names,
)
from codecbench.adapters.registry import get_codec, system_name
from codecbench.benchmark.child import describe_error
from codecbench.core.audio import Audio
from codecbench.core.errors import (
    ConfigError,
    DecodeError,
    EncodeError,
    MissingDependencyError,
    ProcessError,
    UnknownNameError,
)
from codecbench.core.resampling import resample
from codecbench.core.spec import Spec
from codecbench.metrics.alignment import measure_alignment

PACKAGES = {"opus-tools": "opusenc", "ffmpeg-g722": "ffmpeg", "codec2-tools": "c2enc"}


def need(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"not here: {program}")


def through(codec: CommandCodec, audio: Audio, name: str) -> tuple[Encoded, Audio]:
    encoded = codec.encode(audio, codec.point(name))
    return encoded, codec.decode(Encoded.from_bytes(encoded.to_bytes()))


@pytest.mark.parametrize("name", PACKAGES)
def test_programs_of_debian_code_speech(name: str, speech: Audio) -> None:
    need(PACKAGES[name])
    codec = get_codec(f"command:program={name}")
    assert isinstance(codec, CommandCodec)
    codec.load()
    audio = resample(speech, codec.info.sample_rate)
    for point in (codec.points[0], codec.points[-1]):
        encoded, decoded = through(codec, audio, point.name)
        assert decoded.n_samples == audio.n_samples
        # A frame at the end, and the rounding of whole bytes in a frame.
        assert encoded.payload_bits / encoded.duration_s == pytest.approx(
            point.nominal_bps, rel=0.05
        )
        assert codec.encode(audio, point).to_bytes() == encoded.to_bytes()
        found = measure_alignment(audio, decoded)
        assert abs(found.delay_samples) <= 0.002 * audio.sample_rate
        assert found.correlation > 0.5


def test_ogg_counts_packets_and_not_pages(speech: Audio) -> None:
    need("opusenc")
    codec = CommandCodec(program="opus-tools", rate="12000")
    encoded, _ = through(codec, speech, "12000")
    # 12 kbit/s are 30 bytes in each frame of 20 ms; the file's pages come on top. The encoder codes
    # one frame more than there are, since what it looks ahead moves the end.
    frames = encoded.payload_bits / (8 * 30)
    assert frames in (150, 151)
    assert encoded.wire_bits > encoded.payload_bits + 8 * 60


def test_ffmpeg_gives_what_its_library_gives(speech: Audio) -> None:
    need("ffmpeg")
    codec = CommandCodec(program="ffmpeg-g722")
    library = get_codec("g722")
    encoded, decoded = through(codec, speech, "64000")
    own = library.encode(speech, library.points[0])
    whole = b"".join(own.packets)
    # The program gets 22 zeros more, to bring the end out; the library is flushed in another way.
    assert encoded.packets[0][: len(whole)] == whole
    np.testing.assert_array_equal(decoded.samples[:-22], library.decode(own).samples[:-22])


def test_bits_of_frames_are_exact(speech: Audio) -> None:
    need("c2enc")
    codec = CommandCodec(program="codec2-tools", rate="1300")
    audio = resample(speech, 8000)
    encoded, _ = through(codec, audio, "1300")
    # 52 bits in 7 bytes, 40 ms each; the delay of 149 samples costs a frame at the end.
    frames = -(-(audio.n_samples + 149) // 320)
    assert encoded.payload_bits == 52 * frames
    assert encoded.wire_bits == 56 * frames


PROGRAM = """
import shutil, struct, sys, time, os
what, source, target = sys.argv[1:4]
if what == "hang":
    time.sleep(60)
if what == "family":
    import subprocess
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)  # grandchild"])
    time.sleep(60)
if what == "segfault":
    import faulthandler; os.kill(os.getpid(), 11)
if what == "fail":
    sys.exit("no such mode")
if what == "short":
    open(target, "wb").write(open(source, "rb").read()[:2000])
elif what == "g192":
    data = open(source, "rb").read()
    with open(target, "wb") as out:
        for byte in data:
            bits = [0x81 if byte >> (7 - i) & 1 else 0x7F for i in range(8)]
            out.write(struct.pack("<10H", 0x6B21, 8, *bits))
elif what == "g192_back":
    data = open(source, "rb").read()
    words = struct.unpack(f"<{len(data) // 2}H", data)
    out = bytearray()
    for at in range(0, len(words), 10):
        out.append(sum((word == 0x81) << (7 - i) for i, word in enumerate(words[at + 2:at + 10])))
    open(target, "wb").write(out)
elif what != "nothing":
    shutil.copyfile(source, target)
"""


@pytest.fixture
def describe(tmp_path: Path) -> Callable[..., str]:
    """Write a description of a program that copies, or misbehaves; return its path."""
    (tmp_path / "codec.py").write_text(PROGRAM)

    def write(encode: str = "copy", decode: str = "copy", /, **changes: object) -> str:
        python, script = sys.executable, str(tmp_path / "codec.py")
        table: dict[str, object] = {
            "name": "copier",
            "programs": [python],
            "sample_rate": 16000,
            "frame_samples": 160,
            "input": "in.raw",
            "output": "out.raw",
            "encode": [python, script, encode, "{input}", "{bitstream}"],
            "decode": [python, script, decode, "{bitstream}", "{output}"],
            "timeout_s": 20.0,
            "points": [{"name": "pcm", "nominal_bps": 256000}],
        }
        path = tmp_path / "copier.toml"
        path.write_text(tomli_w.dumps({**table, **changes}))
        return str(path)

    return write


def test_all_bytes_of_a_file_are_payload(describe: Callable[..., str], speech: Audio) -> None:
    codec = CommandCodec(program=describe())
    encoded, decoded = through(codec, speech, "pcm")
    assert encoded.payload_bits == 16 * speech.n_samples
    np.testing.assert_array_equal(decoded.samples, speech.quantize_16bit().samples)


def test_g192_counts_bits_and_not_words(describe: Callable[..., str]) -> None:
    codec = CommandCodec(program=describe("g192", "g192_back", bits="g192"))
    audio = Audio(np.linspace(-0.9, 0.9, 800, dtype=np.float32), 16000)
    encoded, decoded = through(codec, audio, "pcm")
    assert (encoded.payload_bits, encoded.wire_bits) == (16 * 800, 16 * 800)
    assert set(encoded.packet_bits) == {8}
    np.testing.assert_array_equal(decoded.samples, audio.quantize_16bit().samples)


def test_declared_delay_is_taken_back(describe: Callable[..., str], speech: Audio) -> None:
    codec = CommandCodec(program=describe(delay_samples=100, append_samples=100))
    _, decoded = through(codec, speech, "pcm")
    wanted = np.pad(speech.quantize_16bit().samples[100:], (0, 100))
    np.testing.assert_array_equal(decoded.samples, wanted)


@pytest.mark.parametrize(
    ("what", "reason", "words"),
    [
        ("segfault", "crashed:SIGSEGV", "died of SIGSEGV"),
        ("fail", "crashed:exit1", "code 1: no such mode"),
        ("hang", "timeout", "no result within 0.5 s"),
        ("family", "timeout", "no result within 0.5 s"),
    ],
)
def test_faults_of_programs_have_reasons(
    describe: Callable[..., str], speech: Audio, what: str, reason: str, words: str
) -> None:
    import psutil

    limit = 0.5 if reason == "timeout" else 20.0
    codec = CommandCodec(program=describe(what, timeout_s=limit))
    with pytest.raises(ProcessError, match=words) as caught:
        codec.encode(speech, codec.points[0])
    assert caught.value.reason == reason
    told = describe_error(caught.value)
    assert (told["status"], told["reason"]) == ("failed", reason)
    for process in psutil.Process().children(recursive=True):
        assert "grandchild" not in " ".join(process.cmdline())


def test_files_that_are_missing_or_short_are_errors(
    describe: Callable[..., str], speech: Audio
) -> None:
    codec = CommandCodec(program=describe("nothing"))
    with pytest.raises(EncodeError, match=r"copier wrote no coded\.bin"):
        codec.encode(speech, codec.points[0])
    for what, words in (("nothing", r"wrote no out\.raw"), ("short", "gave 1000 samples of 48000")):
        codec = CommandCodec(program=describe("copy", what))
        encoded = codec.encode(speech, codec.points[0])
        with pytest.raises(DecodeError, match=words):
            codec.decode(encoded)


def test_nothing_is_a_shell(describe: Callable[..., str], speech: Audio, tmp_path: Path) -> None:
    path = describe()
    table = tomllib.loads(Path(path).read_text())
    table["encode"] += ["; touch {folder}/gone", "$(touch gone)"]
    Path(path).write_text(tomli_w.dumps(table))
    codec = CommandCodec(program=path)
    codec.encode(speech, codec.points[0])
    assert not list(tmp_path.rglob("gone"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"colour": "red"}, "colour: Extra inputs"),
        ({"encode": ["x", "{mode}"]}, r"names \{mode\}, which point 'pcm' has no value for"),
        ({"bits": "frames"}, "point 'pcm' needs frame_bits"),
        ({"input": "../../in.raw"}, "input: String should match"),
        ({"output": "out.flac"}, r"must end in \.wav or \.raw"),
        ({"points": []}, "points: List should have at least 1"),
        ({"output": "in.raw"}, "need three names"),
    ],
)
def test_descriptions_that_cannot_be_right(
    describe: Callable[..., str], changes: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        CommandCodec(program=describe(**changes))


def test_absent_programs_and_names_are_said(describe: Callable[..., str], tmp_path: Path) -> None:
    codec = CommandCodec(program=describe(programs=["codec-of-nobody"], install="ask nobody"))
    assert codec.info.fingerprint == "absent"
    with pytest.raises(MissingDependencyError, match="codec-of-nobody is not usable; run: ask"):
        codec.load()
    with pytest.raises(ConfigError, match="known: codec2-tools, evs"):
        CommandCodec(program="g729")
    with pytest.raises(UnknownNameError, match="rate of opus-tools"):
        CommandCodec(program="opus-tools", rate="7000")
    with pytest.raises(ConfigError, match="cannot be read"):
        CommandCodec(program=str(tmp_path / "none.toml"))


def test_ready_made_descriptions_are_whole() -> None:
    for name in ready_made_names():
        path, file = find_program_file(name)
        assert path.parent == READY_MADE
        assert file.tested == (name not in ("evs", "lyra"))
        assert "ntested" not in path.read_text() or not file.tested
    spec = Spec.parse("command:program=opus-tools,rate=6000|12000")
    assert system_name(spec) == "command:bin=none,program=opus-tools"
    assert [point.nominal_bps for point in get_codec(spec).points] == [6000, 12000]
