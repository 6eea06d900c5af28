"""Comparing 150 systems on 500 clips: all 11,175 pairs at once against one pair after the other.

As many as 30 codecs at five rates have. Both give the same differences, intervals and adjusted
p-values; what a rank needs beyond them is measured apart.
"""

import statistics
import time

import numpy as np

from codecbench.reports.statistics.clusters import cluster_by_speaker
from codecbench.reports.statistics.estimates import estimate_means, p_differs
from codecbench.reports.statistics.multiplicity import holm
from codecbench.reports.statistics.ranking import compare_all, rank_systems

SYSTEMS, CLIPS, SPEAKERS = 150, 500, 40
REPEATS = 3


def measure() -> dict[str, float]:
    """Return CPU times in seconds, medians, and how many times faster all pairs at once are."""
    rng = np.random.default_rng(3)
    quality = np.linspace(0.0, 2.0, SYSTEMS)
    noise = rng.normal(size=CLIPS) + 0.3 * rng.normal(size=(SYSTEMS, CLIPS))
    scores = quality[:, None] + noise
    speakers = cluster_by_speaker([f"s{clip % SPEAKERS}" for clip in range(CLIPS)])
    loop_s, ours_s, rank_s = [], [], []
    for _ in range(REPEATS):
        started = time.process_time()
        alone = [
            estimate_means(scores[one] - scores[other], speakers)
            for one in range(SYSTEMS)
            for other in range(one + 1, SYSTEMS)
        ]
        p_adjusted = holm(np.array([float(p_differs(found)) for found in alone]))
        loop_s.append(time.process_time() - started)
        started = time.process_time()
        pairs = compare_all(scores, speakers)
        ours_s.append(time.process_time() - started)
        started = time.process_time()
        ranks = rank_systems(scores, speakers, higher_is_better=True, pairs=pairs)
        rank_s.append(time.process_time() - started)
        for field in ("mean", "low", "high"):
            theirs = np.array([getattr(found, field) for found in alone])
            np.testing.assert_allclose(getattr(pairs.difference, field), theirs, atol=1e-12)
        np.testing.assert_allclose(pairs.p_adjusted, p_adjusted, atol=1e-12)
        if ranks is None or len(ranks) != SYSTEMS:
            msg = "the ranks are not those of all systems"
            raise RuntimeError(msg)
    loop, ours = statistics.median(loop_s), statistics.median(ours_s)
    return {
        "loop_s": round(loop, 3),
        "ours_s": round(ours, 3),
        "ratio": round(loop / ours, 1),
        "ranks_s": round(statistics.median(rank_s), 3),
    }
