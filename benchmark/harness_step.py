"""What a machine of a cluster must have in common with the one that planned the run."""

import codecbench
from codecbench.benchmark.framing import Message
from codecbench.benchmark.plan import FORENSICS_VERSION, resampler_version


def describe_harness(request: Message) -> Message:
    """Say which harness this is, as far as keys hang on it."""
    del request
    return {
        "codecbench": codecbench.__version__,
        "resampler": resampler_version(),
        "forensics": FORENSICS_VERSION,
    }
