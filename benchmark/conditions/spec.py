"""Condition strings: parts such as ``level=-36`` or ``noise=babble,snr=15``, joined by ``+``.

A part is ``name=value[,option=value…]``; values are written as in codec specs, and a sweep
``a|b`` makes several conditions. ``reference=clean`` or ``reference=treated`` in any part says what
the whole condition is scored against. ``clean`` alone is the condition in which nothing happens.
"""

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast, get_args

from codecbench.adapters.base import Codec
from codecbench.adapters.bitstream import Encoded
from codecbench.benchmark.conditions.base import (
    Channel,
    Condition,
    Draw,
    Reception,
    ScoredAgainst,
    Treated,
    Treatment,
)
from codecbench.benchmark.conditions.registry import CONDITIONS
from codecbench.core.audio import Audio
from codecbench.core.construct import option_defaults, resolve_options
from codecbench.core.errors import ConfigError, UnknownNameError
from codecbench.core.fingerprint import Json
from codecbench.core.spec import Option, Spec, format_option

CLEAN: Literal["clean"] = "clean"
"""The condition in which nothing happens; every run has it, and has it first."""
_REFERENCE = "reference"
_HEAD = re.compile(
    r"(?P<name>[^=,|\"+\s]*\.py:[A-Za-z_]\w*|[A-Za-z_][\w-]*)(?P<rest>=.*)?", re.DOTALL
)
_JOINT = re.compile(r"\+(?=(?:[^=,|\"+\s]*\.py:)?[A-Za-z_][\w-]*(?:[=+]|$))")
_HINT = "write name=value[,option=value] joined by +, e.g. noise=babble,snr=15+loss=5%,burst=1.5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part with its options.

    Attributes:
        condition: The part, made.
        text: Canonical: the value, then options that differ from their defaults, sorted.
        options: Every option with its value.
    """

    condition: Condition
    text: str
    options: dict[str, Option]

    def identity(self) -> Json:
        """Return what determines the outcome."""
        condition = self.condition
        shown = {**self.options, **condition.shown()}
        return {
            "name": condition.name,
            "definition": condition.definition,
            "options": {key: shown[key] for key in sorted(shown)},
            "content": condition.content(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedCondition:
    """A whole condition, ready to be applied.

    Attributes:
        name: Canonical, as in the column ``condition``.
        treatments: What happens to the input, in this order.
        channel: What happens to the packets; None where all arrive.
        scored_against: What metrics take for the reference.
    """

    name: str
    treatments: tuple[Part, ...] = ()
    channel: Part | None = None
    scored_against: ScoredAgainst = "clean"

    def treat(self, audio: Audio, draw: Draw) -> Treated:
        """Apply the treatments one after the other."""
        gain, clipped = 1.0, audio.clipped_share
        for part in self.treatments:
            assert isinstance(part.condition, Treatment)  # parse_condition sorts them
            treated = part.condition.treat(audio, draw)
            audio, gain = treated.audio, gain * treated.gain
            clipped = max(clipped, audio.clipped_share)
        if self.treatments:
            audio = Audio(audio.samples, audio.sample_rate, clipped)
        return Treated(audio=audio, gain=gain if self.scored_against == "clean" else 1.0)

    @property
    def lossy(self) -> Channel | None:
        """The channel, unless it delivers everything."""
        if self.channel is None:
            return None
        assert isinstance(self.channel.condition, Channel)  # parse_condition sorts them
        return None if self.channel.condition.is_perfect else self.channel.condition

    def receive(self, decoder: Codec, encoded: Encoded, draw: Draw) -> Reception:
        """Decode what comes through the channel."""
        if self.lossy is not None:
            return self.lossy.receive(decoder, encoded, draw)
        audio = decoder.decode(encoded)
        return Reception(audio=audio, concealment="", packets=len(encoded.packets), lost=0)

    def input_identity(self) -> Json:
        """Return what determines the treated input; None where it is the clip itself."""
        return [part.identity() for part in self.treatments] or None

    def identity(self) -> Json:
        """Return what determines the degraded signal; None where it is that of ``clean``.

        Conditions that do the same have the same: so zero loss is ``clean``.
        """
        channel = self.channel.identity() if self.channel and self.lossy is not None else None
        treated = self.input_identity()
        if treated is None and channel is None:
            return None
        # What is scored against the clean clip has its gain undone.
        return {"input": treated, "channel": channel, "scored_against": self.scored_against}


def parse_conditions(texts: Sequence[str]) -> list[ParsedCondition]:
    """Parse conditions and take sweeps apart; ``clean`` is put in front where it is missing.

    Raises:
        ConfigError: A condition that cannot be right, or one that stands twice.
        UnknownNameError: No such part or option.
    """
    found = [ParsedCondition(name=CLEAN)]
    for text in texts:
        for condition in _parse(text):
            if condition.name == CLEAN:
                continue
            if condition.name in [other.name for other in found]:
                msg = f"condition '{condition.name}' is asked for twice"
                raise ConfigError(msg)
            found.append(condition)
    if sum(text.strip() == CLEAN for text in texts) > 1:
        msg = "condition 'clean' is asked for twice"
        raise ConfigError(msg)
    return found


def parse_condition(text: str) -> ParsedCondition:
    """Parse one condition without a sweep; see `parse_conditions`."""
    found = _parse(text)
    if len(found) != 1:
        msg = f"condition '{text}' is a sweep; one value each is wanted here"
        raise ConfigError(msg)
    return found[0]


def reference_of(name: str) -> ScoredAgainst:
    """Return what a condition of a run is scored against, from its canonical name alone.

    A run folder is data: to parse its conditions would make them, and one may be a plug-in.

    Raises:
        ConfigError: The name cannot be read.
    """
    treated = f",{_REFERENCE}=treated"
    return "treated" if any(part.endswith(treated) for part in _split(name)) else CLEAN


def condition_parts(text: str) -> list[tuple[str, str]]:
    """Return name and written value of each part of a condition, without loading anything.

    Raises:
        ConfigError: The text cannot be read.
    """
    found = []
    for part in _split(text):
        match = _HEAD.fullmatch(part)
        if match is None:
            msg = f"condition '{text}' cannot be read at '{part}'; {_HINT}"
            raise ConfigError(msg)
        found.append((match["name"], (match["rest"] or "")[1:]))
    return found


def _parse(text: str) -> list[ParsedCondition]:
    if text.strip() == CLEAN:
        return [ParsedCondition(name=CLEAN)]
    specs = [_part_specs(part, text) for part in _split(text)]
    return [_combine(list(combination), text) for combination in itertools.product(*specs)]


def _split(text: str) -> list[str]:
    """Cut at each + that stands outside quotes and before a name."""
    pieces, start, at = [], 0, 0
    while at < len(text):
        if text[at] == '"':
            try:
                _, at = json.JSONDecoder().raw_decode(text, at)
            except json.JSONDecodeError as error:
                msg = f"condition '{text}': unfinished quote at '{text[at:]}'"
                raise ConfigError(msg) from error
            continue
        if _JOINT.match(text, at):
            pieces.append(text[start:at])
            start = at + 1
        at += 1
    return [piece.strip() for piece in [*pieces, text[start:]]]


def _part_specs(part: str, whole: str) -> list[Spec]:
    match = _HEAD.fullmatch(part)
    if match is None:
        msg = f"condition '{whole}' cannot be read at '{part}'; {_HINT}"
        raise ConfigError(msg)
    name = match["name"]
    if name == CLEAN:
        msg = f"condition '{whole}': clean stands alone"
        raise ConfigError(msg)
    cls = CONDITIONS.load(name)
    value = (match["rest"] or "")[1:]
    if not value:
        msg = f"condition '{whole}': '{name}' needs a value, as in {name}=…; {_HINT}"
        raise ConfigError(msg)
    if cls.verbatim and not value.startswith('"'):
        value = json.dumps(value)
    return Spec.parse(f"{name}:{cls.name}={value}").expand()


def _combine(specs: list[Spec], whole: str) -> ParsedCondition:
    named = {_reference_of(spec, whole) for spec in specs} - {None}
    if len(named) > 1:
        msg = f"condition '{whole}' names two references; it is scored against one"
        raise ConfigError(msg)
    parts = [_make(spec, whole) for spec in specs]
    treatments = tuple(part for part in parts if isinstance(part.condition, Treatment))
    channels = [part for part in parts if isinstance(part.condition, Channel)]
    if len(channels) > 1:
        msg = f"condition '{whole}' has two channels; one carries the packets"
        raise ConfigError(msg)
    against: ScoredAgainst = named.pop() or "clean" if named else "clean"
    if not treatments and against == "treated":
        msg = f"condition '{whole}' treats no input; it can only be scored against clean"
        raise ConfigError(msg)
    texts = [part.text for part in treatments]
    if texts:
        texts[-1] += f",{_REFERENCE}={against}"
    return ParsedCondition(
        name="+".join([*texts, *(part.text for part in channels)]),
        treatments=treatments,
        channel=channels[0] if channels else None,
        scored_against=against,
    )


def _reference_of(spec: Spec, whole: str) -> ScoredAgainst | None:
    value = spec.options.get(_REFERENCE, (None,))[0]
    if value is not None and value not in get_args(ScoredAgainst):
        msg = f"condition '{whole}': reference is clean or treated, found {format_option(value)}"
        raise ConfigError(msg)
    return cast(ScoredAgainst | None, value)


def _make(spec: Spec, whole: str) -> Part:
    cls = CONDITIONS.load(spec.name)
    own = {key: values for key, values in spec.options.items() if key != _REFERENCE}
    defaults = option_defaults(cls)
    for key in own:
        if key not in defaults:
            known = [*(name for name in defaults if name != cls.name), _REFERENCE]
            raise UnknownNameError(f"option of condition '{spec.name}'", key, known)
    resolved = resolve_options(cls, Spec(name=spec.name, options=own))
    # No option is swept here, so none is a tuple.
    options = cast(dict[str, Option], resolved)
    made = cls(**options)
    if not isinstance(made, Treatment | Channel):
        msg = f"condition '{spec.name}' of '{whole}' is neither a Treatment nor a Channel"
        raise ConfigError(msg)
    shown = {**options, **made.shown()}
    rest = [key for key in sorted(shown) if key != cls.name and options[key] != defaults[key]]
    pairs = ((key, _quote(shown[key])) for key in [cls.name, *rest])
    body = ",".join(f"{key}={value}" for key, value in pairs)
    text = f"{spec.name}{body.removeprefix(cls.name)}"
    return Part(condition=made, text=text, options=options)


def _quote(value: Option) -> str:
    written = format_option(value)
    return json.dumps(written) if "+" in written and not written.startswith('"') else written
