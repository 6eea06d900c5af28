"""Names of codecs. A new codec of ours is one file and one line here."""

import inspect
from dataclasses import replace

from codecbench.adapters.base import Codec
from codecbench.core.construct import resolve_options
from codecbench.core.registry import Registry
from codecbench.core.spec import Option, Spec

BUILTIN = {
    "aac": "codecbench.adapters.reference.aac:AacCodec",
    "amrnb": "codecbench.adapters.reference.amrnb:AmrNbCodec",
    "amrwb": "codecbench.adapters.reference.amrwb:AmrWbCodec",
    "clip": "codecbench.adapters.reference.clip:ClipCodec",
    "codec2": "codecbench.adapters.reference.codec2:Codec2Codec",
    "command": "codecbench.adapters.external.program:CommandCodec",
    "dac": "codecbench.adapters.neural.dac:DacCodec",
    "encodec": "codecbench.adapters.neural.encodec:EncodecCodec",
    "env": "codecbench.adapters.external.environment_codec:EnvironmentCodec",
    "esc": "codecbench.adapters.neural.esc:EscCodec",
    "freqcodec": "codecbench.adapters.neural.freqcodec:FreqCodecCodec",
    "g711": "codecbench.adapters.reference.g711:G711Codec",
    "g722": "codecbench.adapters.reference.g722:G722Codec",
    "g726": "codecbench.adapters.reference.g726:G726Codec",
    "gsm": "codecbench.adapters.reference.gsm:GsmCodec",
    "hificodec": "codecbench.adapters.neural.hificodec:HifiCodecCodec",
    "lc3": "codecbench.adapters.reference.lc3:Lc3Codec",
    "lowpass": "codecbench.adapters.reference.lowpass:LowpassCodec",
    "mimi": "codecbench.adapters.neural.mimi:MimiCodec",
    "mnru": "codecbench.adapters.reference.mnru:MnruCodec",
    "mp3": "codecbench.adapters.reference.mp3:Mp3Codec",
    "noise": "codecbench.adapters.reference.noise:NoiseCodec",
    "noise_floor": "codecbench.adapters.reference.noise_floor:NoiseFloorCodec",
    "opus": "codecbench.adapters.reference.opus:OpusCodec",
    "patch": "codecbench.adapters.neural.patch:PatchCodec",
    "pcm": "codecbench.adapters.reference.pcm:PcmCodec",
    "psq": "codecbench.adapters.neural.psq:PsqCodec",
    "resample": "codecbench.adapters.reference.resample:ResampleCodec",
    "shift": "codecbench.adapters.reference.shift:ShiftCodec",
    "speex": "codecbench.adapters.reference.speex:SpeexCodec",
    "xcodec": "codecbench.adapters.neural.xcodec:XcodecCodec",
}

CODECS: Registry[Codec] = Registry(
    "codec",
    Codec,  # type: ignore[type-abstract]  # abstract on purpose: the base of all entries
    BUILTIN,
    "codecbench.adapters",
)


def get_codec(spec: str | Spec) -> Codec:
    """Make a codec from its spec string; nothing heavy is loaded yet.

    Args:
        spec: Such as ``opus:mode=cbr,bitrate=6000|12000``; only the rate option may be swept.

    Raises:
        UnknownNameError: No such codec, or no such option.
        ConfigError: A spec or value that cannot be right.
        UnsupportedSettingError: A setting that the codec does not have.
        MissingDependencyError: A plug-in needs a package that is not installed.
    """
    parsed = Spec.parse(spec) if isinstance(spec, str) else spec
    cls = CODECS.load(parsed.name)
    return cls(**resolve_options(cls, parsed, sweep=cls.rate_option))


def system_specs(spec: str | Spec) -> list[Spec]:
    """Return one spec per system: sweeps over anything but the rate option are taken apart."""
    parsed = Spec.parse(spec) if isinstance(spec, str) else spec
    return parsed.expand(keep=CODECS.load(parsed.name).rate_option)


def system_name(spec: Spec) -> str:
    """Return the canonical name of a system: sorted keys, all values, no rate option."""
    cls = CODECS.load(spec.name)
    resolved = resolve_options(cls, spec, sweep=cls.rate_option)
    rate = resolved.pop("sample_rate", None)
    resolved.pop(cls.rate_option or "", None)
    options = {
        key: value if isinstance(value, tuple) else (value,) for key, value in resolved.items()
    }
    sample_rate = rate if isinstance(rate, int) else None
    return str(Spec(name=spec.name, sample_rate=sample_rate, options=options))


def join_points(spec: Spec, other: Spec) -> Spec:
    """Return one system with the points of two specs of it, those of the first in front.

    Raises:
        UnknownNameError: No such codec, or no such option.
        ConfigError: A value that cannot be right.
    """
    cls = CODECS.load(spec.name)
    rate = cls.rate_option
    if rate is None:
        return spec
    values: list[Option] = []
    for part in (spec, other):
        found = resolve_options(cls, part, sweep=rate)[rate]
        listed = found if isinstance(found, tuple) else (found,)
        values += [value for value in listed if value not in values]
    return replace(spec, options={**spec.options, rate: tuple(values)})


def short_name(spec: Spec) -> str:
    """Return a name for labels: only the options that differ from their defaults."""
    cls = CODECS.load(spec.name)
    resolved = resolve_options(cls, spec, sweep=cls.rate_option)
    plain = resolve_options(
        cls, Spec(name=spec.name, options=_required(spec, cls)), sweep=cls.rate_option
    )
    options: dict[str, tuple[Option, ...]] = {}
    for key, value in resolved.items():
        if key != cls.rate_option and key != "sample_rate" and value != plain.get(key):
            options[key] = value if isinstance(value, tuple) else (value,)
    rate = resolved.get("sample_rate")
    shown = rate if isinstance(rate, int) and rate != plain.get("sample_rate") else None
    name = spec.name.rpartition(":")[2] if ".py:" in spec.name else spec.name
    return str(Spec(name=name, sample_rate=shown, options=options))


def _required(spec: Spec, cls: type[Codec]) -> dict[str, tuple[Option, ...]]:
    parameters = inspect.signature(cls).parameters
    return {
        key: values
        for key, values in spec.options.items()
        if parameters[key].default is inspect.Parameter.empty
    }
