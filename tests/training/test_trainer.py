"""The loop: exact resume, what a killed run loses, no silent NaN, what a checkpoint says."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from codecbench.core.errors import ConfigError, MissingDependencyError, RunError

torch = pytest.importorskip("torch")

from safetensors import safe_open  # noqa: E402

from codecbench.training.events import Finished, Saved, Started, Stepped, Validated  # noqa: E402
from codecbench.training.log import read_log  # noqa: E402
from codecbench.training.objective import DivergedError  # noqa: E402
from codecbench.training.recipe import read_recipe  # noqa: E402
from codecbench.training.state_file import load_state  # noqa: E402
from codecbench.training.trainer import TrainingOptions, train  # noqa: E402

SMALL = "batch=2,crop_s=0.16,validation_clips=1,validation_s=0.6,log_every=1,warm_up_steps=2"


def recipe_of(steps, every=1000, more="", changes=None):
    return read_recipe(f"psq:{SMALL},steps={steps},validate_every={every}{more}", changes=changes)


@pytest.fixture
def options(corpus, tmp_path):
    return TrainingOptions(data=str(corpus), out=tmp_path / "run", threads=1)


def same(one, other):
    """Whether two nested states are equal bit for bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def content(path):
    """Tensors and metadata; the file keeps the latter in no fixed order."""
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118


def losses_of(out):
    return [(line["step"], line["losses"]) for line in read_log(out) if line["kind"] == "train"]


def stop_after(events, step):
    """Listen until a save at or after a step, then leave, as a process that is killed does."""
    for event in events:
        if isinstance(event, Saved) and event.step >= step:
            return


def test_ten_and_ten_steps_are_twenty_bit_for_bit(options, tmp_path):
    recipe = recipe_of(20, every=10, more=",gain_low_db=-6,hard_from=0.7")
    whole = replace(options, out=tmp_path / "whole")
    list(train(recipe, whole))
    stop_after(train(recipe, options), 10)
    events = list(train(recipe, options))
    assert next(event for event in events if isinstance(event, Started)).step == 10
    found, wanted = (load_state(each.out / "state.safetensors") for each in (options, whole))
    assert found["step"] == 20
    assert same(found, wanted)
    assert losses_of(options.out) == losses_of(whole.out)
    for name in ("model.safetensors", "best.safetensors"):
        assert same(content(options.out / name), content(whole.out / name)), name


def test_a_run_that_dies_loses_only_the_steps_since_the_last_save(options, tmp_path):
    recipe = recipe_of(6, every=4)
    whole = replace(options, out=tmp_path / "whole")
    list(train(recipe, whole))
    events = train(recipe, options)
    for event in events:
        if isinstance(event, Stepped) and event.step == 5:
            break
    del events
    with (options.out / "log.jsonl").open("a") as log:
        log.write('{"kind": "train", "st')  # as it looks when the power fails
    started = next(iter(train(recipe, options)))
    assert started.step == 4
    list(train(recipe, options))
    assert losses_of(options.out) == losses_of(whole.out)
    assert same(*(load_state(each.out / "state.safetensors") for each in (options, whole)))


@pytest.mark.slow
def test_a_killed_process_goes_on_exactly(options, tmp_path):
    recipe = recipe_of(14, every=5)
    whole = replace(options, out=tmp_path / "whole")
    list(train(recipe, whole))
    command = [sys.executable, "-P", "-m", "codecbench", "train", recipe.name]
    command += ["--data", options.data, "-o", str(options.out), "--threads", "1"]
    # Names of caches and of fixtures are what the parent has.
    process = subprocess.Popen(command, env=dict(os.environ), stderr=subprocess.DEVNULL)
    for _ in range(600):
        if (options.out / "state.safetensors").is_file():
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    reached = load_state(options.out / "state.safetensors")["step"]
    assert reached % 5 == 0
    list(train(recipe, options))
    assert same(*(load_state(each.out / "state.safetensors") for each in (options, whole)))


def test_what_is_not_finite_stops_and_keeps_the_last_good_checkpoint(options):
    list(train(recipe_of(2), options))
    good = (options.out / "model.safetensors").read_bytes()
    state = (options.out / "state.safetensors").read_bytes()
    with pytest.raises(DivergedError, match=r"diverged in step \d+: .*is the last good one") as no:
        list(train(recipe_of(9, more=",learning_rate=1e37,schedule=constant"), options))
    assert "\n" not in str(no.value)
    assert (options.out / "model.safetensors").read_bytes() == good
    assert (options.out / "state.safetensors").read_bytes() == state
    assert read_log(options.out)[-1]["kind"] == "diverged"


def test_a_checkpoint_says_how_it_came_about(options):
    list(train(recipe_of(1), options))
    with safe_open(options.out / "model.safetensors", "pt") as file:
        notes = json.loads(file.metadata()["training"])
    assert notes["step"] == 1
    assert notes["recipe"]["settings"]["bitrate"] == 3000
    assert notes["recipe"]["deviations"]
    assert len(notes["history"]) == 1
    data = notes["data"]
    # Eighteen or nineteen of twenty speakers with clips of 1.2 s under each of two licences.
    assert data["licence_hours"] == pytest.approx({"CC-BY-4.0": 0.006, "CC0-1.0": 0.006}, abs=1e-3)
    assert data["attribution"] == ["maker of CC-BY-4.0", "maker of CC0-1.0"]
    assert len(data["fingerprint"]) == 64


def test_a_checkpoint_tells_of_settings_that_changed_on_the_way(options):
    list(train(recipe_of(2), options))
    first = options.out / "model.safetensors"
    second = replace(options, out=options.out.parent / "second", start_from=str(first))
    list(train(recipe_of(1), second))
    # The same command again changes nothing; another weight does, and more steps do.
    started = next(iter(train(recipe_of(1), second)))
    assert not any("differ" in note for note in started.notes)
    events = list(train(recipe_of(3, more=",loud_weight=0"), second))
    assert any("differ" in note for note in events[0].notes)
    with safe_open(second.out / "model.safetensors", "pt") as file:
        history = json.loads(file.metadata()["training"])["history"]
    assert [part["from_step"] for part in history] == [0, 1]
    assert [part["start_from"] for part in history] == [str(first), None]
    assert [part["settings"]["loud_weight"] for part in history] == [4.0, 0.0]
    assert [part["training"]["steps"] for part in history] == [1, 3]


def test_validation_uses_our_metrics_on_speakers_that_were_held_out(options):
    events = list(train(recipe_of(4, every=2, changes={"validation_clips": 2}), options))
    started = next(event for event in events if isinstance(event, Started))
    assert (started.held_out, started.validation_clips) == (True, 2)
    found = [event for event in events if isinstance(event, Validated)]
    assert [event.step for event in found] == [2, 4]
    for event in found:
        assert set(event.scores[""]) >= {"mel_dac", "utilisation", "dead_codes"}
        assert 0 <= event.scores[""]["utilisation"] <= 1
    held = read_log(options.out)[0]["validation"]
    assert len(held) == 2


def test_the_time_that_is_allowed_is_kept(options):
    events = list(train(recipe_of(100_000), replace(options, minutes=1e-6)))
    last = events[-1]
    assert isinstance(last, Finished)
    assert (last.step, last.reason) == (1, "the time is over")
    assert load_state(options.out / "state.safetensors")["step"] == 1


def test_another_seed_is_another_training(options, tmp_path):
    other = replace(options, seed=1, out=tmp_path / "other")
    list(train(recipe_of(2), options))
    list(train(recipe_of(2), other))
    assert losses_of(options.out) != losses_of(other.out)


def test_a_folder_with_something_else_is_left_alone(options):
    options.out.mkdir()
    (options.out / "thesis.tex").write_text("years of work")
    with pytest.raises(RunError, match=r"holds thesis\.tex and no training"):
        list(train(recipe_of(1), options))
    assert [each.name for each in options.out.iterdir()] == ["thesis.tex"]


def test_another_network_in_the_folder_is_refused(options):
    list(train(recipe_of(1), options))
    with pytest.raises(ConfigError, match="of another network") as caught:
        list(train(recipe_of(2, more=",bitrate=1500"), options))
    assert "\n" not in str(caught.value)


def test_cuda_that_is_not_there_is_said(options):
    if torch.cuda.is_available():
        pytest.skip("not here: a machine without CUDA")
    with pytest.raises(MissingDependencyError, match="--device cpu"):
        list(train(recipe_of(1), replace(options, device="cuda")))
