"""What a recipe can set: how long, on which crops, and what optimisers all objectives share."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """What the loop needs, whatever is trained.

    Attributes:
        steps: Length of the whole training, which schedules are stretched over.
        crop_s: Length of a crop, in s.
        batch: Crops per step.
        gain_low_db: Least random gain of a crop, in dB; no gain ever makes a crop clip.
        gain_high_db: Largest one.
        log_every: Steps whose losses are averaged to one line of the log.
        validate_every: Steps from one validation to the next.
        validation_clips: Clips of held-out speakers that are coded and scored.
        validation_s: Longest part of a clip that is scored, in s.
        save_minutes: Time between saves: what a killed run loses at most.
    """

    steps: int
    crop_s: float
    batch: int
    gain_low_db: float = 0.0
    gain_high_db: float = 0.0
    log_every: int = 50
    validate_every: int = 1000
    validation_clips: int = 8
    validation_s: float = 6.0
    save_minutes: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveSettings:
    """What every objective has; each adds its own by inheritance.

    Attributes:
        learning_rate: At the top of the schedule.
        schedule: "cosine" falls to zero at the last step; "exponential" is multiplied by `decay`
            every `decay_every` steps.
        warm_up_steps: Steps over which the rate rises linearly.
        decay: Factor of the exponential schedule.
        decay_every: Steps between its factors.
        clip_norm: Largest norm of a gradient; larger ones are scaled down. 0 leaves them.
        average_decay: Of the moving average of weights that is exported; 0 exports the weights
            themselves.
    """

    learning_rate: float
    schedule: Literal["constant", "cosine", "exponential"] = "constant"
    warm_up_steps: int = 0
    decay: float = 1.0
    decay_every: int = 1
    clip_norm: float = 0.0
    average_decay: float = 0.0
