"""Ranks that the data support, and groups that do not differ."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codecbench.reports.statistics.clusters import cluster_by_speaker, independent_clips
from codecbench.reports.statistics.ranking import compare_all, group_letters, rank_systems


@pytest.fixture
def scores():
    """Two alike, one clearly worse, one clearly better, on 50 clips that are hard for all."""
    rng = np.random.default_rng(1)
    hardness = rng.normal(size=50)
    return np.array([2.0, 2.0, 1.0, 3.0])[:, None] + hardness + 0.1 * rng.normal(size=(4, 50))


def test_ranks_and_groups(scores):
    ranks = rank_systems(scores, independent_clips(50), higher_is_better=True)
    assert [(rank.best, rank.worst) for rank in ranks] == [(2, 3), (2, 3), (4, 4), (1, 1)]
    assert [rank.groups for rank in ranks] == ["b", "b", "c", "a"]
    assert [rank.beats_all for rank in ranks] == [False, False, False, True]
    assert [rank.is_first for rank in ranks] == [False, False, False, True]


def test_lower_is_better_turns_the_ranks(scores):
    ranks = rank_systems(scores, independent_clips(50), higher_is_better=False)
    assert [(rank.best, rank.worst) for rank in ranks] == [(2, 3), (2, 3), (1, 1), (4, 4)]


def test_below_eight_speakers_nothing_is_ranked(scores):
    few = cluster_by_speaker([f"s{clip % 7}" for clip in range(50)])
    assert rank_systems(scores, few, higher_is_better=True) is None


def test_a_system_that_must_not_lead_does_not(scores):
    """The best one has failures and does not lead with failures as the worst score."""
    allowed = np.ones((4, 4), dtype=bool)
    allowed[3, :2] = False
    ranks = rank_systems(scores, independent_clips(50), higher_is_better=True, may_lead=allowed)
    assert [(rank.best, rank.worst) for rank in ranks] == [(1, 3), (1, 3), (4, 4), (1, 3)]
    assert not ranks[3].beats_all


def test_the_same_system_twice_shares_its_place(scores):
    twice = np.concatenate([scores, scores[:1]])
    ranks = rank_systems(twice, independent_clips(50), higher_is_better=True)
    assert ranks[0].place == ranks[4].place
    assert ranks[0].groups == ranks[4].groups


@pytest.mark.slow
def test_the_true_ranks_lie_within_all_intervals_at_the_stated_rate():
    rng = np.random.default_rng(2)
    truth = np.array([0.0, 0.1, 0.2, 0.5, 0.9, 1.0])
    held = 0
    for _ in range(1000):
        scores = truth[:, None] + rng.normal(size=25) + 0.4 * rng.normal(size=(6, 25))
        ranks = rank_systems(scores, independent_clips(25), higher_is_better=True)
        held += all(rank.best <= 6 - row <= rank.worst for row, rank in enumerate(ranks))
    assert held / 1000 >= 0.95 - 2 * np.sqrt(0.05 * 0.95 / 1000)


def test_pairs_are_the_differences_of_rows(scores):
    pairs = compare_all(scores, independent_clips(50))
    wanted = scores.mean(axis=1)[pairs.first] - scores.mean(axis=1)[pairs.second]
    assert pairs.difference.mean == pytest.approx(wanted)
    matrix = pairs.matrix(4)
    assert (matrix == -matrix.T).all()


@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.binary(min_size=n * n))))
def test_two_systems_share_a_letter_exactly_where_they_do_not_differ(drawn):
    n, noise = drawn
    bits = np.frombuffer(noise[: n * n], dtype=np.uint8).reshape(n, n) % 2 == 1
    differ = np.triu(bits, k=1) | np.triu(bits, k=1).T
    letters = group_letters(differ, np.random.default_rng(n).permutation(n))
    for one in range(n):
        for other in range(n):
            share = bool(set(letters[one]) & set(letters[other]))
            assert share is not bool(differ[one, other])


def test_the_published_example_of_a_letter_display():
    """Piepho 2004, example 3: eight treatments, five pairs that differ."""
    differ = np.zeros((8, 8), dtype=bool)
    for one, other in ((1, 7), (1, 8), (2, 4), (2, 5), (3, 5)):
        differ[one - 1, other - 1] = differ[other - 1, one - 1] = True
    letters = group_letters(differ, np.arange(8))
    assert not set(letters[0]) & set(letters[6])
    assert not set(letters[1]) & set(letters[4])
    assert set(letters[3]) & set(letters[4])
    # 7 and 8 differ from the same systems, so they have the same letters.
    assert letters[6] == letters[7]
