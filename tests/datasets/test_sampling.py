"""Seeded choice: what is chosen depends on seed and ids alone."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codecbench.core.errors import ConfigError
from codecbench.datasets.sampling import Sampling
from codecbench.datasets.source import ClipEntry


def make(names, speaker=None):
    return [
        ClipEntry(id=name, path=Path(name), tags={"speaker": speaker(name)} if speaker else {})
        for name in names
    ]


def chosen(entries, **options):
    return [entry.id for entry in Sampling(**options).choose(entries, "set")]


NAMES = st.lists(st.text("abcdef", min_size=1), min_size=2, max_size=30, unique=True)


@given(names=NAMES, seed=st.integers(0, 5), data=st.data())
def test_choice_does_not_depend_on_the_order_of_listing(names, seed, data):
    n = data.draw(st.integers(1, len(names)))
    shuffled = data.draw(st.permutations(names))
    first = chosen(make(names), n=n, seed=seed)
    assert set(first) == set(chosen(make(shuffled), n=n, seed=seed))
    assert first == [name for name in names if name in first]
    assert len(first) == n


@given(names=NAMES, seed=st.integers(0, 5), data=st.data())
def test_one_more_clip_replaces_at_most_one(names, seed, data):
    n = data.draw(st.integers(1, len(names) - 1))
    fewer = chosen(make(names[:-1]), n=n, seed=seed)
    more = chosen(make(names), n=n, seed=seed)
    assert len(set(fewer) - set(more)) <= 1


@given(names=NAMES, data=st.data())
def test_a_larger_sample_contains_the_smaller(names, data):
    n = data.draw(st.integers(2, len(names)))
    assert set(chosen(make(names), n=n - 1)) <= set(chosen(make(names), n=n))


def test_seeds_choose_differently():
    entries = make([f"clip{number}" for number in range(100)])
    assert chosen(entries, n=10, seed=0) != chosen(entries, n=10, seed=1)


def test_chooses_whole_speakers_and_limits_their_clips():
    entries = make([f"{s}{n}" for s in "abcdef" for n in range(5)], speaker=lambda name: name[0])
    whole = chosen(entries, speakers=2)
    assert len(whole) == 10
    assert len({name[0] for name in whole}) == 2
    limited = chosen(entries, speakers=3, per_speaker=2)
    assert [sum(name[0] == s for name in limited) for s in "abcdef"].count(2) == 3
    assert len(limited) == 6
    assert len(chosen(entries, per_speaker=9)) == 30
    assert len(chosen(entries, speakers=3, per_speaker=2, n=4)) == 4


@pytest.mark.parametrize("options", [{"n": 0}, {"speakers": -1}, {"per_speaker": 0}])
def test_refuses_numbers_that_choose_nothing(options):
    with pytest.raises(ConfigError, match="at least 1"):
        Sampling(**options)


def test_refuses_more_than_there_is():
    with pytest.raises(ConfigError, match="3 clips of 'set' asked for, which has 2"):
        chosen(make(["a", "b"]), n=3)
    with pytest.raises(ConfigError, match="2 speakers of 'set' asked for, which has 1"):
        chosen(make(["a", "b"], speaker=lambda _: "x"), speakers=2)


def test_refuses_to_choose_speakers_that_are_not_known():
    with pytest.raises(ConfigError, match="no tag 'speaker'"):
        chosen(make(["a"]), per_speaker=1)
