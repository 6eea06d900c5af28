"""Run a codec for codecbench, under whatever interpreter this file is started with.

Started as ``python -I runner.py ROOMS``, where ROOMS is JSON: the folders of codecbench's front
door, of `codecbench.core` and of `codecbench.adapters`. Of codecbench only these are imported, and
of them only what the codec needs; so numpy is all that must be installed. Nothing of codecbench
must be installed there, and no dependency of it is touched.
"""

from __future__ import annotations

import sys

OLDEST = (3, 11)


def main() -> None:
    """Answer requests until the other side hangs up."""
    if sys.version_info < OLDEST:
        wanted, found = ".".join(map(str, OLDEST)), sys.version.split()[0]
        sys.exit("codecs need Python %s or newer, this is %s" % (wanted, found))  # noqa: UP031
    import os
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent()
    # What a codec prints must not end up between the messages: keep the pipe, give away fd 1.
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _open_rooms(sys.argv[1])
    from codecbench.adapters.external.served_codec import serve

    serve(sys.stdin.buffer, replies)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        import ctypes
        import signal

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: linux/prctl.h


def _open_rooms(rooms: str) -> None:
    """Make the packages importable from their folders, wherever these lie."""
    import importlib.util
    import json
    from pathlib import Path

    for name, folder in json.loads(rooms).items():
        spec = importlib.util.spec_from_file_location(
            name, Path(folder) / "__init__.py", submodule_search_locations=[folder]
        )
        if spec is None or spec.loader is None:
            sys.exit(f"{folder} holds no package; is it visible to this interpreter?")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        parent, _, last = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], last, module)


if __name__ == "__main__":
    main()
