"""The demo set that comes with the package: twelve clips of synthetic speech.

The module is not called ``demo``: a folder of that name beside it holds the clips, and type
checkers take such a folder for a package.
"""

from collections.abc import Sequence
from pathlib import Path

from codecbench.datasets.manifest import ManifestSource
from codecbench.datasets.source import ClipEntry, DatasetSource

DEMO_FOLDER = Path(__file__).parent / "demo"


class DemoSource(DatasetSource):
    """Twelve synthetic clips, 16 kHz, five languages: a smoke demo, not a benchmark."""

    def entries(self) -> Sequence[ClipEntry]:
        """List the clips in the order of their manifest.

        Raises:
            DatasetError: The installation is damaged.
        """
        return ManifestSource(path=str(DEMO_FOLDER / "manifest.csv")).entries()
