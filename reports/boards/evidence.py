"""What is known of a bundle besides what it says: which sample was taken, and what came of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from codecbench.benchmark.framing import Message
from codecbench.benchmark.supervisor import SupervisedChild
from codecbench.core.errors import BundleError
from codecbench.reports.boards.at_hand import AtHand
from codecbench.reports.boards.consistency import name_of
from codecbench.reports.boards.contents import PackedEncoding
from codecbench.reports.boards.plain import shown
from codecbench.reports.boards.unpacking import Bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was computed again, and how near it came.

    Attributes:
        seed: Of the sample.
        clips: Ids of the sample.
        cells: Cells of the sample that were scored again.
        undefined: Cells without a value, of all clips, that were looked at again.
        decoded: Bitstreams of the sample that were decoded again.
        identical: How many of these gave equal samples.
        coded: Clips of the sample that were coded again.
        same_bytes: How many of these gave equal bytes.
        worst: Largest difference found, by metric.
    """

    seed: int
    clips: tuple[str, ...] = ()
    cells: int = 0
    undefined: int = 0
    decoded: int = 0
    identical: int = 0
    coded: int = 0
    same_bytes: int = 0
    worst: Mapping[str, float] = field(default_factory=dict)


def choose_sample(bundle: Bundle, count: int | None, seed: int) -> tuple[str, ...]:
    """Choose clips at random; all where `count` is None."""
    clips = [clip.id for clip in bundle.contents.description.clips if not clip.problem]
    if count is None or count >= len(clips):
        return tuple(clips)
    chosen = np.random.default_rng(seed).choice(len(clips), size=count, replace=False)
    return tuple(clips[place] for place in sorted(chosen.tolist()))


def check_audio(bundle: Bundle, child: SupervisedChild) -> None:
    """Check that each degraded signal of a bundle is what its name says.

    Raises:
        BundleError: One is not.
    """
    if "audio" in bundle.manifest.left_out:
        return
    rate = bundle.contents.description.identity.sample_rate
    seconds = {clip.id: clip.seconds for clip in bundle.contents.description.clips}
    wanted: dict[str, PackedEncoding] = {}
    for encoding in bundle.contents.encodings:
        if encoding.record is not None:
            wanted.setdefault(encoding.record.degraded, encoding)
    requests: list[Message] = [
        {
            "op": "hash_audio",
            "path": str(bundle.objects.audio_path(digest)),
            "max_samples": round(rate * seconds[encoding.clip]) + 2,
        }
        for digest, encoding in wanted.items()
    ]
    replies = child.stream(requests)
    for (digest, encoding), reply in zip(wanted.items(), replies, strict=True):
        found = reply.value
        if found is None:
            msg = f"{name_of(encoding)}: its audio cannot be read ({shown(reply.detail)})"
            raise BundleError(msg)
        if (found["sha256"], found["sample_rate"]) != (digest, rate):
            msg = (
                f"{name_of(encoding)}: its audio is not the one that was scored; content hash "
                f"{digest[:16]}… claimed, {str(found['sha256'])[:16]}… found"
            )
            raise BundleError(msg)


def undecoded(bundle: Bundle, at_hand: AtHand) -> Iterator[tuple[str, str]]:
    """Name the systems whose bitstreams were not decoded again, each with the reason."""
    for system in bundle.contents.description.systems:
        if "bitstreams" in bundle.manifest.left_out:
            yield system.codec, "its bitstreams are not in the bundle"
        elif system.codec in at_hand.absent:
            yield system.codec, at_hand.absent[system.codec]
