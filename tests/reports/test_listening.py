"""The listening kit: what is played, who listens, and what the votes say."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from scipy import signal

from codecbench.benchmark.conditions.speech_level import active_speech_level
from codecbench.cli.listen_command import command
from codecbench.core.audio import Audio
from codecbench.core.audio_file import read_audio
from codecbench.core.errors import ConfigError
from codecbench.reports.listening.kit import SESSION, write_kit
from codecbench.reports.listening.outcome import write_outcome
from codecbench.reports.listening.ratings import metric_agreement, opinion_scores, screen_listeners
from codecbench.reports.listening.stimuli import Stimulus, beeps, collect_stimuli, levelled

RATE = 16000


def babble(seed: int, gain: float) -> Audio:
    """Noise in syllables, 1.5 s."""
    rng = np.random.default_rng(seed)
    t = np.arange(3 * RATE // 2) / RATE
    return Audio.clip(gain * rng.standard_normal(t.size) * (np.sin(8 * t) > 0), RATE)


def stimulus(kind: str, system: str, expected: int | None = None, **more) -> Stimulus:
    audio = Audio(np.full(RATE // 5, 0.01, dtype=np.float32), RATE)
    facts = {"clip": "c0", "audio": audio} | more
    return Stimulus(kind=kind, system=system, expected=expected, **facts)


@pytest.mark.parametrize("gain", [0.001, 0.05, 0.3])
def test_speech_is_brought_to_its_level_without_clipping(gain):
    audio = levelled(babble(1, gain))
    assert active_speech_level(audio.samples, RATE) == pytest.approx(-26.0, abs=0.05)
    assert np.abs(audio.samples).max() < 1.0


def test_a_click_is_not_made_to_clip():
    samples = babble(2, 0.001).samples.copy()
    samples[5000] = 0.9
    assert np.abs(levelled(Audio(samples, RATE)).samples).max() <= 1.0


@pytest.mark.parametrize("count", [2, 4])
def test_a_trap_has_as_many_beeps_as_it_asks_for(count):
    envelope = np.abs(signal.hilbert(beeps(count, RATE).samples))
    peaks, _ = signal.find_peaks(envelope > 0.05, plateau_size=10)
    assert len(peaks) == count


def test_a_kit_from_a_run_has_anchors_golds_and_traps(synthetic, tmp_path):
    from codecbench.reports.merging import merge_results

    results = synthetic.make_results(
        [synthetic.system("one", [6000, 9000])], [synthetic.PESQ], ["a", "b"], lambda *_: 3.0
    )
    run = synthetic.with_store(results, tmp_path / "run", tmp_path / "cache", ["a", "b"])
    merged = merge_results([run])
    found = collect_stimuli([run], merged, ["a", "b"], tmp_path / "cache", points=["one 9000"])
    systems = [each.system for each in found if each.clip == "a"]
    assert systems == [
        "reference", "one 9000", "MNRU 8 dB", "MNRU 16 dB", "MNRU 24 dB", "MNRU 32 dB",
        "MNRU 40 dB", "gold: reference", "gold: noise",
    ]  # fmt: skip
    assert [each.expected for each in found if each.kind == "trap"] == [2, 4]
    write_kit(found, tmp_path / "kit")
    table = pd.read_csv(tmp_path / "kit" / "stimuli.csv", dtype=str)
    assert len(table) == len(found) == 20
    for row in table.to_dict("records"):
        assert read_audio(tmp_path / "kit" / row["file"]).sample_rate == RATE
    mushra = json.loads((tmp_path / "kit" / "webmushra.yaml").read_text())
    (_, *pages), finish = mushra["pages"]
    assert [page["type"] for page in pages] == ["mushra", "mushra"]
    assert pages[0]["createAnchor35"]
    assert pages[0]["createAnchor70"]
    assert len(pages[0]["stimuli"]) == 1
    assert finish["type"] == "finish"
    with pytest.raises(ConfigError, match="no condition 'two'"):
        collect_stimuli([run], merged, ["a"], tmp_path / "cache", points=["two"])
    with pytest.raises(ConfigError, match="not in the cache"):
        collect_stimuli([run], merged, ["a"], tmp_path / "nowhere")


def test_each_session_of_a_crowd_has_one_trap_and_one_gold_clip(tmp_path):
    stimuli = [stimulus("system", f"s{number}") for number in range(2 * SESSION)]
    stimuli += [stimulus("trap", "2 beeps", 2), stimulus("trap", "4 beeps", 4)]
    stimuli += [stimulus("gold", "gold: noise", 1), stimulus("gold", "gold: reference", 5)]
    write_kit(stimuli, tmp_path)
    kinds = pd.read_csv(tmp_path / "stimuli.csv").set_index("file")["kind"]
    sessions = pd.read_csv(tmp_path / "p808.csv", keep_default_na=False)
    rated = []
    for session in sessions.to_numpy().tolist():
        played = [file for file in session if file]
        assert len(played) <= SESSION
        assert sorted(kinds[played])[0] == "gold"
        assert sum(kinds[played] == "trap") == sum(kinds[played] == "gold") == 1
        rated += [file for file in played if kinds[file] == "system"]
    assert sorted(rated) == sorted(kinds.index[kinds == "system"])


STIMULI = pd.DataFrame(
    [
        ("t2", "trap", "", "2 beeps", "", "", "2"),
        ("g1", "gold", "a", "gold: noise", "", "", "1"),
        ("g5", "gold", "a", "gold: reference", "", "", "5"),
        ("m8", "mnru", "a", "MNRU 8 dB", "", "", ""),
        ("m40", "mnru", "a", "MNRU 40 dB", "", "", ""),
        ("x", "system", "a", "one 6000", "one:auto=true", "6000", ""),
    ],
    columns=["stimulus", "kind", "clip", "system", "codec", "point", "expected"],
)
GOOD = {"t2": 2, "g1": 1, "g5": 5, "m8": 2, "m40": 4, "x": 3}


def votes_of(**listeners: dict[str, int]) -> pd.DataFrame:
    rows = [(name, key, value) for name, given in listeners.items() for key, value in given.items()]
    return pd.DataFrame(rows, columns=["listener", "stimulus", "rating"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        ({"g5": 4, "g1": 2}, ""),
        ({"g5": 3}, ""),
        ({"t2": 3}, "missed a trap"),
        ({"g5": 3, "g1": 3}, "wrong on 2 gold clips"),
        ({"m8": 4}, "MNRU 8 dB rated no worse than MNRU 40 dB"),
    ],
)
def test_listeners_are_screened(change, reason):
    (found,) = screen_listeners(votes_of(ann=GOOD | change), STIMULI)
    assert found.reason == reason
    assert found.n_ratings == 6


def test_one_rating_for_everything_does_not_count():
    plain = STIMULI[STIMULI["kind"] == "system"].assign(expected="")
    many = pd.concat([plain.assign(stimulus=name) for name in "abc"])
    (found,) = screen_listeners(votes_of(bob=dict.fromkeys("abc", 3)), many)
    assert found.reason == "one rating for everything"


def test_opinion_scores_have_students_interval_over_listeners():
    votes = votes_of(a={"x": 3}, b={"x": 4}, c={"x": 5}).merge(STIMULI, on="stimulus")
    (row,) = opinion_scores(votes).to_dict("records")
    # Mean 4, standard error 1/sqrt(3), Student's t with 2 degrees of freedom: 4.302653.
    assert row["mos"] == pytest.approx(4.0)
    assert row["ci_low"] == pytest.approx(4.0 - 4.302653 / np.sqrt(3), abs=1e-5)
    assert (row["votes"], row["listeners"]) == (3, 3)


def test_metrics_are_compared_with_listeners_better_with_better(synthetic):
    system = synthetic.system("one", [6000])
    results = synthetic.make_results(
        [system], [synthetic.PESQ, synthetic.MCD], list("abcde"),
        lambda metric, _s, _p, clip: 1.0 + clip / 2 if metric.name == "pesq_wb" else 9.0 - clip,
    )  # fmt: skip
    votes = pd.DataFrame(
        {
            "kind": "system", "codec": system.codec, "point": "6000", "clip": list("abcde"),
            "rating": [1, 2, 3, 4, 5],
        }
    )  # fmt: skip
    found = metric_agreement(votes, results).set_index("metric")
    assert found.loc["pesq_wb", "pearson"] == pytest.approx(1.0)
    assert found.loc["mcd", "spearman"] == pytest.approx(1.0)
    assert found.loc["mcd", "n_stimuli"] == 5
    assert metric_agreement(votes.head(4), results)["pearson"].isna().all()


def test_the_page_is_rated_in_a_browser_and_read_again(browser, tmp_path):
    stimuli = [
        stimulus("system", "one 6000", codec="one:auto=true", point="6000"),
        stimulus("trap", "2 beeps", 2, clip=""),
    ]
    page = write_kit(stimuli, tmp_path / "kit")
    expected = pd.read_csv(tmp_path / "kit" / "stimuli.csv", dtype=str).set_index("stimulus")
    with browser.visit(width=380) as visitor:
        visitor.go(page)
        visitor.page.get_by_label("Your name").fill('<img src=x onerror=alert(1)> "ann"')
        visitor.page.get_by_role("button", name="Begin").click()
        names = visitor.page.evaluate(
            "JSON.parse(document.getElementById('data').textContent).sounds.map(s => s.name)"
        )
        assert names == list(expected.index)
        for _ in stimuli:
            visitor.page.get_by_role("button", name="Play").click()
            rating = visitor.page.locator("input[value='2']")
            rating.wait_for()
            rating.check()  # waits until the sound has ended
            visitor.page.get_by_role("button", name="Next").click()
        with visitor.page.expect_download() as download:
            visitor.page.get_by_role("link", name="Save the ratings").click()
        download.value.save_as(tmp_path / "ann.json")
        assert visitor.trouble == []
    lines = write_outcome(tmp_path / "kit", [tmp_path / "ann.json"], None, tmp_path / "out")
    assert lines[0] == "1 of 1 listeners count"
    assert "one 6000: 2.00" in lines[1]


def test_ratings_that_do_not_count_give_no_score(tmp_path):
    kit = tmp_path / "kit"
    kit.mkdir()
    STIMULI.to_csv(kit / "stimuli.csv", index=False)
    bad = tmp_path / "bad.csv"
    votes_of(eve=GOOD | {"t2": 5}).to_csv(bad, index=False)
    done = CliRunner().invoke(command, ["import", str(kit), str(bad), "-o", str(tmp_path / "out")])
    assert isinstance(done.exception, ConfigError)
    assert "nobody's ratings count" in str(done.exception)
    assert "missed a trap" in (tmp_path / "out" / "listeners.csv").read_text()
    good = tmp_path / "good.csv"
    votes_of(ann=GOOD, bob=GOOD | {"x": 4}).to_csv(good, index=False)
    words = ["import", str(kit), str(good), str(bad), "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(command, words)
    assert done.exit_code == 0, done.output
    assert "2 of 3 listeners count" in done.output
    assert Path(tmp_path / "out" / "figures" / "mos.pdf").is_file()


@pytest.mark.parametrize("text", ["listener,stimulus,rating\na,x,6\n", "a,b\n1,2\n"])
def test_what_are_no_ratings_is_refused(tmp_path, text):
    from codecbench.reports.listening.ratings import read_ratings

    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(ConfigError, match="no ratings"):
        read_ratings([path])
