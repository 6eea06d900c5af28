"""What a run keeps so that its keys can be computed again."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from codecbench.benchmark.results import RunResults
from codecbench.benchmark.store import Place, RunStore


def by_hand(value: object) -> str:
    """Return the SHA-256 of JSON with sorted keys and no blanks, as docs/result_schema.md says."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def test_keys_follow_from_what_the_run_keeps(
    run_it: Callable[..., RunResults], plugin: Callable[[str], str], tmp_path: Path
) -> None:
    run_it([plugin("CoarseCodec:bits=4|8")], [plugin("Counting")])
    with RunStore(tmp_path / "run") as store:
        facts, clips, (system,) = store.facts(), store.clips(), store.systems()
        encodings, cells = store.encodings(), store.cells()
    identity = facts["identity"]
    place = Place(codec=system.codec, point="4", condition="clean", clip="clip0")
    coding = {
        "stage": "coding",
        "reference": clips[0].sha256,
        "sample_rate": 16000,
        "resampler": identity["resampler"],
        "codec": system.codec,
        "version": "1",
        "fingerprint": "coarse-1",
        "adapter": identity["adapters"][system.codec],
        "point": "4",
        "condition": None,
        "forensics": identity["forensics"],
    }
    assert encodings[place].key == by_hand(coding)
    scoring = {
        "stage": "scoring",
        "reference": clips[0].sha256,
        "sample_rate": 16000,
        "resampler": identity["resampler"],
        "degraded": encodings[place].record["degraded"],
        "metric": identity["metrics"][0]["identity"],
        "treatment": None,
    }
    assert cells[place, "counting"].key == by_hand(scoring)
