"""The builder of synthetic results, for all tests of reports."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def synthetic() -> ModuleType:
    """The module synthetic.py, which stands beside the tests and is no package."""
    spec = importlib.util.spec_from_file_location(
        "report_synthetic", Path(__file__).with_name("synthetic.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def report_folder(synthetic, tmp_path_factory) -> Path:
    """A report on the realistic results."""
    from codecbench.reports.report import write_report

    out = tmp_path_factory.mktemp("report")
    write_report(synthetic.realistic(), out)
    return out
