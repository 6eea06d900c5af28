"""``codecbench gc``: bound the cache."""

from pathlib import Path

import click

_UNITS = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def parse_size(text: str) -> int:
    """Return the bytes that "500M" or "2G" means.

    Raises:
        BadParameter: It means nothing.
    """
    unit = text[-1:].lower()
    number = text[:-1] if unit in _UNITS else text
    try:
        return int(float(number) * _UNITS.get(unit, 1))
    except ValueError:
        msg = f"'{text}' is no size; write e.g. 500M or 2G"
        raise click.BadParameter(msg) from None


@click.command("gc")
@click.option("--max", "limit", default="2G", show_default=True, help="What the files may take.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    help="Cache folder.  [default: the user's cache folder]",
)
def command(limit: str, cache: Path | None) -> None:
    """Remove the coded audio that was used longest ago; scores are kept."""
    from codecbench.benchmark.cache import Cache, default_cache_folder

    size = parse_size(limit)
    folder = cache or default_cache_folder()
    store = Cache(folder)
    try:
        removed = store.collect(max_bytes=size)
        left = store.usage()
    finally:
        store.close()
    print(
        f"{folder}: removed {removed.files} files ({removed.bytes / 2**20:.1f} MiB); "
        f"{left.files} files and {left.records} records left ({left.bytes / 2**20:.1f} MiB)"
    )
