"""What a machine of a cluster must have in common with the one that planned the run."""

from codecbench.benchmark.framing import Message
from codecbench.benchmark.plan import FORENSICS_VERSION, resampler_version
from codecbench.core.fingerprint import package_versions


def describe_harness(request: Message) -> Message:
    """Say which harness this is, as far as keys hang on it."""
    del request
    return {
        "codecbench": package_versions(["codecbench"])["codecbench"],
        "resampler": resampler_version(),
        "forensics": FORENSICS_VERSION,
    }
