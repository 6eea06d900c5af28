"""Readers of what others may have written: whatever they are given, only our own errors come out.

``make soak`` tries over 10^5 inputs; what the default run tries is the same in short.
"""

import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from codecbench.core.errors import CodecBenchError

sys.path.insert(0, str(Path(__file__).parent))
from readers import Reader, readers

FAST, FULL = 20, 4000
READERS = readers()


def try_inputs(reader: Reader, count: int) -> int:
    """Give a reader so many inputs; return how many."""
    tried = 0
    every = settings(
        max_examples=max(5, round(count * reader.share)),
        deadline=None,
        derandomize=count == FAST,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    with tempfile.TemporaryDirectory() as folder:

        @every
        @given(st.data())
        def go(data: st.DataObject) -> None:
            nonlocal tried
            tried += 1
            given = data.draw(reader.inputs)
            try:
                reader.read(given, Path(folder))
            except CodecBenchError:
                return

        go()
    return tried


@pytest.mark.parametrize("name", READERS)
def test_only_our_own_errors_come_out(name: str) -> None:
    assert try_inputs(READERS[name], FAST) > 0


@pytest.mark.soak
@pytest.mark.parametrize("name", READERS)
def test_only_our_own_errors_come_out_of_many(name: str, record_property) -> None:
    tried = try_inputs(READERS[name], FULL)
    record_property("inputs", tried)
    print(f"fuzzed {name}: {tried} inputs")  # noqa: T201  (with -rP, the count)
