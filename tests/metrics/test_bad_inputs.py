"""Bad inputs against every metric: the last table of alignment.md, case by case."""

import json
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from codecbench.core.cell import Cell
from codecbench.core.errors import AudioFormatError, MissingDependencyError
from codecbench.metrics.base import Metric
from codecbench.metrics.evaluation import evaluate_pair
from codecbench.metrics.registry import BUILTIN, get_metric
from codecbench.metrics.screening import screen_degraded, screen_reference

RATE = 16000
Signals = tuple[NDArray[np.float64], NDArray[np.float64]]
Make = Callable[[NDArray[np.float64], NDArray[np.float64]], Signals]

# Design, section 9. STOI's is counted in frames: of these clips the first with 30 is 0.5 s long,
# as the package's own answers in bad_inputs.json show.
SHORTEST_S = {"pesq": 0.25, "stoi": 0.5, "estoi": 0.5, "visqol": 1.0, "mel": 0.13, "lsd": 0.13}
SHORTEST_S |= {"mcd": 0.1, "f0": 0.1, "vuv": 0.1, "si_sdr": 0.01}

# These take seconds for a clip; the default run gives them a few cases, CI all.
HEAVY = {"mcd_harvest", "mcd_versa", "visqol_audio"}
MEDIUM = {"mcd", "mcd_ref_f0", "f0_rmse_cents", "vuv_error", "visqol", "visqol_lattice"}
QUICK = {"identical", "1s", "0.1s"}
ALWAYS = QUICK | {"normal", "unclipped_gt1_deg_x8"}


def with_sample(x: NDArray[np.float64], value: float) -> NDArray[np.float64]:
    changed = x.copy()
    changed[1000] = value
    return changed


def half_second_of(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.pad(x[8000:16000], (32000, 40000))


def bursts(x: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    return np.tile(np.pad(x[8000:14400], (0, 6400)), count)


def white_noise(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return 0.1 * np.random.default_rng(4).standard_normal(x.size)


VALUES: dict[str, Make] = {
    "normal": lambda x, y: (x, y),
    "identical": lambda x, y: (x, x),
    "float32": lambda x, y: (x.astype(np.float32), y.astype(np.float32)),
    "noncontiguous": lambda x, y: (np.stack([x, x], 1)[:, 0], np.stack([y, y], 1)[:, 0]),
    "clipped_deg_x8": lambda x, y: (x, np.clip(8 * y, -1, 1)),
    "unclipped_gt1_deg_x8": lambda x, y: (x, 8 * y),
    "dc_0.2_both": lambda x, y: (x + 0.2, y + 0.2),
    "dc_0.2_deg": lambda x, y: (x, y + 0.2),
    "deg_white_noise": lambda x, y: (x, white_noise(x)),
    "ref_speech_0.5s_in_5s_silence": lambda x, y: (half_second_of(x), half_second_of(y)),
    "deg_1_sample_shorter": lambda x, y: (x, y[:-1]),
}
LONG: dict[str, Make] = {
    "long_60s_x_60s": lambda x, y: (np.tile(x, 12), np.tile(y, 12)),
    "many_utterances_60_bursts": lambda x, y: (bursts(x, 60), bursts(y, 60)),
    "many_utterances_200_bursts": lambda x, y: (bursts(x, 200), bursts(y, 200)),
}
SHORT = {"1_sample": 1, "100_samples": 100} | {
    f"{seconds:g}s": round(seconds * RATE) for seconds in (0.1, 0.2, 0.24, 0.26, 0.35, 0.5, 1.0)
}
REFUSED: dict[str, tuple[str, Make]] = {
    "both_silent": ("undefined:silent_reference", lambda x, y: (0 * x, 0 * y)),
    "ref_silent": ("undefined:silent_reference", lambda x, y: (0 * x, y)),
    "constant_dc_both": ("undefined:silent_reference", lambda x, y: (0 * x + 0.1, 0 * y + 0.1)),
    "ref_nan": ("undefined:nonfinite_reference", lambda x, y: (with_sample(x, np.nan), y)),
    "int16_scale_float": (
        "undefined:reference_out_of_range",
        lambda x, y: (x * 32767, y * 32767),
    ),
    "empty": ("undefined:too_short", lambda x, y: (x[:0], y[:0])),
    "deg_silent": ("failed:silent_degraded", lambda x, y: (x, 0 * y)),
    "deg_tiny_1e-6": ("failed:silent_degraded", lambda x, y: (x, 1e-6 * y)),
    "deg_nan": ("failed:nonfinite_degraded", lambda x, y: (x, with_sample(y, np.nan))),
    "deg_inf": ("failed:nonfinite_degraded", lambda x, y: (x, with_sample(y, np.inf))),
    "deg_1s_shorter": ("failed:wrong_length", lambda x, y: (x, y[:-RATE])),
    "deg_1s_longer": ("failed:wrong_length", lambda x, y: (x, np.pad(y, (0, RATE)))),
    "deg_half_len": ("failed:wrong_length", lambda x, y: (x, y[: y.size // 2])),
    "deg_resampled_8k_length": ("failed:wrong_length", lambda x, y: (x, y[::2])),
}
UNREADABLE: dict[str, Make] = {
    "int16_arrays": lambda x, y: ((x * 32768).astype(np.int16), (y * 32768).astype(np.int16)),
    "stereo_(N,2)": lambda x, y: (np.stack([x, x], 1), np.stack([y, y], 1)),
    "stereo_(2,N)": lambda x, y: (np.stack([x, x]), np.stack([y, y])),
}

names = pytest.mark.parametrize("name", sorted(BUILTIN))


def usable(name: str) -> Metric:
    metric = get_metric(name)
    try:
        metric.require_modules()
    except MissingDependencyError as error:
        pytest.skip(str(error))
    return metric


@pytest.fixture(scope="module")
def signals(pair) -> Signals:
    reference, degraded = pair("010")
    return reference.samples.astype(np.float64), degraded.samples.astype(np.float64)


def outcome(metric: Metric, make: Make, signals: Signals) -> Cell:
    reference, degraded = make(*signals)
    cells = evaluate_pair(metric, reference, degraded, RATE)
    assert tuple(cells) == metric.outputs
    # However many outputs: none has a value where another has none.
    assert len({cell.status for cell in cells.values()}) == 1
    return cells[metric.name]


def pairs_of(cases: dict[str, Make]) -> list[object]:
    found = []
    for name in sorted(BUILTIN):
        for case in cases:
            if name in HEAVY and case == "many_utterances_200_bursts":
                continue  # over a minute each, and 60 bursts say as much
            slow = (
                (name in HEAVY and case not in QUICK)
                or (name in MEDIUM and case not in ALWAYS and case not in SHORT)
                or (name.startswith("mel") and case in LONG)
            )
            longest = name in HEAVY and case in LONG
            marks = [pytest.mark.soak if longest else pytest.mark.slow] if slow else []
            found.append(pytest.param(name, case, marks=marks, id=f"{name}-{case}"))
    return found


def test_all_cases_of_the_table_are_here(shared):
    recorded = json.loads((shared / "metrics" / "bad_inputs.json").read_text())
    here = {*VALUES, *LONG, *SHORT, *REFUSED, *UNREADABLE}
    assert {case for cases in recorded.values() for case in cases} <= here


@pytest.mark.parametrize(("name", "case"), pairs_of(VALUES))
def test_unusual_but_legitimate_inputs_have_a_value(name, case, signals):
    metric = usable(name)
    cell = outcome(metric, VALUES[case], signals)
    low, high = metric.range
    assert cell.is_ok, cell
    assert low <= cell.value <= high + 1e-3


@pytest.mark.parametrize(("name", "case"), pairs_of(LONG))
def test_long_inputs_have_a_value_or_a_reason(name, case, signals):
    cell = outcome(usable(name), LONG[case], signals)
    if name.startswith("pesq") and case.startswith("many_utterances"):
        assert str(cell) == "undefined:too_many_utterances"
    else:
        assert cell.is_ok, cell


@pytest.mark.parametrize(("name", "case"), pairs_of(dict.fromkeys(SHORT)))
def test_short_inputs_are_undefined_below_the_shortest_clip(name, case, signals):
    size = SHORT[case]
    shortest = next(seconds for start, seconds in SHORTEST_S.items() if name.startswith(start))
    cell = outcome(
        usable(name), lambda x, y: (x[8000 : 8000 + size], y[8000 : 8000 + size]), signals
    )
    if size < shortest * RATE:
        assert str(cell) == "undefined:too_short"
    elif name == "f0_rmse_cents" and not cell.is_ok:
        # Long enough, but these cuts begin in a pause: a reference without pitch has no F0 error.
        assert str(cell) == "undefined:no_voiced_frames"
        assert size < RATE // 2
    else:
        assert cell.is_ok, cell


@names
@pytest.mark.parametrize("case", REFUSED)
def test_bad_inputs_get_their_reason(name, case, signals):
    wanted, make = REFUSED[case]
    assert str(outcome(usable(name), make, signals)) == wanted


@names
@pytest.mark.parametrize("case", UNREADABLE)
def test_unreadable_arrays_are_refused_with_the_way_to_convert(name, case, signals):
    with pytest.raises(AudioFormatError, match=r"divide integers|mix down"):
        outcome(usable(name), UNREADABLE[case], signals)


@pytest.mark.parametrize(
    ("name", "case"), pairs_of({"unclipped_gt1_deg_x8": VALUES["unclipped_gt1_deg_x8"]})
)
def test_overshoot_scores_as_if_clipped(name, case, signals):
    metric = usable(name)
    unclipped = outcome(metric, VALUES[case], signals)
    assert unclipped == outcome(metric, VALUES["clipped_deg_x8"], signals)


def test_overshoot_and_padding_are_recorded(signals):
    x, y = signals
    reference = screen_reference(x, RATE)
    loud = screen_degraded(8 * y, RATE, reference=reference)
    assert loud.clipped_share == pytest.approx(np.mean(np.abs(8 * y) > 1))
    assert loud.clipped_share > 0
    assert screen_degraded(y[:-1], RATE, reference=reference).length_difference == -1


# Acceptance test 15 of the peers' list.
def test_half_a_second_is_skipped_by_visqol_only(signals):
    def of(name: str) -> str:
        cut = outcome(usable(name), lambda x, y: (x[8000:16000], y[8000:16000]), signals)
        return "value" if cut.is_ok else str(cut)

    found = {name: of(name) for name in ("visqol", "pesq_wb", "stoi")}
    assert found == {"visqol": "undefined:too_short", "pesq_wb": "value", "stoi": "value"}


# What the packages themselves answer where their answer is right; the degraded signal is rounded to
# 16 bit here, which moves nothing but the cases with an offset or gain.
@pytest.mark.parametrize(
    ("name", "column", "tolerance"),
    [
        ("pesq_wb", "pesq_wb", 1e-3),
        ("stoi", "stoi", 1e-4),
        ("estoi", "estoi", 1e-4),
        ("si_sdr", "sisdr_numpy", 1e-2),
    ],
)
@pytest.mark.parametrize(
    "case",
    ["normal", "float32", "noncontiguous", "clipped_deg_x8", "dc_0.2_both", "dc_0.2_deg", "0.5s"],
)
def test_values_agree_with_the_packages(shared, signals, name, column, tolerance, case):
    recorded = json.loads((shared / "metrics" / "bad_inputs.json").read_text())
    make = VALUES.get(case) or (lambda x, y: (x[8000:16000], y[8000:16000]))
    cell = outcome(usable(name), make, signals)
    assert cell.value == pytest.approx(recorded[column][case][1], abs=tolerance)
