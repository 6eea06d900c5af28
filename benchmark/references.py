"""References as the child sees them: read, screened, brought to the evaluation rate, kept."""

from collections import OrderedDict
from pathlib import Path

from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_signal
from codecbench.core.errors import SignalError
from codecbench.core.fingerprint import hash_pcm
from codecbench.core.resampling import resample
from codecbench.metrics.screening import reference_reason, screen_reference

_KEPT = 2


class UnusableReferenceError(Exception):
    """A clip that cannot be a reference for any system; its cells are undefined."""

    def __init__(self, reason: str, detail: str) -> None:
        """Keep the reason of the cells and the words for people."""
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class References:
    """The last few references, so that their derived quantities are computed once."""

    def __init__(self) -> None:
        """Start empty."""
        self._kept: OrderedDict[tuple[str, str], Audio | UnusableReferenceError] = OrderedDict()

    def native(self, path: str, sha256: str) -> Audio:
        """Return a clip's signal at the rate of its file.

        Args:
            path: The file.
            sha256: Content hash that the plan saw.

        Raises:
            UnusableReferenceError: It is unreadable, silent, empty, not finite, out of range, or
                not what the plan saw.
        """
        key = (path, sha256)
        if key not in self._kept:
            self._kept[key] = self._read(Path(path), sha256)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        found = self._kept[key]
        if isinstance(found, UnusableReferenceError):
            raise found
        return found

    def at_rate(self, path: str, sha256: str, sample_rate: int) -> Audio:
        """Return a clip's signal at the evaluation rate; see `native`."""
        return resample(self.native(path, sha256), sample_rate)

    def _read(self, path: Path, sha256: str) -> Audio | UnusableReferenceError:
        try:
            raw = read_signal(path)
        except SignalError as error:
            return UnusableReferenceError("unreadable_reference", str(error))
        if hash_pcm(raw.samples, raw.sample_rate) != sha256:
            detail = f"{path}: changed since the run was planned; start the run again"
            return UnusableReferenceError("changed_reference", detail)
        try:
            return screen_reference(raw.samples, raw.sample_rate)
        except SignalError as error:
            return UnusableReferenceError(reference_reason(error), str(error))
