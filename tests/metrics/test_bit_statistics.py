import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codecbench.core.errors import MetricError, TooShortError
from codecbench.metrics.bit_statistics import (
    codebook_statistics,
    count_codes,
    entropy_bps,
    measure_rates,
)


def test_rates_are_bits_over_duration():
    rates = measure_rates(
        nominal_bps=700, payload_bits=700, wire_bits=800, total_bits=832, duration_s=2.0
    )
    assert (rates.nominal_bps, rates.payload_bps, rates.wire_bps, rates.total_bps) == (
        700,
        350,
        400,
        416,
    )


@pytest.mark.parametrize("duration", [0.0, -1.0, math.nan])
def test_rates_need_a_duration(duration):
    with pytest.raises(TooShortError):
        measure_rates(nominal_bps=1, payload_bits=1, wire_bits=1, total_bits=1, duration_s=duration)


@pytest.mark.parametrize("bits", [(9, 8, 40), (8, 40, 39), (-1, 8, 8)])
def test_rates_refuse_bits_that_cannot_be(bits):
    payload, wire, total = bits
    with pytest.raises(MetricError, match="contain"):
        measure_rates(
            nominal_bps=1, payload_bits=payload, wire_bits=wire, total_bits=total, duration_s=1.0
        )


# Acceptance test 12 of the peers' list: 2 of 1024 codes, equally frequent.
def test_collapsed_codebook_is_seen_as_such():
    counts = np.zeros(1024, dtype=np.int64)
    counts[[3, 700]] = 500_000
    book = codebook_statistics(counts)
    assert book.use == pytest.approx(0.002, abs=1e-4)
    assert book.normalised_entropy == pytest.approx(0.1, abs=1e-5)
    assert book.perplexity == pytest.approx(2.0, abs=1e-4)
    assert book.normalised_perplexity == pytest.approx(2 / 1024, abs=1e-6)


def test_uniform_codebook_is_full():
    book = codebook_statistics(np.full(64, 1000))
    assert book.plugin_entropy_bits == pytest.approx(6.0)
    assert book.entropy_bits == pytest.approx(6.0)
    assert book.entropy_bits <= 6.0
    assert book.use == 1.0


def test_entropy_by_hand_with_its_correction():
    # p = 1/2, 1/4, 1/4: 1.5 bits; K = 3 entries in N = 8 codes: + 2 / (16 ln 2) bits.
    book = codebook_statistics([4, 2, 2, 0])
    assert book.plugin_entropy_bits == pytest.approx(1.5)
    assert book.entropy_bits == pytest.approx(1.5 + 2 / (16 * math.log(2)))
    assert book.distinct == 3


def test_correction_brings_few_codes_nearer_to_the_truth():
    rng = np.random.default_rng(1)
    books = [
        codebook_statistics(np.bincount(rng.integers(0, 64, 300), minlength=64)) for _ in range(50)
    ]
    plugin = np.mean([book.plugin_entropy_bits for book in books])
    corrected = np.mean([book.entropy_bits for book in books])
    assert abs(corrected - 6.0) < 0.3 * abs(plugin - 6.0)


def test_use_is_refused_on_few_codes():
    book = codebook_statistics(np.full(64, 9))
    assert book.use is None
    assert book.use_reason == "too_few_codes: 576 of 640 needed"
    assert codebook_statistics(np.full(64, 10)).use == 1.0


def test_one_code_alone_has_no_entropy():
    book = codebook_statistics([100, 0, 0, 0])
    assert (book.entropy_bits, book.perplexity, book.use) == (0.0, 1.0, 0.25)


def test_book_of_one_entry_has_no_normalised_entropy():
    assert codebook_statistics([10]).normalised_entropy is None


@given(st.lists(st.integers(0, 50), min_size=2, max_size=40).filter(any))
def test_shares_are_shares(counts):
    book = codebook_statistics(counts)
    assert 0.0 <= book.plugin_entropy_bits <= book.entropy_bits + 1e-12
    assert 0.0 <= book.normalised_entropy <= 1.0
    assert 0.0 < book.normalised_perplexity <= 1.0 + 1e-12


def test_codes_are_counted_per_codebook():
    counts = count_codes(np.array([[0, 1, 1], [2, 2, 2]]), [2, 4])
    assert [count.tolist() for count in counts] == [[1, 2], [0, 0, 3, 0]]


def test_counting_nothing_is_allowed_and_counting_it_up_is_not():
    (counts,) = count_codes(np.zeros((1, 0), dtype=np.int64), [8])
    with pytest.raises(MetricError) as caught:
        codebook_statistics(counts)
    assert caught.value.reason == "no_codes"


@pytest.mark.parametrize("codes", [[[0, 2]], [[-1, 0]], [[0.5, 1.0]], [0, 1], [[0], [1]]], ids=str)
def test_bad_codes_are_refused(codes):
    with pytest.raises(MetricError) as caught:
        count_codes(codes, [2])
    assert caught.value.reason == "bad_codes"


@pytest.mark.parametrize("counts", [[], [[1, 2]], [1, -1], [0.5, 0.5]], ids=str)
def test_bad_counts_are_refused(counts):
    with pytest.raises(MetricError) as caught:
        codebook_statistics(counts)
    assert caught.value.reason == "bad_counts"


def test_entropy_rate_adds_up_over_codebooks():
    full, half = codebook_statistics([1000, 1000]), codebook_statistics([1000] * 4)
    assert entropy_bps([full, half], 50.0) == pytest.approx(150.0, rel=1e-2)
    assert entropy_bps([full, half], [100.0, 25.0]) == pytest.approx(150.0, rel=1e-2)
    with pytest.raises(MetricError):
        entropy_bps([full, half], [50.0])
    with pytest.raises(MetricError):
        entropy_bps([full], 0.0)
