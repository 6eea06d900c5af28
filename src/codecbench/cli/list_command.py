"""``codecbench list``: what there is, without loading it."""

from typing import Any

import click

from codecbench.cli.paper_list import list_papers

WHAT = ["codecs", "metrics", "datasets", "suites", "recipes", "papers"]


@click.command("list")
@click.argument("what", type=click.Choice(WHAT))
def command(what: str) -> None:
    """List codecs, metrics, datasets, suites, recipes of training, or the systems of papers.

    Plug-ins of installed packages are listed too. What is missing for one to work is for
    'codecbench doctor' to say.
    """
    import inspect

    from codecbench.adapters.registry import CODECS
    from codecbench.core.construct import option_defaults
    from codecbench.core.errors import CodecBenchError
    from codecbench.core.registry import Registry
    from codecbench.core.spec import format_option
    from codecbench.datasets.pool_manifest import find_pool, pool_names
    from codecbench.datasets.registry import DATASETS
    from codecbench.metrics.registry import CORE, METRICS

    own_lists = {"suites": _list_suites, "recipes": _list_recipes, "papers": list_papers}
    if what in own_lists:
        own_lists[what]()
        return
    # Any: three registries of three kinds of classes, of which only the names matter here.
    registries: dict[str, Registry[Any]] = {
        "codecs": CODECS,
        "metrics": METRICS,
        "datasets": DATASETS,
    }
    registry = registries[what]
    for name in registry.names():
        try:
            cls = registry.load(name)
        except CodecBenchError as error:
            print(f"{name:16} ! {error}")
            continue
        told = (inspect.getdoc(cls) or "").splitlines()
        mark = " (core)" if what == "metrics" and name in CORE else ""
        print(f"{name:16} {told[0] if told else ''}{mark}")
        for option, default in option_defaults(cls).items():
            if default is inspect.Parameter.empty:
                shown = "…"
            elif isinstance(default, tuple | list):
                shown = "|".join(format_option(value) for value in default)
            else:
                shown = format_option(default)
            print(f"{'':16}   {option}={shown}")
    if what == "datasets":
        for name in pool_names():
            print(f"{name:16} {find_pool(name).title}")


def _list_suites() -> None:
    from codecbench.benchmark.cost_suite import cost_suite_names, find_cost_suite
    from codecbench.benchmark.suite import find_suite, suite_names

    for name in suite_names():
        print(f"{name:16} {find_suite(name).name}")
    for name in cost_suite_names():
        print(f"{name:16} {find_cost_suite(name).title} (for complexity --suite)")


def _list_recipes() -> None:
    from codecbench.training.recipe import about_recipe, recipe_names

    for name in recipe_names():
        about, scales = about_recipe(name)
        print(f"{name:16} {about} (--scale {'|'.join(scales)})")
