"""A cell is a finite value or a status with its reason, never both and never neither."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codecbench.core.cell import Cell, Status
from codecbench.core.errors import ResultSchemaError


@given(st.floats())
def test_only_finite_values_make_a_cell(value: float):
    if math.isfinite(value):
        cell = Cell.ok(value)
        assert cell.is_ok
        assert cell.value == value
    else:
        with pytest.raises(ResultSchemaError, match="finite"):
            Cell.ok(value)


@pytest.mark.parametrize("status", [Status.UNDEFINED, Status.FAILED, Status.SKIPPED])
def test_other_statuses_need_a_reason_and_no_value(status: Status):
    assert not Cell(status=status, reason="timeout").is_ok
    with pytest.raises(ResultSchemaError, match="reason"):
        Cell(status=status)
    with pytest.raises(ResultSchemaError, match="no value"):
        Cell(status=status, reason="timeout", value=1.0)


def test_a_value_has_no_reason():
    with pytest.raises(ResultSchemaError, match="no reason"):
        Cell(status=Status.OK, value=1.0, reason="timeout")


def test_a_missing_value_is_not_ok():
    with pytest.raises(ResultSchemaError, match="finite"):
        Cell(status=Status.OK)


@pytest.mark.parametrize("value", [np.float32(0.5), np.float64(0.5), 1, np.int64(1)])
def test_values_become_plain_floats(value):
    assert type(Cell.ok(value).value) is float


def test_makers_set_their_status():
    assert Cell.undefined("too_short", "0.1 s").status is Status.UNDEFINED
    assert Cell.failed("timeout").status is Status.FAILED
    assert Cell.skipped("missing_dependency").status is Status.SKIPPED
    assert Cell.undefined("too_short", "0.1 s").detail == "0.1 s"


def test_written_form():
    assert str(Cell.ok(4.643888)) == "4.64389"
    assert str(Cell.failed("crashed:SIGSEGV")) == "failed:crashed:SIGSEGV"


def test_cannot_be_changed():
    with pytest.raises(AttributeError):
        Cell.ok(1.0).value = 2.0  # type: ignore[misc]
