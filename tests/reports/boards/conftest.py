"""Two clips, two hands' runs of them, and a forger of bundles."""

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codecbench.benchmark.keys import ConditionIdentity, MetricIdentity, RunIdentity
from codecbench.benchmark.runner import RunOptions, run_suite
from codecbench.benchmark.suite import Suite
from codecbench.core.audio import Audio
from codecbench.core.audio_file import write_audio
from codecbench.reports.boards.packing import plan_bundle, write_bundle

METRICS = ("si_sdr", "lsd")


@pytest.fixture(scope="session")
def hands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data ``clips`` and the runs ``ann`` and ``bob`` with their caches."""
    folder = tmp_path_factory.mktemp("hands")
    for index, ms in enumerate((700, 500)):
        rng = np.random.default_rng(index)
        t = np.arange(16 * ms) / 16000
        sound = 0.2 * np.sin(2 * np.pi * (200 + 900 * t) * t) + 0.01 * rng.standard_normal(t.size)
        write_audio(folder / "clips" / f"clip{index}.wav", Audio(sound, 16000))
    make_run(folder, "ann", ("opus:mode=cbr,bitrate=12000|24000", "pcm:bits=8"))
    make_run(folder, "bob", ("pcm:bits=8|12",))
    return folder


@pytest.fixture(scope="session", name="make_run")
def fixture_make_run() -> Callable[..., None]:
    """The function that made these runs."""
    return make_run


def make_run(
    folder: Path, name: str, codecs: tuple[str, ...], metrics: tuple[str, ...] = METRICS
) -> None:
    """Run codecs on the clips of a folder, with a cache of their own."""
    suite = Suite(codecs=codecs, data=str(folder / "clips"), metrics=metrics)
    options = RunOptions(jobs=1, cache=folder / f"cache-{name}")
    for _ in run_suite(suite, folder / name, options=options):
        pass


@pytest.fixture(scope="session")
def bundle(hands: Path) -> Path:
    """The bundle of the first hand."""
    path = hands / "ann.zip"
    write_bundle(plan_bundle(hands / "ann", cache=hands / "cache-ann", author="Ann"), path)
    return path


class Forger:
    """A bundle taken apart, to be put together otherwise, with hashes and keys that fit."""

    def __init__(self, path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            self.files = {name: archive.read(name) for name in archive.namelist()}
        self.manifest = json.loads(self.files.pop("manifest.json"))

    def table(self, name: str) -> Any:
        """Return a JSON file, or a list where it has lines."""
        text = self.files[name].decode()
        return (
            [json.loads(line) for line in text.splitlines()]
            if "jsonl" in name
            else json.loads(text)
        )

    def put(self, name: str, value: Any) -> None:
        """Write a JSON file."""
        rows = value if name.endswith("jsonl") else [value]
        self.files[name] = "".join(f"{json.dumps(row)}\n" for row in rows).encode()

    def edit(self, name: str, change: Callable[[Any], None]) -> "Forger":
        """Change every line of a JSON file."""
        value = self.table(name)
        for row in value if name.endswith("jsonl") else [value]:
            change(row)
        self.put(name, value)
        return self

    def swap(self, old: str, new: str, data: bytes) -> "Forger":
        """Put another sound in the place of one, under its own name, wherever it is named."""
        folder = "audio" if f"audio/{old}.flac" in self.files else "bits"
        ending = "flac" if folder == "audio" else "cbs"
        del self.files[f"{folder}/{old}.{ending}"]
        self.files[f"{folder}/{new}.{ending}"] = data
        text = self.files["encodings.jsonl"].decode()
        self.files["encodings.jsonl"] = text.replace(old, new).encode()
        return self.rekey()

    def rekey(self) -> "Forger":
        """Give encodings and cells the keys that follow from what stands there now."""
        run = self.table("run.json")
        table = run["identity"]
        identity = RunIdentity(
            **table
            | {
                "metrics": tuple(MetricIdentity(**each) for each in table["metrics"]),
                "conditions": tuple(ConditionIdentity(**each) for each in table["conditions"]),
            }
        )
        clips = {clip["id"]: clip["sha256"] for clip in run["clips"]}
        facts = {name: each for each in table["metrics"] for name in each["outputs"]}
        (condition,) = identity.conditions
        encodings, cells = self.table("encodings.jsonl"), self.table("cells.jsonl")
        degraded = {
            (row["codec"], row["point"], row["clip"]): (row["record"] or {}).get("degraded", "")
            for row in encodings
        }
        for cell in cells:
            cell["key"] = identity.scoring_key(
                clip=cell["clip"],
                sha256=clips[cell["clip"]],
                metric=facts[cell["metric"]]["identity"],
                condition=condition,
                degraded=degraded[cell["codec"], cell["point"], cell["clip"]],
            )
        self.put("cells.jsonl", cells)
        return self

    def rename(self) -> "Forger":
        """Give the run the name that follows from what stands there now."""
        run = self.table("run.json")
        identity = run["identity"]
        asked = {
            "systems": [
                [each["codec"], each["fingerprint"], [point["name"] for point in each["points"]]]
                for each in run["systems"]
            ],
            "dataset": run["dataset_fingerprint"],
            "metrics": [metric["identity"] for metric in identity["metrics"]],
            "conditions": [[each["name"], each["identity"]] for each in identity["conditions"]],
            "sample_rate": identity["sample_rate"],
            "seed": identity["seed"],
        }
        text = json.dumps(asked, sort_keys=True, separators=(",", ":"))
        run["name"] = self.manifest["run"] = hashlib.sha256(text.encode()).hexdigest()[:12]
        self.put("run.json", run)
        return self

    def write(self, path: Path, *, relist: bool = True) -> Path:
        """Write the bundle; with a manifest that fits, unless `relist` is False."""
        if relist:
            self.manifest["files"] = [
                {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
                for name, data in sorted(self.files.items())
            ]
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("manifest.json", json.dumps(self.manifest))
            for name, data in self.files.items():
                archive.writestr(name, data)
        return path


@pytest.fixture
def forger(bundle: Path) -> Forger:
    """The bundle of the first hand, in the hands of somebody else."""
    return Forger(bundle)
