"""What travels to a worker of a cluster and back, and what is done with it there.

Nothing is taken for shared. A file is used by its path where the worker finds the right content
there; otherwise it is asked for, and the task comes again with its bytes. What is made (degraded
audio, bitstreams) goes back as bytes, and nothing stays behind.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from codecbench.benchmark.cluster_seat import Seat, is_stopped, own_limits, own_seat
from codecbench.benchmark.framing import Message
from codecbench.benchmark.objects import ObjectStore
from codecbench.benchmark.supervisor import Reply, SupervisedChild
from codecbench.benchmark.warm_up import cold_metrics, warm_up
from codecbench.benchmark.worker import Step, Task
from codecbench.core.fingerprint import Json

IDENTITY = {
    "describe_harness": ("codecbench", "resampler", "forensics"),
    "describe_codec": ("version", "fingerprint", "source_hash", "unavailable"),
    "describe_metric": ("name", "definition", "versions", "source_hash", "unavailable"),
    "describe_condition": ("identity", "input"),
}
"""What must be the same on every machine for its values to be those of the plan."""

FILES = {"path": "sha256", "degraded": "degraded_sha256"}
"""Fields of a step that name a file, and those with the hash of its content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What was found out when the run was planned, and must hold where it is carried out.

    Attributes:
        request: The question.
        facts: The answer, as far as keys hang on it.
    """

    request: Message
    facts: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterTask:
    """A task on its way.

    Attributes:
        run: Names the run.
        task: What to do, in the words of the machine that planned it.
        expected: What must hold on the worker.
        files: Content of files by path, for a worker that has none of its own; None where there
            is none any more.
    """

    run: str
    task: Task
    expected: tuple[Expected, ...] = ()
    files: Mapping[str, bytes | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOutcome:
    """What comes back.

    Attributes:
        name: Of the task.
        steps: Replies by key; fewer than asked for where the run was stopped.
        wanted: Paths whose content the worker needs before it can begin.
        differs: What is not as it was planned; nothing was done then.
        bitstreams: Content by sha256.
        audio: WAV files by the content hash of the signal.
    """

    name: str
    steps: tuple[tuple[str, Reply], ...] = ()
    wanted: tuple[str, ...] = ()
    differs: str = ""
    bitstreams: Mapping[str, bytes] = field(default_factory=dict)
    audio: Mapping[str, bytes] = field(default_factory=dict)


def run_cluster_task(work: ClusterTask) -> ClusterOutcome:
    """Carry out a task on a worker, in the supervised child of its thread."""
    seat = own_seat()
    name = work.task.name
    with seat.taken(work.run, own_limits(work.task.limits)) as child:
        if differs := _difference(work, seat):
            return ClusterOutcome(name=name, differs=differs)
        places, wanted = _find_files(work, seat, child)
        if wanted:
            return ClusterOutcome(name=name, wanted=tuple(wanted))
        _warm_up(work, seat, child)
        objects = ObjectStore(seat.folder / "objects")
        requests = [_at_home(step.request, places, objects) for step in work.task.steps]
        found = tuple(_replies(work, requests, child, places))
        return ClusterOutcome(
            name=name,
            steps=found,
            bitstreams=_made(found, "bitstream", objects.bitstream_path),
            audio=_made(found, "degraded", objects.audio_path),
        )


def _difference(work: ClusterTask, seat: Seat) -> str:
    """Say what is not as it was when the run was planned; "" where nothing is."""
    for expected in work.expected:
        request = expected.request
        kind, *what = (str(request[key]) for key in sorted(request, key=lambda key: key != "op"))
        reply = seat.describe(json.dumps(request, sort_keys=True), request)
        subject = " ".join([kind.removeprefix("describe_"), *what])
        if reply.value is None:
            return f"{subject}: {reply.detail}"
        for key in IDENTITY[kind]:
            if reply.value[key] != expected.facts[key]:
                there, wanted = _short(reply.value[key]), _short(expected.facts[key])
                return f"{subject}: {key} is {there}, and was {wanted} when the run was planned"
    return ""


def _short(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text[:80] or "empty"


def _find_files(
    work: ClusterTask, seat: Seat, child: SupervisedChild
) -> tuple[dict[str, str], list[str]]:
    """Return where the files of a task lie here, by the path that it names, and what is missing."""
    places: dict[str, str] = {}
    wanted: list[str] = []
    for step in work.task.steps:
        for name, hash_name in FILES.items():
            path = str(step.request.get(name) or "")
            if not path or path in places or path in wanted:
                continue
            sha256 = str(step.request[hash_name])
            if path in work.files:
                places[path] = _place(work.files[path], path, sha256, seat.folder)
            elif _is_here(name, path, sha256, seat, child):
                places[path] = path
            else:
                wanted.append(path)
    return places, wanted


def _place(content: bytes | None, path: str, sha256: str, folder: Path) -> str:
    if content is None:
        # It is gone where the run was planned: the step will say so in its own words.
        return path
    place = folder / "files" / f"{sha256}{Path(path).suffix}"
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(content)
    return str(place)


def _is_here(name: str, path: str, sha256: str, seat: Seat, child: SupervisedChild) -> bool:
    """Return whether this machine has a file with the right content under the same path."""
    if not Path(path).is_file():
        return False
    if name != "path" or (path, sha256) in seat.verified:
        # Degraded audio is called by its content, and checked by the step that reads it.
        return True
    reply = child.call({"op": "holds", "path": path, "sha256": sha256})
    if reply.value is None or not reply.value["holds"]:
        return False
    seat.verified.add((path, sha256))
    return True


def _warm_up(work: ClusterTask, seat: Seat, child: SupervisedChild) -> None:
    steps = [step.request for step in work.task.steps if step.request["op"] == "score"]
    metrics = dict.fromkeys(str(request["metric"]) for request in steps)
    if fresh := [spec for spec in metrics if spec not in seat.warmed]:
        warm_up(cold_metrics(fresh), child)
        seat.warmed.update(fresh)


def _at_home(request: Message, places: Mapping[str, str], objects: ObjectStore) -> Message:
    """Return a request in the words of this machine."""
    local = dict(request)
    for name in FILES:
        if path := str(request.get(name) or ""):
            local[name] = places[path]
    if "objects" in request:
        local["objects"] = str(objects.root)
    return local


def _replies(
    work: ClusterTask, requests: list[Message], child: SupervisedChild, places: Mapping[str, str]
) -> Iterator[tuple[str, Reply]]:
    """Run the steps; tell of files by the names that the run gave them."""
    names = {here: path for path, here in places.items() if here != path}
    steps: tuple[Step, ...] = work.task.steps
    replies = child.stream(requests)
    for step, reply in zip(steps, replies, strict=True):
        yield step.key, _renamed(reply, names)
        if is_stopped(work.run):
            # Ends the child too, which has the next step already.
            replies.close()
            return


def _renamed(reply: Reply, names: Mapping[str, str]) -> Reply:
    text = json.dumps([reply.value, reply.detail, reply.trace])
    changed = text
    for here, path in names.items():
        changed = changed.replace(json.dumps(here)[1:-1], json.dumps(path)[1:-1])
    if changed == text:
        return reply
    value, detail, trace = json.loads(changed)
    return replace(reply, value=value, detail=detail, trace=trace)


def _made(
    found: tuple[tuple[str, Reply], ...],
    name: str,
    path_of: Callable[[str], Path],
) -> dict[str, bytes]:
    """Return the files that coding steps have made, by their hash."""
    digests = {
        str(reply.value[name]): None
        for _, reply in found
        if reply.value is not None and name in reply.value
    }
    return {digest: path_of(digest).read_bytes() for digest in digests}
