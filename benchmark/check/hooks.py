"""Checks of what a codec may offer beyond encode and decode: it must agree with them."""

from dataclasses import replace

import numpy as np

from codecbench.adapters.base import Codec
from codecbench.benchmark.check.subject import (
    Check,
    Finding,
    Subject,
    are_alike,
    difference_text,
    failed,
    named,
    not_applicable,
    passed,
)
from codecbench.core.audio import Audio
from codecbench.core.errors import UnsupportedSettingError

_BATCH_SHARES = (1.0, 0.37, 0.71)
_CHUNKS = (7, 160, 1000, 333)


def _batch(subject: Subject) -> Finding:
    cls = type(subject.codec)
    if cls.encode_batch is Codec.encode_batch and cls.decode_batch is Codec.decode_batch:
        return not_applicable("no batch of its own; the harness codes one clip after the other")
    count = subject.clip.n_samples
    clips = [subject.cut_samples(round(share * count)) for share in _BATCH_SHARES]
    for point in subject.edges:
        alone = [subject.encode(clip, point) for clip in clips]
        together = subject.codec.encode_batch(clips, point)
        if len(together) != len(clips):
            return failed(f"{len(clips)} clips in, {len(together)} out at {point.name}")
        for index, (one, other) in enumerate(zip(alone, together, strict=True)):
            if one.to_bytes() != other.to_bytes():
                return failed(
                    f"clip {index + 1} of {len(clips)} ({clips[index].n_samples} samples) gets "
                    f"other bytes in a batch at {point.name}"
                )
        heard = subject.codec.decode_batch(alone)
        for index, (stream, sound) in enumerate(zip(alone, heard, strict=True)):
            expected = subject.decode(stream)
            if not are_alike(expected, sound):
                return failed(
                    f"clip {index + 1} of {len(clips)} decodes otherwise in a batch at "
                    f"{point.name}: {difference_text(expected, sound)}"
                )
    return passed(f"{len(clips)} clips of different lengths are as one by one")


def _stream(subject: Subject) -> Finding:
    codec = subject.codec
    point = codec.points[0]
    try:
        codec.open_stream(point)
    except UnsupportedSettingError:
        return not_applicable("no streaming mode")
    samples = subject.clip.samples
    at_once = codec.open_stream(point)
    whole = [*at_once.encoder.push(samples), *at_once.encoder.flush()]
    sender = codec.open_stream(point).encoder
    pieces: list[bytes] = []
    start = step = 0
    while start < samples.size:
        size = _CHUNKS[step % len(_CHUNKS)]
        pieces += sender.push(samples[start : start + size])
        start, step = start + size, step + 1
    pieces += sender.flush()
    if pieces != whole:
        return failed(f"packets depend on the pushes: {len(pieces)} and {len(whole)} packets")
    receiver = codec.open_stream(point).decoder
    received = [receiver.push(packet) for packet in whole]
    heard = np.concatenate([*received, receiver.flush()])
    if heard.size < samples.size:
        return failed(f"{samples.size} samples in, {heard.size} out of the stream")
    if not np.isfinite(heard).all():
        return failed("the stream gives samples that are not finite")
    return passed(f"{len(whole)} packets, however the signal is cut")


def _nested(subject: Subject) -> Finding:
    codec, points = subject.codec, list(subject.codec.points)
    if type(codec).encode_points is Codec.encode_points or len(points) < 2:
        return not_applicable("points are coded one by one")
    together = codec.encode_points(subject.clip, points)
    edges = {point.name for point in subject.points}
    for point, encoded in zip(points, together, strict=True):
        if encoded.point != point.name:
            return failed(f"asked for {point.name}, got {encoded.point}")
        if point.name not in edges:
            continue
        alone = subject.encode(subject.clip, point)
        if alone.to_bytes() != encoded.to_bytes():
            return failed(f"encode_points gives other bytes than encode at {point.name}")
    return passed(f"the same bytes as alone at {named(points)}")


def _truncation(subject: Subject) -> Finding:
    codec = subject.codec
    decode_codes = getattr(codec, "decode_codes", None)
    if decode_codes is None:
        return not_applicable("the codec decodes no bare codes")
    low, high = (subject.encode(subject.clip, codec.points[at]).codes for at in (0, -1))
    if low is None or high is None or len(low) >= len(high):
        return not_applicable("no point has fewer codebooks than another")
    filled = np.zeros_like(high)
    filled[: len(low)] = low
    partial, zeroed = np.asarray(decode_codes(low)), np.asarray(decode_codes(filled))
    if partial.shape == zeroed.shape and np.array_equal(partial, zeroed):
        return failed(f"{len(low)} of {len(high)} codebooks decode as if the others sent index 0")
    return passed(f"{len(low)} of {len(high)} codebooks decode without the others")


def _causality(subject: Subject) -> Finding:
    info = subject.codec.info
    if not info.causal:
        return not_applicable("declared as not causal")
    if subject.varies:
        return not_applicable(subject.varies)
    clip, count = subject.clip, subject.clip.n_samples
    change = count // 2
    samples = clip.samples.copy()
    samples[change:] = subject.other_clip.samples[change:]
    reach = info.frame_samples + info.lookahead_samples
    same = change - reach
    if same <= 0:
        return not_applicable(f"reaches {reach} samples ahead, further than half of the clip")
    for point in subject.edges:
        one = subject.through(clip, point).samples[:same]
        other = subject.through(Audio(samples, clip.sample_rate), point).samples[:same]
        if not np.array_equal(one, other):
            first = int(np.argmax(one != other))
            text = f"input from sample {change} changes output from {first} at {point.name}"
            return failed(f"{text}; declared: no earlier than {same}")
    return passed(f"nothing changes {reach} samples before the input does")


def _loss(subject: Subject) -> Finding:
    point = subject.codec.points[0]
    encoded = subject.encode(subject.clip, point)
    count = len(encoded.packets)
    nothing, everything = [False] * count, [True] * count
    third = [index % 3 == 1 for index in range(count)]
    try:
        whole = subject.codec.decode_lossy(encoded, nothing)
    except UnsupportedSettingError:
        return not_applicable("no concealment of its own")
    expected = subject.decode(encoded)
    if not subject.varies and whole != expected:
        return failed(f"with nothing lost: {difference_text(expected, whole)}")
    for lost, what in ((third, "a third"), (everything, "everything")):
        heard = subject.codec.decode_lossy(encoded, lost)
        if heard.n_samples != encoded.n_samples or not np.isfinite(heard.samples).all():
            return failed(f"{heard.n_samples} samples of {encoded.n_samples} with {what} lost")
        other = replace(
            encoded,
            packets=tuple(
                bytes(byte ^ 0x55 for byte in packet) if gone else packet
                for packet, gone in zip(encoded.packets, lost, strict=True)
            ),
        )
        if not subject.varies and subject.codec.decode_lossy(other, lost) != heard:
            return failed(f"what is in lost packets changes the output with {what} lost")
    return passed(f"length kept with a third and with all of {count} packets lost")


CHECKS = (
    Check(
        number=20,
        name="batch",
        asks="a batch gives what its clips give one by one",
        advice="mask what fills the shorter clips up (convolutions and norms see it), or leave "
        "encode_batch and decode_batch out",
        run=_batch,
    ),
    Check(
        number=21,
        name="stream",
        asks="however a signal is pushed, the packets are the same",
        advice="buffer samples until a frame is full; code only whole frames",
        run=_stream,
    ),
    Check(
        number=34,
        name="nested",
        asks="encode_points gives what encode gives at each point",
        advice="leave encode_points out unless lower points are truncations of the highest",
        run=_nested,
    ),
    Check(
        number=35,
        name="truncation",
        asks="fewer codebooks are decoded without the others, not with zeros in their place",
        advice="sum the codebooks that were sent; index 0 is an entry like any other",
        run=_truncation,
    ),
    Check(
        number=36,
        name="causality",
        asks="no output depends on input later than frame and look-ahead",
        advice="declare causal=False, or the look-ahead as it is: latency_ms follows from it",
        run=_causality,
    ),
    Check(
        number=37,
        name="loss",
        asks="lost packets are concealed without looking into them, at the same length",
        advice="take packets from encoded.received(lost), and conceal where it has none",
        run=_loss,
    ),
)
