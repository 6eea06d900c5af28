"""How kernels are compiled: strict floating point, without the GIL, kept for the next process.

Import this module inside a function or from a module of kernels: it loads numba.
"""

from collections.abc import Callable
from typing import TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """Compile a function on its first call and keep the machine code beside this folder."""
    # error_model numpy: Python's check for division by zero would keep loops from vectorising.
    try:
        compile_ = numba.njit(cache=True, nogil=True, error_model="numpy")
        return cast(F, compile_(function))
    except RuntimeError:
        # Neither this folder nor the user's cache folder can be written: compile each time.
        return cast(F, numba.njit(nogil=True, error_model="numpy")(function))
