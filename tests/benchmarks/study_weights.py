"""Cards of the weights that come with codecbench, and the table of docs/weights.md.

Scores come from a run over speech that no training has seen; the course from the logs of the
trainings, oldest first, that led to each file::

    codecbench run -c "psq:bitrate=1500|3000" -c patch -c esc -c hificodec … --data SPEECH -o RUN
    python -P tests/benchmarks/study_weights.py RUN psq=LOG,LOG esc=LOG patch=LOG hificodec=LOG
"""

import argparse
import json
import re
from pathlib import Path
from typing import Any

from safetensors import safe_open

import codecbench
from codecbench.adapters.neural.shipped import REMARK, shipped_weights
from codecbench.core.checkpoint import read_checkpoint
from codecbench.training.log import read_log

ROOT = Path(__file__).parents[2]
METRICS = ("pesq_wb", "estoi", "visqol", "mel_dac")
TITLES = {
    "psq": "PSQ, 1.5 and 3.0 kbit/s",
    "patch": "Spectrogram Patch Codec, 7.5 kbit/s, causal vocoder",
    "esc": "ESC, 1.5 to 9 kbit/s, narrow",
    "hificodec": "HiFi-Codec, 16 kHz, 2 kbit/s, narrow",
}
BESIDE = ("opus", "codec2")
"""Systems of the run that stand below the networks, to compare with."""
MARK = re.compile(r"(<!-- table: .*? -->\n).*?(<!-- end -->)", re.DOTALL)


def scores(run: Path) -> list[dict[str, Any]]:
    """Return one row per system and point: label, codec, rate, and text for each metric."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for found in codecbench.open_run(run).table().to_dict("records"):
        if found["condition"] != "clean" or found["metric"] not in METRICS:
            continue
        row = rows.setdefault((found["codec"], found["point"]), {"label": found["label"]})
        row["codec"] = found["codec"].partition(":")[0]
        row["kbps"] = found["payload_bps"] / 1000
        row["n"] = int(found["n_common"])
        low, high = found["ci_low_common"], found["ci_high_common"]
        row[found["metric"]] = f"{found['mean_common']:.3f} [{low:.3f}, {high:.3f}]"
    return [rows[key] for key in rows]


def score_table(rows: list[dict[str, Any]]) -> str:
    """Return rows as Markdown."""
    head = ["Codec", "kbit/s", *METRICS, "n"]
    lines = ["| " + " | ".join(head) + " |", "|---|---:" + "|---:" * (len(METRICS) + 1) + "|"]
    for row in rows:
        cells = [
            row["label"],
            f"{row['kbps']:.2f}",
            *(row[name] for name in METRICS),
            str(row["n"]),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def course(logs: list[Path]) -> str:
    """Return what each training's validations found, as Markdown."""
    lines = ["| training | step | point | ESTOI | mel_dac | utilisation | unused codewords |",
             "|---|---:|---|---:|---:|---:|---:|"]  # fmt: skip
    for number, log in enumerate(logs, 1):
        entries = [line for line in read_log(log) if line["kind"] == "validation"]
        every = max(1, len(entries) // 8)
        for entry in entries[::-1][::every][::-1]:
            for point, found in entry["scores"].items():
                if "estoi" in found and point in ("", "1", "6"):
                    use = [found.get(name) for name in ("utilisation", "dead_codes")]
                    shown = ["–" if value is None else f"{value:.2f}" for value in use]
                    lines.append(
                        f"| {number} | {entry['step']} | {point or '–'} | {found['estoi']:.3f} "
                        f"| {found['mel_dac']:.2f} | {shown[0]} | {shown[1]} |"
                    )
    return "\n".join(lines) + "\n"


def audio_hours(log: Path) -> tuple[str, int, float]:
    """Return recipe, steps and hours of audio, crops counted as often as they were drawn."""
    recipe, steps, hours, last, batch = "", 0, 0.0, 0, 0.0
    for line in read_log(log):
        if line["kind"] == "start":
            recipe, training = line["recipe"]["name"], line["recipe"]["training"]
            batch = training["batch"] * training["crop_s"]
            last = line["step"]
        elif line["kind"] == "train":
            hours += (line["step"] - last) * batch / 3600
            last = steps = line["step"]
    return recipe, steps, hours


def card(codec: str, logs: list[Path], rows: list[dict[str, Any]]) -> str:
    """Return the card of one file of weights."""
    path = shipped_weights(codec)
    assert path is not None
    with safe_open(path, framework="pt") as file:
        facts = json.loads(file.metadata()["training"])
    checkpoint = read_checkpoint(path)
    parameters = sum(value.numel() for value in checkpoint.tensors.values())
    first = next(iter(facts.values()))
    data = first["data"]
    licences = ", ".join(f"{name} {hours:.2f} h" for name, hours in data["licence_hours"].items())
    trainings = [audio_hours(log) for log in logs]
    steps = "; ".join(
        f"{number}: {count} steps, {hours:.1f} h of crops"
        for number, (_, count, hours) in enumerate(trainings, 1)
    )
    recipes = "".join(f"{n}. `{recipe}`\n" for n, (recipe, _, _) in enumerate(trainings, 1))
    deviations = dict.fromkeys(
        each for one in facts.values() for each in one["recipe"]["deviations"]
    )
    size = f"{path.stat().st_size / 2**20:.1f} MiB"
    about = {
        "File": f"`{path.name}`, {size}, {parameters:,} values of 16 bits",
        "sha256": f"`{checkpoint.sha256}`",
        "Paper": first["recipe"]["source"],
        "Data": f"{data['clips']} clips, {first['audio_hours']:.2f} h: {licences}",
        "Trainings": steps,
        "Hardware": "one thread of a shared two-core server; torch " + first["torch"],
        "Licence": "MIT; attribution of the data below",
    }
    table = "| | |\n|---|---|\n"
    table += "".join(f"| {name} | {value} |\n" for name, value in about.items())
    text = f"""# {TITLES[codec]}

**This is not the paper's model.** It is a small one, trained for a short time on two hours of
speech and a shared processor, so that the codec's row is not empty, its bits are real, and you have
something to go on from (`codecbench train {codec} --from shipped`). Its scores say nothing about
what the paper's authors reached. Wherever it is shown, "({REMARK})" stands beside its name.

{table}
Recipes, each going on where the one before it ended:

{recipes}
What differs from the paper, the options of the last training at the end:

{"".join(f"- {each}" + chr(10) for each in deviations)}
Attribution:

{"".join(f"- {each}" + chr(10) for each in data["attribution"])}
## Scores

Real clips of speakers that were not trained on; mean and 95 % interval of the mean over
clips clustered by speaker.

{score_table([row for row in rows if row["codec"] == codec])}
## Course of the training

On held-out speakers of the training's corpora, hard quantiser.

{course(logs)}"""
    return text.rstrip() + "\n"


def main() -> None:
    """Write cards and table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("logs", nargs="+", metavar="CODEC=LOG,LOG")
    options = parser.parse_args()
    rows = scores(options.run)
    for named in options.logs:
        codec, _, paths = named.partition("=")
        path = shipped_weights(codec)
        assert path is not None, codec
        logs = [Path(each) for each in paths.split(",")]
        path.with_suffix(".md").write_text(card(codec, logs, rows), encoding="utf-8")
    page = ROOT / "docs" / "weights.md"
    shown = [row for row in rows if row["codec"] in (*TITLES, *BESIDE)]
    text = page.read_text(encoding="utf-8")
    table = score_table(shown)
    page.write_text(MARK.sub(lambda found: found[1] + table + found[2], text), encoding="utf-8")


if __name__ == "__main__":
    main()
