"""The command line: click, one small module per command, imported when it is used."""

import importlib
import sys

import click

from codecbench import __version__

# Name: what `--help` says of it. The module of the same name is imported when the command runs.
COMMANDS = {
    "bisect": "Find the checkpoint that made a codec worse.",
    "bundle": "Pack a run into one file that others can verify.",
    "check": "Ask a codec whether it does what its adapter promises.",
    "compare": "Compare two runs, checkpoints or codecs, clip by clip; fail where it got worse.",
    "complexity": "Measure what codecs cost: parameters, operations, time, memory, latency.",
    "data": "Fetch corpora of speech, check them, list them.",
    "decode": "Turn a bitstream made by 'encode' back into a sound file.",
    "demo": "Run a small benchmark on built-in speech and write a report.",
    "doctor": "Say what is installed, what works, and whether the numbers here are right.",
    "encode": "Code a sound file into a bitstream.",
    "env": "Make Python environments for codecs whose dependencies are not ours.",
    "explain": "Say what a metric measures, within which limits, and how it is defined.",
    "export": "Write the results of a run as CSV, Parquet, JSON lines and other formats.",
    "figure": "Draw one figure from runs, trainings or ratings, with its data beside it.",
    "find-rate": "Find the rate at which a codec reaches a score.",
    "gate": "Keep a codec from getting worse than a committed baseline.",
    "gc": "Bound the cache of coded audio.",
    "listen": "Write a listening test from a run; read what listeners say.",
    "list": "List codecs, metrics, datasets or suites.",
    "merge": "Verify bundles and put their runs on a board.",
    "new": "Write a codec, metric or dataset of your own to start from, with its test.",
    "paper": "Make the tables and figures of a paper anew, beside what it says.",
    "report": "Write tables, figures and a page from a run.",
    "reproduce": "Make a run again from its stored suite, and say what is different.",
    "run": "Code clips with codecs, score them, and write a report.",
    "score": "Score sound files against their references, without codecs.",
    "stream": "Hold a codec's word on latency and streaming against what it does.",
    "train": "Train a codec by a recipe, with your own data or ours.",
}


class LazyGroup(click.Group):
    """A group whose commands are imported one by one, when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names without importing anything."""
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"codecbench.cli.{cmd_name.replace('-', '_')}_command")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table above, for speed."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.command(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 ok, 1 regression, 2 usage, 3 incomplete, 4 internal, 130 interrupted.",
)
@click.version_option(__version__, prog_name="codecbench")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def group(debug: bool) -> None:
    """Compare speech codecs: real bytes, conformant metrics, honest failures.

    Start with 'codecbench demo'; then 'codecbench run -c opus:bitrate=6000|12000 --data my/wavs'.
    """
    del debug


def main() -> None:
    """Run the command line and exit with its code."""
    from codecbench.cli.exit_codes import run_group

    sys.exit(run_group(group))
