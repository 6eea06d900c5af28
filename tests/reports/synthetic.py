"""Results of a run that never took place: every kind of cell, by formula and seed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from codecbench.benchmark.objects import ObjectStore
from codecbench.benchmark.results import COLUMNS, MetricFacts, PointFacts, RunResults, SystemFacts
from codecbench.benchmark.store import EncodingRow, Place, RunStore
from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_audio, write_audio
from codecbench.core.cell import Status
from codecbench.core.fingerprint import hash_pcm
from codecbench.datasets.base import Clip

RATE = 16000

PESQ = MetricFacts(
    name="pesq_wb",
    unit="MOS",
    higher_is_better=True,
    range=(1.0, 4.65),
    definition="P.862.2; 16 kHz",
    definition_hash="aaaa",
    source="ITU-T P.862.2",
)
STOI = MetricFacts(
    name="stoi",
    unit="",
    higher_is_better=True,
    range=(-1.0, 1.0),
    definition="10 kHz; 15 bands",
    definition_hash="bbbb",
    source="Taal et al. 2011",
)
MCD = MetricFacts(
    name="mcd",
    unit="dB",
    higher_is_better=False,
    range=(0.0, float("inf")),
    definition="order 24; alpha 0.42",
    definition_hash="cccc",
    source="Kubichek 1993",
)
METRICS = (PESQ, STOI, MCD)

Cells = Mapping[tuple[str, str, str, str], float | str]
"""(metric, codec, point, clip) → value, or "status:reason"."""


def system(name: str, rates: Sequence[float], kind: str = "waveform", **more) -> SystemFacts:
    points = tuple(PointFacts(name=f"{rate:g}", nominal_bps=rate) for rate in rates)
    facts = {"codec": f"{name}:auto=true", "label": name, "spec": name, "version": "1.0"}
    facts |= {"fingerprint": f"fp-{name}", "sample_rate": 16000, "latency_ms": 26.5}
    return SystemFacts(**(facts | {"kind": kind, "points": points} | more))


def make_results(
    systems: Sequence[SystemFacts],
    metrics: Sequence[MetricFacts],
    clips: Sequence[str],
    cell: Callable[[MetricFacts, SystemFacts, PointFacts, int], float | str],
    *,
    speakers: Sequence[str] | None = None,
    conditions: Sequence[str] = ("clean",),
    excess: float = 1.02,
    dataset: str = "synthetic",
    name: str = "r0",
) -> RunResults:
    """Build results in canonical order; `cell` gives each value, or "status:reason"."""
    rows = []
    for metric in metrics:
        for facts in systems:
            for point in facts.points:
                for condition in conditions:
                    for number, clip in enumerate(clips):
                        found = cell(metric, facts, point, number)
                        value, status, reason = found, "ok", ""
                        if isinstance(found, str):
                            status, _, reason = found.partition(":")
                            value = np.nan
                        payload = point.nominal_bps * excess
                        rows.append(
                            (
                                name, dataset, facts.codec, point.name, condition, clip,
                                metric.name, value, status, reason, metric.unit,
                                metric.definition_hash, facts.version, facts.fingerprint, 0,
                                4.0 + number % 3, 0.25, point.nominal_bps, payload,
                                payload + 100, payload + 300, np.nan, 16000.0, "clean", "",
                            )
                        )  # fmt: skip
    frame = pd.DataFrame.from_records(rows, columns=list(COLUMNS))
    frame["value"] = frame["value"].astype("float64")
    if speakers is not None:
        tag = dict(zip(clips, speakers, strict=True))
        frame["speaker"] = frame["clip"].map(tag)
    return RunResults(
        name=name,
        folder=Path("nowhere"),
        frame=frame,
        forensics=_forensics(systems, clips, conditions),
        codebooks=_codebooks(systems, conditions),
        systems=tuple(systems),
        metrics=tuple(metrics),
        suite={"codecs": [facts.spec for facts in systems], "data": dataset},
        environment={"python": "3.11", "packages": {"numpy": "2.0", "pesq": "0.0.4"}},
    )


def _forensics(systems, clips, conditions) -> pd.DataFrame:
    rows = [
        {
            "codec": facts.codec, "point": point.name, "condition": condition, "clip": clip,
            "delay_ms": {"early": -0.5, "codec2": 2.0}.get(facts.label.partition("-")[0], 0.0),
            "method": "envelope" if facts.kind == "parametric" else "waveform",
            "correlation": 0.5 if facts.label.startswith("quiet") else 1.0,
            "gain_db": -12.0 if facts.label.startswith("quiet") else -0.01 * number,
            "polarity": -1 if facts.label.startswith("inverted") else 1, "dc_offset": 0.0,
            "drift": 0.0, "clipped_share": 0.0, "length_difference": 0,
            "encode_s": 0.1, "decode_s": 0.1,
        }
        for facts in systems
        for point in facts.points
        for condition in conditions
        for number, clip in enumerate(clips)
    ]  # fmt: skip
    columns = [
        "codec", "point", "condition", "clip", "delay_ms", "method", "correlation", "gain_db",
        "polarity", "dc_offset", "drift", "clipped_share", "length_difference", "encode_s",
        "decode_s",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _codebooks(systems, conditions) -> pd.DataFrame:
    rows = [
        {
            "codec": facts.codec, "point": point.name, "condition": condition, "codebook": book,
            "size": 1024, "codes": 3000, "used_share": 0.8 if book else 2 / 1024,
            "perplexity": 600.0 if book else 2.0, "entropy_bits": 9.2 if book else 1.0, "note": "",
        }
        for facts in systems
        if facts.kind == "neural"
        for point in facts.points
        for condition in conditions
        for book in range(2)
    ]  # fmt: skip
    columns = [
        "codec", "point", "condition", "codebook", "size", "codes", "used_share", "perplexity",
        "entropy_bits", "note",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def realistic(n_clips: int = 36, n_speakers: int = 12, **more) -> RunResults:
    """Six systems, four anchors, failures, an undefined clip, a skipped metric, an absent codec."""
    systems = (
        system("opus-cbr", [6000, 8000, 12000, 16000, 24000]),
        system("opus-vbr", [12000, 24000]),
        system("codec2", [700, 1300, 2400, 3200], "parametric"),
        system("psq", [1500, 3000, 6000], "neural"),
        system("esc", [1500, 3000, 4500, 6000, 7500, 9000], "neural", trained=False),
        system("early-bird", [2000, 4000, 8000], "neural"),
        system("mnru", [5, 15, 25, 35], "anchor"),
        system("pcm", [256000]),
        system(
            "gone", [], "neural",
            unavailable="missing_dependency: torch is not usable; "
            'run: pip install "codecbench[neural]"',
        ),
    )  # fmt: skip
    rng = np.random.default_rng(7)
    noise = rng.standard_normal((len(METRICS), 64, n_clips))
    hardness = rng.standard_normal(n_clips)
    offset = {"opus-cbr": 0, "opus-vbr": 0.3, "codec2": 0.5, "psq": 1.1, "esc": 0.9}
    order = {
        (facts.label, point.name): number
        for number, (facts, point) in enumerate(
            (facts, point) for facts in systems for point in facts.points
        )
    }

    def cell(metric, facts, point, clip):
        if metric.name == "mcd" and clip == 3:
            return "undefined:too_short"
        if facts.label == "psq" and point.name == "1500" and clip in (4, 5):
            return "failed:crashed:SIGSEGV"
        if facts.label == "early-bird" and metric.name == "stoi":
            return "skipped:missing_dependency: pystoi is not usable; run: pip install pystoi"
        if facts.label == "mnru":
            level = 0.15 + 0.022 * point.nominal_bps
        elif facts.label == "pcm":
            level = 1.0
        else:
            bits = np.log2(point.nominal_bps / 1000 + 0.2)
            level = 1 / (1 + np.exp(-0.75 * (bits + 1.2 * offset.get(facts.label, 0.4) - 2.6)))
        row = noise[METRICS.index(metric), order[facts.label, point.name], clip]
        level = np.clip(level + 0.05 * hardness[clip] + 0.02 * row, 0.0, 1.0)
        if facts.label == "pcm":
            level = 1.0
        low, high = {"pesq_wb": (1.0, 4.65), "stoi": (0.5, 1.0), "mcd": (9.0, 0.0)}[metric.name]
        return float(low + (high - low) * level)

    clips = [f"clip{number:03d}" for number in range(n_clips)]
    speakers = [f"s{number % n_speakers}" for number in range(n_clips)]
    return make_results(systems, METRICS, clips, cell, **({"speakers": speakers} | more))


def tone(seed: int) -> Audio:
    noise = 0.1 * np.random.default_rng(seed).standard_normal(RATE // 2)
    return Audio.clip(noise, RATE).quantize_16bit()


def with_store(results: RunResults, folder: Path, cache: Path, ids: list[str]) -> RunResults:
    """Give synthetic results a run folder whose clips and degraded audio exist."""
    clips, store = [], ObjectStore(cache / "objects")
    for number, clip in enumerate(ids):
        path = folder / f"clip{number}.wav"
        folder.mkdir(parents=True, exist_ok=True)
        write_audio(path, tone(number))
        audio = read_audio(path)
        sha256 = hash_pcm(audio.samples, RATE)
        clips.append(
            Clip(id=clip, path=path, sample_rate=RATE, seconds=0.5, sha256=sha256, tags={})
        )
    degraded = [store.put_audio(tone(100 + number)) for number in range(len(ids))]
    encodings = [
        EncodingRow(
            place=Place(codec=facts.codec, point=point.name, condition="clean", clip=clip),
            key="k",
            status=Status.OK,
            record={"degraded": degraded[number]},
        )
        for facts in results.systems
        for point in facts.points
        for number, clip in enumerate(ids)
    ]
    with RunStore(folder, write=True) as run:
        run.write_plan(facts={"sample_rate": RATE}, clips=clips, systems=[], metrics=[])
        run.put(encodings=encodings)
    return replace(results, folder=folder)
