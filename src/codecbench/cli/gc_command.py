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
@click.option("--plan", "only_plan", is_flag=True, help="Say what would go, and remove nothing.")
def command(limit: str, cache: Path | None, only_plan: bool) -> None:
    """Remove the coded audio and parts of clips that were used longest ago; scores are kept.

    What is removed is made again when it is needed. Runs are not touched.
    """
    from codecbench.benchmark.cache import Cache, default_cache_folder

    size = parse_size(limit)
    folder = cache or default_cache_folder()
    store = Cache(folder)
    try:
        removed = store.collect(max_bytes=size, only_plan=only_plan)
        left = store.usage()
    finally:
        store.close()
    gone = f"{removed.files} files ({removed.bytes / 2**20:.1f} MiB)"
    there = f"{left.files} files and {left.records} records"
    if only_plan:
        print(f"{folder}: would remove {gone} of {there} ({left.bytes / 2**20:.1f} MiB)")
        return
    print(f"{folder}: removed {gone}; {there} left ({left.bytes / 2**20:.1f} MiB)")
