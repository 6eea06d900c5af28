"""Validation hears speakers that training does not."""

from pathlib import Path

from codecbench.datasets.base import Clip
from codecbench.training.held_out import split


def clips_of(speakers: dict[str, int]) -> list[Clip]:
    return [
        Clip(
            id=f"{name}-{number}",
            path=Path("x.wav"),
            sample_rate=16000,
            seconds=1.0 + number,
            sha256="",
            tags={"speaker": name},
        )
        for name, count in speakers.items()
        for number in range(count)
    ]


def test_no_speaker_is_on_both_sides():
    found = split(clips_of({f"s{n}": 3 for n in range(50)}), 4)
    heard = {clip.tags["speaker"] for clip in found.training}
    kept = [clip.tags["speaker"] for clip in found.validation]
    assert found.held_out
    assert len(kept) == len(set(kept)) == 4
    assert not heard & set(kept)
    assert len(found.training) == 3 * 46


def test_the_choice_does_not_depend_on_the_order():
    clips = clips_of({f"s{n}": 3 for n in range(50)})
    forward, backward = split(clips, 4), split(clips[::-1], 4)
    assert [clip.id for clip in forward.validation] == [clip.id for clip in backward.validation]


def test_a_speaker_with_much_of_the_data_stays():
    clips = clips_of({"much": 500, **{f"s{n}": 2 for n in range(40)}})
    assert all(clip.tags["speaker"] != "much" for clip in split(clips, 8).validation)


def test_few_speakers_are_all_trained_with():
    clips = clips_of({"one": 4, "other": 4})
    found = split(clips, 3)
    assert not found.held_out
    assert found.training == tuple(clips)
    assert len(found.validation) == 3
