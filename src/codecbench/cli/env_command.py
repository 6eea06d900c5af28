"""``codecbench env``: environments for codecs whose dependencies are not ours."""

import click


@click.group("env")
def command() -> None:
    """Make Python environments in which codecs run on their own, and list them.

    'codecbench env create snac --pip snac' makes one; the codec
    'env:python=snac,codec="./snac_codec.py:SnacCodec"' runs in it.
    """


@command.command("create")
@click.argument("name")
@click.option(
    "--pip",
    "packages",
    multiple=True,
    metavar="PACKAGES",
    help="What pip installs there, such as 'snac torch==2.4.1'; may be repeated.",
)
@click.option("--python", metavar="PATH", help="Interpreter, 3.11 or newer.  [default: this one]")
@click.option("--index-url", metavar="URL", help="Where pip looks for packages.")
def create(name: str, packages: tuple[str, ...], python: str | None, index_url: str | None) -> None:
    """Make the environment NAME with numpy and further packages.

    Nothing of codecbench is installed there. Code that you install runs with your rights.
    """
    from codecbench.adapters.external.environments import create_environment

    wanted = [package for text in packages for package in text.split()]
    further = ["--index-url", index_url] if index_url else []
    click.echo(f"making the environment {name}", err=True)
    print(create_environment(name, wanted, python=python, pip=further))


@command.command("list")
def show() -> None:
    """List the environments that there are, with their interpreters."""
    from codecbench.adapters.external.environments import environment_names, find_interpreter

    for name in environment_names():
        print(f"{name:16} {find_interpreter(name)}")


@command.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Delete the environment NAME."""
    from codecbench.adapters.external.environments import remove_environment

    remove_environment(name)
