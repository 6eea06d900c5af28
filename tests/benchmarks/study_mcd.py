"""How far the definitions of mel-cepstral distortion agree on real codecs: docs/mcd_study.md.

Every clip is coded at every point. `mcd` and `mcd_ref_f0` are taken on all clips, the definitions
with harvest, which cost ten times as much, on some of them. Run it with a folder of speech::

    python -P tests/benchmarks/study_mcd.py SPEECH --out docs/figures
"""

import argparse
import json
import tempfile
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd

import codecbench

mpl.use("Agg")
import matplotlib.pyplot as plt

FAST = ("mcd", "mcd_ref_f0")
SLOW = ("mcd_harvest", "mcd_versa")
CODECS = (
    "opus:mode=cbr,bitrate=6000|8000|12000|16000|24000",
    "codec2:mode=700|1300|2400|3200",
    "mnru:q=5|15|25|35",
    "lowpass:cutoff=3500|7000",
    "noise:snr=0|10|20",
    "amrnb:mode=4750|12200",
    "amrwb:mode=6600|12650|23850",
    "speex:quality=2|4|8",
    "lc3:bitrate=16000|24000|32000",
    "mp3:bitrate=16000|24000|32000",
    "aac:bitrate=16000|32000",
    "g726:bitrate=16000|32000",
    "g711",
    "g722",
    "gsm",
    "psq:bitrate=1500|3000",
    "patch",
    "esc:streams=1|2|3|4|5|6",
    "hificodec",
)
KIND = {"mnru": "anchor", "lowpass": "anchor", "noise": "anchor", "codec2": "parametric"}
KIND |= dict.fromkeys(("psq", "patch", "esc", "hificodec"), "neural")
KEYS = ["codec", "point", "clip"]


def measure(data: str, metrics: tuple[str, ...], folder: Path, cache: Path) -> pd.DataFrame:
    """Return one row per pair of signals and one column per metric."""
    return pairs_of(
        codecbench.run(list(CODECS), data, metrics=list(metrics), out=folder, cache=cache)
    )


def pairs_of(run: codecbench.Run) -> pd.DataFrame:
    """Return one row per pair of signals that has all values, and one column per metric."""
    frame = run.frame()
    lost = frame[frame["status"] != "ok"]
    if len(lost):
        print(lost.groupby(["codec", "metric", "status", "reason"]).size())
    wide = frame.pivot(index=KEYS, columns="metric", values="value").dropna()
    return wide.reset_index()


def agreement(pairs: pd.DataFrame, base: str, other: str) -> dict[str, float]:
    """Compare two definitions.

    Args:
        pairs: One row per pair of signals.
        base: Column of the one.
        other: Column of the other.

    Returns:
        Shift of the mean in dB and as a ratio; Spearman's coefficient over the means of all
        points, over the pairs within each system and over the clips within each point (median and
        least); share of pairs of points whose order is the other way round, and the largest
        difference in `base` that such a pair has.
    """
    means = pairs.groupby(["codec", "point"])[[base, other]].mean()
    within_system = [
        spearman(group, base, other)
        for _, group in pairs.groupby("codec")
        if group["point"].nunique() > 1
    ]
    within_point = [spearman(group, base, other) for _, group in pairs.groupby(["codec", "point"])]
    x, y = means[base].to_numpy(), means[other].to_numpy()
    first, second = np.triu_indices(len(means), 1)
    swapped = (x[first] - x[second]) * (y[first] - y[second]) < 0
    return {
        "pairs": len(pairs),
        "clips": pairs["clip"].nunique(),
        "points": len(means),
        "mean_base": float(pairs[base].mean()),
        "mean_other": float(pairs[other].mean()),
        "shift_db": float((pairs[other] - pairs[base]).mean()),
        "ratio": float(pairs[other].mean() / pairs[base].mean()),
        "across_points": spearman(means, base, other),
        "within_system_median": float(np.median(within_system)),
        "within_system_least": float(np.min(within_system)),
        "within_point_median": float(np.median(within_point)),
        "within_point_least": float(np.min(within_point)),
        "swapped_share": float(swapped.mean()),
        "swapped_largest_db": float(np.abs(x[first] - x[second])[swapped].max(initial=0.0)),
    }


def spearman(table: pd.DataFrame, base: str, other: str) -> float:
    """Return Spearman's coefficient of two columns."""
    return float(table[[base, other]].rank().corr().iloc[0, 1])


def means_table(pairs: pd.DataFrame, names: list[str]) -> list[dict[str, object]]:
    """Return the mean of every point in every definition, in rising order of `mcd`."""
    means = pairs.groupby(["codec", "point"])[names].mean().sort_values("mcd").reset_index()
    return [
        {"system": short(row["codec"]), "point": row["point"], **{n: row[n] for n in names}}
        for _, row in means.iterrows()
    ]


def short(codec: str) -> str:
    """Return the name of a system without its options."""
    return codec.split(":")[0].split("@")[0]


def draw(all_pairs: pd.DataFrame, some_pairs: pd.DataFrame, path: Path) -> None:
    """Draw the means of all points, each other definition over `mcd`."""
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
    panels = (("mcd_ref_f0", all_pairs), ("mcd_harvest", some_pairs), ("mcd_versa", some_pairs))
    looks = {
        "waveform": ("o", "#0072b2"),
        "parametric": ("s", "#d55e00"),
        "neural": ("D", "#cc79a7"),
        "anchor": ("^", "#777"),
    }
    for axis, (other, pairs) in zip(axes, panels, strict=True):
        means = pairs.groupby(["codec", "point"])[["mcd", other]].mean().reset_index()
        kinds = means["codec"].map(lambda codec: KIND.get(short(codec), "waveform"))
        for kind, (marker, colour) in looks.items():
            chosen = means[kinds == kind]
            axis.plot(chosen["mcd"], chosen[other], marker, color=colour, ms=5, label=kind)
        end = float(means[["mcd", other]].to_numpy().max()) * 1.05
        axis.plot([0, end], [0, end], color="#bbb", lw=0.8, zorder=0)
        axis.set(xlabel="mcd [dB]", ylabel=f"{other} [dB]")
        rho, clips = spearman(means, "mcd", other), pairs["clip"].nunique()
        axis.set_title(f"ρ = {rho:.3f}, {clips} clips", fontsize=9)
    axes[0].legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def main() -> None:
    """Run the study and write figure and figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("speech", type=Path, help="folder of speech at 16 kHz, or with --run a run")
    parser.add_argument(
        "--run", action="store_true", help="only compare mcd and mcd_ref_f0 of a run"
    )
    parser.add_argument("--out", type=Path, default=Path("docs/figures"))
    parser.add_argument("--work", type=Path, help="keep runs and cache here")
    parser.add_argument("--slow-clips", type=int, default=12)
    parser.add_argument("--crop", type=float, default=4.0, help="seconds of each clip")
    wanted = parser.parse_args()
    if wanted.run:
        pairs = pairs_of(codecbench.open_run(wanted.speech))
        kinds = pairs["codec"].map(lambda codec: KIND.get(short(codec), "waveform"))
        for name, group in (("all", pairs), ("neural", pairs[kinds == "neural"])):
            print(name, json.dumps(agreement(group, *FAST), indent=2))
            print(json.dumps(means_table(group, list(FAST))))
        return
    with tempfile.TemporaryDirectory() as temporary:
        work = wanted.work or Path(temporary)
        source = f'folder:path="{wanted.speech}",crop_s={wanted.crop:g}'
        every = measure(source, FAST, work / "all", work / "cache")
        some_source = f"{source},n={wanted.slow_clips}"
        some = measure(some_source, (*FAST, *SLOW), work / "some", work / "cache")
    rows = {"mcd_ref_f0": agreement(every, "mcd", "mcd_ref_f0")}
    rows |= {f"{n} (some clips)": agreement(some, "mcd", n) for n in ("mcd_ref_f0", *SLOW)}
    rows["mcd_ref_f0 against mcd_harvest"] = agreement(some, "mcd_harvest", "mcd_ref_f0")
    found = {
        "crop_s": wanted.crop,
        "agreement": rows,
        "means_all": means_table(every, list(FAST)),
        "means_some": means_table(some, [*FAST, *SLOW]),
    }
    wanted.out.mkdir(parents=True, exist_ok=True)
    draw(every, some, wanted.out / "mcd_study.png")
    text = json.dumps(found, indent=2)
    (wanted.out / "mcd_study.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
