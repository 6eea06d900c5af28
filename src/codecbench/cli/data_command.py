"""``codecbench data``: fetch corpora, check them, list them."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from codecbench.datasets.catalogue import Package

_root = click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of corpora.  [default: CODECBENCH_DATA, or the user's data folder]",
)


@click.group("data")
def command() -> None:
    """Fetch corpora of speech, check them, and list them.

    What is fetched is used by its name: 'codecbench data get librispeech:test-clean', then
    'codecbench run --data librispeech:test-clean …'.
    """


@command.command("get")
@click.argument("names", metavar="NAME…", nargs=-1, required=True)
@_root
@click.option("--keep-archives", is_flag=True, help="Keep the archives after unpacking.")
@click.option(
    "--tries", default=5, show_default=True, type=click.IntRange(1), help="Connections per archive."
)
def get(names: tuple[str, ...], root: Path | None, keep_archives: bool, tries: int) -> None:
    """Download, check and unpack corpora, under the licences that are shown first.

    What was interrupted goes on where it was. Checksums are those that the owners publish; the
    licence and the hash of every file are kept in the folder of corpora.
    """
    from codecbench.cli.download_screen import DownloadScreen
    from codecbench.datasets.catalogue import find_package
    from codecbench.datasets.corpus import data_root
    from codecbench.datasets.download import fetch

    packages = [find_package(name) for name in names]
    place = data_root(str(root) if root else None)
    for package in packages:
        print(f"{package.name}: {package.title} ({_size(package)})")
        print(f"  licence {package.licence}, {package.licence_url}")
        print(f"  from    {package.homepage}", flush=True)
        with DownloadScreen() as screen:
            receipt = fetch(
                package, place, progress=screen.advance, keep_archives=keep_archives, tries=tries
            )
        print(f"  {len(receipt.files)} files in {place}, fetched {receipt.fetched}")


@command.command("verify")
@click.argument("names", metavar="[NAME…]", nargs=-1)
@_root
def verify(names: tuple[str, ...], root: Path | None) -> int:
    """Compare fetched corpora, file by file, with what they were when they were unpacked.

    Without a name, all of them. Exits with 3 where a file is missing or changed.
    """
    from codecbench.cli.exit_codes import ExitCode
    from codecbench.core.errors import DatasetError
    from codecbench.datasets.corpus import data_root
    from codecbench.datasets.download import fetched
    from codecbench.datasets.download import verify as compare

    wanted = names or tuple(receipt.name for receipt in fetched(root))
    if not wanted:
        msg = f"nothing was fetched into {data_root(str(root) if root else None)}"
        raise DatasetError(msg)
    intact = True
    for name in wanted:
        found = compare(root, name)
        intact &= found.is_intact
        print(f"{name}: {found.n_files} files, {_verdict(found.missing, found.changed)}")
        for word, files in (("missing", found.missing), ("changed", found.changed)):
            for file in files:
                print(f"  {word} {file}")
    return ExitCode.OK if intact else ExitCode.INCOMPLETE


@command.command("list")
@_root
def show(root: Path | None) -> None:
    """List what can be fetched, with licence and size, and what was fetched already."""
    from codecbench.datasets.corpus import data_root
    from codecbench.datasets.download import available, fetched

    have = {receipt.name: receipt for receipt in fetched(root)}
    for package in available():
        receipt = have.pop(package.name, None)
        mark = f"fetched {receipt.fetched}" if receipt else ""
        print(f"{package.name:28} {package.licence:14} {_size(package):>12}  {mark}".rstrip())
    for receipt in have.values():
        print(f"{receipt.name:28} {receipt.licence:14} {'':>12}  fetched {receipt.fetched}")
    print(f"folder of corpora: {data_root(str(root) if root else None)}")


def _size(package: "Package") -> str:
    size = sum(archive.size for archive in package.archives)
    known = all(archive.size for archive in package.archives)
    if not known:
        return "size unknown"
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def _verdict(missing: tuple[str, ...], changed: tuple[str, ...]) -> str:
    if not missing and not changed:
        return "all as they were"
    return f"{len(missing)} missing, {len(changed)} changed"
