"""Optional packages: imported where they are used, named with their fix where they are absent."""

import importlib
from types import ModuleType

from codecbench.core.errors import MissingDependencyError

FIXES = {
    "distributed": 'pip install "codecbench[dask]"',
    "pesq": 'pip install "codecbench[pesq]" (needs a C compiler: apt-get install gcc)',
    "pyworld": 'pip install "codecbench[world]" (needs a C++ compiler: apt-get install g++)',
    "pystoi": "pip install pystoi",
    "visqol": "pip install visqol-python",
    "numba": "pip install numba",
    "ai_edge_litert": "pip install ai-edge-litert",
    "av": "pip install av",
    "lc3": "pip install lc3py",
    "pycodec2": "pip install pycodec2",
    "yaml": "pip install pyyaml",
    "torch": 'pip install "codecbench[neural]"',
    "transformers": 'pip install "codecbench[transformers]"',
}
"""Import name to the command that brings it."""


def require(module: str) -> ModuleType:
    """Import an optional module.

    Args:
        module: Import name, such as ``pesq``.

    Raises:
        MissingDependencyError: It is not installed, or is installed and broken.
    """
    try:
        return importlib.import_module(module)
    except Exception as error:
        # Exception, not ImportError: what a compiled package raises that was built for another
        # numpy, or whose shared library does not load, is for it to say; one broken optional
        # package must not stop the others.
        top = module.partition(".")[0]
        absent = isinstance(error, ModuleNotFoundError) and error.name in (top, module)
        detail = "" if absent else " ".join(str(error).split()) or type(error).__name__
        raise MissingDependencyError(
            top, FIXES.get(top, f"pip install {top}"), detail=detail
        ) from error
