"""The systems of the papers, as ``codecbench list papers`` shows them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codecbench.benchmark.paper_systems import PaperSystem


def list_papers() -> None:
    """Print for each system what was published, and what it takes to measure it here."""
    from codecbench.benchmark.paper_systems import find_paper, paper_names

    for name in paper_names():
        paper = find_paper(name)
        print(f"{name}: {paper.title}; {paper.source}")
        for system in paper.systems:
            print(f"  {system.label}")
            print("".join(f"    published  {line}\n" for line in _published(system)), end="")
            print(f"    here       {system.spec or system.own or system.missing()}")
            if system.files:
                names = " or ".join(system.files)
                print(f"    weights    {names}, from {system.where} ({system.licence})")


def _published(system: "PaperSystem") -> list[str]:
    from codecbench.reports.published_numbers import published_numbers

    name, rates = system.published
    by_metric: dict[str, list[str]] = {}
    for number in published_numbers():
        if number.system == name and number.kbps in rates:
            by_metric.setdefault(number.metric, []).append(f"{number.value:g}")
    at = " | ".join(f"{rate:g}" for rate in rates)
    return [f"{metric} {' | '.join(found)} at {at} kbit/s" for metric, found in by_metric.items()]
