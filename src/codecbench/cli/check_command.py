"""``codecbench check``: does a codec do what its adapter promises?"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from codecbench.benchmark.check.follow import CheckResult

_MARKS = {"pass": "pass", "warn": "WARN", "fail": "FAIL", "not_applicable": "n/a"}
_WORDS = {"pass": "passed", "warn": "warned", "fail": "failed", "not_applicable": "not applicable"}


@click.command("check")
@click.argument("spec", metavar="SPEC")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object instead of lines.")
@click.option(
    "--thorough", is_flag=True, help="Check long clips and all points of networks, too: minutes."
)
def command(spec: str, as_json: bool, thorough: bool) -> int:
    """Ask a codec everything that a benchmark relies on, and say what to do where it fails.

    SPEC names a codec, as in 'opus:bitrate=12000' or './my_codec.py:MyCodec'. Every check runs in
    a watched process; a crash or a hang fails that check alone. Exit code 0 where nothing failed,
    3 where something did.
    """
    from codecbench.benchmark.check.follow import follow_checks
    from codecbench.cli.exit_codes import ExitCode

    follow = follow_checks(spec, thorough=thorough)
    results = list(follow) if as_json else list(_shown(follow))
    counts = Counter(result.outcome for result in results)
    worst = next(outcome for outcome in ("fail", "warn", "pass") if counts[outcome])
    seconds = sum(result.seconds for result in results)
    if as_json:
        checks = [asdict(result) for result in results]
        print(json.dumps({"spec": spec, "outcome": worst, "checks": checks}, indent=2))
    else:
        said = ", ".join(f"{counts[each]} {word}" for each, word in _WORDS.items() if counts[each])  # type: ignore[index]
        print(f"\n{spec}: {said}, in {seconds:.1f} s")
    return ExitCode.INCOMPLETE if counts["fail"] else ExitCode.OK


def _shown(results: "Iterator[CheckResult]") -> "Iterator[CheckResult]":
    for result in results:
        mark = _MARKS[result.outcome]
        print(f"{result.number:2} {result.name:17} {mark:4}  {result.found}", flush=True)
        if result.advice:
            print(f"{'':26}wanted: {result.asks}\n{'':26}to do: {result.advice}", flush=True)
        yield result
