"""Sides of a comparison from arrays of scores, and a codec whose weights are a number in a file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from codecbench.benchmark.store import Place
from codecbench.datasets.base import Clip
from codecbench.reports.regression.side import Side

MakeSide = Callable[..., Side]


@pytest.fixture(scope="session")
def make_side(synthetic) -> MakeSide:
    """Make a side; ``scores[metric][point]`` has a number or "status:reason" per clip."""

    def make(
        scores,
        *,
        name="old",
        codec="mine",
        speakers=None,
        clips=None,
        changed_audio=(),
        definition=None,
        fingerprint="fp",
        excess=1.0,
    ) -> Side:
        metrics = [facts for facts in synthetic.METRICS if facts.name in scores]
        if definition:
            metrics = [
                type(facts)(**{**_fields(facts), "definition_hash": definition})
                for facts in metrics
            ]
        points = list(next(iter(scores.values())))
        n_clips = len(next(iter(scores.values()))[points[0]])
        names = clips or [f"clip{number:02}" for number in range(n_clips)]
        system = synthetic.system(codec, [float(point) for point in points])
        system = type(system)(**{**_fields(system), "fingerprint": fingerprint})
        results = synthetic.make_results(
            [system],
            metrics,
            names,
            lambda metric, _, point, clip: scores[metric.name][point.name][clip],
            speakers=speakers,
            excess=excess,
            name=name,
        )
        known = {
            clip: Clip(
                id=clip,
                path=Path("nowhere") / f"{clip}.wav",
                sample_rate=16000,
                seconds=4.0 + number % 3,
                sha256=("other " if clip in changed_audio else "") + clip,
                tags={} if speakers is None else {"speaker": speakers[number]},
            )
            for number, clip in enumerate(names)
        }
        places = [
            Place(codec=system.codec, point=point, condition="clean", clip=clip)
            for point in points
            for clip in names
        ]
        return Side(
            name=name,
            results=results,
            clips=known,
            keys={place: f"{fingerprint}-{place.point}-{place.clip}" for place in places},
            degraded={place: f"pcm-{place.point}-{place.clip}" for place in places},
        )

    return make


def _fields(value) -> dict:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
