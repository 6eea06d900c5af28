"""The error tree. Every error that codecbench raises derives from `CodecBenchError`.

CodecBenchError
├── ConfigError             a suite, flag or spec that cannot be right (also ValueError)
│   └── UnknownNameError    a name that is not registered (also KeyError)
├── NotAvailableError       shown as "skipped", never as a number
│   ├── MissingDependencyError
│   └── MissingWeightsError
├── UnsupportedSettingError a codec that cannot do what its options ask (also ValueError)
├── CodecError
│   ├── EncodeError
│   ├── DecodeError
│   ├── BitstreamError
│   └── ProcessError        a process of a codec died, hung or took too much memory
├── SignalError             also ValueError
│   ├── AudioFormatError    integer, two-dimensional, unreadable
│   ├── NonFiniteError
│   ├── OutOfRangeError
│   ├── SignalMismatchError lengths or sample rates differ
│   ├── TooShortError
│   └── SilentSignalError
├── MetricError
├── DatasetError
│   └── ChecksumError
├── ResultSchemaError       a store or export of another version
│   └── DamagedStoreError   a database that is cut off or altered
├── BundleError             a bundle that does not verify; nothing of it is taken
└── RunError                the run cannot start or go on (store locked)
    ├── StorageError        the disk is full, read-only or failing
    └── LostFileError       a file that was kept for the run is gone or damaged
"""

from collections.abc import Iterable
from difflib import get_close_matches


class CodecBenchError(Exception):
    """Base of every error that codecbench raises; the message is one line with a way out."""


class ConfigError(CodecBenchError, ValueError):
    """A suite, flag or spec string that cannot be right."""


class UnknownNameError(ConfigError, KeyError):
    """A name that nothing is registered under."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        """Build the message from what was asked for and what there is.

        Args:
            kind: What the name names, such as "codec".
            name: The name that was asked for.
            known: All names that would have been right.
        """
        names = sorted(known)
        near = get_close_matches(name, names, n=3, cutoff=0.6)
        hint = f"did you mean {', '.join(near)}?" if near else f"known: {', '.join(names)}"
        self.message = f"unknown {kind} '{name}'; {hint}"
        super().__init__(self.message)

    def __str__(self) -> str:
        """Return the plain message; KeyError would quote it."""
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        """Let the error travel between processes."""
        return (_unknown_name, (self.message,))


def _unknown_name(message: str) -> UnknownNameError:
    error = UnknownNameError.__new__(UnknownNameError, message)
    error.message = message
    return error


class NotAvailableError(CodecBenchError):
    """Something optional is absent; cells that need it are skipped, with this reason."""


class MissingDependencyError(NotAvailableError):
    """A package or system library that is not installed."""

    def __init__(self, package: str, fix: str, *, detail: str = "") -> None:
        """Name the package and how to get it.

        Args:
            package: Name of the package or library.
            fix: The command that installs it.
            detail: Why it cannot be used, if it is there but broken.
        """
        self.package = package
        self.fix = fix
        self.detail = detail
        why = f" ({detail})" if detail else ""
        super().__init__(f"{package} is not usable{why}; run: {fix}")

    def __reduce__(self) -> tuple[object, ...]:
        """Let the error travel between processes."""
        return (_missing_dependency, (self.package, self.fix, self.detail))


def _missing_dependency(package: str, fix: str, detail: str) -> MissingDependencyError:
    return MissingDependencyError(package, fix, detail=detail)


class MissingWeightsError(NotAvailableError):
    """A checkpoint that is not on this machine."""


class UnsupportedSettingError(CodecBenchError, ValueError):
    """A codec that cannot do what its options ask; the message gives what it can."""


class CodecError(CodecBenchError):
    """A codec failed."""


class EncodeError(CodecError):
    """Encoding failed."""


class DecodeError(CodecError):
    """Decoding failed."""


class BitstreamError(CodecError):
    """Bytes that are not a valid stream of this codec."""


class ProcessError(CodecError):
    """A process in which a codec works has died, hung, taken too much memory, or failed."""

    def __init__(self, message: str, *, reason: str) -> None:
        """Say what happened.

        Args:
            message: For people.
            reason: As in a cell: ``crashed:SIGKILL``, ``timeout``, ``out_of_memory`` …
        """
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[object, ...]:
        """Let the error travel between processes."""
        return (_process_error, (str(self), self.reason))


def _process_error(message: str, reason: str) -> ProcessError:
    return ProcessError(message, reason=reason)


class SignalError(CodecBenchError, ValueError):
    """A signal that cannot be used."""


class AudioFormatError(SignalError):
    """Samples of the wrong type or shape, or a file that cannot be read."""


class NonFiniteError(SignalError):
    """Samples that are NaN or infinite."""


class OutOfRangeError(SignalError):
    """Samples outside [-1, 1]."""


class SignalMismatchError(SignalError):
    """Two signals whose lengths or sample rates differ."""


class TooShortError(SignalError):
    """A signal shorter than what is asked of it needs."""


class SilentSignalError(SignalError):
    """A signal without content."""


class MetricError(CodecBenchError):
    """A metric could not be computed for a reason of its own."""

    def __init__(self, message: str, *, reason: str = "metric_error") -> None:
        """Say what happened.

        Args:
            message: For people.
            reason: Short machine-readable cause, such as ``too_many_utterances``.
        """
        super().__init__(message)
        self.reason = reason


class DatasetError(CodecBenchError):
    """A dataset that cannot be read."""


class ChecksumError(DatasetError):
    """A file whose content is not what was declared."""


class ResultSchemaError(CodecBenchError):
    """A store or export of another schema, or damaged."""


class BundleError(CodecBenchError):
    """A bundle of results that does not verify; the message says which part, and why."""


class DamagedStoreError(ResultSchemaError):
    """A database of ours that is cut off or altered."""


class RunError(CodecBenchError):
    """A run that cannot start or go on."""


class StorageError(RunError):
    """A disk that is full, read-only or failing; nobody's cell is to blame for it."""


class LostFileError(RunError):
    """A file that was kept for the run and is gone or damaged; it can be made again."""
