"""Audio is found in either format: caches of before and boards have FLAC."""

from pathlib import Path

import numpy as np
import pytest

from codecbench.benchmark.events import Event, StageStarted
from codecbench.benchmark.objects import ObjectStore
from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_audio, write_audio
from codecbench.reports.boards.packing import plan_bundle

SOUND = Audio(np.array([0.5, -0.5, 0.25] * 100), 16000).quantize_16bit()


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_audio_is_found_by_its_content(tmp_path: Path, suffix: str) -> None:
    kept = ObjectStore(tmp_path, audio_suffix=suffix)
    assert kept.find_audio(SOUND.sha256) is None
    digest = kept.put_audio(SOUND)
    found = ObjectStore(tmp_path).find_audio(digest)
    assert found is not None
    assert found.suffix == suffix
    assert read_audio(found).sha256 == digest


def test_a_cache_of_before_is_packed_and_coded_again_only_for_new_metrics(
    run_it, plugin, tmp_path: Path
) -> None:
    codecs = [plugin("CoarseCodec:bits=8")]
    run_it(codecs, [plugin("Counting")])
    of_wav = plan_bundle(tmp_path / "run", cache=tmp_path / "cache")
    for path in (tmp_path / "cache/objects/audio").rglob("*.wav"):
        write_audio(path.with_suffix(".flac"), read_audio(path))
        path.unlink()
    of_flac = plan_bundle(tmp_path / "run", cache=tmp_path / "cache")
    assert of_flac.manifest == of_wav.manifest
    assert {path.suffix for name, path in of_flac.sounds.items() if "audio/" in name} == {".flac"}
    steps = []
    for metrics in ([plugin("Counting")], [plugin("Counting"), plugin("LongOnly")]):
        events: list[Event] = []
        frame = run_it(codecs, metrics, out="again", events=events, update=True).frame
        steps.append([event.steps for event in events if isinstance(event, StageStarted)])
        assert set(frame["status"]) <= {"ok", "undefined"}
    assert steps == [[0, 0], [4, 4]]
