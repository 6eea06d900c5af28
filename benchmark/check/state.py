"""Checks of repeatability: nothing is kept between clips or handed over outside the bytes."""

import numpy as np

from codecbench.benchmark.check.subject import (
    Check,
    Finding,
    Subject,
    difference_text,
    failed,
    not_applicable,
    passed,
)


def _repeat(subject: Subject) -> Finding:
    if subject.varies:
        return not_applicable(subject.varies)
    for point in subject.edges:
        first = subject.encode(subject.clip, point)
        second = subject.encode(subject.clip, point)
        if first.to_bytes() != second.to_bytes():
            return failed(f"the same clip coded twice gives different bytes at {point.name}")
        heard, again = subject.decode(first), subject.decode(first)
        if heard != again:
            return failed(f"decoded twice at {point.name}: {difference_text(heard, again)}")
    return passed("same bytes and samples twice")


def _fresh_instance(subject: Subject) -> Finding:
    if subject.varies:
        return not_applicable(subject.varies)
    fresh = subject.another()
    for point in subject.edges:
        used = subject.encode(subject.clip, point)
        if fresh.encode(subject.clip, point).to_bytes() != used.to_bytes():
            return failed(f"a new instance gives other bytes than a used one at {point.name}")
    return passed("a new instance gives the same bytes")


def _no_state(subject: Subject) -> Finding:
    if subject.varies:
        return not_applicable(subject.varies)
    for point in subject.edges:
        first = subject.encode(subject.clip, point)
        between = subject.encode(subject.other_clip, point)
        if subject.encode(subject.clip, point).to_bytes() != first.to_bytes():
            return failed(f"clips A, B, A: the second A has other bytes at {point.name}")
        heard = subject.decode(first)
        subject.decode(between)
        again = subject.decode(first)
        if heard != again:
            found = difference_text(heard, again)
            return failed(f"clips A, B, A decoded at {point.name}: {found}")
    return passed("clips A, B, A: both A are equal")


def _input_untouched(subject: Subject) -> Finding:
    before = subject.clip.samples.copy()
    audio = subject.cut_samples(before.size)
    for point in subject.edges:
        encoded = subject.encode(audio, point)
        data = encoded.to_bytes()
        subject.codec.decode(encoded)
        if not np.array_equal(audio.samples, before):
            return failed(f"encode changes its input at {point.name}")
        if encoded.to_bytes() != data:
            return failed(f"decode changes the bitstream at {point.name}")
    return passed("signal and bitstream are as before")


def _bytes_alone(subject: Subject) -> Finding:
    if subject.varies:
        return not_applicable(subject.varies)
    other = subject.another()
    for point in subject.edges:
        encoded = subject.encode(subject.clip, point)
        here = subject.decode(encoded)
        there = subject.decode(encoded, other)
        if here != there:
            found = difference_text(here, there)
            return failed(f"another instance decodes otherwise at {point.name}: {found}")
    return passed("another instance decodes the same from the bytes")


CHECKS = (
    Check(
        number=3,
        name="repeat",
        asks="the same clip twice gives the same bytes and samples",
        advice="open a fresh coder for each clip and seed what is random, or declare "
        "deterministic=False",
        run=_repeat,
    ),
    Check(
        number=4,
        name="fresh_instance",
        asks="a new instance gives the bytes of a used one",
        advice="open a fresh coder for each clip; fix the seed of random weights",
        run=_fresh_instance,
    ),
    Check(
        number=5,
        name="no_state",
        asks="a clip between two codings of the same changes nothing",
        advice="open a fresh coder for each clip and reset what remembers (predictors, buffers)",
        run=_no_state,
    ),
    Check(
        number=6,
        name="input_untouched",
        asks="coding changes neither the signal nor the bitstream",
        advice="work on a copy",
        run=_input_untouched,
    ),
    Check(
        number=7,
        name="bytes_alone",
        asks="another instance decodes the same from the serialised bytes",
        advice="put everything that the decoder needs into packets or header, none of it on self",
        run=_bytes_alone,
    ),
)
