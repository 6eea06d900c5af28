"""``codecbench encode``: a sound file to a bitstream."""

from pathlib import Path

import click


@click.command("encode")
@click.argument("source", metavar="SOUND", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("target", metavar="BITSTREAM", type=click.Path(path_type=Path, dir_okay=False))
@click.option("-c", "--codec", "spec", required=True, help="Codec spec with a single rate.")
def command(source: Path, target: Path, spec: str) -> None:
    """Code a sound file and say what it costs.

    The bitstream remembers length, rate and operating point; 'codecbench decode' needs the same
    codec options again, since a decoder gets nothing but bytes.
    """
    from codecbench.adapters.registry import get_codec
    from codecbench.core.audio_file import read_audio
    from codecbench.core.errors import ConfigError
    from codecbench.core.resampling import resample

    codec = get_codec(spec)
    if len(codec.points) != 1:
        names = ", ".join(point.name for point in codec.points)
        option = type(codec).rate_option or "rate"
        msg = f"'{spec}' has {len(codec.points)} rates ({names}); choose one: {option}=…"
        raise ConfigError(msg)
    audio = read_audio(source)
    codec.load()
    encoded = codec.encode(resample(audio, codec.info.sample_rate), codec.points[0])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(encoded.to_bytes())
    seconds = audio.duration_s or 1.0
    print(
        f"{target}: {len(encoded.packets)} packets, payload {encoded.payload_bits} bits = "
        f"{encoded.payload_bits / seconds:.0f} bit/s, "
        f"with headers {encoded.total_bits / seconds:.0f} bit/s"
    )
