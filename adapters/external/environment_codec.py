"""A codec whose class runs under another Python interpreter, with dependencies of its own."""

import json
import os
import sys
import time
import weakref
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from codecbench.adapters.base import Codec, CodecInfo, OperatingPoint
from codecbench.adapters.bitstream import Encoded
from codecbench.adapters.external.environments import find_interpreter
from codecbench.adapters.external.wire import (
    Message,
    WireError,
    pack_message,
    read_message,
    samples_from_bytes,
    samples_to_bytes,
)
from codecbench.core import errors
from codecbench.core.audio import Audio
from codecbench.core.errors import (
    CodecError,
    MissingDependencyError,
    ProcessError,
    UnknownNameError,
)
from codecbench.core.fingerprint import hash_json
from codecbench.core.watched_process import ProcessDiedError, WatchedProcess

_OF_SEVERAL_PARTS = (
    errors.UnknownNameError,
    errors.MissingDependencyError,
    errors.MetricError,
    errors.ProcessError,
)
_ROOMS = ("codecbench", "codecbench.core", "codecbench.adapters")
_RUNNER = Path(__file__).with_name("runner.py")
_START_S = 120.0
_PINNED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_ISOLATED = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONSAFEPATH")


class EnvironmentCodec(Codec):
    """A codec in an environment of its own: same class, same contract, other packages.

    The class is made and run by the interpreter of a virtual environment, in which numpy is all
    that codecbench needs. It is spoken to over pipes. When it dies, hangs or takes too much memory,
    the clip has failed, with the reason, and the next clip gets a new process. Streaming is not
    offered.
    """

    rate_option: ClassVar[str | None] = "rate"

    def __init__(
        self,
        *,
        python: str,
        codec: str,
        rate: str | Sequence[str] | None = None,
        timeout: float = 300.0,
        memory: float = 8192.0,
        threads: int = 1,
    ) -> None:
        """Start the interpreter and ask the codec what it is.

        Args:
            python: Name of an environment that ``codecbench env create`` made, or the path of an
                interpreter or of a virtual environment.
            codec: Spec of the codec there, such as ``"./my_codec.py:MyCodec:levels=3"``.
            rate: Names of operating points; all by default.
            timeout: Seconds that loading, or a clip, may take.
            memory: MiB that the process may use.
            threads: How many its numerical libraries may use.

        Raises:
            MissingDependencyError: There is no such environment, or it lacks a package.
            ConfigError: The codec refuses its options.
            ProcessError: The process died.
        """
        self.python, self.spec = find_interpreter(python), _absolute(codec)
        self.timeout_s, self.memory_mib, self.threads = timeout, memory, threads
        self._process: WatchedProcess | None = None
        self._loaded = False
        self._finish: weakref.finalize | None = None  # type: ignore[type-arg]  # of any arguments
        facts, _ = self._ask({"op": "open", "codec": self.spec}, [])
        self.info = self._info(facts)
        self.points = self._points(facts["points"], rate)
        # Facts of the class there, which this class cannot know; instances of it may differ.
        self.conceals = bool(facts["conceals"])  # type: ignore[misc]
        self.violates = frozenset(facts["violates"])  # type: ignore[misc]
        self.concealment = str(facts["concealment"])
        self._packet_samples = dict(facts["packet_samples"])

    def _info(self, facts: Message) -> CodecInfo:
        told = facts["info"]
        told["needs"] = (*told["needs"], f"file:{self.python}")
        made_of = [told["fingerprint"], facts["source_hash"], facts["python"], facts["numpy"]]
        told["fingerprint"] = hash_json(made_of)
        told["version"] = f"{told['version']} (Python {facts['python']}, numpy {facts['numpy']})"
        return CodecInfo(**told)

    def _points(
        self, told: list[Message], rate: str | Sequence[str] | None
    ) -> tuple[OperatingPoint, ...]:
        points = [OperatingPoint(**point) for point in told]
        names = [point.name for point in points]
        asked = names if rate is None else [rate] if isinstance(rate, str) else list(rate)
        if asked == [None]:  # a default comes as a tuple
            asked = names
        for name in asked:
            if name not in names:
                raise UnknownNameError(f"rate of {self.info.name}", str(name), names)
        return tuple(point for point in points if point.name in asked)

    def load(self) -> None:
        """Load the codec there; see `Codec.load`."""
        self._ask({"op": "load"}, [])
        self._loaded = True

    def encode(self, audio: Audio, point: OperatingPoint) -> Encoded:
        """Code one clip there; see `Codec.encode`."""
        return self.encode_points(audio, [point])[0]

    def encode_points(self, audio: Audio, points: Sequence[OperatingPoint]) -> list[Encoded]:
        """Code one clip at several points there."""
        request = {
            "op": "encode",
            "points": [point.name for point in points],
            "sample_rate": audio.sample_rate,
            "shape": list(audio.samples.shape),
        }
        answer, blobs = self._ask(request, [samples_to_bytes(audio.samples)])
        coded = []
        for index, (rows, columns, *sizes) in enumerate(answer["codes"]):
            encoded = Encoded.from_bytes(blobs[2 * index])
            if sizes:
                # The codes are for statistics and travel beside the bytes.
                codes = np.frombuffer(blobs[2 * index + 1], "<i8").reshape(rows, columns)
                encoded = replace(
                    encoded, codes=codes.astype(np.int64), codebook_sizes=tuple(sizes)
                )
            coded.append(encoded)
        return coded

    def decode(self, encoded: Encoded) -> Audio:
        """Decode one clip there; see `Codec.decode`."""
        return self._received({"op": "decode"}, encoded)

    def decode_lossy(self, encoded: Encoded, lost: Sequence[bool]) -> Audio:
        """Decode one clip of which packets were lost there; see `Codec.decode_lossy`."""
        return self._received(
            {"op": "decode_lossy", "lost": [bool(gone) for gone in lost]}, encoded
        )

    def _received(self, request: Message, encoded: Encoded) -> Audio:
        answer, (data,) = self._ask(request, [encoded.to_bytes()])
        return Audio(samples_from_bytes(data), answer["sample_rate"], answer["clipped_share"])

    def packet_samples(self, point: OperatingPoint) -> int:
        """Return what the codec there says."""
        return int(self._packet_samples[point.name])

    def close(self) -> None:
        """End the process; the next request starts a new one."""
        if self._finish is not None:
            self._finish()
        self._process = self._finish = None

    def _ask(self, request: Message, blobs: list[bytes]) -> tuple[Message, list[bytes]]:
        """Send a request, to a new process if there is none, and return its answer."""
        try:
            if self._process is None or not self._process.is_running:
                self.close()
                self._start(request)
            slow = request["op"] in ("open", "load")
            limit = max(_START_S, self.timeout_s) if slow else self.timeout_s
            message, content = self._exchange(request, blobs, limit)
        except (ProcessDiedError, WireError) as death:
            self.close()
            reason = getattr(death, "reason", "crashed:protocol")
            msg = f"the codec's own process: {death}{_last_line(getattr(death, 'trace', ''))}"
            raise ProcessError(msg, reason=reason) from death
        if "error" in message:
            raise _error_of(message["error"])
        return message, content

    def _start(self, request: Message) -> None:
        rooms = {
            name: str(Path(str(sys.modules[name].__file__)).resolve().parent) for name in _ROOMS
        }
        kept = {key: value for key, value in os.environ.items() if key not in _ISOLATED}
        try:
            self._process = WatchedProcess(
                [str(self.python), "-I", str(_RUNNER), json.dumps(rooms)],
                environment={**kept, **dict.fromkeys(_PINNED, str(self.threads))},
                memory_mib=self.memory_mib,
                own_session=False,  # it is to die with the process that asks
            )
        except OSError as error:
            fix = "give an interpreter that can be run"
            raise MissingDependencyError(
                str(self.python), fix, detail=str(error.strerror)
            ) from error
        self._finish = weakref.finalize(self, self._process.close)
        if request["op"] == "open":
            return
        # A new process after a death: bring it to where the old one was.
        again: list[Message] = [{"op": "open", "codec": self.spec}]
        again += [{"op": "load"}] if self._loaded and request["op"] != "load" else []
        for step in again:
            message, _ = self._exchange(step, [], max(_START_S, self.timeout_s))
            if "error" in message:
                raise _error_of(message["error"])

    def _exchange(
        self, request: Message, blobs: list[bytes], timeout_s: float
    ) -> tuple[Message, list[bytes]]:
        process = self._process
        assert process is not None  # started by _ask
        process.write(pack_message(request, blobs))
        deadline = time.monotonic() + timeout_s

        def read(count: int) -> bytes:
            return process.read(count, deadline=deadline, timeout_s=timeout_s)

        return read_message(read)


def _absolute(spec: str) -> str:
    """Return the spec with the path of its file made absolute: the far side has another folder."""
    head, dot_py, rest = spec.partition(".py:")
    if not dot_py:
        return spec
    return f"{Path(head + '.py').expanduser().resolve()}:{rest}"


def _last_line(trace: str) -> str:
    lines = trace.strip().splitlines()
    return f": {lines[-1][:200]}" if lines else ""


def _error_of(told: Message) -> Exception:
    """Return the error of the far side: ours by their class, others as errors of the codec."""
    name, message = str(told["type"]), str(told["message"])
    if told.get("missing"):
        package, fix, detail = told["missing"]
        return MissingDependencyError(package, fix, detail=detail)
    if told["memory"]:
        return ProcessError(f"{name}: {message}", reason="out_of_memory")
    cls = getattr(errors, name, None)
    if told["ours"] and isinstance(cls, type) and issubclass(cls, errors.CodecBenchError):
        # Those that are made of more than a message come as the class above them.
        plain = next(base for base in cls.__mro__ if base not in _OF_SEVERAL_PARTS)
        error: Exception = plain(message)
        return error
    return CodecError(f"{name}: {message}")
