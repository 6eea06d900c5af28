"""What ``codecbench check --json`` found, matched to the systems of a run."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from codecbench.benchmark.check.follow import CheckResult
from codecbench.core.errors import ConfigError
from codecbench.core.small_file import read_small_text
from codecbench.reports.costs import canonical_name


def read_checks(paths: Iterable[Path]) -> dict[str, tuple[CheckResult, ...]]:
    """Read what ``codecbench check SPEC --json`` printed.

    Args:
        paths: Files; one may hold the answers of several codecs, one after another.

    Returns:
        By canonical name of the codec.

    Raises:
        ConfigError: A file cannot be read, or holds something else.
    """
    found: dict[str, tuple[CheckResult, ...]] = {}
    for path in paths:
        try:
            text = read_small_text(path).strip()
            while text:
                table, end = json.JSONDecoder().raw_decode(text)
                results = tuple(CheckResult(**each) for each in table["checks"])
                found[canonical_name(str(table["spec"]))] = results
                text = text[end:].strip()
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            msg = (
                f"{path}: no checks ({type(error).__name__}: {error}); "
                f"'codecbench check SPEC --json > {path}' writes some"
            )
            raise ConfigError(msg) from error
    return found


def checks_of(checks: Mapping[str, tuple[CheckResult, ...]], spec: str) -> tuple[CheckResult, ...]:
    """Return the answers for a system; empty where nobody asked."""
    return checks.get(canonical_name(spec), ())
