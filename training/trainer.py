"""The loop: crops, steps, validation, saves, until the steps or the time are over."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from codecbench.adapters.neural.shipped import shipped_weights
from codecbench.core.checkpoint import find_checkpoint, read_checkpoint
from codecbench.core.errors import ConfigError, MissingDependencyError, MissingWeightsError
from codecbench.core.fingerprint import hash_json
from codecbench.datasets.registry import get_dataset
from codecbench.training.audio_pool import AudioPool, Level, attributions, licences
from codecbench.training.batches import Batches
from codecbench.training.events import Event, Finished, Saved, Started, Stepped, Validated
from codecbench.training.held_out import split
from codecbench.training.objective import DivergedError, Objective
from codecbench.training.recipe import Recipe
from codecbench.training.run_folder import BEST, LAST, RunFolder, plain
from codecbench.training.validation import Validator

SHIPPED = "shipped"
"""Says in place of a path: the weights that come with codecbench."""
BEST_BY = "estoi"
"""The score at the highest point that tells which checkpoint is the best."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """What belongs to a machine and an occasion, not to a recipe.

    Attributes:
        data: Dataset spec of the audio.
        out: Folder of the run; one that holds a run goes on with it.
        device: "cpu" or "cuda".
        threads: Threads on the CPU; 0 leaves it to torch.
        minutes: Stop after so much time; 0 is no limit.
        seed: Of first weights, crops and noise.
        start_from: Checkpoint to begin with, "shipped" for the one that comes with codecbench,
            or None.
    """

    data: str
    out: Path
    device: str = "cpu"
    threads: int = 0
    minutes: float = 0.0
    seed: int = 0
    start_from: str | None = None


def train(recipe: Recipe, options: TrainingOptions) -> Iterator[Event]:
    """Train, telling what happens; whoever listens drives it.

    Steps depend on the seed and on their number alone, so a run that was stopped and goes on ends
    with the same bits as one that was not, on one thread of one kind of processor.

    Args:
        recipe: What to train.
        options: Where, on what, how long.

    Raises:
        DivergedError: A loss or gradient is not finite; the files in the folder are the last good
            ones.
        ConfigError: The state in the folder is of another model.
        DatasetError: The audio cannot be read.
        RunError: The folder cannot be used.
    """
    if options.device == "cuda" and not torch.cuda.is_available():
        raise MissingDependencyError(
            "CUDA", "the same command with --device cpu", detail="torch sees no CUDA device"
        )
    if options.threads:
        torch.set_num_threads(options.threads)
    training = _Training(recipe, options)
    with training.batches:
        yield from training.run()


def _start_path(asked: str, codec: str) -> Path:
    """Return the weights to begin with.

    Raises:
        MissingWeightsError: There are none.
    """
    if asked != SHIPPED:
        return find_checkpoint(asked, (LAST, BEST))
    path = shipped_weights(codec)
    if path is None:
        msg = f"no weights of {codec} come with codecbench; give the path of a checkpoint"
        raise MissingWeightsError(msg)
    return path


class _Training:
    """One invocation."""

    def __init__(self, recipe: Recipe, options: TrainingOptions) -> None:
        self.recipe, self.options, self.settings = recipe, options, recipe.training
        self.folder = RunFolder(options.out)
        torch.manual_seed(options.seed)
        self.objective: Objective[Any] = recipe.make(device=options.device)
        # Any: settings of this recipe's objective, whichever it is.
        self.step = 0
        self.best: float | None = None
        self.notes: list[str] = []
        # What was asked for, from which step on: settings may change when a run goes on.
        self.history: list[dict[str, Any]] = []
        if self.folder.has_state:
            self._resume()
        elif options.start_from is not None:
            checkpoint = read_checkpoint(_start_path(options.start_from, recipe.codec))
            self.objective.start_from(checkpoint.tensors, checkpoint.config)
        self._note_settings()
        self.dataset = get_dataset(options.data)
        readable = [clip for clip in self.dataset.clips if not clip.problem]
        self.split = split(readable or self.dataset.clips, self.settings.validation_clips)
        rate = self.objective.sample_rate
        self.pool = AudioPool(self.split.training, rate)
        self.validator = Validator(
            self.split.validation, sample_rate=rate, longest_s=self.settings.validation_s
        )
        multiple = self.objective.crop_multiple
        self.crop = max(1, round(self.settings.crop_s * rate / multiple)) * multiple
        self.batches = Batches(
            self.pool,
            count=self.settings.batch,
            length=self.crop,
            seed=options.seed,
            level=Level(low_db=self.settings.gain_low_db, high_db=self.settings.gain_high_db),
            device=options.device,
        )

    def _resume(self) -> None:
        state = self.folder.load()
        if state["codec"] != self.recipe.codec:
            msg = f"{self.folder.path} holds a training of {state['codec']}, not of "
            msg += f"{self.recipe.codec}; give another folder"
            raise ConfigError(msg)
        try:
            self.objective.load_state(state["objective"])
        except (KeyError, RuntimeError, ValueError) as error:
            told = " ".join(str(error).split())[:200]
            msg = f"{self.folder.path} holds a training of another network: {told}"
            raise ConfigError(msg) from error
        self.step, self.best = state["step"], state["best"]
        if state["seed"] != self.options.seed:
            self.notes.append(f"the seed was {state['seed']} before")
        # A run of an older version has none.
        self.history = list(state.get("history", []))
        self.folder.cut_log(self.step)

    def _note_settings(self) -> None:
        """Add what is asked for now to the history, unless it is what was asked for before."""
        asked = {
            "training": asdict(self.recipe.training),
            "settings": asdict(self.recipe.settings),
            "seed": self.options.seed,
        }
        before = self.history[-1] if self.history else {}
        if any(before.get(key) != plain(value) for key, value in asked.items()):
            if before:
                self.notes.append("settings differ from those of the steps before")
            begun = {"from_step": self.step, "start_from": None, **plain(asked)}
            if self.step == 0:
                begun["start_from"] = self.options.start_from
            self.history.append(begun)

    def run(self) -> Iterator[Event]:
        """Train; see `train`."""
        settings, folder = self.settings, self.folder
        started = saved = time.monotonic()
        yield self._start()
        self.objective.train()
        sums: Counter[str] = Counter()
        counted, since, first = 0, time.monotonic(), self.step
        reason = "all steps are done"
        validated = -1
        while self.step < settings.steps:
            losses = self._take_step()
            self.step += 1
            counted += 1
            for name, value in losses.items():
                sums[name] += value  # type: ignore[assignment]  # a Counter may hold fractions
            now = time.monotonic()
            if self.step % settings.log_every == 0 or self.step == settings.steps:
                means = {name: total / counted for name, total in sums.items()}
                speed = counted * settings.batch * self._crop_s / (now - since)
                folder.log("train", step=self.step, losses=means, speed=round(speed, 2))
                pace = (now - started) / (self.step - first)
                yield Stepped(
                    step=self.step,
                    losses=means,
                    speed=speed,
                    seconds_left=self._left(pace, now - started),
                )
                sums.clear()
                counted, since = 0, time.monotonic()
            if self.options.minutes and now - started >= 60 * self.options.minutes:
                reason = "the time is over"
                break
            if self.step % settings.validate_every == 0 and self.step < settings.steps:
                pause = time.monotonic()
                yield from self._validate()
                validated = self.step
                saved = time.monotonic()
                since += saved - pause
            elif now - saved >= 60 * settings.save_minutes:
                yield self._save(best=False)
                saved = time.monotonic()
        if validated != self.step and self.step > first:
            yield from self._validate()
        folder.log("end", step=self.step, reason=reason)
        yield Finished(step=self.step, steps=settings.steps, reason=reason)

    @property
    def _crop_s(self) -> float:
        return self.crop / self.objective.sample_rate

    def _left(self, pace_s: float, elapsed_s: float) -> float:
        left = pace_s * (self.settings.steps - self.step)
        return min(left, 60 * self.options.minutes - elapsed_s) if self.options.minutes else left

    def _start(self) -> Started:
        model = self.objective.export().model
        parameters = sum(each.numel() for each in model.parameters())
        notes = [*self.notes]
        if self.pool.left_out:
            clip, why = next(iter(self.pool.left_out.items()))
            notes.append(f"{len(self.pool.left_out)} clips left out, such as {clip}: {why}")
        if not self.split.held_out:
            notes.append("too few speakers to hold any out: validation is on clips trained with")
        self.folder.log(
            "start",
            step=self.step,
            recipe=plain(asdict(self.recipe)),
            marks=self.objective.marks,
            parameters=parameters,
            train_s=round(self.pool.seconds, 1),
            data=self._data(),
            validation=[clip.id for clip in self.split.validation],
            held_out=self.split.held_out,
            seed=self.options.seed,
            device=self.options.device,
            torch=torch.__version__,
        )
        return Started(
            step=self.step,
            steps=self.settings.steps,
            parameters=parameters,
            train_s=self.pool.seconds,
            validation_clips=len(self.split.validation),
            held_out=self.split.held_out,
            notes=tuple(notes),
        )

    def _take_step(self) -> Mapping[str, float]:
        batch = self.batches.get(self.step)
        torch.manual_seed(int(hash_json([self.options.seed, self.step])[:15], 16))
        try:
            return self.objective.train_step(batch, self.step)
        except DivergedError as error:
            kept = (
                f"{self.folder.path / LAST} is the last good one"
                if self.folder.has_state
                else ("nothing was saved yet")
            )
            self.folder.log("diverged", step=self.step, error=str(error))
            msg = f"training diverged in step {self.step + 1}: {error}; {kept}"
            raise DivergedError(msg) from error

    def _validate(self) -> Iterator[Event]:
        found = self.validator.run(self.objective)
        self.folder.log("validation", step=self.step, scores=found.scores, failed=found.failed)
        yield Validated(step=self.step, scores=found.scores, failed=found.failed)
        highest = found.scores[self.objective.points[-1]]
        # Without codes, as in a pre-training, a score is out of reach for what can be sent.
        score = highest.get(BEST_BY) if "utilisation" in highest else None
        better = score is not None and (self.best is None or score > self.best)
        if better:
            self.best = score
        yield self._save(best=better)

    def _save(self, *, best: bool) -> Saved:
        state = {
            "codec": self.recipe.codec,
            "step": self.step,
            "seed": self.options.seed,
            "best": self.best,
            "history": self.history,
            "objective": self.objective.state(),
        }
        notes = {
            "recipe": plain(asdict(self.recipe)),
            "step": self.step,
            "seed": self.options.seed,
            "audio_hours": round(self.pool.seconds / 3600.0, 4),
            "data": self._data(),
            "history": self.history,
            "torch": torch.__version__,
        }
        path = self.folder.save(state, self.objective.export(), notes, best=best)
        return Saved(step=self.step, path=path, best=best)

    def _data(self) -> dict[str, object]:
        return {
            "name": self.dataset.name,
            "fingerprint": self.dataset.fingerprint,
            "clips": len(self.split.training),
            "licence_hours": licences(self.split.training),
            "attribution": attributions(self.split.training),
        }
