"""Recipes: TOML files with the paper's settings and smaller ones side by side.

A recipe names the class that carries it out and holds one table for each scale. The keys of a table
are those of `TrainingSettings` and of the objective's own settings, and ``deviations``, which says
in words what differs from the paper.
"""

import importlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from codecbench.core.construct import spec_value
from codecbench.core.errors import ConfigError, MissingDependencyError, UnknownNameError
from codecbench.core.small_file import read_toml
from codecbench.core.spec import Spec
from codecbench.training.settings import ObjectiveSettings, TrainingSettings

if TYPE_CHECKING:
    from codecbench.training.objective import Objective

RECIPES = Path(__file__).parent / "recipes"
_ABOUT = ("about", "codec", "objective", "source")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One scale of a recipe, with what was asked to be different.

    Attributes:
        name: As asked for.
        scale: Name of the table.
        about: What it trains, in a sentence.
        codec: Name of the adapter that loads the result.
        objective: Class that carries it out, as ``"module:Class"``.
        source: Paper.
        deviations: What differs from the paper, in words.
        training: What the loop needs.
        settings: What the objective needs.
    """

    name: str
    scale: str
    about: str
    codec: str
    objective: str
    source: str
    deviations: tuple[str, ...]
    training: TrainingSettings
    settings: ObjectiveSettings

    def make(self, *, device: str) -> "Objective[Any]":
        """Make the objective; seed torch before, for the first weights are drawn here."""
        # Any: the class of the settings is that of the objective, whichever it is.
        return _load_class(self.objective)(self.settings, steps=self.training.steps, device=device)


def recipe_names() -> list[str]:
    """Return the names of the recipes that come with codecbench."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def about_recipe(name: str) -> tuple[str, list[str]]:
    """Return what a recipe of ours trains, and its scales; torch need not be installed."""
    table = read_toml(RECIPES / f"{name}.toml")
    return str(table["about"]), [key for key, value in table.items() if isinstance(value, dict)]


def read_recipe(
    text: str,
    *,
    scale: str = "small",
    changes: Mapping[str, object] | None = None,
    plugins: Collection[str] | None = None,
) -> Recipe:
    """Read a recipe.

    Args:
        text: Name of a recipe of ours or path of a TOML file, with settings that are to differ
            in the form of a spec: ``psq:bitrate=1500,steps=20000``.
        scale: Which table.
        changes: Further settings that are to differ.
        plugins: Modules that may be imported though the file alone names them; any where None.

    Raises:
        UnknownNameError: No such recipe, scale or setting.
        ConfigError: The file cannot be read, or a value cannot be right.
    """
    path, spec = _find(text)
    table = read_toml(path)
    for key in _ABOUT:
        if not isinstance(table.get(key), str):
            msg = f"{path}: a recipe needs '{key}' as text"
            raise ConfigError(msg)
    scales = {key: value for key, value in table.items() if isinstance(value, dict)}
    if scale not in scales:
        raise UnknownNameError(f"scale of the recipe '{path.stem}'", scale, scales)
    values = dict(scales[scale])
    deviations = tuple(str(each) for each in values.pop("deviations", ()))
    changed: dict[str, object] = {
        key: spec_value(spec.options, key, spec.name) for key in spec.options
    }
    changed.update(changes or {})
    values.update(changed)
    _require_named(table["objective"], plugins)
    objective = _load_class(table["objective"])
    ours = {field.name for field in fields(TrainingSettings)}
    theirs = {field.name for field in fields(objective.settings_type)}
    for key in values:
        if key not in ours | theirs:
            raise UnknownNameError(f"setting of the recipe '{path.stem}'", key, ours | theirs)
    where = f"{path.name} [{scale}]"
    return Recipe(
        name=text,
        scale=scale,
        **{key: table[key] for key in _ABOUT},
        deviations=deviations + tuple(f"{key} = {value}" for key, value in changed.items()),
        training=_validate(
            TrainingSettings, {key: values[key] for key in values if key in ours}, where
        ),
        settings=_validate(
            objective.settings_type, {key: values[key] for key in values if key in theirs}, where
        ),
    )


def _find(text: str) -> tuple[Path, Spec]:
    file, dot, rest = text.partition(".toml")
    if dot and (not rest or rest.startswith(":")):
        path = Path(f"{file}.toml").expanduser()
        return path, Spec.parse(f"recipe{rest}")
    spec = Spec.parse(text)
    if spec.name not in recipe_names():
        raise UnknownNameError("recipe", spec.name, recipe_names())
    return RECIPES / f"{spec.name}.toml", spec


def _require_named(target: str, plugins: Collection[str] | None) -> None:
    """Refuse to import what a recipe names and the user does not: to import is to run."""
    module = target.partition(":")[0]
    if plugins is None or module.startswith("codecbench.") or module in plugins:
        return
    msg = f"{module} would be imported, which only a file names; if you trust it: --plugin {module}"
    raise ConfigError(msg)


def _load_class(target: str) -> "type[Objective[Any]]":
    from codecbench.core.dependency import require

    require("torch")
    from codecbench.training.objective import Objective

    module, _, name = target.partition(":")
    try:
        cls = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        package = (error.name or module).partition(".")[0]
        raise MissingDependencyError(
            package, f"pip install {package}", detail=f"needed by {target}"
        ) from error
    except (AttributeError, ValueError) as error:
        msg = f"objective '{target}' cannot be imported; write module:Class"
        raise ConfigError(msg) from error
    if not (isinstance(cls, type) and issubclass(cls, Objective)):
        msg = f"'{target}' is no Objective"
        raise ConfigError(msg)
    return cls


def _validate(cls: type[_T], values: Mapping[str, Any], where: str) -> _T:
    # Any: TOML values, checked here by pydantic and nowhere else.
    from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

    strict = with_config(ConfigDict(extra="forbid", allow_inf_nan=False))(cls)
    try:
        return TypeAdapter(strict).validate_python(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        msg = f"{where}: {place}: {first['msg']}"
        raise ConfigError(msg) from error
