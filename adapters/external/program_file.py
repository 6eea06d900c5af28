"""The small TOML that describes a codec which is a program: what it is, and how it is called."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from codecbench.core.errors import ConfigError
from codecbench.core.small_file import read_toml

READY_MADE = Path(__file__).parent / "programs"
_PLACE = re.compile(r"\{(\w+)\}")
_FILES = ("input", "bitstream", "output", "folder", "bin")
"""What every command may name: three files in a folder of its own, that folder, and `bin`."""
_FILE_NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"

Command = Annotated[list[str], Field(min_length=1)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PointTable(_Table):
    """One operating point.

    Attributes:
        name: As in ``rate=…``.
        nominal_bps: Promised rate, in bit/s.
        frame_bits: Exact bits of a frame, where `ProgramFile.bits` is "frames".
        delay_samples: By how many samples this point comes late, where it differs.
        values: What the commands put in for ``{key}``.
    """

    name: str = Field(min_length=1)
    nominal_bps: float = Field(gt=0)
    frame_bits: int | None = Field(default=None, gt=0)
    delay_samples: int | None = Field(default=None, ge=0)
    values: dict[str, str | int | float] = Field(default_factory=dict)


class ProgramFile(_Table):
    """A codec that is a program.

    Attributes:
        name: For tables.
        programs: Executables that must be there.
        install: How to get them, for the message when they are not.
        version: Command whose first line of output is the version.
        sample_rate: Of input and output, in Hz.
        frame_samples: Samples per frame.
        lookahead_samples: Beyond the frame.
        delay_samples: By how many samples the output is late.
        append_samples: Zeros after the clip, so that a late decoder still gives all of it.
        whole_frames: Whether the program needs whole frames; zeros fill the last.
        causal: As declared.
        kind: What its bits mean.
        deterministic: Whether equal input gives equal output.
        licence: SPDX identifier.
        source: Paper, standard or address.
        tested: False for a description that was written without the program at hand.
        bits: What counts as payload: all bytes of the file ("file"), a fixed number per frame
            ("frames"), the packets in an Ogg container ("ogg"), or the bits of each frame of ITU-T
            G.192 ("g192").
        input: Name of the input; ``.wav`` or bare 16-bit samples (``.raw``).
        bitstream: Name of the file between encoder and decoder.
        output: Name of the output; as `input`.
        encode: One command or several, each a list of arguments; no shell.
        decode: The same.
        timeout_s: For each command.
        values: What the commands put in for ``{key}`` at every point.
        points: Operating points in rising order of rate.
    """

    name: str = Field(min_length=1)
    programs: list[str] = Field(min_length=1)
    install: str = ""
    version: Command | None = None
    sample_rate: int = Field(gt=0)
    frame_samples: int = Field(gt=0)
    lookahead_samples: int = Field(default=0, ge=0)
    delay_samples: int = Field(default=0, ge=0)
    append_samples: int = Field(default=0, ge=0)
    whole_frames: bool = False
    causal: bool = True
    kind: Literal["neural", "waveform", "parametric"] = "waveform"
    deterministic: bool = True
    licence: str = "unknown"
    source: str = ""
    tested: bool = True
    bits: Literal["file", "frames", "ogg", "g192"] = "file"
    input: str = Field(default="input.wav", pattern=_FILE_NAME)
    bitstream: str = Field(default="coded.bin", pattern=_FILE_NAME)
    output: str = Field(default="output.wav", pattern=_FILE_NAME)
    encode: list[Command] = Field(min_length=1)
    decode: list[Command] = Field(min_length=1)
    timeout_s: float = Field(default=60.0, gt=0)
    values: dict[str, str | int | float] = Field(default_factory=dict)
    points: list[PointTable] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _one_command_is_a_list(cls, table: object) -> object:
        if isinstance(table, dict):
            for key in ("encode", "decode"):
                words = table.get(key)
                if isinstance(words, list) and words and all(isinstance(w, str) for w in words):
                    table = {**table, key: [words]}
        return table

    @model_validator(mode="after")
    def _fits_together(self) -> "ProgramFile":
        names = [point.name for point in self.points]
        rates = [point.nominal_bps for point in self.points]
        if len(set(names)) != len(names) or rates != sorted(rates):
            msg = "points need names of their own and stand in rising order of nominal_bps"
            raise ValueError(msg)
        if len({self.input, self.bitstream, self.output}) != 3:
            msg = "input, bitstream and output need three names"
            raise ValueError(msg)
        for name in (self.input, self.output):
            if not name.endswith((".wav", ".raw")):
                msg = f"'{name}' must end in .wav or .raw (bare 16-bit samples)"
                raise ValueError(msg)
        for point in self.points:
            if self.bits == "frames" and point.frame_bits is None:
                msg = f"point '{point.name}' needs frame_bits, since bits are those of frames"
                raise ValueError(msg)
            known = {*_FILES, *self.values, *point.values}
            for word in (word for command in [*self.encode, *self.decode] for word in command):
                for key in _PLACE.findall(word):
                    if key not in known:
                        msg = (
                            f"'{word}' names {{{key}}}, which point '{point.name}' has no value for"
                        )
                        raise ValueError(msg)
        return self

    def point(self, name: str) -> PointTable:
        """Return the point of a name that is there."""
        return next(point for point in self.points if point.name == name)


def fill_in(command: list[str], values: Mapping[str, object]) -> list[str]:
    """Return a command with each ``{key}`` replaced by its value."""
    return [_PLACE.sub(lambda match: str(values[match[1]]), word) for word in command]


def ready_made_names() -> list[str]:
    """Return the names of the descriptions that come with codecbench."""
    return sorted(path.stem for path in READY_MADE.glob("*.toml"))


def find_program_file(program: str) -> tuple[Path, ProgramFile]:
    """Return the description of a ready-made name, or of a path.

    Raises:
        ConfigError: There is none, or it cannot be right.
    """
    path = Path(program).expanduser()
    if not program.endswith(".toml"):
        path = READY_MADE / f"{program}.toml"
        if program not in ready_made_names():
            known = ", ".join(ready_made_names())
            msg = f"no description of a program '{program}'; known: {known}; or give a .toml file"
            raise ConfigError(msg)
    table = read_toml(path)
    try:
        return path, ProgramFile.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        told = first["msg"].removeprefix("Value error, ")
        msg = f"'{path}': {where}: {told}"
        raise ConfigError(msg) from error
