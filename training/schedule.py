"""Learning rates as a function of the step alone, so that nothing has to be saved of them."""

import math

from codecbench.training.settings import ObjectiveSettings


def learning_rate(settings: ObjectiveSettings, step: int, steps: int) -> float:
    """Return the rate of a step.

    Args:
        settings: Height and shape of the schedule.
        step: Number of the step, from 0.
        steps: Length of the whole training.
    """
    top, warm_up = settings.learning_rate, settings.warm_up_steps
    if step < warm_up:
        return top * (step + 1) / warm_up
    if settings.schedule == "cosine":
        done = (step - warm_up) / max(1, steps - warm_up)
        return top * 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))
    if settings.schedule == "exponential":
        return top * settings.decay ** (step // settings.decay_every)
    return top
