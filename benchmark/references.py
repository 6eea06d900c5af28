"""References as the child sees them: read, screened, brought to the evaluation rate, kept."""

from collections import OrderedDict
from pathlib import Path

from codecbench.benchmark.conditions.base import Draw, Treated
from codecbench.benchmark.conditions.describe import ready_condition
from codecbench.benchmark.framing import Message
from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_signal
from codecbench.core.errors import SignalError
from codecbench.core.fingerprint import hash_pcm
from codecbench.core.resampling import resample
from codecbench.metrics.screening import reference_reason, screen_reference

_KEPT = 2
_KEPT_BYTES = 64 * 2**20
"""Of signals that were read, without what is derived from them: codecs take turns on the clips."""


def draw_of(request: Message) -> Draw:
    """Return where the random numbers of a step come from."""
    return Draw(
        sha256=str(request["sha256"]), clip=str(request["clip"]), seed=int(str(request["seed"]))
    )


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
        self._signals: OrderedDict[tuple[str, str], Audio] = OrderedDict()
        self._signal_bytes = 0

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
            self._kept[key] = self._fresh(key)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        found = self._kept[key]
        if isinstance(found, UnusableReferenceError):
            raise found
        return found

    def holds(self, request: Message) -> Message:
        """Say whether a file is what the plan saw, silent or not.

        Args:
            request: ``path`` and ``sha256``.

        Returns:
            ``holds``.
        """
        try:
            self.native(str(request["path"]), str(request["sha256"]))
        except UnusableReferenceError as error:
            return {"holds": error.reason not in ("unreadable_reference", "changed_reference")}
        return {"holds": True}

    def at_rate(self, path: str, sha256: str, sample_rate: int) -> Audio:
        """Return a clip's signal at the evaluation rate; see `native`."""
        return resample(self.native(path, sha256), sample_rate)

    def treated(self, request: Message) -> Treated:
        """Return what a codec hears of a clip under a condition, at the rate of the file.

        Args:
            request: ``path``, ``sha256`` and ``clip`` of the clip, ``condition`` and ``seed``.

        Raises:
            UnusableReferenceError: As `native`.
        """
        native = self.native(str(request["path"]), str(request["sha256"]))
        condition = ready_condition(str(request["condition"]))
        if not condition.treatments:
            return Treated(audio=native)
        draw = draw_of(request)
        inputs = "+".join(part.text for part in condition.treatments)
        return native.derive(
            f"{inputs}|{condition.scored_against}|{draw.clip}|{draw.seed}",
            lambda: condition.treat(native, draw),
        )

    def scored(self, request: Message, sample_rate: int) -> Audio:
        """Return what metrics take for the reference, at the evaluation rate.

        Args:
            request: As for `treated`.
            sample_rate: In Hz.

        Raises:
            UnusableReferenceError: As `native`, or the treatment has left nothing to be heard.
        """
        native = self.native(str(request["path"]), str(request["sha256"]))
        if ready_condition(str(request["condition"])).scored_against == "clean":
            return resample(native, sample_rate)
        audio = self.treated(request).audio
        try:
            screened = screen_reference(audio.samples, audio.sample_rate)
        except SignalError as error:
            raise UnusableReferenceError(reference_reason(error), str(error)) from error
        return resample(screened, sample_rate)

    def _fresh(self, key: tuple[str, str]) -> Audio | UnusableReferenceError:
        """Return a signal from which nothing is derived yet, read only where it must be."""
        if key not in self._signals:
            found = self._read(Path(key[0]), key[1])
            if isinstance(found, UnusableReferenceError):
                return found
            self._signals[key] = found
            self._signal_bytes += found.samples.nbytes
            while self._signal_bytes > _KEPT_BYTES and len(self._signals) > 1:
                _, oldest = self._signals.popitem(last=False)
                self._signal_bytes -= oldest.samples.nbytes
        self._signals.move_to_end(key)
        bare = self._signals[key]
        return Audio(bare.samples, bare.sample_rate, bare.clipped_share)

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
