"""Recipes are read whole, or refused in one line that says what to do."""

import sys

import pytest

from codecbench.core.errors import ConfigError, UnknownNameError

pytest.importorskip("torch")

from codecbench.training.recipe import RECIPES, about_recipe, read_recipe, recipe_names


@pytest.mark.parametrize("name", recipe_names())
@pytest.mark.parametrize("scale", ["paper", "small"])
def test_every_recipe_has_both_scales_and_names_its_deviations(name, scale):
    recipe = read_recipe(name, scale=scale)
    assert recipe.training.steps > 0
    assert recipe.source
    assert recipe.deviations or scale == "paper"
    assert all(isinstance(each, str) and each for each in recipe.deviations)


def test_what_a_recipe_is_about_is_told_without_its_class():
    about, scales = about_recipe("psq")
    assert about.startswith("PSQ")
    assert scales == ["paper", "small"]


def test_settings_of_the_paper():
    """Brendel et al., section III-C, as psq.md section 6 has it."""
    recipe = read_recipe("psq", scale="paper")
    assert (recipe.training.steps, recipe.training.crop_s, recipe.training.batch) == (
        700_000,
        2.0,
        128,
    )
    assert (recipe.settings.learning_rate, recipe.settings.schedule) == (1e-3, "cosine")
    assert recipe.settings.mode == "noise"


def test_what_is_asked_for_goes_before_the_file_and_is_recorded():
    recipe = read_recipe("psq:bitrate=1500,steps=7", changes={"batch": 3})
    assert recipe.settings.bitrate == 1500
    assert (recipe.training.steps, recipe.training.batch) == (7, 3)
    assert recipe.deviations[-3:] == ("bitrate = 1500", "steps = 7", "batch = 3")


def test_a_recipe_of_ones_own_is_a_file(tmp_path):
    text = (RECIPES / "psq.toml").read_text().replace("batch = 8", "batch = 5")
    (tmp_path / "mine.toml").write_text(text)
    recipe = read_recipe(f"{tmp_path}/mine.toml:mode=straight_through")
    assert (recipe.training.batch, recipe.settings.mode) == (5, "straight_through")


@pytest.mark.parametrize(
    ("text", "scale", "message"),
    [
        ("pqs", "small", "unknown recipe 'pqs'; did you mean psq?"),
        ("psq", "tiny", "unknown scale of the recipe 'psq' 'tiny'"),
        ("psq:learning_rat=1e-3", "small", "did you mean learning_rate"),
        ("psq:batch=many", "small", "batch"),
        ("psq:mode=loud", "small", "mode"),
        ("psq:batch=2|4", "small", "takes one value"),
        ("nowhere.toml", "small", "cannot be read"),
    ],
)
def test_mistakes_are_one_line(text, scale, message):
    with pytest.raises(ConfigError) as caught:
        read_recipe(text, scale=scale)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("about = ", "not valid TOML"),
        ("about = 'x'", "a recipe needs 'codec' as text"),
        ("about='x'\ncodec='x'\nsource='x'\nobjective='nowhere:X'\n[small]", "nowhere"),
        ("about='x'\ncodec='x'\nsource='x'\nobjective='json:JSONDecoder'\n[small]", "no Objective"),
    ],
)
def test_a_damaged_recipe_is_refused(tmp_path, content, message):
    path = tmp_path / "bad.toml"
    path.write_text(content)
    with pytest.raises(Exception, match=message) as caught:
        read_recipe(str(path))
    assert "\n" not in str(caught.value)


def test_an_unknown_name_says_what_there_is():
    with pytest.raises(UnknownNameError, match=r"known: .*psq"):
        read_recipe("zzz")


def test_a_module_that_only_a_recipe_names_is_not_imported(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text("about='x'\ncodec='x'\nsource='x'\nobjective='antigravity:X'\n[small]")
    with pytest.raises(ConfigError, match=r"antigravity would be imported.*--plugin antigravity"):
        read_recipe(str(path), plugins=())
    assert "antigravity" not in sys.modules
