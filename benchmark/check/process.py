"""Checks of manners inside a process: its state, the network, threads and memory."""

import contextlib
import ctypes
import gc
import os
import random
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from codecbench.benchmark.check.subject import (
    Check,
    Finding,
    Subject,
    are_alike,
    difference_text,
    failed,
    passed,
    warned,
)
from codecbench.core.audio import Audio

_BUSY_CORES = 1.3
_SHORTEST_CPU_S = 0.05
"""Below, the clock of a process is too coarse for a ratio."""
_WARM_UP, _REPEATS, _NEURAL_REPEATS = 2, 12, 4
_SLACK_MIB, _NEURAL_SLACK_MIB = 1.0, 64.0
_KEPT_SHARE = 0.5
"""Share of a clip that may stay in memory for each clip coded before it counts as a leak."""


@contextlib.contextmanager
def no_network(attempts: list[str]) -> Iterator[None]:
    """Refuse connections and look-ups from Python, and note who was asked for."""

    def refuse(what: str) -> Callable[..., Any]:  # Any: stands in for functions of any type
        def refused(*arguments: object, **options: object) -> None:
            del options
            # Of a method the first argument is the socket itself; local pipes are no network.
            target = arguments[1] if isinstance(arguments[0], socket.socket) else arguments[0]
            attempts.append(f"{what} {target}")
            msg = f"codecbench check allows no network: {what} {target}"
            raise OSError(msg)

        return refused

    kept = (socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo)
    socket.socket.connect = refuse("connect")  # type: ignore[method-assign]  # put back below
    socket.socket.connect_ex = refuse("connect")  # type: ignore[method-assign]
    socket.getaddrinfo = refuse("look-up")
    try:
        yield
    finally:
        (socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo) = kept  # type: ignore[method-assign]


def process_state() -> dict[str, object]:
    """Return what a codec must leave as it was."""
    state: dict[str, object] = {
        "working directory": str(Path.cwd()),
        "environment": dict(os.environ),
        "umask": _umask(),
        "random's generator": random.getstate(),
        "numpy's global generator": repr(np.random.get_state()),  # noqa: NPY002  (is it left alone?)
        "numpy's error handling": dict(np.geterr()),
    }
    torch = sys.modules.get("torch")
    if torch is not None:
        state |= {
            "torch's generator": torch.get_rng_state().numpy().tobytes(),
            "torch's default type": str(torch.get_default_dtype()),
            "torch's threads": torch.get_num_threads(),
            "torch's gradient mode": torch.is_grad_enabled(),
        }
    return state


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _process_state(subject: Subject) -> Finding:
    # A codec that seeds a generator with a constant has left it where it will leave it again.
    random.random()
    np.random.random()  # noqa: NPY002  (the global generator is what is looked at)
    if "torch" in sys.modules:
        sys.modules["torch"].rand(1)
    before = process_state()
    codec = subject.another()
    for point in subject.edges:
        codec.decode(codec.encode(subject.clip, point))
    after = process_state()
    changed = [key for key, value in after.items() if key in before and before[key] != value]
    if changed:
        return failed(f"changed: {', '.join(changed)}")
    return passed(f"{len(before)} settings of the process are as before")


def _network(subject: Subject) -> Finding:
    attempts: list[str] = []
    try:
        with no_network(attempts):
            codec = subject.another()
            codec.decode(codec.encode(subject.clip, codec.points[0]))
    except Exception:
        # A refused connection may surface as anything; without one the error is not ours.
        if not attempts:
            raise
    if attempts:
        return failed(attempts[0])
    return passed("no connection was tried")


def _threads(subject: Subject) -> Finding:
    point = subject.codec.points[0]
    audio = subject.clip if subject.is_neural else subject.cut(5.0)
    subject.through(subject.clip, point)
    wall, cpu = time.perf_counter(), time.process_time()
    encoded = subject.encode(audio, point)
    out = subject.decode(encoded)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    cores = cpu / wall if wall > 0 else 0.0
    text = f"{psutil.Process().num_threads()} threads alive, {cores:.2f} cores busy"
    torch = sys.modules.get("torch")
    if torch is not None and subject.is_neural:
        with _torch_threads(torch, 2):
            encoded_by_two = subject.encode(audio, point)
            heard = subject.decode(encoded)
        if not subject.varies and encoded_by_two.to_bytes() != encoded.to_bytes():
            return warned(f"2 threads give other bytes than 1; {text}")
        if not subject.varies and not are_alike(out, heard):
            return warned(f"decoded by 2 threads: {difference_text(out, heard)}; {text}")
        text = f"the same with 1 and 2 threads; {text}"
    if cores > _BUSY_CORES and cpu > _SHORTEST_CPU_S:
        return warned(f"{text} where one was allowed")
    return passed(text)


@contextlib.contextmanager
def _torch_threads(torch: Any, count: int) -> Iterator[None]:  # noqa: ANN401  (an optional module)
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _memory(subject: Subject) -> Finding:
    audio = subject.clip if subject.is_neural else subject.cut(5.0)
    repeats = _NEURAL_REPEATS if subject.is_neural else _REPEATS
    point = subject.codec.points[0]
    for _ in range(1 if subject.is_neural else _WARM_UP):
        subject.through(audio, point)
    before = _resident_mib()
    for index in range(repeats):
        # Every clip another one: what is kept by content must show too.
        changed = audio.samples.copy()
        changed[index] = 0.5
        subject.through(Audio(changed, audio.sample_rate), point)
    after = _resident_mib()
    grown = after - before
    clips_mib = repeats * audio.samples.nbytes / 2**20
    slack = _NEURAL_SLACK_MIB if subject.is_neural else _SLACK_MIB
    text = f"{after:.0f} MiB resident, {grown:+.1f} MiB after {repeats} clips"
    if grown > slack + _KEPT_SHARE * clips_mib:
        return failed(f"{text} of together {clips_mib:.1f} MiB: something is kept of each clip")
    return passed(text)


def _resident_mib() -> float:
    """Return the resident memory after giving back what is free.

    Without that, what earlier checks have freed hides what a codec keeps.
    """
    gc.collect()
    with contextlib.suppress(AttributeError, OSError, TypeError):  # glibc alone has it
        ctypes.CDLL(None).malloc_trim(0)
    return float(psutil.Process().memory_info().rss) / 2**20


CHECKS = (
    Check(
        number=25,
        name="process_state",
        asks="coding leaves the process as it was: folder, environment, random generators, torch",
        advice="use generators of your own (numpy.random.default_rng, torch.Generator) and put "
        "back what you change",
        run=_process_state,
    ),
    Check(
        number=26,
        name="network",
        asks="no network is used",
        advice="take weights from a file and raise MissingWeightsError where it is not there",
        run=_network,
    ),
    Check(
        number=30,
        name="threads",
        asks="one core is used where one is allowed, and threads change nothing",
        advice="obey OMP_NUM_THREADS; real-time factors and parallel runs count on it",
        run=_threads,
    ),
    Check(
        number=31,
        name="memory",
        asks="memory does not grow with each clip",
        advice="free coders in a finally clause, and keep no clips or results on self",
        run=_memory,
    ),
)
