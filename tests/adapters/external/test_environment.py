"""Codecs under another interpreter: the same bytes, and faults that cost one clip."""

import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
from click.testing import CliRunner

from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.external.environment_codec import EnvironmentCodec
from codecbench.adapters.registry import get_codec
from codecbench.cli.env_command import command
from codecbench.core.audio import Audio
from codecbench.core.errors import (
    BitstreamError,
    CodecError,
    ConfigError,
    MissingDependencyError,
    NonFiniteError,
    ProcessError,
    RunError,
    UnknownNameError,
)

CODECS = Path(__file__).parent / "own_codecs" / "faulty.py"
Make = Callable[..., EnvironmentCodec]


@pytest.fixture
def make() -> Make:
    """A codec of `own_codecs` under this very interpreter, in a process of its own."""

    def made(codec: str = "Eight", **options: float) -> EnvironmentCodec:
        return EnvironmentCodec(python=sys.executable, codec=f"{CODECS}:{codec}", **options)

    return made


@pytest.fixture
def trigger(speech: Audio) -> Audio:
    """A clip on which the codecs misbehave."""
    samples = speech.samples[:1600].copy()
    samples[0] = 1
    return Audio(samples, 16000)


def test_same_bytes_as_in_process(make: Make, speech: Audio) -> None:
    own, inside = make(), get_codec(f"{CODECS}:Eight")
    own.load()
    inside.load()
    there, here = (codec.encode(speech, codec.points[0]) for codec in (own, inside))
    assert there.to_bytes() == here.to_bytes()
    np.testing.assert_array_equal(there.codes, here.codes)
    assert there.codebook_sizes == here.codebook_sizes == (256,)
    received = Encoded.from_bytes(there.to_bytes())
    assert own.decode(received) == inside.decode(received)
    assert own.points == inside.points
    assert own.info.name == "eight"


def test_points_of_a_sweep_and_losses(speech: Audio) -> None:
    spec = "opus:mode=cbr,bitrate=6000|12000"
    own = get_codec(f'env:python="{sys.executable}",codec="{spec}",rate=12000')
    assert [point.name for point in own.points] == ["12000"]
    inside = get_codec("opus:mode=cbr,bitrate=12000")
    encoded = own.encode(speech, own.points[0])
    assert encoded.to_bytes() == inside.encode(speech, inside.points[0]).to_bytes()
    assert own.conceals
    lost = [index % 5 == 0 for index in range(len(encoded.packets))]
    assert own.decode_lossy(encoded, lost) == inside.decode_lossy(encoded, lost)
    assert own.packet_samples(own.points[0]) == inside.packet_samples(inside.points[0])
    with pytest.raises(UnknownNameError, match="rate of opus"):
        get_codec(f'env:python="{sys.executable}",codec="{spec}",rate=7000')


@pytest.mark.parametrize(
    ("fault", "reason", "words"),
    [
        ("killed", "crashed:SIGKILL", "died of SIGKILL"),
        ("exit", "crashed:exit7", "ended with code 7: goodbye"),
        ("hang", "timeout", "no answer within 1 s"),
        ("hog", "out_of_memory", "more than 300 MiB resident"),
    ],
)
def test_a_death_costs_one_clip(
    make: Make, speech: Audio, trigger: Audio, fault: str, reason: str, words: str
) -> None:
    limits = {"timeout": 1.0} if fault == "hang" else {"memory": 300.0} if fault == "hog" else {}
    codec = make(f"Eight:fault={fault}", **limits)
    codec.load()
    short = Audio(speech.samples[:1600], 16000)
    before = codec.encode(short, codec.points[0]).to_bytes()
    with pytest.raises(ProcessError, match=words) as caught:
        codec.encode(trigger, codec.points[0])
    assert caught.value.reason == reason
    assert codec.encode(short, codec.points[0]).to_bytes() == before


def test_errors_come_back_by_their_class(make: Make, trigger: Audio) -> None:
    for fault, cls, words in (
        ("raise", CodecError, "ZeroDivisionError: by nothing"),
        ("nan", NonFiniteError, "sample 0 is nan"),
    ):
        codec = make(f"Eight:fault={fault}")
        codec.load()
        with pytest.raises(cls, match=words):
            codec.encode(trigger, codec.points[0])
    with pytest.raises(BitstreamError, match=r"bytes"):
        codec.decode(Encoded(packets=(b"x",), point="128000", n_samples=50, sample_rate=16000))
    with pytest.raises(ConfigError, match="unknown option"):
        make("Eight:colour=red")
    with pytest.raises(ConfigError, match="Nine"):
        make("Nine")


def test_what_a_codec_prints_does_no_harm(make: Make, trigger: Audio) -> None:
    codec = make("Eight:fault=babble")
    codec.load()
    encoded = codec.encode(trigger, codec.points[0])
    assert codec.decode(encoded).n_samples == trigger.n_samples


def test_process_ends_with_its_codec(make: Make) -> None:
    codec = make()
    assert codec._process is not None
    pid = codec._process.pid
    codec.close()
    assert not psutil.pid_exists(pid)
    codec.load()
    again = codec._process.pid
    del codec
    assert not psutil.pid_exists(again)


@pytest.fixture
def other_environment(tmp_path: Path) -> Path:
    """A virtual environment with our numpy, and with a soxr that is not ours."""
    folder = tmp_path / "other"
    venv.create(folder, with_pip=False)
    (packages,) = folder.glob("lib/python3*/site-packages")
    (packages / "soxr.py").write_text('__version__ = "0.0.1"\n')
    (packages / "ours.pth").write_text(str(Path(np.__file__).parent.parent))
    return folder


def test_dependency_that_conflicts_with_ours(other_environment: Path, speech: Audio) -> None:
    own = get_codec(f'env:python="{other_environment}",codec="{CODECS}:OtherSoxr"')
    inside = get_codec(f"{CODECS}:OtherSoxr")
    assert own.info.version.startswith("0.0.1 (Python 3.")
    assert inside.info.version != "0.0.1"
    assert own.info.fingerprint != inside.info.fingerprint
    own.load()
    inside.load()
    there, here = (codec.encode(speech, codec.points[0]) for codec in (own, inside))
    assert there.to_bytes() == here.to_bytes()


def test_absent_environments_and_packages_are_said(tmp_path: Path) -> None:
    with pytest.raises(MissingDependencyError, match="codecbench env create nowhere --pip"):
        get_codec('env:python=nowhere,codec="pcm"')
    bare = tmp_path / "bare"
    venv.create(bare, with_pip=False)
    with pytest.raises(ProcessError, match="No module named 'numpy'"):
        get_codec(f'env:python="{bare}",codec="pcm"')


@pytest.fixture
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


def test_names_that_cannot_be(own_data: Path) -> None:
    (own_data / "codecbench" / "environments" / "taken").mkdir(parents=True)
    runner = CliRunner()
    assert runner.invoke(command, ["list"]).output == ""
    for arguments, cls, words in (
        (["create", "../up"], ConfigError, "letters, digits"),
        (["create", "taken"], ConfigError, "there is an environment 'taken'"),
        (["remove", "none"], UnknownNameError, "unknown environment 'none'"),
        (["create", "new", "--python", "/none/python"], RunError, "cannot be started"),
    ):
        error = runner.invoke(command, arguments).exception
        assert isinstance(error, cls)
        assert words in str(error)


@pytest.mark.slow
def test_half_made_environments_are_removed(own_data: Path) -> None:
    failed = CliRunner().invoke(command, ["create", "half", "--pip", "./no-such-package"])
    assert isinstance(failed.exception, RunError)
    assert not list((own_data / "codecbench" / "environments").iterdir())


@pytest.mark.slow
def test_numpy_of_the_last_generation(own_data: Path, speech: Audio) -> None:
    # codecbench needs numpy 2; a codec that needs numpy 1 cannot be in its environment.
    fetch = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "-d", str(own_data)]
    fetched = subprocess.run([*fetch, "numpy==1.26.4"], check=False, capture_output=True)
    if fetched.returncode != 0:
        pytest.skip("not here: a package index")
    runner = CliRunner()
    made = runner.invoke(command, ["create", "numpy1", "--pip", "numpy==1.26.4"])
    assert made.exception is None, made.output
    assert "numpy1" in runner.invoke(command, ["list"]).output
    own = get_codec(f'env:python=numpy1,codec="{CODECS}:Eight"')
    assert own.info.version.endswith("numpy 1.26.4)")
    own.load()
    inside = get_codec(f"{CODECS}:Eight")
    inside.load()
    there, here = (codec.encode(speech, codec.points[0]) for codec in (own, inside))
    assert there.to_bytes() == here.to_bytes()
    assert own.decode(there) == inside.decode(here)
    own.close()
    assert runner.invoke(command, ["remove", "numpy1"]).exception is None
    assert runner.invoke(command, ["list"]).output == ""
