"""Any codec that is a program: encode to a file, decode from it, described by a small TOML."""

import shutil
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from codecbench.adapters.base import Codec, CodecInfo, OperatingPoint
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.external.containers import ogg_payload_bytes, pack_g192, unpack_g192
from codecbench.adapters.external.program_file import (
    PointTable,
    fill_in,
    find_program_file,
)
from codecbench.adapters.external.run_command import run_command
from codecbench.core.audio import Audio, round_to_int16
from codecbench.core.audio_file import read_signal, write_audio
from codecbench.core.errors import (
    AudioFormatError,
    BitstreamError,
    DecodeError,
    EncodeError,
    MissingDependencyError,
    ProcessError,
    UnknownNameError,
)
from codecbench.core.fingerprint import hash_file, hash_json

_VERSION_TIMEOUT_S = 20.0


class CommandCodec(Codec):
    """A codec that is a program, described by a TOML file: see `ProgramFile` and the docs.

    Programs are run with lists of arguments, without a shell, each in a folder of its own that is
    deleted, and killed with all that they started when they take too long. A clip goes in as 16
    bit. What counts as payload is said in the file; the decoder is given the very bytes that are
    serialised. Delay is declared, never estimated.
    """

    rate_option: ClassVar[str | None] = "rate"

    def __init__(
        self, *, program: str, rate: str | Sequence[str] | None = None, bin: str | None = None
    ) -> None:
        """Read the description and look for the programs.

        Args:
            program: Name of a description that comes with codecbench, such as ``opus-tools``, or
                the path of a TOML file.
            rate: Names of operating points; all by default.
            bin: Folder of the programs, where they are not on the search path.

        Raises:
            ConfigError: The description cannot be right, or has no such point.
        """
        path, self.file = find_program_file(program)
        self.folder = Path(bin).expanduser().resolve() if bin is not None else None
        self.points = self._points(rate)
        found = [self._find(name) for name in self.file.programs]
        here = all(each is not None for each in found)
        hashes = [_hash_program(each, each.stat().st_mtime_ns) for each in found if each]
        self._version: str | None = None
        self.info = CodecInfo(
            name=self.file.name,
            version=self._ask_version() if here else "absent",
            fingerprint=hash_json([hash_file(path), *hashes]) if here else "absent",
            sample_rate=self.file.sample_rate,
            frame_samples=self.file.frame_samples,
            lookahead_samples=self.file.lookahead_samples,
            causal=self.file.causal,
            kind=self.file.kind,
            deterministic=self.file.deterministic,
            licence=self.file.licence,
            source=self.file.source,
            needs=tuple(f"program:{name}" for name in self.file.programs),
        )

    def _points(self, rate: str | Sequence[str] | None) -> tuple[OperatingPoint, ...]:
        known = [point.name for point in self.file.points]
        asked = known if rate is None else [rate] if isinstance(rate, str) else list(rate)
        if asked == [None]:  # a default comes as a tuple
            asked = known
        for name in asked:
            if name not in known:
                raise UnknownNameError(f"rate of {self.file.name}", str(name), known)
        return tuple(
            OperatingPoint(name=point.name, nominal_bps=point.nominal_bps)
            for point in self.file.points
            if point.name in asked
        )

    def _find(self, name: str) -> Path | None:
        path = str(self.folder) if self.folder is not None else None
        found = shutil.which(name, path=path)
        return Path(found) if found is not None else None

    def _ask_version(self) -> str:
        if self.file.version is None:
            return "unknown"
        with tempfile.TemporaryDirectory() as folder:
            command = self._command(self.file.version, Path(folder), {})
            try:
                told = run_command(command, folder=Path(folder), timeout_s=_VERSION_TIMEOUT_S)
            except ProcessError:
                return "unknown"
        return told.strip().splitlines()[0][:80] if told.strip() else "unknown"

    def load(self) -> None:
        """Look for the programs; see `Codec.load`.

        Raises:
            MissingDependencyError: One is not there.
        """
        for name in self.file.programs:
            if self._find(name) is None:
                fix = self.file.install or f"put {name} on the search path, or say bin="
                raise MissingDependencyError(name, fix)

    def encode(self, audio: Audio, point: OperatingPoint) -> Encoded:
        """Run the encoder; see `Codec.encode`."""
        self.require_codable(audio)
        if point not in self.points:
            names = ", ".join(known.name for known in self.points)
            msg = f"{self.info.name} was made for the points {names}; found '{point.name}'"
            raise EncodeError(msg)
        table = self.file.point(point.name)
        with tempfile.TemporaryDirectory(prefix="codecbench-") as made:
            folder = Path(made)
            pcm = self._fill_up(round_to_int16(audio.samples), table)
            _write_pcm(folder / self.file.input, pcm, audio.sample_rate)
            self._run(self.file.encode, folder, table)
            try:
                data = (folder / self.file.bitstream).read_bytes()
            except OSError as error:
                msg = f"{self.info.name} wrote no {self.file.bitstream}"
                raise EncodeError(msg) from error
        packets, bits, header = self._count(data, table, pcm.size)
        return Encoded(
            packets=packets,
            packet_bits=bits,
            header=header,
            point=point.name,
            n_samples=audio.n_samples,
            sample_rate=audio.sample_rate,
        )

    def decode(self, encoded: Encoded) -> Audio:
        """Run the decoder; see `Codec.decode`."""
        if encoded.sample_rate != self.info.sample_rate:
            msg = f"{self.info.name} decodes {self.info.sample_rate} Hz, not {encoded.sample_rate}"
            raise BitstreamError(msg)
        try:
            table = self.file.point(self.point(encoded.point).name)
        except UnknownNameError as error:
            raise BitstreamError(str(error)) from error
        if self.file.bits == "g192":
            data = pack_g192(encoded.packets, encoded.packet_bits)
        else:
            data = b"".join(encoded.packets)
        with tempfile.TemporaryDirectory(prefix="codecbench-") as made:
            folder = Path(made)
            (folder / self.file.bitstream).write_bytes(data)
            self._run(self.file.decode, folder, table)
            decoded = self._read_pcm(folder / self.file.output)
        start = self._delay(table)
        cut = decoded[start : start + encoded.n_samples]
        missing = encoded.n_samples - cut.size
        if missing > self.info.frame_samples:
            msg = f"{self.info.name} gave {cut.size} samples of {encoded.n_samples}"
            raise DecodeError(msg)
        return Audio.clip(np.pad(cut, (0, missing)), encoded.sample_rate)

    def _delay(self, table: PointTable) -> int:
        own = table.delay_samples
        return self.file.delay_samples if own is None else own

    def _fill_up(self, pcm: NDArray[np.int16], table: PointTable) -> NDArray[np.int16]:
        length = pcm.size + max(self.file.append_samples, table.delay_samples or 0)
        if self.file.whole_frames:
            length += -length % self.file.frame_samples
        return np.pad(pcm, (0, length - pcm.size))

    def _count(
        self, data: bytes, table: PointTable, n_samples: int
    ) -> tuple[tuple[bytes, ...], tuple[int, ...], bytes]:
        """Return packets, their exact bits, and a header."""
        if self.file.bits == "g192":
            frames = unpack_g192(data)
            return tuple(data for data, _ in frames), tuple(bits for _, bits in frames), b""
        bits = 8 * len(data)
        if self.file.bits == "ogg":
            bits = 8 * ogg_payload_bytes(data)
        elif self.file.bits == "frames":
            assert table.frame_bits is not None  # checked with the file
            bits = table.frame_bits * -(-n_samples // self.file.frame_samples)
        if bits > 8 * len(data):
            msg = f"{self.info.name}: {bits} bits are declared, the file has {8 * len(data)}"
            raise EncodeError(msg)
        return (data,), (bits,), b""

    def _command(self, command: list[str], folder: Path, values: dict[str, object]) -> list[str]:
        places = {
            "input": folder / self.file.input,
            "bitstream": folder / self.file.bitstream,
            "output": folder / self.file.output,
            "folder": folder,
            "bin": self.folder or "",
        }
        name, *rest = fill_in(command, {**self.file.values, **values, **places})
        found = self._find(name)
        return [str(found) if found is not None else name, *rest]

    def _run(self, commands: list[list[str]], folder: Path, table: PointTable) -> None:
        for command in commands:
            arguments = self._command(command, folder, dict(table.values))
            run_command(arguments, folder=folder, timeout_s=self.file.timeout_s)

    def _read_pcm(self, path: Path) -> NDArray[np.float32]:
        if not path.is_file():
            msg = f"{self.info.name} wrote no {path.name}"
            raise DecodeError(msg)
        if path.suffix == ".raw":
            data = path.read_bytes()
            samples = np.frombuffer(data[: len(data) // 2 * 2], "<i2")
            return samples.astype(np.float32) / np.float32(32768)
        try:
            signal = read_signal(path)
        except AudioFormatError as error:
            raise DecodeError(str(error)) from error
        if signal.sample_rate != self.info.sample_rate or signal.channels != 1:
            msg = (
                f"{self.info.name} gave {signal.channels} channels of {signal.sample_rate} Hz; "
                f"declared is one of {self.info.sample_rate} Hz"
            )
            raise DecodeError(msg)
        return signal.samples


def _write_pcm(path: Path, pcm: NDArray[np.int16], sample_rate: int) -> None:
    if path.suffix == ".raw":
        path.write_bytes(pcm.astype("<i2").tobytes())
    else:
        write_audio(path, Audio(pcm.astype(np.float32) / np.float32(32768), sample_rate))


@lru_cache(maxsize=64)
def _hash_program(path: Path, mtime_ns: int) -> str:
    del mtime_ns  # part of the key
    return hash_file(path)
