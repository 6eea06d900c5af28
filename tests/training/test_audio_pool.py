"""Crops depend on seed and step alone, and hold what the clips hold."""

import numpy as np
import pytest

from codecbench.core.audio_file import read_audio
from codecbench.core.errors import DatasetError
from codecbench.datasets.registry import get_dataset
from codecbench.training.audio_pool import AudioPool, Level, attributions, licences

LENGTH = 8000
UNCHANGED = Level()


@pytest.fixture(scope="module")
def clips(corpus):
    return get_dataset(str(corpus)).clips


@pytest.fixture(scope="module")
def pool(clips):
    return AudioPool(clips, 16000)


def draw(pool, step, *, seed=3, level=UNCHANGED, count=6):
    return pool.crops(count=count, length=LENGTH, seed=seed, step=step, level=level)


def test_crops_do_not_depend_on_what_was_drawn_before(pool):
    forward = [draw(pool, step) for step in range(5)]
    backward = [draw(pool, step) for step in reversed(range(5))][::-1]
    assert all(np.array_equal(a, b) for a, b in zip(forward, backward, strict=True))
    assert not np.array_equal(forward[0], forward[1])
    assert not np.array_equal(forward[0], draw(pool, 0, seed=4))


def test_crops_are_pieces_of_clips(pool, clips):
    signals = [read_audio(clip.path).samples for clip in clips]
    for crop in draw(pool, 0):
        content = np.trim_zeros(crop, "b")
        places = [
            start
            for signal in signals
            for start in np.flatnonzero(signal[: max(1, signal.size - content.size + 1)] == crop[0])
            if np.array_equal(signal[start : start + content.size], content)
        ]
        assert places, "no clip holds this crop"


def test_a_short_clip_is_filled_up_with_zeros(clips):
    short = next(clip for clip in clips if clip.seconds < 0.5)
    crop = AudioPool([short], 16000).crops(count=1, length=LENGTH, seed=0, step=0, level=Level())
    signal = read_audio(short.path).samples
    assert np.array_equal(crop[0, : signal.size], signal)
    assert not crop[0, signal.size :].any()


def test_gains_stay_within_their_range_and_never_clip(pool):
    plain = draw(pool, 0, count=200)
    loud = draw(pool, 0, count=200, level=Level(low_db=-6, high_db=20))
    assert np.abs(loud).max() <= 1.0
    gains = 20 * np.log10(np.abs(loud).max(axis=1) / np.abs(plain).max(axis=1))
    limits = np.minimum(20.0, -20 * np.log10(np.abs(plain).max(axis=1)))
    assert (gains >= -6 - 1e-4).all()
    assert (gains <= limits + 1e-4).all()
    assert gains.std() > 1.0


def test_other_rates_are_resampled(clips):
    assert AudioPool(clips[:2], 8000).seconds == pytest.approx(2.4)


def test_clips_that_cannot_be_read_are_named(tmp_path, clips):
    (tmp_path / "broken.wav").write_bytes(b"no sound")
    broken = get_dataset(str(tmp_path)).clips
    pool = AudioPool([*clips[:1], *broken], 16000)
    assert list(pool.left_out) == ["broken"]
    with pytest.raises(DatasetError, match="none of 1 clips can be trained with"):
        AudioPool(broken, 16000)


def test_licences_are_counted_in_hours(clips):
    # Twenty clips of 1.2 s under each; one under CC BY lasts 0.2 s only.
    assert licences(clips) == {"CC-BY-4.0": round(23 / 3600, 4), "CC0-1.0": round(24 / 3600, 4)}
    assert attributions(clips) == ["maker of CC-BY-4.0", "maker of CC0-1.0"]


def test_batches_made_ahead_are_the_same_whatever_is_asked_for(pool):
    from codecbench.training.batches import Batches

    facts = {"count": 3, "length": LENGTH, "seed": 5, "level": Level(low_db=-6, high_db=3)}
    with Batches(pool, ahead=True, **facts) as ahead, Batches(pool, **facts) as plain:
        for step in (0, 1, 2, 7, 8, 3):
            assert np.array_equal(ahead.get(step).numpy(), plain.get(step).numpy()), step
