"""``codecbench decode``: a bitstream back to a sound file."""

from pathlib import Path

import click


@click.command("decode")
@click.argument("source", metavar="BITSTREAM", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("target", metavar="SOUND", type=click.Path(path_type=Path, dir_okay=False))
@click.option("-c", "--codec", "spec", required=True, help="Codec spec that it was encoded with.")
def command(source: Path, target: Path, spec: str) -> None:
    """Decode a bitstream made by 'codecbench encode' into a sound file (.wav or .flac)."""
    from codecbench.adapters.bitstream import Encoded
    from codecbench.adapters.registry import get_codec
    from codecbench.core.audio_file import write_audio
    from codecbench.core.errors import BitstreamError

    codec = get_codec(spec)
    try:
        data = source.read_bytes()
    except OSError as error:
        msg = f"{source}: cannot be read ({error.strerror})"
        raise BitstreamError(msg) from error
    encoded = Encoded.from_bytes(data)
    codec.point(encoded.point)
    codec.load()
    audio = codec.decode(encoded)
    write_audio(target, audio)
    print(f"{target}: {audio.duration_s:.3f} s at {audio.sample_rate} Hz")
