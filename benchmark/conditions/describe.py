"""What the plan must know about a condition, found out in the child that will apply it."""

from functools import lru_cache

from codecbench.benchmark.conditions.spec import ParsedCondition, parse_condition
from codecbench.benchmark.framing import Message


@lru_cache(maxsize=8)
def ready_condition(text: str) -> ParsedCondition:
    """Return a condition by its canonical name; the last few are kept, with what they loaded."""
    return parse_condition(text)


def describe_condition(request: Message) -> Message:
    """Say what determines a condition's outcome.

    Args:
        request: ``condition``, its canonical name.

    Raises:
        NotAvailableError: Something that it needs is not on this machine.
    """
    condition = ready_condition(str(request["condition"]))
    return {
        "identity": condition.identity(),
        "input": condition.input_identity(),
        "scored_against": condition.scored_against,
    }
