"""Measure how often intervals hold the truth: ours beside their rivals, as docs/statistics.md says.

python -P tests/benchmarks/interval_coverage.py
"""

import numpy as np
from scipy import stats

from codecbench.reports.statistics.clusters import Clusters
from codecbench.reports.statistics.estimates import estimate_means
from codecbench.reports.statistics.resampling import draw_clusters, resampled_means

REPETITIONS = 4000
CLIPS_EACH = 5
DRAWS = {
    "normal": (lambda rng, shape: rng.normal(size=shape), 0.0),
    "Laplace": (lambda rng, shape: rng.laplace(size=shape), 0.0),
    "Student, 3 degrees": (lambda rng, shape: rng.standard_t(3, size=shape), 0.0),
    "lognormal": (lambda rng, shape: rng.lognormal(size=shape), float(np.exp(0.5))),
}
SPEAKERS = (8, 12, 20, 29, 30, 60, 200)


def limits(name, clips, clusters):
    """Return lower and upper limits of each row by one method."""
    if name == "ours":
        found = estimate_means(clips, clusters)
        return found.low, found.high
    of_speaker = clusters.sums(clips) / clusters.sizes
    mean, n = of_speaker.mean(axis=1), clusters.count
    if name == "Student's t":
        reach = stats.t.ppf(0.975, n - 1) * of_speaker.std(axis=1, ddof=1) / np.sqrt(n)
        return mean - reach, mean + reach
    means = resampled_means(clips, clusters, draw_clusters(clusters, resamples=1000))
    if name == "percentile":
        return tuple(np.quantile(means, [0.025, 0.975], axis=0))
    away = of_speaker - mean[:, None]
    acceleration = (away**3).sum(axis=1) / (6 * (away**2).sum(axis=1) ** 1.5)
    bias = stats.norm.ppf(np.clip((means < mean).mean(axis=0), 1e-3, 1 - 1e-3))
    ordered = np.sort(means, axis=0)
    found = []
    for tail in (0.025, 0.975):
        z = bias + stats.norm.ppf(tail)
        share = stats.norm.cdf(bias + z / (1 - acceleration * z))
        places = np.clip((share * len(ordered)).astype(int), 0, len(ordered) - 1)
        found.append(ordered[places, np.arange(len(mean))])
    return tuple(found)


def main() -> None:
    """Print a table in Markdown: share of intervals that hold the truth, and relative widths."""
    methods = ("percentile", "BCa", "Student's t", "ours")
    print("| speakers' means | speakers | " + " | ".join(methods) + " | width, ours to t |")
    print("|---|---:|" + "---:|" * (len(methods) + 1))
    for name, (draw, truth) in DRAWS.items():
        for n_speakers in SPEAKERS:
            rng = np.random.default_rng([1, n_speakers])
            clips = np.repeat(draw(rng, (REPETITIONS, n_speakers)), CLIPS_EACH, axis=1)
            clips = clips + 0.5 * rng.normal(size=clips.shape)
            labels = np.repeat(np.arange(n_speakers), CLIPS_EACH)
            clusters = Clusters(labels=labels, kind="speaker")
            shares, widths = [], []
            for method in methods:
                low, high = limits(method, clips, clusters)
                shares.append(f"{np.mean((low <= truth) & (truth <= high)):.1%}")
                widths.append(np.median(high - low))
            cells = [name, str(n_speakers), *shares, f"{widths[-1] / widths[-2]:.2f}"]
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
