"""Names of the parts of conditions. A new one is one file and one line here."""

from codecbench.benchmark.conditions.base import Condition
from codecbench.core.registry import Registry

BUILTIN = {
    "level": "codecbench.benchmark.conditions.level:LevelCondition",
    "loss": "codecbench.benchmark.conditions.loss:LossCondition",
    "lowpass": "codecbench.benchmark.conditions.lowpass:LowpassCondition",
    "noise": "codecbench.benchmark.conditions.noise:NoiseCondition",
    "tandem": "codecbench.benchmark.conditions.tandem:TandemCondition",
}

CONDITIONS: Registry[Condition] = Registry(
    "condition",
    Condition,
    BUILTIN,
    "codecbench.conditions",
)
