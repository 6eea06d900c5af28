"""The builder of synthetic results, for all tests of reports."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


def load_beside(name: str) -> ModuleType:
    """Load a module that stands beside the tests, which are no package."""
    spec = importlib.util.spec_from_file_location(
        f"report_{name}", Path(__file__).with_name(f"{name}.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def synthetic() -> ModuleType:
    """The module synthetic.py."""
    return load_beside("synthetic")


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """A browser without a network."""
    with load_beside("browser").open_browser() as found:
        yield found


@pytest.fixture(scope="session")
def report_folder(synthetic, tmp_path_factory) -> Path:
    """A report on the realistic results."""
    from codecbench.reports.report import write_report

    out = tmp_path_factory.mktemp("report")
    write_report(synthetic.realistic(), out)
    return out
